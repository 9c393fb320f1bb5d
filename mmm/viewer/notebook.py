"""Clips in notebooks: ``clip.show()``, and a clip as the last value of a cell.

``mmm.motion`` does not depend on the viewer. The viewer therefore adds these two methods to
``Clip`` when it is imported. Slow imports are delayed until one of them is called.
"""

from typing import TYPE_CHECKING

from mmm.motion.clip import Clip

if TYPE_CHECKING:
    from mmm.viewer.show import Shown


def register() -> None:
    """Give ``Clip`` the methods ``show`` and ``_repr_html_``."""
    # setattr, because type checkers refuse to assign a method that the class does not define.
    for name, method in (("show", _show), ("_repr_html_", _repr_html)):
        setattr(Clip, name, method)


def _show(self: Clip, height: int = 600) -> "Shown":
    """The clip in the viewer, for notebooks.

    Args:
        height: height of the viewer, CSS pixels.
    """
    # Imported here: the page needs soundfile, and most scripts never show a clip.
    from mmm.viewer.show import show

    return show(self, height=height)


def _repr_html(self: Clip) -> str:
    return _show(self)._repr_html_()

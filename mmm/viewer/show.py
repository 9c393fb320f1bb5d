"""``mmm.show``: show clips and results in a notebook."""

import html
from typing import Any

from mmm.motion.clip import Clip
from mmm.viewer.html import HEIGHT, page
from mmm.viewer.scene import Scene, Watchable, scene_of


class Shown:
    """A scene that a notebook shows: a page in an iframe, so that cells do not interfere.

    Notebooks show the last value of a cell. Elsewhere pass it to ``IPython.display.display``.
    """

    def __init__(self, scene: Scene, height: int = HEIGHT, theme: str = "auto") -> None:
        self.scene, self.height, self.theme = scene, height, theme

    def __repr__(self) -> str:
        return f"Shown({self.scene.title!r}: {len(self.scene)} frames; a notebook draws it)"

    def _repr_html_(self) -> str:
        """An iframe that holds the whole page. It fetches nothing, and saved notebooks keep it."""
        # srcdoc is an attribute, which a quote in the page would end.
        document = html.escape(page(self.scene, self.height, self.theme), quote=True)
        title = html.escape(self.scene.title, quote=True)
        # 80 pixels beyond the viewer for the page's title and margins, or the frame would scroll.
        return (
            f'<iframe srcdoc="{document}" title="{title}" allow="autoplay; fullscreen" '
            f'style="width:100%;height:{self.height + 80}px;border:0;border-radius:12px"></iframe>'
        )


def show(item: Clip | Watchable, *others: Any, height: int = HEIGHT) -> Shown:
    """Show a clip or a result in a notebook, with its sound.

    Args:
        item: a clip, or a result of recovering, generating or intervening.
        others: results of the same kind to show beside it. A clip is shown alone.
        height: height of the viewer, CSS pixels.

    Returns:
        An object that the notebook shows.
    """
    return Shown(scene_of(item, *others), height)

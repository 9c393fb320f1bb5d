"""Joins JavaScript and CSS files into one string each.

The string is one ES module, so the files share a scope: each declares its own names at the top level, and the last one
exports the component.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "web"
SCRIPTS = (
    "common.js",
    "icons.js",
    "body.js",
    "camera.js",
    "shading.js",
    "renderer_canvas.js",
    "clock.js",
    "glow.js",
    "selection.js",
    "timeline.js",
    "ui.js",
    "actions.js",
    "future.js",
    "picker.js",
    "edit.js",
    "stage.js",
)
"""The stage's own, in order."""
STYLES = ("common.css", "stage.css")


@cache
def script(*names: str, own: Path = FOLDER) -> str:
    """The JavaScript files in this order, from the folder ``own``, else from the stage's.

    The leading comment line keeps Streamlit from taking the text for a path.
    """
    return "\n".join(f"// {name}\n{_read(name, own)}" for name in names)


@cache
def styles(*names: str, own: Path = FOLDER) -> str:
    """The CSS files in this order, with the same leading line."""
    return "\n".join(f"/* {name} */\n{_read(name, own)}" for name in names)


def _read(name: str, own: Path) -> str:
    place = own / name if (own / name).is_file() else FOLDER / name
    return place.read_text(encoding="utf-8")

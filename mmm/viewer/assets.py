"""Joins JavaScript and CSS files into one string each, without a build step.

The string is one ES module, so the files share a scope: names that one declares at the top level
can be used by the others. The last file exports the component.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "web"
# Constants must be declared before code that uses them at load time, so common.js comes first.
SCRIPTS = (
    "common.js",
    "icons.js",
    "bones.js",
    "body.js",
    "camera.js",
    "shading.js",
    "renderer_canvas.js",
    "clock.js",
    "glow.js",
    "editing/selection.js",
    "zoom.js",
    "editing/edges.js",
    "timeline.js",
    "views.js",
    "ui.js",
    "actions.js",
    "future.js",
    "editing/keyframes.js",
    "editing/turning.js",
    "editing/pose.js",
    "editing/picker.js",
    "editing/edit.js",
    "viewer.js",
)
"""The viewer's files, in order."""
STYLES = ("common.css", "viewer.css", "editing/editing.css")


# The files are part of the installed package and do not change while a process runs.
@cache
def script(*names: str, folder: Path = FOLDER) -> str:
    """The text of JavaScript files, in this order.

    Args:
        names: file names. The leading comment line keeps Streamlit from taking the text for a path.
        folder: the folder that is searched first; the viewer's own folder is searched second.
    """
    return "\n".join(f"// {name}\n{_read(name, folder)}" for name in names)


@cache
def styles(*names: str, folder: Path = FOLDER) -> str:
    """The text of CSS files, as :func:`script`."""
    return "\n".join(f"/* {name} */\n{_read(name, folder)}" for name in names)


def _read(name: str, folder: Path) -> str:
    # Components in the dashboard share common.js and others with the viewer.
    path = folder / name if (folder / name).is_file() else FOLDER / name
    # Windows would decode with its own code page and break the scripts' arrows and dots.
    return path.read_text(encoding="utf-8")

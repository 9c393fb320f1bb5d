"""The components' JavaScript and CSS: files of this folder, and those they share with the stage in ``mmm.viewer``."""

from pathlib import Path

from mmm.viewer import assets

FOLDER = Path(__file__).parent


def script(*names: str) -> str:
    """The JavaScript files in this order, as the one string that Streamlit takes."""
    return assets.script(*names, folder=FOLDER)


def styles(*names: str) -> str:
    """The CSS files in this order, likewise."""
    return assets.styles(*names, folder=FOLDER)

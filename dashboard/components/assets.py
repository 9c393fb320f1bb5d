"""The components' JavaScript and CSS, from this folder and from the viewer in ``mmm.viewer``."""

from pathlib import Path

from mmm.viewer import assets

FOLDER = Path(__file__).parent


def script(*names: str) -> str:
    """The JavaScript files joined in this order; Streamlit takes one string."""
    return assets.script(*names, folder=FOLDER)


def styles(*names: str) -> str:
    """The CSS files joined in this order."""
    return assets.styles(*names, folder=FOLDER)

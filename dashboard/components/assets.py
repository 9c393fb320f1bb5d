"""The components' JavaScript and CSS, from the sub-folders here and from ``mmm.viewer``."""

from pathlib import Path

from mmm.viewer import assets

FOLDER = Path(__file__).parent


def script(*names: str) -> str:
    """The JavaScript files joined in this order; Streamlit takes one string.

    Args:
        names: with the sub-folder, such as ``charts/chart.js``; without one, a file of the viewer.
    """
    return assets.script(*names, folder=FOLDER)


def styles(*names: str) -> str:
    """The CSS files joined in this order."""
    return assets.styles(*names, folder=FOLDER)

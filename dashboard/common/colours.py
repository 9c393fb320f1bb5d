"""Colours for the page's HTML that follow a switch of the theme without a rerun."""

from collections.abc import Sequence

from mmm.viewer.palette import FURTHER, MODEL, method_colours

RECORDING = "#8a8a86"
"""Colour of the recorded motion, in both themes."""


def themed(light: str, dark: str) -> str:
    """A CSS colour with one value for each theme.

    Streamlit sets the CSS property ``color-scheme``, which ``light-dark()`` depends on.
    """
    return f"light-dark({light}, {dark})"


def method_css(names: Sequence[str]) -> dict[str, str]:
    """CSS colours of methods shown together, as in the viewer."""
    light, dark = method_colours(names), method_colours(names, dark=True)
    return {name: themed(light[name], dark[name]) for name in names}


def variant_css(number: int) -> str:
    """The CSS colour of the ``number``-th network that is shown, 0 to 2."""
    colours = [(MODEL["light"], MODEL["dark"])]
    colours += zip(FURTHER["light"], FURTHER["dark"], strict=True)
    return themed(*colours[number])

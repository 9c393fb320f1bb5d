"""The page's colours for Python: one colour a method, as in the components (``METHOD_COLOURS`` in common.js)."""

from collections.abc import Sequence
from typing import Literal

Look = Literal["", "second", "third"]
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""
MODEL = {"light": "#b03608", "dark": "#ff8a4c"}
"""The theme's primary colours, as ``dashboard/.streamlit/config.toml`` has them."""
THEMES = {
    "light": {
        "background": "#fbfaf8",
        "surface": "#f1efea",
        "text": "#22252b",
        "primary": MODEL["light"],
    },
    "dark": {
        "background": "#14161a",
        "surface": "#1e2127",
        "text": "#e8e6e1",
        "primary": MODEL["dark"],
    },
}
"""The two themes' colours, from the same file."""
BASELINE_COLOURS = {
    "light": {"hold": "#3f8ac9", "slerp": "#1f8a80", "inertial": "#8f1d4f", "spline": "#7b46b8"},
    "dark": {"hold": "#6db3f2", "slerp": "#4fc0b0", "inertial": "#ffc2dd", "spline": "#b898f0"},
}

NEUTRAL: dict[str, Colour] = {"light": (158, 170, 189), "dark": (156, 168, 188)}
"""Of a body where nothing was hidden."""

FURTHER = {"light": ("#3f8a1c", "#946c00"), "dark": ("#8fdc6b", "#f2d25c")}
"""Of a second and a third network beside the first (``second`` and ``third`` in common.js)."""


def looks_of(names: Sequence[str]) -> dict[str, Look]:
    """Which methods take ``second`` and ``third`` for their look; those that have a colour of their own, and the first
    network, take none."""
    networks = [name for name in names if _first_word(name) not in BASELINE_COLOURS["light"]]
    return {name: "second" if n % 2 else "third" for n, name in enumerate(networks) if n}


def method_colours(names: Sequence[str], dark: bool = False) -> dict[str, str]:
    """CSS colours of methods side by side, as on the stage."""
    looks, theme = looks_of(names), "dark" if dark else "light"
    return {
        name: FURTHER[theme][looks[name] == "third"]
        if name in looks
        else method_colour(_first_word(name), dark)
        for name in names
    }


def _first_word(name: str) -> str:
    return (name.lower().replace(",", " ").split() or [""])[0]


def method_colour(name: str, dark: bool = False) -> str:
    """CSS colour of a method: a baseline's own, else the model's."""
    theme = "dark" if dark else "light"
    return BASELINE_COLOURS[theme].get(name, MODEL[theme])


def rgb(colour: str) -> Colour:
    """``"#b03608"`` as numbers, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """A colour between two: ``a`` at 0, ``b`` at 1."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def look_colour(name: str, role: str, theme: str, look: str = "") -> Colour:
    """The colour of a body's hidden frames and of its label, as ``lookColour`` in common.js has it."""
    if look:
        return rgb(FURTHER[theme][look == "third"])
    if role == "truth":
        return mix(rgb(THEMES[theme]["text"]), rgb(THEMES[theme]["background"]), 0.45)
    if role == "model":
        return rgb(MODEL[theme])
    return rgb(method_colour(_first_word(name), theme == "dark"))

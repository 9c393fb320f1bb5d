"""Colours, one per method, the same as in the components (``METHOD_COLOURS`` in common.js)."""

from collections.abc import Sequence
from typing import Literal

Look = Literal["", "second", "third"]
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""
MODEL = {"light": "#b03608", "dark": "#ff8a4c"}
"""The theme's primary colours, the same as in ``dashboard/.streamlit/config.toml``."""
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
"""The colours of both themes, from the same file."""
# Two tones of each colour, because one that is legible on white is too dark on black.
BASELINE_COLOURS = {
    "light": {"hold": "#3f8ac9", "slerp": "#1f8a80", "inertial": "#8f1d4f", "spline": "#7b46b8"},
    "dark": {"hold": "#6db3f2", "slerp": "#4fc0b0", "inertial": "#ffc2dd", "spline": "#b898f0"},
}

NEUTRAL: dict[str, Colour] = {"light": (158, 170, 189), "dark": (156, 168, 188)}
"""Colour of the parts of a body that were not hidden."""

FURTHER = {"light": ("#3f8a1c", "#946c00"), "dark": ("#8fdc6b", "#f2d25c")}
"""Colours of a second and a third network (``second`` and ``third`` in common.js)."""


def looks_of(names: Sequence[str]) -> dict[str, Look]:
    """The look of each further network among some methods: ``second`` or ``third``.

    Baselines have colours of their own, and the first network has the model's.
    """
    # A displayed name may contain more than the method: "Slerp, before Recover" has slerp's colour.
    networks = [name for name in names if _first_word(name) not in BASELINE_COLOURS["light"]]
    return {name: "second" if n % 2 else "third" for n, name in enumerate(networks) if n}


def method_colours(names: Sequence[str], dark: bool = False) -> dict[str, str]:
    """CSS colours of methods that are shown together, by name."""
    looks, theme = looks_of(names), "dark" if dark else "light"
    return {
        name: FURTHER[theme][looks[name] == "third"]
        if name in looks
        else method_colour(_first_word(name), dark)
        for name in names
    }


def _first_word(name: str) -> str:
    # An empty name has no word, and is drawn as the model.
    return (name.lower().replace(",", " ").split() or [""])[0]


def method_colour(name: str, dark: bool = False) -> str:
    """CSS colour of a baseline, or the model's for any other name."""
    theme = "dark" if dark else "light"
    return BASELINE_COLOURS[theme].get(name, MODEL[theme])


def rgb(colour: str) -> Colour:
    """The red, green and blue of ``"#b03608"``, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Linear interpolation of two colours: ``a`` at 0, ``b`` at 1."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def look_colour(name: str, role: str, theme: str, look: str = "") -> Colour:
    """The colour of a body's hidden frames and of its label (``lookColour`` in common.js)."""
    if look:
        return rgb(FURTHER[theme][look == "third"])
    # A muted text colour: the truth is the reference and should not compete with the results.
    if role == "truth":
        return mix(rgb(THEMES[theme]["text"]), rgb(THEMES[theme]["background"]), 0.45)
    if role == "model":
        return rgb(MODEL[theme])
    return rgb(method_colour(_first_word(name), theme == "dark"))

"""One colour a method, the same in bars and tables as in the components (``METHOD_COLOURS`` in common.js)."""

MODEL = {"light": "#d9480f", "dark": "#ff8a4c"}
"""The theme's primary colours, as ``.streamlit/config.toml`` has them."""
BASELINE_COLOURS = {
    "light": {"hold": "#3f8ac9", "slerp": "#1f8a80", "inertial": "#8f1d4f", "spline": "#7b46b8"},
    "dark": {"hold": "#6db3f2", "slerp": "#4fc0b0", "inertial": "#ffc2dd", "spline": "#b898f0"},
}


def method_colour(name: str, dark: bool = False) -> str:
    """CSS colour of a method: a baseline's own, else the model's."""
    theme = "dark" if dark else "light"
    return BASELINE_COLOURS[theme].get(name, MODEL[theme])

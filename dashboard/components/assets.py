"""Joins a component's JavaScript and CSS files into the one string that Streamlit takes.

Streamlit imports that string as one ES module, so the files share a scope: each declares its own names at the top
level, and the last one exports the component.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def script(*names: str) -> str:
    """The JavaScript files in this order; the leading comment line keeps Streamlit from taking it for a path."""
    return "\n".join(f"// {name}\n{(FOLDER / name).read_text(encoding='utf-8')}" for name in names)


@cache
def styles(*names: str) -> str:
    """The CSS files in this order, with the same leading line."""
    return "\n".join(f"/* {name} */\n{(FOLDER / name).read_text(encoding='utf-8')}" for name in names)

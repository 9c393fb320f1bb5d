"""Checks the shapes that functions declare while they are tested."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, or checked by beartype if it takes or returns arrays with a declared shape.

    mypy checks all other types. A function inside another is made anew at each call, and making
    its check would take longer than what it does.
    """
    if "<locals>" in function.__qualname__:
        return function
    hints = getattr(function, "__annotations__", {}).values()
    return beartype(function) if any(map(_is_array, _parts(hints))) else function


def _parts(hints: Any) -> Iterator[Any]:
    """The hints and all that they are made of: ``tuple[int, X]`` gives itself, ``int`` and ``X``."""
    for hint in hints:
        yield hint
        yield from _parts(get_args(hint))


def _is_array(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, AbstractArray)

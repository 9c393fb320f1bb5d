"""Limits, errors and placeholder values of the interpreter of pickles."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray

# Motion files nest 5 deep; a limit keeps the recursion of any later reader short.
MAX_DEPTH = 20
# AIST++ files have fewer than 100 opcodes; the limit bounds the time that a hostile file takes.
MAX_OPCODES = 20_000
# Characters of a dictionary's key, of a type's code and of a name in a message.
MAX_NAME_LENGTH = 200
# Poses have 3 axes at most; NumPy 1 allows 32.
MAX_AXES = 8


class ProgramRefusedError(Exception):
    """The pickle names a function or class that is not part of an array."""


class MalformedPickleError(Exception):
    """The pickle does not describe plain values."""


@dataclass
class Name:
    """The name of an accepted function or class, which is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class TypeBox:
    """A NumPy dtype under construction."""

    dtype: np.dtype[Any]


class ObjectType:
    """The dtype of arrays of objects, of which only an array of one dictionary is read."""


@dataclass
class ArrayBox:
    """A NumPy array under construction, complete once its state has been read."""

    value: Array | dict[str, Any] | None = None
    """A dictionary where ``numpy.save`` wrapped one in an array of one object."""


@dataclass
class JoblibArray:
    """The description of an array whose bytes follow it in a joblib file."""

    value: Array | None = None


def bounded(number: Any) -> Any:
    """The number itself.

    Raises:
        MalformedPickleError: an integer of more than 64 bits, which NumPy cannot hold.
    """
    # LONG4 may hold gigabytes of digits. Printing such a number takes time quadratic in its length.
    if isinstance(number, int) and number.bit_length() > 64:
        raise MalformedPickleError("a number of more than 64 bits")
    return number


def check_shape(shape: Any) -> None:
    """Refuse a shape that is invalid or has too many axes for a motion file.

    Raises:
        MalformedPickleError: not a tuple of lengths, or too many axes.
    """
    if (
        type(shape) is not tuple
        or len(shape) > MAX_AXES
        # `type(...) is int` excludes bool, which Python counts as an int.
        or not all(type(length) is int and 0 <= length < 1 << 40 for length in shape)
    ):
        raise MalformedPickleError("an array of no possible shape")


def set_dtype_state(target: TypeBox, state: Any) -> None:
    """Complete a dtype with its state.

    Args:
        target: the type that is changed.
        state: the tuple of ``dtype.__reduce__``: byte order second, size in bytes sixth.

    Raises:
        MalformedPickleError: the state is no such tuple.
    """
    if type(state) is not tuple or len(state) < 6:
        raise MalformedPickleError("a type without its values")
    order, size = state[1], state[5]
    if type(order) is str and order in ("<", ">"):
        target.dtype = target.dtype.newbyteorder("<" if order == "<" else ">")
    # NumPy pickles a text type as "U0" and gives its length in the state; -1 there means no length.
    if target.dtype.kind in "SU" and type(size) is int and 0 < size < 1 << 24:
        # Unicode arrays store UCS-4: 4 bytes per character.
        letters = size // (4 if target.dtype.kind == "U" else 1)
        target.dtype = np.dtype(f"{target.dtype.byteorder}{target.dtype.kind}{letters}")

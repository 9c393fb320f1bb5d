"""Reading pickles without trusting them.

A pickle is a program: it may ask for any function of any module. The unpickler here admits the handful of names that
NumPy 1 and 2 write for arrays and scalars, and even these never reach NumPy's own reconstruction: each stands for a
small class below that takes plain numbers only, from bytes. Everything else is refused by name.
"""

import io
import pickle
import pickletools
from typing import Any

import numpy as np

from mmm.errors import FileError

Array = np.ndarray

_CALLS = {"REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"}
_LARGEST = (
    1 << 30
)  # bytes: a small pickle could otherwise fill the memory; AIST++'s four arrays come nowhere near


class _Dtype:
    """Stands for ``numpy.dtype``: plain numbers only, so neither objects nor structures can be smuggled in."""

    def __init__(self, code: str, *_: object) -> None:
        self.dtype = np.dtype(str(code))
        if self.dtype.kind not in "biufSU":
            raise pickle.UnpicklingError(f"holds an array of type {code!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder("<" if state[1] == "<" else ">")
        if self.dtype.kind in "SU" and isinstance(state[5], int) and state[5] > 0:
            self.dtype = np.dtype(
                f"{state[1]}{self.dtype.kind}{state[5] // (4 if self.dtype.kind == 'U' else 1)}"
            )


class _Array:
    """Stands for an array being reconstructed: empty until its state arrives."""

    value: Array

    def __init__(self, *_: object) -> None:
        self.value = np.empty(0, dtype=np.float32)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, raw = state
        if isinstance(raw, str):
            raw = raw.encode("latin1")
        self.value = _from_bytes(raw, dtype, shape, "F" if fortran else "C")


class _Marker:
    """Stands for the class ``numpy.ndarray`` where a pickle only names it."""


def _from_bytes(raw: bytes | bytearray, dtype: _Dtype, shape: tuple[int, ...], order: str) -> Array:
    flat = np.frombuffer(raw, dtype=dtype.dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C").copy()


def _frombuffer(
    raw: bytes | bytearray, dtype: _Dtype, shape: tuple[int, ...], order: str
) -> _Array:
    made = _Array()
    made.value = _from_bytes(raw, dtype, shape, order)
    return made


def _scalar(dtype: _Dtype, raw: bytes | str) -> Any:
    return np.frombuffer(raw.encode("latin1") if isinstance(raw, str) else raw, dtype=dtype.dtype)[
        0
    ].item()


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Stands for ``_codecs.encode``, with which protocol 2 writes bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"asks for the encoding {encoding!r}")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Marker,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _latin1,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _frombuffer for core in ("core", "_core")},
}


class _Refused(Exception):
    pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        raise _Refused("a persistent object")


def unpickle_arrays(data: bytes, where: str) -> dict[str, Any]:
    """A pickled dict of arrays, numbers and text.

    Args:
        data: the pickle.
        where: the file's name, for the message.

    Raises:
        FileError: the pickle asks for anything but arrays, is broken or truncated, or is no dict.
    """
    try:
        calls = 0
        for opcode, argument, _ in pickletools.genops(data):
            calls += opcode.name in _CALLS
            if (
                opcode.name in ("LONG_BINPUT", "PUT")
                and isinstance(argument, int)
                and argument > len(data)
            ):
                raise ValueError(
                    "an impossible memo index"
                )  # would make the unpickler claim all memory
        if calls * len(data) > _LARGEST:  # each call may copy anything that came before it
            raise ValueError("more arrays than fit in memory")
        found = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except _Refused as refused:
        raise FileError(
            where,
            f"the pickle asks for {refused}, which could run a program",
            "numpy arrays and numbers only",
            "do not open it; get the file from its source again",
        ) from None
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise FileError(
            where,
            f"not a readable pickle ({type(error).__name__}: {error})",
            "an AIST++ pickle of numpy arrays",
            "download it again",
        ) from None
    if not isinstance(found, dict):
        raise FileError(
            where,
            f"a pickled {type(found).__name__}",
            "a dict with smpl_poses and smpl_trans",
            "choose an AIST++ motion file",
        )
    return {
        str(key): value.value if isinstance(value, _Array) else value
        for key, value in found.items()
    }

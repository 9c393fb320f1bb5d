"""Reading pickled dictionaries of arrays safely.

A pickle is a program for a stack machine: it may call any function of any module. This package does
not use Python's unpickler. It has a small interpreter of the pickle opcodes that can build nothing
but plain values: numbers, text, bytes, tuples, lists, dictionaries with text as keys, and NumPy
arrays of numbers or text. The few names that NumPy and joblib write for arrays are recognised and
replaced by code of this package. Every other name is refused and never imported.

Formats: every pickle protocol (0 to 5, PEP 307, 3154 and 574), and joblib's files, plain or
compressed by zlib or gzip (https://joblib.readthedocs.io, ``joblib.dump``), which hold the bytes of
an array behind the opcodes that describe it.
"""

import zlib
from typing import Any

from mmm.errors import FileError
from mmm.io.pickles.arrays import ArrayMachine
from mmm.io.pickles.values import ArrayBox, JoblibArray, MalformedPickleError, ProgramRefusedError

# Bytes. zlib packs zeros a thousand times smaller, so a small upload could fill the memory.
_LARGEST_UNPACKED = 1 << 30
_PLAIN = (bool, int, float, str)
# What the interpreter, NumPy and zlib raise for damaged bytes.
_DAMAGE = (
    MalformedPickleError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    zlib.error,
)


def unpickle_arrays(data: bytes, source: str) -> dict[str, Any]:
    """A pickled dictionary of arrays, numbers and text.

    Args:
        data: the file's bytes: a pickle or a joblib file, plain or packed by zlib or gzip.
        source: the file's name, for the message.

    Returns:
        The entries by name. Dictionaries in it are converted in the same way, and lists keep
        numbers and text; values of other kinds are None.

    Raises:
        FileError: the pickle asks for anything but arrays, is broken or truncated, nests deeper
            than 20, asks for more memory than its own size explains, or is no dictionary.
    """
    try:
        content = ArrayMachine(_decompressed(data)).run()
    except ProgramRefusedError as refused:
        raise FileError(
            source,
            f"the pickle asks for {refused}, which could run a program",
            "numpy arrays and numbers only",
            "do not open it; get the file from its source again",
        ) from None
    except _DAMAGE as error:
        raise FileError(
            source,
            f"not a readable pickle ({str(error)[:200]})",
            "an AIST++ pickle of numpy arrays",
            "download it again",
        ) from None
    if isinstance(content, ArrayBox) and isinstance(content.value, dict):
        content = content.value  # what `numpy.save` makes of a dictionary
    if type(content) is not dict:
        raise FileError(
            source,
            f"a pickled {_kind(content)}",
            "a dict with smpl_poses and smpl_trans",
            "choose an AIST++ motion file",
        )
    return _plain_dict(content)


def _kind(content: Any) -> str:
    """The type of a pickle's content, for a message."""
    # Users know arrays, but not the classes with which the interpreter builds them.
    return "array" if isinstance(content, ArrayBox | JoblibArray) else type(content).__name__


def _plain(value: Any) -> Any:
    """A value without the interpreter's own classes; None for kinds that readers do not use."""
    if isinstance(value, ArrayBox | JoblibArray):
        return None if isinstance(value.value, dict) else value.value
    return value if isinstance(value, _PLAIN) else None


def _plain_dict(content: dict[str, Any]) -> dict[str, Any]:
    """Entries of a dictionary and of the dictionaries in it; deeper values are left out."""
    # A pickle may refer to one container thousands of times; converting it once keeps this linear.
    converted: dict[int, Any] = {}
    plain: dict[str, Any] = {}
    for key, value in content.items():
        if type(value) in (dict, list):
            if id(value) not in converted:
                converted[id(value)] = (
                    {inner: _plain(item) for inner, item in value.items()}
                    if type(value) is dict
                    else [item if isinstance(item, _PLAIN) else None for item in value]
                )
            plain[key] = converted[id(value)]
        else:
            plain[key] = _plain(value)
    return plain


def _decompressed(data: bytes) -> bytes:
    """The data, unpacked if zlib or gzip packed it, as ``joblib.dump(compress=...)`` does."""
    # gzip begins with 1F 8B (RFC 1952). zlib begins with 78 (RFC 1950), but never with 78 80, whose
    # header fails its own check.
    if data[:2] != b"\x1f\x8b" and not (data[:1] == b"\x78" and data[:2] != b"\x78\x80"):
        return data
    unpacker = zlib.decompressobj(wbits=47)  # 32 + 15: zlib detects either header
    unpacked = unpacker.decompress(data, _LARGEST_UNPACKED)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise MalformedPickleError(
            "more than 1 GiB unpacked" if unpacker.unconsumed_tail else "the file breaks off"
        )
    return unpacked

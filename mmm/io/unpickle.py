"""Reading pickles without trusting them.

A pickle is a program for a stack machine: it may call any function of any module. This module does
not use Python's unpickler. It is a small interpreter of the pickle opcodes that can build nothing
but plain values: numbers, text, bytes, tuples, lists, dictionaries with text as keys, and NumPy
arrays of numbers or text. The few names that NumPy and joblib write for arrays are recognised and
replaced by code of this module. Every other name is refused and never imported.

Every value is checked when its opcode is read: what it is, how deeply it is nested, and how much
memory it may take. So no opcode hashes, compares or prints a value that the file has composed.

Formats: every pickle protocol (0 to 5), and joblib's files, plain or compressed by zlib or gzip
(https://joblib.readthedocs.io, ``joblib.dump``), which hold the bytes of an array behind the
opcodes that describe it.
"""

import codecs
import io
import pickletools
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm.errors import FileError

Array = np.ndarray

_DEEPEST = 20  # files of the field nest 5 deep
_MOST_OPCODES = 20_000  # AIST++ files have fewer than 100
_LONGEST_NAME = 200  # characters of a key or a type
_MOST_AXES = 8
_LARGEST_UNPACKED = 1 << 30  # bytes of a compressed file, unpacked
_DTYPE = re.compile(r"[<>|=]?[biufSU]\d{0,6}")
_CORES = ("numpy.core", "numpy._core")  # NumPy 1 and 2

_OPCODES = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}
_TEXTS = ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_OLD_TEXTS = ("BINSTRING", "SHORT_BINSTRING")  # Python 2: text or bytes, read as latin-1
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = ("PROTO", "FRAME", "READONLY_BUFFER")


class _ProgramRefused(Exception):
    """The pickle names a function or class that is not part of an array."""


class _Malformed(Exception):
    """The pickle does not describe plain values."""


@dataclass
class _Name:
    """A recognised function or class. It is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class _Type:
    """A NumPy dtype under construction."""

    dtype: np.dtype[Any]


@dataclass
class _ArrayBox:
    """A NumPy array under construction, complete once its state has been read."""

    value: Array | None = None


@dataclass
class _JoblibArray:
    """The description of an array whose bytes follow it in a joblib file."""

    value: Array | None = None


_MARK = object()
_ARRAY_NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    *((f"{core}.multiarray", "_reconstruct") for core in _CORES),
    *((f"{core}.multiarray", "scalar") for core in _CORES),
    *((f"{core}.numeric", "_frombuffer") for core in _CORES),
}


class _Interpreter:
    """The stack machine: one method for each kind of opcode."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.array_bytes_left = 4 * len(data) + (1 << 20)
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.depth: dict[int, int] = {}  # of every container, by id
        self.closed: set[int] = set()  # containers inside others, which no longer change
        # Ids stay valid only while their objects live.
        self.kept: list[Any] = []

    def run(self) -> Any:
        for _ in range(_MOST_OPCODES):
            code = self.file.read(1)
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise _Malformed(f"unknown opcode {code!r}" if code else "the file breaks off")
            if opcode.name == "STOP":
                return self.pop()
            if opcode.name == "STRING":
                argument: Any = self.quoted_line()
            else:
                argument = opcode.arg.reader(self.file) if opcode.arg is not None else None
            self.step(opcode.name, argument)
        raise _Malformed(f"more than {_MOST_OPCODES:,} opcodes")

    def step(self, name: str, argument: Any) -> None:
        if name in _TEXTS or name in _BYTES or name in _OLD_TEXTS or name == "STRING":
            self.stack.append(bytes(argument) if name in _BYTES else argument)
        elif name in _NUMBERS:
            self.stack.append(_bounded(argument))
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.push(tuple(self.pop_many(_TUPLES[name])))
        elif name not in _IGNORED:
            method = getattr(self, f"do_{name.lower()}", None)
            if method is None:
                raise _ProgramRefused(f"what only the opcode {name} can build")
            method(argument)

    # The stack

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise _Malformed("an opcode without its values")
        return self.stack.pop()

    def pop_many(self, count: int) -> list[Any]:
        return [self.pop() for _ in range(count)][::-1]

    def pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self.stack and self.stack[-1] is not _MARK:
            items.append(self.stack.pop())
        if not self.stack:
            raise _Malformed("an opcode without its mark")
        self.stack.pop()
        return items[::-1]

    def push(self, container: Any) -> None:
        """Put a new container on the stack, and note how deeply it is nested."""
        self.kept.append(container)
        self.depth[id(container)] = 1
        for item in container.values() if isinstance(container, dict) else container:
            self.put_inside(container, item)
        self.stack.append(container)

    def put_inside(self, container: Any, item: Any) -> None:
        """Note that ``container`` holds ``item``.

        A container inside another one no longer changes, so depths are final and there are no
        cycles.
        """
        if id(container) in self.closed or item is container:
            raise _Malformed("a container that changes inside another one")
        if isinstance(item, _Name):
            if item.name != "ndarray":
                raise _ProgramRefused(str(item))
            return
        if isinstance(item, tuple | list | dict):
            deep = self.depth[id(item)] + 1
            if deep > _DEEPEST:
                raise _Malformed(f"values nested more than {_DEEPEST} deep")
            self.depth[id(container)] = max(self.depth[id(container)], deep)
            self.closed.add(id(item))

    def quoted_line(self) -> str:
        """The text of Python 2's STRING opcode."""
        line = self.file.readline().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise _Malformed("a text without quotes")
        return codecs.escape_decode(line[1:-1])[0].decode("latin1")

    # Containers

    def do_mark(self, _: None) -> None:
        self.stack.append(_MARK)

    def do_pop(self, _: None) -> None:
        if not self.stack:
            raise _Malformed("an opcode without its values")
        self.stack.pop()

    def do_pop_mark(self, _: None) -> None:
        self.pop_to_mark()

    def do_dup(self, _: None) -> None:
        value = self.pop()
        self.stack += [value, value]

    def do_tuple(self, _: None) -> None:
        self.push(tuple(self.pop_to_mark()))

    def do_empty_list(self, _: None) -> None:
        self.push([])

    def do_list(self, _: None) -> None:
        self.push(self.pop_to_mark())

    def do_append(self, _: None) -> None:
        self.extend([self.pop()])

    def do_appends(self, _: None) -> None:
        self.extend(self.pop_to_mark())

    def extend(self, items: list[Any]) -> None:
        target = self.pop()
        if type(target) is not list:
            raise _Malformed("an item for what is no list")
        for item in items:
            self.put_inside(target, item)
            target.append(item)
        self.stack.append(target)

    def do_empty_dict(self, _: None) -> None:
        self.push({})

    def do_dict(self, _: None) -> None:
        pairs = self.pop_to_mark()
        self.push({})
        self.set_items(pairs)

    def do_setitem(self, _: None) -> None:
        self.set_items(self.pop_many(2))

    def do_setitems(self, _: None) -> None:
        self.set_items(self.pop_to_mark())

    def set_items(self, pairs: list[Any]) -> None:
        target = self.pop()
        if type(target) is not dict or len(pairs) % 2:
            raise _Malformed("an entry for what is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            # Hashing a composed key can take for ever: shared tuples double with every level.
            if type(key) is not str or len(key) > _LONGEST_NAME:
                raise _Malformed("a dictionary whose keys are not short texts")
            self.put_inside(target, value)
            target[key] = value
        self.stack.append(target)

    # The memo

    def do_memoize(self, _: None) -> None:
        self.remember(len(self.memo))

    def do_put(self, index: int) -> None:
        self.remember(index)

    do_binput = do_long_binput = do_put

    def remember(self, index: int) -> None:
        value = self.pop()
        self.memo[index] = value
        self.stack.append(value)

    def do_get(self, index: int) -> None:
        if index not in self.memo:
            raise _Malformed("a reference to nothing")
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

    # Arrays

    def do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.name(module, name)

    def do_stack_global(self, _: None) -> None:
        module, name = self.pop_many(2)
        if type(module) is not str or type(name) is not str:
            raise _Malformed("a name that is no text")
        self.name(module, name)

    def name(self, module: str, name: str) -> None:
        if (module, name) not in _ARRAY_NAMES:
            raise _ProgramRefused(f"{module[:_LONGEST_NAME]}.{name[:_LONGEST_NAME]}")
        self.stack.append(_Name(module, name))

    def do_inst(self, argument: str) -> None:
        raise _ProgramRefused(argument[: 2 * _LONGEST_NAME].replace(" ", "."))

    def do_obj(self, _: None) -> None:
        raise _ProgramRefused("an object")

    def do_persid(self, _: object) -> None:
        raise _ProgramRefused("a persistent object")

    do_binpersid = do_persid

    def do_newobj(self, _: None) -> None:
        function, arguments = self.pop_many(2)
        if not isinstance(function, _Name) or function.name != "NumpyArrayWrapper" or arguments:
            raise _ProgramRefused("an object")
        self.stack.append(_JoblibArray())

    def do_reduce(self, _: None) -> None:
        function, arguments = self.pop_many(2)
        if not isinstance(function, _Name) or type(arguments) is not tuple:
            raise _Malformed("a call of what is no function")
        call = getattr(self, f"call_{function.name.strip('_')}", None)
        if call is None:
            raise _ProgramRefused(str(function))
        self.stack.append(call(*arguments))

    def call_dtype(self, code: Any, *_: Any) -> _Type:
        if type(code) is not str:
            raise _Malformed("a type that is no text")
        if not _DTYPE.fullmatch(code):
            raise _Malformed(f"holds an array of type {code[:_LONGEST_NAME]!r}")
        return _Type(np.dtype(code))

    def call_encode(self, text: Any, encoding: Any = "latin1") -> bytes:
        """``_codecs.encode``, by which protocol 2 writes bytes."""
        if type(text) is not str or type(encoding) is not str or encoding != "latin1":
            raise _Malformed("bytes that are not written as latin-1")
        return text.encode("latin1")

    def call_reconstruct(self, *_: Any) -> _ArrayBox:
        return _ArrayBox()

    def call_frombuffer(self, raw: Any, dtype: Any, shape: Any, order: Any) -> _ArrayBox:
        return _ArrayBox(self.array(raw, dtype, shape, order == "F"))

    def call_scalar(self, dtype: Any, raw: Any) -> Any:
        return self.array(raw, dtype, (1,), False)[0].item()

    def do_build(self, _: None) -> None:
        state, target = self.pop(), self.pop()
        if isinstance(target, _Type):
            _set_dtype_state(target, state)
        elif isinstance(target, _ArrayBox) and target.value is None:
            if type(state) is not tuple or len(state) != 5:
                raise _Malformed("an array without its five values")
            _, shape, dtype, fortran, raw = state
            target.value = self.array(raw, dtype, shape, fortran is True)
        elif isinstance(target, _JoblibArray) and target.value is None:
            target.value = self.following_array(state)
        else:
            raise _ProgramRefused("the state of an object")
        self.stack.append(target)

    def array(self, raw: Any, dtype: Any, shape: Any, fortran: bool) -> Array:
        if type(raw) is str:  # Python 2
            raw = raw.encode("latin1")
        if type(raw) is not bytes or not isinstance(dtype, _Type):
            raise _Malformed("an array without bytes or type")
        _check_shape(shape)
        # Many arrays may be made of the same bytes.
        self.array_bytes_left -= len(raw)
        if self.array_bytes_left < 0:
            raise _Malformed("more arrays than fit in memory")
        flat = np.frombuffer(raw, dtype=dtype.dtype)
        return flat.reshape(shape, order="F" if fortran else "C").copy()

    def following_array(self, state: Any) -> Array:
        """The array whose bytes follow in a joblib file: padding behind its length, then data."""
        if type(state) is not dict or not isinstance(state.get("dtype"), _Type):
            raise _Malformed("a joblib array without its type")
        shape, dtype = state.get("shape"), state["dtype"]
        if type(state.get("numpy_array_alignment_bytes")) is int:
            self.file.read(int.from_bytes(self.file.read(1)))
        _check_shape(shape)
        count = 1
        for length in shape or ():
            count *= length
        raw = self.file.read(count * dtype.dtype.itemsize)
        return self.array(raw, dtype, shape, state.get("order") == "F")


def _bounded(number: Any) -> Any:
    if isinstance(number, int) and number.bit_length() > 64:
        raise _Malformed("a number of more than 64 bits")
    return number


def _check_shape(shape: Any) -> None:
    if (
        type(shape) is not tuple
        or len(shape) > _MOST_AXES
        or not all(type(length) is int and 0 <= length < 1 << 40 for length in shape)
    ):
        raise _Malformed("an array of no possible shape")


def _set_dtype_state(target: _Type, state: Any) -> None:
    """Byte order and, for texts, length: the second and sixth value of a dtype's state."""
    if type(state) is not tuple or len(state) < 6:
        raise _Malformed("a type without its values")
    order, size = state[1], state[5]
    if type(order) is str and order in ("<", ">"):
        target.dtype = target.dtype.newbyteorder("<" if order == "<" else ">")
    if target.dtype.kind in "SU" and type(size) is int and 0 < size < 1 << 24:
        letters = size // (4 if target.dtype.kind == "U" else 1)
        target.dtype = np.dtype(f"{target.dtype.byteorder}{target.dtype.kind}{letters}")


def _plain(value: Any) -> Any:
    """A value without the interpreter's own classes; None for what is of no use to a reader."""
    if isinstance(value, _ArrayBox | _JoblibArray):
        return value.value
    return value if isinstance(value, bool | int | float | str) else None


def _plain_dict(found: dict[str, Any]) -> dict[str, Any]:
    """Entries of a dictionary and of the dictionaries in it; deeper values are left out."""
    done: dict[int, dict[str, Any]] = {}  # one dictionary may be named many times
    plain: dict[str, Any] = {}
    for key, value in found.items():
        if type(value) is dict:
            if id(value) not in done:
                done[id(value)] = {inner: _plain(item) for inner, item in value.items()}
            plain[key] = done[id(value)]
        else:
            plain[key] = _plain(value)
    return plain


def _decompressed(data: bytes) -> bytes:
    """The data, or what zlib or gzip packed, as ``joblib.dump(compress=...)`` does."""
    if data[:2] != b"\x1f\x8b" and not (data[:1] == b"\x78" and data[:2] != b"\x78\x80"):
        return data
    unpacker = zlib.decompressobj(wbits=47)  # 32 + 15: either header
    unpacked = unpacker.decompress(data, _LARGEST_UNPACKED)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _Malformed(
            "more than 1 GiB unpacked" if unpacker.unconsumed_tail else "the file breaks off"
        )
    return unpacked


def unpickle_arrays(data: bytes, where: str) -> dict[str, Any]:
    """A pickled dictionary of arrays, numbers and text.

    Args:
        data: the file's bytes: a pickle or a joblib file, plain or packed by zlib or gzip.
        where: the file's name, for the message.

    Returns:
        The entries by their names. A dictionary in it comes back likewise; values of other
        kinds are None.

    Raises:
        FileError: the pickle asks for anything but arrays, is broken or truncated, nests deeper
            than 20, asks for more memory than its own size explains, or is no dictionary.
    """
    try:
        found = _Interpreter(_decompressed(data)).run()
    except _ProgramRefused as refused:
        raise FileError(
            where,
            f"the pickle asks for {refused}, which could run a program",
            "numpy arrays and numbers only",
            "do not open it; get the file from its source again",
        ) from None
    except (
        _Malformed,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        MemoryError,
        zlib.error,
    ) as error:
        raise FileError(
            where,
            f"not a readable pickle ({str(error)[:200]})",
            "an AIST++ pickle of numpy arrays",
            "download it again",
        ) from None
    if type(found) is not dict:
        raise FileError(
            where,
            f"a pickled {type(found).__name__.strip('_')}",
            "a dict with smpl_poses and smpl_trans",
            "choose an AIST++ motion file",
        )
    return _plain_dict(found)

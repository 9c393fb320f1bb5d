"""Arrays of NumPy and joblib in pickles: the names they use, and the opcodes that build them."""

# The methods have the names of their opcodes, which the docstrings of `pickletools` explain.
# ruff: noqa: D102

import re
from typing import Any

import numpy as np

from mmm.io.pickles.machine import StackMachine
from mmm.io.pickles.values import (
    MAX_NAME_LENGTH,
    ArrayBox,
    JoblibArray,
    MalformedPickleError,
    Name,
    ObjectType,
    ProgramRefusedError,
    TypeBox,
    check_shape,
    set_dtype_state,
)

Array = np.ndarray

# Bool, integers, floats and fixed-length text.
_DTYPE = re.compile(r"[<>|=]?[biufSU]\d{0,6}")
_OBJECTS = ("O", "|O", "O4", "O8")
_NO_OBJECTS = "holds an array of type 'O8'"
_CORES = ("numpy.core", "numpy._core")  # NumPy 1 and 2
_ARRAY_NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    *((f"{core}.multiarray", "_reconstruct") for core in _CORES),
    *((f"{core}.multiarray", "scalar") for core in _CORES),
    # Protocol 5 writes arrays by this one.
    *((f"{core}.numeric", "_frombuffer") for core in _CORES),
}


class ArrayMachine(StackMachine):
    """The stack machine with the opcodes of arrays: names, calls and states."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        # The memo lets a small file make thousands of arrays of the same bytes. A file that makes
        # each array once stays far below four times its own size.
        self.array_bytes_left = 4 * len(data) + (1 << 20)

    def do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.name(module, name)

    def do_stack_global(self, _: None) -> None:
        module, name = self.pop_many(2)
        if type(module) is not str or type(name) is not str:
            raise MalformedPickleError("a name that is no text")
        self.name(module, name)

    def name(self, module: str, name: str) -> None:
        if (module, name) not in _ARRAY_NAMES:
            raise ProgramRefusedError(f"{module[:MAX_NAME_LENGTH]}.{name[:MAX_NAME_LENGTH]}")
        self.stack.append(Name(module, name))

    # INST, OBJ, PERSID and NEWOBJ make instances. Only joblib's wrapper of arrays is accepted.

    def do_inst(self, argument: str) -> None:
        raise ProgramRefusedError(argument[: 2 * MAX_NAME_LENGTH].replace(" ", "."))

    def do_obj(self, _: None) -> None:
        raise ProgramRefusedError("an object")

    def do_persid(self, _: object) -> None:
        raise ProgramRefusedError("a persistent object")

    do_binpersid = do_persid

    def do_newobj(self, _: None) -> None:
        function, arguments = self.pop_many(2)
        if not isinstance(function, Name) or function.name != "NumpyArrayWrapper" or arguments:
            raise ProgramRefusedError("an object")
        self.stack.append(JoblibArray())

    def do_reduce(self, _: None) -> None:
        function, arguments = self.pop_many(2)
        if not isinstance(function, Name) or type(arguments) is not tuple:
            raise MalformedPickleError("a call of what is no function")
        # The method `name` accepted this name, so it is one of the few in _ARRAY_NAMES.
        call = getattr(self, f"call_{function.name.strip('_')}", None)
        if call is None:
            raise ProgramRefusedError(str(function))
        self.stack.append(call(*arguments))

    def call_dtype(self, code: Any, *_: Any) -> TypeBox | ObjectType:
        if type(code) is not str:
            raise MalformedPickleError("a type that is no text")
        if code in _OBJECTS:
            return ObjectType()
        if not _DTYPE.fullmatch(code):
            raise MalformedPickleError(f"holds an array of type {code[:MAX_NAME_LENGTH]!r}")
        return TypeBox(np.dtype(code))

    def call_encode(self, text: Any, encoding: Any = "latin1") -> bytes:
        """``_codecs.encode``, by which protocol 2 writes bytes."""
        if type(text) is not str or type(encoding) is not str or encoding != "latin1":
            raise MalformedPickleError("bytes that are not written as latin-1")
        return text.encode("latin1")

    # `_reconstruct` makes an empty array; BUILD gives it its shape and bytes.
    def call_reconstruct(self, *_: Any) -> ArrayBox:
        return ArrayBox()

    def call_frombuffer(self, raw: Any, dtype: Any, shape: Any, order: Any) -> ArrayBox:
        return ArrayBox(self.array(raw, dtype, shape, order == "F"))

    def call_scalar(self, dtype: Any, raw: Any) -> Any:
        return self.array(raw, dtype, (1,), False)[0].item()

    def do_build(self, _: None) -> None:
        state, target = self.pop(), self.pop()
        if isinstance(target, TypeBox):
            set_dtype_state(target, state)
        elif isinstance(target, ObjectType):
            pass  # its state adds nothing
        elif isinstance(target, ArrayBox) and target.value is None:
            if type(state) is not tuple or len(state) != 5:
                raise MalformedPickleError("an array without its five values")
            # `ndarray.__setstate__`: version, shape, dtype, whether in Fortran order, bytes.
            _, shape, dtype, fortran, raw = state
            if isinstance(dtype, ObjectType):
                target.value = _wrapped_dictionary(raw, shape)
            else:
                target.value = self.array(raw, dtype, shape, fortran is True)
        elif isinstance(target, JoblibArray) and target.value is None:
            target.value = self.following_array(state)
        else:
            raise ProgramRefusedError("the state of an object")
        self.stack.append(target)

    def array(self, raw: Any, dtype: Any, shape: Any, fortran: bool) -> Array:
        """A new array of the bytes, within the limits on shape and memory."""
        if isinstance(dtype, ObjectType):
            raise MalformedPickleError(_NO_OBJECTS)
        if type(raw) is str:  # Python 2 wrote bytes as a text
            raw = raw.encode("latin1")
        if type(raw) is not bytes or not isinstance(dtype, TypeBox):
            raise MalformedPickleError("an array without bytes or type")
        check_shape(shape)
        self.array_bytes_left -= len(raw)
        if self.array_bytes_left < 0:
            raise MalformedPickleError("more arrays than fit in memory")
        # `frombuffer` raises ValueError if the bytes are no multiple of the item's size; the caller
        # reports it. The copy makes the array writeable and frees the file's bytes.
        flat = np.frombuffer(raw, dtype=dtype.dtype)
        return flat.reshape(shape, order="F" if fortran else "C").copy()

    def following_array(self, state: Any) -> Array:
        """The array whose bytes follow in a joblib file."""
        if type(state) is dict and isinstance(state.get("dtype"), ObjectType):
            raise MalformedPickleError(_NO_OBJECTS)
        if type(state) is not dict or not isinstance(state.get("dtype"), TypeBox):
            raise MalformedPickleError("a joblib array without its type")
        shape, dtype = state.get("shape"), state["dtype"]
        if type(state.get("numpy_array_alignment_bytes")) is int:
            # Newer versions of joblib align the data. One byte gives the length of the padding.
            self.file.read(int.from_bytes(self.file.read(1)))
        check_shape(shape)
        # Python's integers do not overflow here as NumPy's product would.
        count = 1
        for length in shape or ():
            count *= length
        raw = self.file.read(count * dtype.dtype.itemsize)
        return self.array(raw, dtype, shape, state.get("order") == "F")


def _wrapped_dictionary(objects: Any, shape: Any) -> dict[str, Any]:
    """The dictionary that ``numpy.save`` wraps in an array of one object."""
    if shape != () or type(objects) is not list or [type(item) for item in objects] != [dict]:
        raise MalformedPickleError(_NO_OBJECTS)
    return dict(objects[0])

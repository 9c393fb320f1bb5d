"""The stack machine of pickles: its stack, containers and memo.

Every value is checked when its opcode is read: what it is, how deeply it is nested, and how much
memory it may take. So no opcode hashes, compares or prints a value that the file has composed.
The opcodes are those of Python's ``pickletools``, which documents each.
"""

# The methods have the names of their opcodes, which the docstrings of `pickletools` explain.
# ruff: noqa: D102

import codecs
import io
import pickletools
from typing import Any

from mmm.io.pickles.values import (
    MAX_DEPTH,
    MAX_NAME_LENGTH,
    MAX_OPCODES,
    MalformedPickleError,
    Name,
    ProgramRefusedError,
    bounded,
)

_OPCODES = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}
_TEXTS = ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
# Python 2 does not say whether these are text or bytes. Latin-1 keeps every byte either way.
_OLD_TEXTS = ("BINSTRING", "SHORT_BINSTRING")
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
# They frame the stream or mark buffers; none of them changes a value.
_IGNORED = ("PROTO", "FRAME", "READONLY_BUFFER")
_MARK = object()


class StackMachine:
    """One method for each kind of opcode; a subclass adds those that build arrays."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # The nesting depth of every container, and the containers that are inside others and so no
        # longer change. Both are keyed by id, because composed values must not be hashed.
        self.depth: dict[int, int] = {}
        self.closed: set[int] = set()
        # Ids stay valid only while their objects live.
        self.kept: list[Any] = []

    def run(self) -> Any:
        """Run the program and return the value that it leaves.

        Raises:
            MalformedPickleError: it is damaged, or builds other than plain values.
            ProgramRefusedError: it names a function or class that is not part of an array.
        """
        for _ in range(MAX_OPCODES):
            code = self.file.read(1)
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise MalformedPickleError(
                    f"unknown opcode {code!r}" if code else "the file breaks off"
                )
            if opcode.name == "STOP":
                return self.pop()
            if opcode.name == "STRING":
                # The reader of pickletools accepts ASCII only; Python 2 wrote bytes this way.
                argument: Any = self.quoted_line()
            else:
                argument = opcode.arg.reader(self.file) if opcode.arg is not None else None
            self.step(opcode.name, argument)
        raise MalformedPickleError(f"more than {MAX_OPCODES:,} opcodes")

    def step(self, name: str, argument: Any) -> None:
        """Execute one opcode."""
        if name in _TEXTS or name in _BYTES or name in _OLD_TEXTS or name == "STRING":
            self.stack.append(bytes(argument) if name in _BYTES else argument)
        elif name in _NUMBERS:
            self.stack.append(bounded(argument))
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.push(tuple(self.pop_many(_TUPLES[name])))
        elif name not in _IGNORED:
            # The name comes from pickletools, so a file cannot reach another attribute.
            method = getattr(self, f"do_{name.lower()}", None)
            if method is None:
                raise ProgramRefusedError(f"what only the opcode {name} can build")
            method(argument)

    # The stack

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise MalformedPickleError("an opcode without its values")
        return self.stack.pop()

    def pop_many(self, count: int) -> list[Any]:
        return [self.pop() for _ in range(count)][::-1]

    def pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self.stack and self.stack[-1] is not _MARK:
            items.append(self.stack.pop())
        if not self.stack:
            raise MalformedPickleError("an opcode without its mark")
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
            raise MalformedPickleError("a container that changes inside another one")
        if isinstance(item, Name):
            # NumPy passes the class `ndarray` to `_reconstruct`. Any other name in a value is a
            # function that an unpickler would hand to the program.
            if item.name != "ndarray":
                raise ProgramRefusedError(str(item))
            return
        if isinstance(item, tuple | list | dict):
            deep = self.depth[id(item)] + 1
            if deep > MAX_DEPTH:
                raise MalformedPickleError(f"values nested more than {MAX_DEPTH} deep")
            self.depth[id(container)] = max(self.depth[id(container)], deep)
            # Otherwise a list could be put into itself, or grow inside a container whose depth was
            # already measured.
            self.closed.add(id(item))

    def quoted_line(self) -> str:
        """The text of Python 2's STRING opcode."""
        line = self.file.readline().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise MalformedPickleError("a text without quotes")
        return codecs.escape_decode(line[1:-1])[0].decode("latin1")

    # Containers

    def do_mark(self, _: None) -> None:
        self.stack.append(_MARK)

    def do_pop(self, _: None) -> None:
        if not self.stack:
            raise MalformedPickleError("an opcode without its values")
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

    # Protocol 0 has LIST and DICT; later ones build empty containers and fill them.

    def do_list(self, _: None) -> None:
        self.push(self.pop_to_mark())

    def do_append(self, _: None) -> None:
        self.extend([self.pop()])

    def do_appends(self, _: None) -> None:
        self.extend(self.pop_to_mark())

    def extend(self, items: list[Any]) -> None:
        target = self.pop()
        # `type` and not `isinstance`: tuples, dictionaries and boxes have other rules.
        if type(target) is not list:
            raise MalformedPickleError("an item for what is no list")
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
            raise MalformedPickleError("an entry for what is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            # Hashing a composed key can take exponential time: shared tuples double with each
            # level.
            if type(key) is not str or len(key) > MAX_NAME_LENGTH:
                raise MalformedPickleError("a dictionary whose keys are not short texts")
            self.put_inside(target, value)
            target[key] = value
        self.stack.append(target)

    # The memo

    # Protocol 4 numbers the memo by order (MEMOIZE), older ones give an index (PUT). It is a
    # dictionary because a file may give index 2**32 - 1, which would make a list of that length.

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
            raise MalformedPickleError("a reference to nothing")
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

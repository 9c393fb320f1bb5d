"""Mutations: what damages, truncates and exaggerates an input."""

import random
import re
import struct

NUMBERS = (
    b"0 -1 1e308 -1e308 1e-320 1e30 3e38 nan inf -inf 2147483648 4294967295 9223372036854775808 "
    b"0x10 1e 99999999999999999999 -0 .5 5. 1_000 true null"
).split()
WORDS = b"{ } [ ] ( ) : ; , + = # \\ / .. ~ \x00 \x1a \xff \xfe \xef\xbb\xbf \n \r \t \xe5\xb7\xa6 __ <i> **".split(
    b" "
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_INTEGERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def mutated(seeds: list[bytes], rng: random.Random) -> bytes:
    """One of the seeds after one to six changes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice(_CHANGES)(data, rng, seeds)
    return bytes(data[: 1 << 18])


def _place(data: bytearray, rng: random.Random) -> int:
    """A random place, half of the time near the beginning, where the headers are."""
    length = max(len(data), 1)
    return rng.randrange(min(length, 600) if rng.random() < 0.5 else length)


def _flip(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    if data:
        data[_place(data, rng)] = rng.choice((0, 255, 127, 128, 10, 32, rng.randrange(256)))


def _word(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    place = _place(data, rng)
    data[place : place + rng.choice((0, 0, 1, 3))] = rng.choice(WORDS)


def _number(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    place = _place(data, rng)
    match = _NUMBER.search(data, place)
    if match:
        data[match.start() : match.end()] = rng.choice(NUMBERS)


def _integer(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    """A length or an offset of a binary file."""
    place, value = _place(data, rng), rng.choice(_INTEGERS)
    kind = rng.choice(("<I", ">I", "<H", "<Q"))
    packed = struct.pack(kind, value & (0xFFFF if kind == "<H" else 0xFFFFFFFF))
    data[place : place + len(packed)] = packed


def _cut(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    del data[_place(data, rng) :]


def _delete(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    place = _place(data, rng)
    del data[place : place + rng.choice((1, 2, 8, 40, 200))]


def _repeat(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    place = _place(data, rng)
    piece = bytes(data[place : place + rng.choice((1, 4, 30, 200))])
    data[place:place] = piece * rng.choice((1, 2, 20, 300))


def _line(data: bytearray, rng: random.Random, _: list[bytes]) -> None:
    """A line that goes elsewhere."""
    lines = bytes(data).split(b"\n")
    line = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        lines.insert(rng.randrange(len(lines) + 1), line)
    data[:] = b"\n".join(lines)


def _splice(data: bytearray, rng: random.Random, seeds: list[bytes]) -> None:
    other = rng.choice(seeds)
    start = rng.randrange(len(other) + 1)
    place = _place(data, rng)
    data[place : place + rng.choice((0, 10, 1000))] = other[
        start : start + rng.choice((5, 100, 3000))
    ]


_CHANGES = (
    *(_flip, _byte, _word, _word, _number, _number, _number),
    *(_integer, _cut, _delete, _repeat, _line, _splice),
)

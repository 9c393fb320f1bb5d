"""The text of a BVH file, to and from a plain document: joints, channels and one table of numbers.

Nothing here knows of rotations or metres; that is ``mmm.io.bvh``. A file is forgiven what does no harm (tabs, CRLF,
capitals, blank lines, a wrong frame count, names with spaces, two joints of one name), with a note; what would change
the movement (a missing number, NaN, a cut-off line) is refused with its line.
"""

import re
import warnings
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError

Array = np.ndarray

_CHANNEL = re.compile(r"([XYZ])(pos|rot)", re.IGNORECASE)
_RE_EXPORT = "export it again"
_MOST_JOINTS = 2_000  # a whole rig with fingers and face has some hundreds
_LARGEST = 1e9  # whatever is larger is neither an angle nor a place
_RATES_HZ = (30, 60, 120, 24, 25, 50, 100, 240, 90, 48, 72, 200, 20, 15, 12, 10)


@dataclass
class BvhJoint:
    """One ROOT or JOINT."""

    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()
    """In the file's order, spelled ``Xposition`` ... ``Zrotation``."""


@dataclass
class BvhDocument:
    """A whole file, in its own units."""

    joints: list[BvhJoint] = field(default_factory=list)
    ends: list[tuple[int, tuple[float, float, float]]] = field(default_factory=list)
    """End sites: joint, offset."""
    fps: float = 0.0
    values: Float[Array, "T C"] = field(default_factory=lambda: np.zeros((0, 0)))
    """Every channel of every frame, float64: positions in the file's unit, angles in degrees."""
    notes: list[str] = field(default_factory=list)


class _Hierarchy:
    """Reads the lines between HIERARCHY and MOTION."""

    def __init__(self, where: str) -> None:
        self.where, self.line = where, 0
        self.document = BvhDocument()
        self.open: list[int] = []  # joints whose braces are open; -1 is an end site
        self.pending: int | None = None  # declared, its brace still to come

    def fail(self, found: str, expected: str = "", cure: str = _RE_EXPORT) -> FileError:
        return FileError(f"{self.where} line {self.line}", found, expected, cure)

    def read(self, lines: list[str]) -> BvhDocument:
        for number, text in enumerate(lines, start=1):
            self.line = number
            for piece in re.split(r"([{}])|(?=\b(?:OFFSET|CHANNELS)\b)", text, flags=re.IGNORECASE):
                if piece and piece.strip():
                    self.statement(piece.strip())
        if self.open or self.pending is not None:
            raise self.fail(
                f"{max(len(self.open), 1)} braces are not closed before MOTION",
                "a } for every {",
                "the file is damaged; " + _RE_EXPORT,
            )
        if not self.document.joints:
            raise self.fail("no ROOT", "HIERARCHY and ROOT first")
        self.make_unique()
        return self.document

    def statement(self, text: str) -> None:
        keyword, _, rest = text.partition(" ") if " " in text else text.partition("\t")
        handlers = {
            "HIERARCHY": self.ignore,
            "ROOT": self.joint,
            "JOINT": self.joint,
            "END": self.end,
            "{": self.brace,
            "}": self.close,
            "OFFSET": self.offset,
            "CHANNELS": self.channels,
        }
        handler = handlers.get(keyword.upper())
        if handler is None:
            raise self.fail(f"{text[:40]!r}", "ROOT, JOINT, End Site, OFFSET, CHANNELS or a brace")
        handler(rest.strip())

    def ignore(self, _: str) -> None:
        """HIERARCHY says nothing."""

    def joint(self, name: str) -> None:
        joints = self.document.joints
        if joints and (not self.open or self.open[-1] < 0):
            raise self.fail(
                "a second ROOT" if not self.open else "a joint under an end site",
                "one body in a file",
                "export each body to a file of its own",
            )
        if len(joints) == _MOST_JOINTS:
            raise self.fail("one joint more", f"at most {_MOST_JOINTS}", "export the body alone")
        joints.append(BvhJoint(name or f"joint{len(joints)}", self.open[-1] if self.open else -1))
        self.pending = len(joints) - 1

    def end(self, _: str) -> None:
        if not self.open:
            raise self.fail("an end site outside the tree", "ROOT first")
        self.document.ends.append((self.open[-1], (0.0, 0.0, 0.0)))
        self.pending = -1

    def brace(self, _: str) -> None:
        if self.pending is None:
            raise self.fail("a { that opens nothing", "ROOT, JOINT or End Site before it")
        self.open.append(self.pending)
        self.pending = None

    def close(self, _: str) -> None:
        if not self.open:
            raise self.fail("a } too many", "one for every {")
        self.open.pop()

    def offset(self, text: str) -> None:
        try:
            x, y, z = (float(word) for word in text.split())
        except ValueError:
            raise self.fail(f"OFFSET {text[:60]}", "three numbers") from None
        if not all(abs(value) < _LARGEST for value in (x, y, z)):
            raise self.fail(f"OFFSET {text[:60]} is not finite", "three numbers")
        if not self.open:
            raise self.fail("OFFSET outside a joint", "it inside the braces of one")
        if self.open[-1] < 0:
            self.document.ends[-1] = (self.document.ends[-1][0], (x, y, z))
        else:
            self.document.joints[self.open[-1]].offset = (x, y, z)

    def channels(self, text: str) -> None:
        if not self.open or self.open[-1] < 0:
            raise self.fail("CHANNELS outside a joint", "them inside the braces of one")
        count, *words = text.split() or ["nothing"]
        if not count.isdigit() or int(count) != len(words):
            raise self.fail(
                f"CHANNELS {count[:20]} followed by {len(words)} names", "as many names as it says"
            )
        names = []
        for word in words:
            match = _CHANNEL.match(word)
            if match is None:
                raise self.fail(f"channel {word[:30]!r}", "Xposition ... Zrotation")
            names.append(
                match[1].upper() + ("position" if match[2].lower() == "pos" else "rotation")
            )
        turns = [name[0] for name in names if name.endswith("rotation")]
        places = [name for name in names if name.endswith("position")]
        if (
            len(set(places)) != len(places)
            or len(turns) > 3
            or any(a == b for a, b in pairwise(turns))
        ):
            raise self.fail(
                f"channels {' '.join(words)[:80]}",
                "each position once, at most three different rotations",
            )
        self.document.joints[self.open[-1]].channels = tuple(names)

    def make_unique(self) -> None:
        seen: set[str] = set()
        for joint in self.document.joints:
            if joint.name in seen:
                number = next(n for n in range(2, len(seen) + 3) if f"{joint.name}_{n}" not in seen)
                self.document.notes.append(
                    f"A second joint {joint.name!r} is called {joint.name}_{number} here."
                )
                joint.name = f"{joint.name}_{number}"
            seen.add(joint.name)


def parse_bvh(text: str, where: str, fps: float | None = None) -> BvhDocument:
    """The text of a BVH file (line ends already ``\\n``) as a document.

    Args:
        text: the whole file.
        where: its name, for messages.
        fps: frames per second, against a header that is missing or wrong.

    Raises:
        FileError: with the line, what stands there and what should.
    """
    if not re.match(r"\s*HIERARCHY\b", text, re.IGNORECASE):
        raise FileError(
            f"{where} line 1", repr(text.strip()[:30]), "HIERARCHY", "choose a BVH file"
        )
    motion = re.search(r"^[ \t]*MOTION[ \t]*$", text, re.IGNORECASE | re.MULTILINE)
    if motion is None:
        raise FileError(
            f"{where} line {text.count(chr(10)) + 1}",
            "the file ends without MOTION",
            "MOTION and its frames",
            "the file is cut off; download or export it again",
        )
    document = _Hierarchy(where).read(text[: motion.start()].split("\n")[:-1] or [""])
    promised, rate, at = _motion_header(text, motion.end(), where)
    if fps is None and rate is None:
        line = text.count("\n", 0, at) + 1
        raise FileError(
            f"{where} line {line}",
            "no Frame Time above zero",
            "Frame Time: 0.033333 or the like",
            "add it, or give fps",
        )
    document.fps = fps if fps is not None else rate or 0.0
    document.values = _table(document, text[at:], text.count("\n", 0, at) + 1, promised, where)
    if promised is not None and promised != len(document.values):
        document.notes.append(
            f"The header promises {promised} frames, the file holds {len(document.values)}."
        )
    return document


def _motion_header(text: str, at: int, where: str) -> tuple[int | None, float | None, int]:
    """Frame count and rate, each None where missing, and where the numbers begin."""
    promised = rate = None
    while True:
        line = re.compile(r"\s*([A-Za-z][^\n]*)").match(text, at)
        if line is None:
            break
        words = line[1].strip()
        if re.fullmatch(r"nan.*|inf.*", words, re.IGNORECASE):
            break  # a number, if a bad one: the table's reader will say so
        at = line.end()
        if match := re.fullmatch(r"Frames\s*:?\s*(\S*)", words, re.IGNORECASE):
            promised = int(match[1]) if match[1].isdigit() else None
        elif match := re.fullmatch(r"Frame\s*Time\s*:?\s*(\S*)", words, re.IGNORECASE):
            rate = _rate(match[1])
        else:
            raise FileError(
                f"{where} line {text.count(chr(10), 0, line.start(1)) + 1}",
                repr(words[:40]),
                "Frames:, Frame Time: or numbers",
                _RE_EXPORT,
            )
    after = re.compile(r"[ \t]*\n?").match(text, at)
    return promised, rate, after.end() if after else at


def _rate(seconds: str) -> float | None:
    """Frames per second of a Frame Time; ``0.033`` was written for 30, whatever its reciprocal says."""
    try:
        value = float(seconds)
    except ValueError:
        return None
    if not (np.isfinite(value) and value > 0):
        return None
    decimals = len(seconds.partition(".")[2]) if re.fullmatch(r"\d*\.\d+", seconds) else 12
    for rate in _RATES_HZ:
        if decimals >= 3 and abs(1 / rate - value) < 1.01 * 10.0**-decimals:
            return float(rate)
    nearest = round(1 / value)
    return float(nearest) if nearest and abs(1 / value / nearest - 1) < 1e-4 else 1 / value


def _table(
    document: BvhDocument, text: str, first_line: int, promised: int | None, where: str
) -> Float[Array, "T C"]:
    """All numbers of the motion block; the line of the first fault where there is one."""
    channels = sum(len(joint.channels) for joint in document.joints)
    if not channels:
        raise FileError(where, "no joint has channels", "at least the root's rotation", _RE_EXPORT)
    with warnings.catch_warnings():
        # At what is no number NumPy stops: with a ValueError, until 2.3 with a warning.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning):
            values = np.zeros(0)
    counts = [len(line.split()) for line in text.split("\n")]
    total = sum(counts)
    if not total:
        raise FileError(
            f"{where} line {first_line}", "no frames", "at least one line of numbers", _RE_EXPORT
        )
    whole = len(values) == total and bool((np.abs(values) < _LARGEST).all())  # false for NaN, too
    each = set(counts) <= {0, channels}
    wrapped = promised is not None and total == promised * channels  # frames over several lines
    if not (whole and (each or wrapped)):
        raise _fault(text, first_line, channels, where)
    return values.reshape(-1, channels)


def _fault(text: str, first_line: int, channels: int, where: str) -> FileError:
    """The first line that is no frame, in words."""
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, start=first_line):
        at, words = f"{where} line {number}", line.split()
        for word in words:
            try:
                finite = abs(float(word)) < _LARGEST
            except ValueError:
                return FileError(
                    at, f"{word[:30]!r} is no number", f"{channels} numbers", _RE_EXPORT
                )
            if not finite:
                return FileError(
                    at, f"{word[:30]} is not a finite number", f"{channels} numbers", _RE_EXPORT
                )
        if words and len(words) != channels:
            cut_off = number == first_line + len(lines) - 1
            return FileError(
                at,
                f"{len(words)} values",
                f"{channels} (one a channel)",
                "the file is cut off; download or export it again" if cut_off else _RE_EXPORT,
            )
    return FileError(
        where, "the motion block does not read as numbers", f"{channels} a line", _RE_EXPORT
    )


def format_bvh(document: BvhDocument) -> str:
    """The document as text; six decimals, tabs, an End Site under every joint without children."""
    out = ["HIERARCHY"]
    children: list[list[int]] = [[] for _ in document.joints]
    for j, joint in enumerate(document.joints):
        if joint.parent >= 0:
            children[joint.parent].append(j)
    ends: dict[int, list[tuple[float, float, float]]] = {}
    for j, offset in document.ends:
        ends.setdefault(j, []).append(offset)
    columns = np.cumsum([0] + [len(joint.channels) for joint in document.joints])
    order: list[int] = []  # of the table's columns, depth first
    todo: list[tuple[int, int] | str] = [
        (0, 0)
    ]  # joint and depth, or text that waits until its children are written
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        j, depth = item
        joint, tab = document.joints[j], "\t" * depth
        order.extend(range(columns[j], columns[j + 1]))
        out.extend(
            [
                f"{tab}{'JOINT' if depth else 'ROOT'} {joint.name}",
                f"{tab}{{",
                f"{tab}\tOFFSET {_spaced(joint.offset)}",
                f"{tab}\tCHANNELS {len(joint.channels)} {' '.join(joint.channels)}".rstrip(),
            ]
        )
        todo.append(f"{tab}}}")
        for tip in ends.get(j, [] if children[j] else [(0.0, 0.0, 0.0)])[::-1]:
            todo.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_spaced(tip)}\n{tab}\t}}")
        todo.extend((child, depth + 1) for child in reversed(children[j]))
    out += ["MOTION", f"Frames: {len(document.values)}", f"Frame Time: {1 / document.fps:.8f}"]
    row = " ".join(["%.6f"] * len(order))
    out += [row % tuple(frame) for frame in document.values[:, order].tolist()]
    return "\n".join(out) + "\n"


def _spaced(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6f}" for value in values)

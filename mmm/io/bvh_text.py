"""Parsing the text of a BVH file into a plain document: joints, channels and a table of numbers.

``mmm.io.bvh`` converts documents to rotations and metres. Harmless deviations are accepted, with a
note if something was changed: tabs, CRLF, capitals, blank lines, a wrong frame count, names with
spaces, two joints of one name. Faults that would change the motion are errors that name the line:
missing numbers, NaN, cut-off lines.

The format has no written standard. Its usual description is Meredith and Maddock, *Motion Capture
File Formats Explained* (2001).
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.bvh_motion import LARGEST_NUMBER, RE_EXPORT, motion_header, motion_table, rate_notes
from mmm.io.choosing import Choice, choose
from mmm.io.files import MOST_JOINTS

Array = np.ndarray

# Only the beginning is matched: programs write Xrotation, XRotation, Xrot and xrotation.
_CHANNEL = re.compile(r"([XYZ])(pos|rot)", re.IGNORECASE)
# Most renamed joints that notes list one by one.
_MOST_RENAMED = 20
# Keywords that begin another statement in the same line. Names extend to the end of the line.
_NEXT_KEYWORD = re.compile(r"(?<!\S)(?:OFFSET|CHANNELS|JOINT|END\s*SITE)(?!\S)", re.IGNORECASE)
_END = re.compile(r"END(?:[\s_]*SITE)?(?:\s.*)?", re.IGNORECASE)


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
    """The content of a file, in its own units."""

    joints: list[BvhJoint] = field(default_factory=list)
    ends: list[tuple[int, tuple[float, float, float]]] = field(default_factory=list)
    """End sites, as pairs of a joint's index and an offset."""
    fps: float = 0.0
    values: Float[Array, "T C"] = field(default_factory=lambda: np.zeros((0, 0)))
    """Every channel of every frame, float64: positions in the file's unit, angles in degrees."""
    notes: list[str] = field(default_factory=list)
    bodies: Choice | None = None
    """The bodies of the file and the one that was read; None if it holds one."""


class _Hierarchy:
    """Reads the lines between HIERARCHY and MOTION."""

    def __init__(self, source: str) -> None:
        self.source, self.line = source, 0
        self.document = BvhDocument()
        self.open: list[int] = []  # joints whose braces are open; -1 is an end site
        self.pending: int | None = None  # the joint that was declared last, before its brace

    def fail(self, problem: str, expected: str = "", cure: str = RE_EXPORT) -> FileError:
        return FileError(f"{self.source} line {self.line}", problem, expected, cure)

    def read(self, lines: list[str]) -> BvhDocument:
        """All bodies of the file as one document; every body begins with a joint of parent -1."""
        for number, text in enumerate(lines, start=1):
            self.line = number
            # Some programs write a joint in one line, so braces end a statement, too.
            for piece in re.split(r"([{}])", text):
                self.statements(piece.strip())
        if self.open or self.pending is not None:
            raise self.fail(
                f"{max(len(self.open), 1)} braces are not closed before MOTION",
                "a } for every {",
                "the file is damaged; " + RE_EXPORT,
            )
        if not self.document.joints:
            raise self.fail("no ROOT", "HIERARCHY and ROOT first")
        return self.document

    def statements(self, text: str) -> None:
        """Parse the text between two braces or line ends."""
        handlers = {
            "ROOT": self.joint,
            "JOINT": self.joint,
            "{": self.brace,
            "}": self.close,
            "OFFSET": self.offset,
            "CHANNELS": self.channels,
        }
        while text:
            word, *rest_of_line = text.split(None, 1)
            word, rest = word.upper(), "".join(rest_of_line)
            # A file of several bodies may repeat the keyword for each of them.
            if word == "HIERARCHY":
                text = rest
                continue
            if _END.fullmatch(text):
                self.end()
                return
            handler = handlers.get(word)
            if handler is None:
                expected = "ROOT, JOINT, End Site, OFFSET, CHANNELS or a brace"
                raise self.fail(f"{text[:40]!r}", expected)
            # A name may contain any word, so it extends to the end.
            after = None if word in ("ROOT", "JOINT") else _NEXT_KEYWORD.search(rest)
            handler(rest[: after.start()].strip() if after else rest)
            text = rest[after.start() :] if after else ""

    def joint(self, name: str) -> None:
        joints = self.document.joints
        if self.open and self.open[-1] < 0:
            raise self.fail("a joint under an end site", "joints under joints")
        # Checked while reading: a hostile file of a few megabytes declares a million joints.
        if len(joints) == MOST_JOINTS:
            raise self.fail("one joint more", f"at most {MOST_JOINTS}", "export the body alone")
        joints.append(BvhJoint(name or f"joint{len(joints)}", self.open[-1] if self.open else -1))
        self.pending = len(joints) - 1

    def end(self) -> None:
        if not self.open:
            raise self.fail("an end site outside the tree", "ROOT first")
        if len(self.document.ends) == MOST_JOINTS:
            raise self.fail("one end site more", f"at most {MOST_JOINTS}", "export the body alone")
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
        if not all(abs(value) < LARGEST_NUMBER for value in (x, y, z)):
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
        if not re.fullmatch("[0-9]{1,3}", count) or int(count) != len(words):
            raise self.fail(
                f"CHANNELS {count[:20]} followed by {len(words)} names", "as many names as it says"
            )
        names = []
        for word in words:
            match = _CHANNEL.match(word)
            if match is None:
                raise self.fail(f"channel {word[:30]!r}", "Xposition ... Zrotation")
            kind = "position" if match[2].lower() == "pos" else "rotation"
            names.append(match[1].upper() + kind)
        # XYX is a valid Euler order, and XXY is not: two rotations about one axis are one rotation.
        axes = [name[0] for name in names if name.endswith("rotation")]
        positions = [name for name in names if name.endswith("position")]
        if (
            len(set(positions)) != len(positions)
            or len(axes) > 3
            or any(a == b for a, b in pairwise(axes))
        ):
            raise self.fail(
                f"channels {' '.join(words)[:80]}",
                "each position once, at most three different rotations",
            )
        self.document.joints[self.open[-1]].channels = tuple(names)


def parse_bvh(
    text: str, source: str, fps: float | None = None, body: str | None = None
) -> BvhDocument:
    """Parse the text of a BVH file (line ends already ``\\n``) into a document of one body.

    Args:
        text: the whole file.
        source: its name, for messages.
        fps: frames per second, if the header's is missing or wrong.
        body: the body to read of several, by its root's name or its number from 1; the first if
            not given.

    Raises:
        FileError: the text is malformed; the message names the line.
        SpecError: no such body.
    """
    if not re.match(r"\s*HIERARCHY\b", text, re.IGNORECASE):
        raise FileError(
            f"{source} line 1", repr(text.strip()[:30]), "HIERARCHY", "choose a BVH file"
        )
    # The keyword alone on its line, since a joint may be called MOTION.
    motion = re.search(r"^[^\S\n]*MOTION[^\S\n]*$", text, re.IGNORECASE | re.MULTILINE)
    if motion is None:
        raise FileError(
            f"{source} line {text.count(chr(10)) + 1}",
            "the file ends without MOTION",
            "MOTION and its frames",
            "the file is cut off; download or export it again",
        )
    document = _Hierarchy(source).read(text[: motion.start()].split("\n")[:-1] or [""])
    declared, rate, start = motion_header(text, motion.end(), source)
    first_line = text.count("\n", 0, start) + 1
    if fps is None and rate is None:
        raise FileError(
            f"{source} line {first_line}",
            "no Frame Time above zero",
            "Frame Time: 0.033333 or the like",
            "add it, or give the true frame rate",
        )
    if fps is None and rate is not None:
        document.notes.extend(rate_notes(rate))
    document.fps = fps if fps is not None else rate or 0.0
    channels = sum(len(joint.channels) for joint in document.joints)
    document.values = motion_table(text[start:], channels, first_line, declared, source)
    # Programs that cut a recording often leave the old frame count.
    if declared is not None and declared != len(document.values):
        document.notes.append(
            f"The header promises {declared} frames, the file holds {len(document.values)}."
        )
    document = _one_body(document, source, body)
    _make_names_unique(document)
    return document


def _one_body(document: BvhDocument, source: str, body: str | None) -> BvhDocument:
    """The chosen body of a file, with its columns."""
    joints = document.joints
    roots = [j for j, joint in enumerate(joints) if joint.parent < 0]
    names = [joints[j].name for j in roots]
    chosen = choose("body", names, body, source, 0)
    if len(roots) == 1:
        return document
    first, stop = roots[chosen], (*roots[1:], len(joints))[chosen]
    columns = np.cumsum([0] + [len(joint.channels) for joint in joints])
    for joint in joints[first:stop]:
        joint.parent = max(joint.parent - first, -1)
    choice = Choice("body", tuple(names), chosen)
    return BvhDocument(
        joints[first:stop],
        [(j - first, tip) for j, tip in document.ends if first <= j < stop],
        document.fps,
        document.values[:, columns[first] : columns[stop]],
        [*document.notes, *choice.notes()],
        choice,
    )


def _make_names_unique(document: BvhDocument) -> None:
    """Number joints with the same name, with a note."""
    seen = {joint.name for joint in document.joints}
    first: set[str] = set()
    following: dict[str, int] = {}
    renamed = []
    # Numbers continue for each name, so that thousands of equal names take linear time.
    for joint in document.joints:
        if joint.name not in first:
            first.add(joint.name)
            continue
        number = following.get(joint.name, 2)
        while f"{joint.name}_{number}" in seen:
            number += 1
        following[joint.name] = number + 1
        renamed.append((joint.name, f"{joint.name}_{number}"))
        joint.name = f"{joint.name}_{number}"
        seen.add(joint.name)
        first.add(joint.name)
    document.notes.extend(
        f"A second joint {old!r} is called {new} here." for old, new in renamed[:_MOST_RENAMED]
    )
    if len(renamed) > _MOST_RENAMED:
        rest = len(renamed) - _MOST_RENAMED
        document.notes.append(f"{rest} more joints of a name already taken are numbered likewise.")

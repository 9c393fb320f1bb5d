"""ASF skeletons, the bodies of AMC motions (Acclaim; CMU and SNU recordings).

A bone begins where its parent bone ends, points along ``direction`` and is ``length`` long, both in
the world's axes at rest. Its rotation acts at its beginning, about axes turned by C. With M the
rotation of the motion's angles, ``G_bone = G_parent C M C^-1``. A bone is therefore a joint here.
It has the bone's name and stands at the bone's beginning. Orders are extrinsic: ``XYZ`` is Rz Ry Rx
(Meredith and Maddock, *Motion Capture File Formats Explained*, 2001; Lander, *Working with Motion
Capture File Formats*, 1998).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.bvh_motion import LARGEST_NUMBER
from mmm.io.files import MOST_JOINTS, read_text
from mmm.motion import rotations as rot
from mmm.motion.skeleton import Skeleton

Array = np.ndarray


@dataclass
class AsfBone:
    """One bone, or the root."""

    name: str
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    axis_order: str = "XYZ"
    dof: tuple[str, ...] = ()
    """Channels in the file's order: ``rx ry rz`` (and ``tx ty tz`` on the root)."""


@dataclass(frozen=True)
class AsfSkeleton:
    """A whole ASF file."""

    path: Path
    bones: tuple[AsfBone, ...]
    """The root first, then every bone after its parent, children in the file's order."""
    parents: tuple[int, ...]
    length_scale: float
    """ASF's ``length``: lengths are in 1 / length inches."""
    radians: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The bones' names, the root's first."""
        return tuple(bone.name for bone in self.bones)

    def axes(self) -> Float[Array, "J 3 3"]:
        """C of every bone (see the module's docstring), float64."""
        scale = 1.0 if self.radians else np.pi / 180
        turned = [
            extrinsic(np.array([bone.axis]) * scale, bone.axis_order)[0] for bone in self.bones
        ]
        return np.stack(turned)

    def skeleton(self) -> Skeleton:
        """The tree in the file's unit, joints at the beginnings of bones."""
        ends = np.array([np.multiply(bone.direction, bone.length) for bone in self.bones])
        offsets = np.array([np.zeros(3) if p < 0 else ends[p] for p in self.parents])
        # The end of a last bone is no joint, but it gives the size of a head, hand or foot.
        inner = set(self.parents)
        tips = tuple(
            (j, (float(x), float(y), float(z)))
            for j, (x, y, z) in enumerate(ends)
            if j not in inner and ends[j].any()
        )
        return Skeleton(self.names, self.parents, offsets, end_sites=tips)


def extrinsic(angles_rad: Float[Array, "T n"], order: str) -> Float[Array, "T 3 3"]:
    """Rotations about fixed axes, applied in the order of the letters, float32."""
    # Extrinsic X, Y, Z equals intrinsic Z, Y, X; `euler_to_matrix` is intrinsic.
    return rot.euler_to_matrix(angles_rad[:, ::-1], order[::-1].upper())


class _Reader:
    """Parses an ASF file line by line, and reports faults with their line."""

    def __init__(self, path: Path) -> None:
        self.path, self.line = path, 0
        self.root = AsfBone("root")
        self.bones: dict[str, AsfBone] = {}
        self.children: dict[str, list[str]] = {}
        self.scale, self.radians = 1.0, False
        self.section, self.bone = "", AsfBone("")

    def fail(self, problem: str, expected: str = "") -> FileError:
        return FileError(
            f"{self.path} line {self.line}",
            problem,
            expected,
            "use the .asf that came with the recording",
        )

    # `words[:count]`: CMU's files write `axis 0 0 20 XYZ`, with the order after the numbers.
    def numbers(self, words: list[str], count: int) -> tuple[float, ...]:
        try:
            values = tuple(float(word) for word in words[:count])
        except ValueError:
            values = ()
        if len(values) != count or not all(abs(value) < LARGEST_NUMBER for value in values):
            raise self.fail(" ".join(words)[:60] or "nothing", f"{count} numbers")
        return values

    def read(self) -> AsfSkeleton:
        # The other sections (:version, :name, :documentation, :skin) do not describe bones.
        handlers = {
            "units": self.units,
            "root": self.root_line,
            "bonedata": self.bone_line,
            "hierarchy": self.hierarchy_line,
        }
        text, _ = read_text(self.path, "an ASF skeleton")
        for number, raw in enumerate(text.split("\n"), start=1):
            self.line = number
            text = raw.partition("#")[0].strip()
            if not text:
                continue
            if text.startswith(":"):
                self.section = text[1:].split()[0].lower() if len(text) > 1 else ""
            elif self.section in handlers:
                handlers[self.section](text.split())
        if not self.bones or not self.children:
            raise self.fail("the file ends without :bonedata and :hierarchy", "both")
        return self.ordered()

    def units(self, words: list[str]) -> None:
        if words[0].lower() == "length":
            (self.scale,) = self.numbers(words[1:], 1)
            # It divides every length; zero would put all joints at infinity.
            if not self.scale > 1e-6:
                raise self.fail(f"length {self.scale:g}", "a positive number")
        elif words[0].lower() == "angle":
            self.radians = len(words) > 1 and words[1].lower().startswith("rad")

    def root_line(self, words: list[str]) -> None:
        # `position` is not read, since the AMC gives the root's position in every frame.
        keyword = words[0].lower()
        if keyword == "order":
            self.root.dof = self.degrees_of_freedom(words[1:])
        elif keyword == "axis":
            self.root.axis_order = self.axis_order(words[-1])
        elif keyword == "orientation":
            self.root.axis = self.numbers(words[1:], 3)

    def degrees_of_freedom(self, words: list[str]) -> tuple[str, ...]:
        # `l` is a change of length. Acclaim's format allows it; bones do not stretch here.
        dof = tuple(word.lower() for word in words)
        if bad := [word for word in dof if not re.fullmatch(r"[rt][xyz]|l", word)] or len(
            set(dof)
        ) != len(dof):
            raise self.fail(
                f"channels {bad if bad is not True else ' '.join(dof)}",
                "tx ty tz rx ry rz, each once",
            )
        return dof

    def axis_order(self, word: str) -> str:
        if sorted(word.upper()) != ["X", "Y", "Z"]:
            raise self.fail(f"axis order {word[:20]!r}", "XYZ in some order")
        return word.upper()

    def bone_line(self, words: list[str]) -> None:
        keyword = words[0].lower()
        if keyword == "begin":
            self.bone = AsfBone("")
        elif keyword == "name":
            self.bone.name = " ".join(words[1:])  # some programs write names with spaces
        elif keyword == "direction":
            self.bone.direction = self.numbers(words[1:], 3)
        elif keyword == "length":
            (self.bone.length,) = self.numbers(words[1:], 1)
        elif keyword == "axis":
            self.bone.axis = self.numbers(words[1:], 3)
            self.bone.axis_order = self.axis_order(words[4]) if len(words) > 4 else "XYZ"
        elif keyword == "dof":
            self.bone.dof = self.degrees_of_freedom(words[1:])
        elif keyword == "end":
            # `root` refers to :root in the hierarchy, so no bone may have that name.
            if not self.bone.name or self.bone.name in self.bones or self.bone.name == "root":
                raise self.fail(f"bone name {self.bone.name!r}", "a name of its own for every bone")
            if len(self.bones) == MOST_JOINTS:
                raise self.fail("one bone more", f"at most {MOST_JOINTS}")
            self.bones[self.bone.name] = self.bone

    def hierarchy_line(self, words: list[str]) -> None:
        # Each line is a parent and its children.
        if words[0].lower() in ("begin", "end"):
            return
        for name in words[1:]:
            if name not in self.bones:
                raise self.fail(f"child {name[:30]!r}", "a bone of :bonedata")
        self.children.setdefault(words[0], []).extend(words[1:])

    def ordered(self) -> AsfSkeleton:
        """The bones depth first, so that a BVH written from them nests in the same order."""
        bones, parents, seen = [], [], set()
        stack = [("root", -1)]
        while stack:
            name, parent = stack.pop()
            # A bone that is seen twice may also close a cycle, on which the loop would never end.
            if name in seen:
                raise self.fail(f"bone {name!r} has two parents", "a tree")
            seen.add(name)
            bones.append(self.root if name == "root" else self.bones[name])
            parents.append(parent)
            stack.extend((child, len(bones) - 1) for child in reversed(self.children.get(name, [])))
        if len(bones) != len(self.bones) + 1:
            raise self.fail(
                f"{len(self.bones) + 1 - len(bones)} bones are not in :hierarchy", "all of them"
            )
        return AsfSkeleton(self.path, tuple(bones), tuple(parents), self.scale, self.radians)


def read_asf(path: Path) -> AsfSkeleton:
    """An ASF file.

    Raises:
        FileError: with the line at fault.
    """
    return _Reader(path).read()

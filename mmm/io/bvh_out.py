"""Clips as BVH documents in the layout of the file that they came from.

The layout is the unit, the channels, the order of joints, the root and the axis up.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.body import y_up_to_z_up
from mmm.io.bvh_text import BvhDocument, BvhJoint
from mmm.io.encoding import ENCODINGS
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

DEFAULT_ORDER = "ZYX"
"""Euler order written for clips that come from other formats."""
DEFAULT_UNIT_M = 0.01
"""Unit written for clips that come from other formats: centimetres."""
_PLACES = ("Xposition", "Yposition", "Zposition")
# Up to three axes, none twice in a row: those describe a rotation.
_ORDER = re.compile(r"(?!.*(.)\1)[XYZ]{0,3}")


@dataclass
class Layout:
    """The layout of a BVH file. Clips keep it as JSON in ``meta["bvh"]``."""

    unit_m: float = DEFAULT_UNIT_M
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Channels of each joint, in the file's order of joints."""
    above: list[BvhJoint] = field(default_factory=list)
    """Joints of the file above the clip's root; they are written back without motion."""
    added: frozenset[str] = frozenset()
    """Joints whose position channels are relative to their OFFSET, and so written as zero."""
    z_up: bool = False
    encoding: str = "utf-8"
    """Encoding of the joints' names in the file."""

    def to_meta(self) -> dict[str, Any]:
        """Plain lists and text, without empty entries."""
        meta: dict[str, Any] = {
            "unit_m": self.unit_m,
            "channels": {name: " ".join(words) for name, words in self.channels.items()},
        }
        if self.above:
            meta["above"] = [
                [joint.name, list(joint.offset), " ".join(joint.channels)] for joint in self.above
            ]
        if self.added:
            meta["added"] = sorted(self.added)
        if self.encoding in ENCODINGS:
            meta["encoding"] = self.encoding
        return meta | {"z_up": True} if self.z_up else meta

    @classmethod
    def of(cls, clip: Clip) -> "Layout":
        """The layout that a clip carries, or the default one."""
        # The meta may come from an `.npz` that others edited, so invalid entries are ignored.
        meta = clip.meta.get("bvh")
        if not isinstance(meta, dict):
            return cls()
        unit, channels, above = meta.get("unit_m"), meta.get("channels"), meta.get("above")
        added = meta.get("added")
        layout = cls(
            float(unit) if isinstance(unit, int | float) and 0 < unit < 1e9 else DEFAULT_UNIT_M
        )
        if isinstance(channels, dict):
            read = {name: _channels(words) for name, words in channels.items()}
            layout.channels = {name: words for name, words in read.items() if words is not None}
        layout.above = _above(above, set(clip.motion.skeleton.names))
        if isinstance(added, list):
            layout.added = frozenset(name for name in added if isinstance(name, str))
        layout.z_up = meta.get("z_up") is True
        if meta.get("encoding") in ENCODINGS:
            layout.encoding = meta["encoding"]
        return layout


def euler_order(channels: tuple[str, ...]) -> str:
    """The Euler order of a joint's channels."""
    return "".join(channel[0] for channel in channels if channel.endswith("rotation"))


def _channels(text: object) -> tuple[str, ...] | None:
    # "nothing" is no channel, so it fails the check below; an empty text means no channels.
    words = tuple(text.split()) if isinstance(text, str) else ("nothing",)
    places = [word for word in words if word in _PLACES]
    good = all(word in _PLACES or re.fullmatch("[XYZ]rotation", word) for word in words)
    return (
        words
        if good and len(set(places)) == len(places) and _ORDER.fullmatch(euler_order(words))
        else None
    )


def _above(listed: object, taken: set[str]) -> list[BvhJoint]:
    # One bad joint discards all of them, because the chain from the file's root would be broken.
    joints: list[BvhJoint] = []
    for number, item in enumerate(listed if isinstance(listed, list) else []):
        try:
            name, (x, y, z), words = item
            offset = (float(x), float(y), float(z))
        except (TypeError, ValueError):
            return []
        channels = _channels(words)
        if (
            not isinstance(name, str)
            or name in taken
            or channels is None
            or not np.isfinite(offset).all()
        ):
            return []
        taken.add(name)
        joints.append(BvhJoint(name, number - 1, offset, channels))
    return joints


def clip_to_document(clip: Clip) -> BvhDocument:
    """The clip as a BVH document.

    Every joint has the channels of the clip's own file, and angles do not jump between frames.

    Raises:
        FileError: the format cannot hold a joint's name.
    """
    kept = Layout.of(clip)
    motion = y_up_to_z_up(clip.motion) if kept.z_up else clip.motion
    skeleton, frames = motion.skeleton, len(motion)
    if any(set(name) & set("\r\n{}") for name in skeleton.names):
        raise FileError(
            clip.name,
            "a joint's name holds a brace or a line end",
            "names that BVH can hold",
            "rename the joint",
        )
    # The root's position channels are relative to the joints above it, which stand still.
    joints, columns = list(kept.above), [_unmoved(joint, frames) for joint in kept.above]
    shift = np.sum([joint.offset for joint in kept.above], axis=0) if kept.above else np.zeros(3)
    order = _file_order(skeleton, list(kept.channels))
    index = {j: len(kept.above) + i for i, j in enumerate(order)}
    for j in order:
        name, parent = skeleton.names[j], skeleton.parents[j]
        x, y, z = (skeleton.offsets_m[j].astype(np.float64) / kept.unit_m).tolist()
        # Position channels below the root repeat the OFFSET, or are zero where the file adds them.
        place = (
            motion.root_m.astype(np.float64) / kept.unit_m - shift
            if parent < 0
            else np.tile(np.zeros(3) if name in kept.added else (x, y, z), (frames, 1))
        )
        channels, values = _joint_columns(
            kept.channels.get(name), motion.rotations[:, j], place, root=parent < 0
        )
        joints.append(
            BvhJoint(
                name, index[parent] if parent >= 0 else len(kept.above) - 1, (x, y, z), channels
            )
        )
        columns.append(values)
    ends = [
        (index[j], (x / kept.unit_m, y / kept.unit_m, z / kept.unit_m))
        for j, (x, y, z) in skeleton.end_sites
    ]
    return BvhDocument(joints, ends, motion.fps, np.concatenate(columns, axis=1))


def _unmoved(joint: BvhJoint, frames: int) -> Float[Array, "T C"]:
    """Channel values of a joint that does not move. Its position channels repeat its OFFSET."""
    row = [
        joint.offset["XYZ".index(word[0])] if word in _PLACES else 0.0 for word in joint.channels
    ]
    return np.tile(row, (frames, 1)).reshape(frames, len(row))


def _file_order(skeleton: Skeleton, named: list[str]) -> list[int]:
    """The joints in the order of a BVH file: depth first, siblings as the clip's file had them."""
    # SMPL's own order is by level, which nested braces cannot express.
    rank = {name: number for number, name in enumerate(named)}
    children: list[list[int]] = [[] for _ in skeleton.names]
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        children[parent].append(j)
    order, todo = [], [0]
    while todo:
        j = todo.pop()
        order.append(j)
        todo += sorted(
            children[j], key=lambda k: (rank.get(skeleton.names[k], len(rank)), k), reverse=True
        )
    return order


def _joint_columns(
    known: tuple[str, ...] | None,
    rotations: Float[Array, "T 3 3"],
    place: Float[Array, "T 3"],
    root: bool,
) -> tuple[tuple[str, ...], Float[Array, "T C"]]:
    """A joint's channels and their values. The file's own are used if they suffice."""
    if known is None:
        known = tuple(f"{axis}rotation" for axis in DEFAULT_ORDER)
    given = euler_order(known)
    order = (
        given + "".join(axis for axis in DEFAULT_ORDER if axis not in given)
        if len(given) < 3
        else given
    )
    angles = np.degrees(continuous_euler(rotations, order))
    # A joint of one or two rotations in its file may rotate about other axes after an edit. It then
    # gets channels for them. 1e-4 degrees is the accuracy of float32 matrices.
    if np.abs(angles[:, len(given) :]).max(initial=0) > 1e-4:
        known = (*known, *(f"{axis}rotation" for axis in order[len(given) :]))
    # Without position channels the root's path would be lost.
    if root:
        known = (*(word for word in _PLACES if word not in known), *known)
    columns, turn = [], 0
    for word in known:
        if word in _PLACES:
            columns.append(place[:, "XYZ".index(word[0])])
        else:
            columns.append(angles[:, turn])
            turn += 1
    return known, np.stack(columns, axis=1) if columns else np.zeros((len(place), 0))


def continuous_euler(rotations: Float[Array, "T 3 3"], order: str) -> Float[Array, "T 3"]:
    """Intrinsic Euler angles (radians, float64) that follow each other without jumps.

    Every rotation has two triples of angles, each up to full turns: (a, b, c) and (a + pi, pi - b,
    c + pi), or -b instead of pi - b if the order begins and ends with the same axis. Switching from
    the first triple to the second takes the same distance as switching back. So whether to switch
    between two frames depends on these frames alone, and the parity of the switches so far gives
    the triple of each frame.
    """
    first = rot.matrix_to_euler(rotations, order)
    second = first + np.pi
    second[:, 1] = (0 if order[0] == order[2] else np.pi) - first[:, 1]

    def distance(a: Float[Array, "n 3"], b: Float[Array, "n 3"]) -> Float[Array, "n"]:
        return np.abs((a - b + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)

    switches = distance(first[1:], second[:-1]) < distance(first[1:], first[:-1])
    other = np.concatenate([[False], np.cumsum(switches) % 2 == 1])
    return np.unwrap(np.where(other[:, None], second, first), axis=0)


def format_bvh(document: BvhDocument) -> str:
    """The document as BVH text, with six decimals, tabs, and an End Site below each last joint."""
    out = ["HIERARCHY"]
    children: list[list[int]] = [[] for _ in document.joints]
    for j, joint in enumerate(document.joints):
        if joint.parent >= 0:
            children[joint.parent].append(j)
    ends: dict[int, list[tuple[float, float, float]]] = {}
    for j, offset in document.ends:
        ends.setdefault(j, []).append(offset)
    columns = np.cumsum([0] + [len(joint.channels) for joint in document.joints])
    # The table's columns have to follow the order of the joints in the text.
    order: list[int] = []
    # A stack of joints with their depths, and of texts that follow the joints above them. It
    # replaces recursion, because a chain may have 2,000 joints.
    todo: list[tuple[int, int] | str] = [(0, 0)]
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
        # Importers take the length of the last bone from its End Site.
        for tip in ends.get(j, [] if children[j] else [(0.0, 0.0, 0.0)])[::-1]:
            todo.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_spaced(tip)}\n{tab}\t}}")
        todo.extend((child, depth + 1) for child in reversed(children[j]))
    out += ["MOTION", f"Frames: {len(document.values)}", f"Frame Time: {1 / document.fps:.8f}"]
    # Six decimals of a degree, or of a centimetre, are finer than float32.
    row = " ".join(["%.6f"] * len(order))
    out += [row % tuple(frame) for frame in document.values[:, order].tolist()]
    return "\n".join(out) + "\n"


def _spaced(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6f}" for value in values)

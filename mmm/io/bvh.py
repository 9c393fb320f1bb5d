"""BVH files: any layout of channels is read, and clips are written in the layout of their file.

Angles of a BVH joint are intrinsic, in degrees, and applied in the order of its channels (Meredith
and Maddock, *Motion Capture File Formats Explained*, 2001). Programs disagree on the meaning of
position channels below the root; ``mmm.io.bvh_positions`` decides it.
"""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.io.body import TURNED_UP, body_height, guess_unit, is_z_up, unit_notes, z_up_to_y_up
from mmm.io.bvh_out import Layout, clip_to_document, euler_order, format_bvh
from mmm.io.bvh_positions import (
    added_joints,
    compose_chain,
    mean_offsets,
    moving_root,
    position_axes,
    single_chain,
)
from mmm.io.bvh_text import BvhDocument, parse_bvh
from mmm.io.encoding import encoded
from mmm.io.files import LARGEST, check_size, read_text
from mmm.io.smpl import as_smpl
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import Skeleton
from mmm.storage import write_atomically

Array = np.ndarray


def read_bvh(
    path: Path,
    unit_m: float | None = None,
    fps: float | None = None,
    up: str | None = None,
    body: str | None = None,
    largest: int = LARGEST,
) -> Clip:
    """A ``.bvh`` file as a clip.

    Args:
        path: the file.
        unit_m: metres per unit; guessed from the height of the body if not given.
        fps: frames per second, where the header is missing or wrong.
        up: the axis that points up, ``y`` or ``z``; by default guessed from the body's posture.
        body: which of several bodies, by its root's name or its number from 1; the first if
            not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: with the line at fault.
        SpecError: no such body.
    """
    text, encoding = read_text(path, "a BVH file")
    document = parse_bvh(text, str(path), fps, body)
    # Checked before the matrices are made, which take three times the memory of the angles.
    check_size(str(path), len(document.joints), len(document.values), largest)
    return document_to_clip(document, path.stem, str(path), unit_m, up, encoding)


def write_bvh(clip: Clip, path: Path) -> None:
    """Write a clip as ``.bvh``.

    A clip that came from a BVH keeps that file's layout (unit, joints, channels, up axis, encoding
    of names). Others are written in centimetres, with Euler order ZYX.

    Raises:
        FileError: the file cannot be written.
    """
    text = format_bvh(clip_to_document(clip))
    data = encoded(text, Layout.of(clip).encoding)
    write_atomically(path, lambda file: file.write(data))


def document_to_clip(
    document: BvhDocument,
    name: str,
    source: str,
    unit_m: float | None = None,
    up: str | None = None,
    encoding: str = "utf-8",
) -> Clip:
    """The clip of a document, in metres and with Y up.

    Args:
        document: the file's joints and numbers.
        name: the clip's name.
        source: where it came from.
        unit_m: metres per unit; guessed if not given.
        up: the axis that points up, ``y`` or ``z``; guessed if not given.
        encoding: the file's encoding, in which its names are written back.
    """
    notes = list(document.notes)
    rotations, positions = _local_transforms(document)
    skeleton = _file_skeleton(document)
    # In the file's unit. Thresholds are relative to it, since the unit is not known yet.
    height = body_height(skeleton)
    chain = single_chain(document)
    added = added_joints(document, positions, chain)
    _add_offsets(document, positions, added)
    top = moving_root(document, positions, chain, height)
    root, rotations[:, top] = compose_chain(rotations, positions, top)
    offsets = mean_offsets(document, positions, top, height, unit_m, notes)
    # Joints above the root that moves are folded into it. Networks expect the hips as the root.
    if top:
        dropped = ", ".join(joint.name for joint in document.joints[:top])
        notes.append(
            f"{dropped} moved the whole body together with {document.joints[top].name}; "
            f"they are one root here."
        )
    keep = slice(top, None)
    skeleton = Skeleton(
        skeleton.names[keep],
        tuple(max(p - top, -1) for p in skeleton.parents[keep]),
        offsets[keep],
        end_sites=tuple((j - top, tip) for j, tip in skeleton.end_sites),
    )
    # Measured again, as the offsets may have come from position channels.
    height = body_height(skeleton)
    guessed, unit_name = guess_unit(height)
    unit = guessed if unit_m is None else unit_m
    notes.extend(unit_notes(height * unit, unit_name, unit_m is not None))
    tips = tuple((j, (x * unit, y * unit, z * unit)) for j, (x, y, z) in skeleton.end_sites)
    skeleton = replace(skeleton, offsets_m=offsets[keep] * unit, end_sites=tips)
    root_m = (root * unit).astype(np.float32)
    motion = Motion(skeleton, rotations[:, keep], root_m, document.fps)
    # BVH does not state the axis up. Y is usual, and some programs export Z.
    z_up = is_z_up(skeleton, motion.rotations, root_m) if up is None else up == "z"
    if z_up:
        motion = z_up_to_y_up(motion)
        notes.append(TURNED_UP)
    layout = Layout(
        unit,
        {joint.name: joint.channels for joint in document.joints[keep]},
        document.joints[:top],
        frozenset(document.joints[j].name for j in added if j > top),
        z_up,
        encoding,
    )
    choice = {} if document.bodies is None else document.bodies.to_meta()
    meta = MappingProxyType({"bvh": layout.to_meta(), **choice})
    return Clip(name, as_smpl(motion), source=source, notes=tuple(notes), meta=meta)


def _add_offsets(document: BvhDocument, positions: Float[Array, "T J 3"], added: list[int]) -> None:
    """Add the OFFSET to the positions of joints whose channels are relative to it, in place."""
    for j in added:
        axes = position_axes(document.joints[j])
        positions[:, j, axes] += np.array(document.joints[j].offset)[axes]


def _file_skeleton(document: BvhDocument) -> Skeleton:
    """The tree in the file's unit."""
    # Programs write End Sites of zero length if they know none.
    tips = tuple((j, tip) for j, tip in document.ends if any(tip))
    offsets = np.array([joint.offset for joint in document.joints])
    return Skeleton(
        tuple(joint.name for joint in document.joints),
        tuple(joint.parent for joint in document.joints),
        offsets,
        end_sites=tips,
    )


def _local_transforms(
    document: BvhDocument,
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T J 3"]]:
    """Every joint's rotation and position in its parent's frame, in the file's unit.

    Position channels are taken to replace the OFFSET.
    """
    values, joints = document.values, document.joints
    starts = np.cumsum([0] + [len(joint.channels) for joint in joints])
    rotations = np.broadcast_to(
        np.eye(3, dtype=np.float32), (len(values), len(joints), 3, 3)
    ).copy()
    groups: dict[str, list[int]] = {}
    for j, joint in enumerate(joints):
        groups.setdefault(euler_order(joint.channels), []).append(j)
    # Joints of one Euler order are converted together, which is faster than one by one.
    for order, members in groups.items():
        if order:
            columns = [
                [
                    starts[j] + c
                    for c, name in enumerate(joints[j].channels)
                    if name.endswith("rotation")
                ]
                for j in members
            ]
            rotations[:, members] = rot.euler_to_matrix(np.radians(values[:, columns]), order)
    # Axes without a position channel keep the OFFSET.
    positions = np.broadcast_to(
        [joint.offset for joint in joints], (len(values), len(joints), 3)
    ).copy()
    for j, joint in enumerate(joints):
        for c, name in enumerate(joint.channels):
            if name.endswith("position"):
                positions[:, j, "XYZ".index(name[0])] = values[:, starts[j] + c]
    return rotations, positions

"""BVH files: any layout of channels in, one plain layout out.

Angles of a BVH joint are intrinsic and applied in the order of its channels. Programs disagree on
position channels below the root: they *replace* the OFFSET (as in the files of LAFAN1 and
Bandai-Namco) or are *added* to it (and are then mostly zero). Which of the two a file means is
judged once for all its joints, by which is nearer to its bones.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.io.body import TURNED_UP, body_height, guess_unit, is_z_up, unit_notes, z_up_to_y_up
from mmm.io.bvh_out import Layout, clip_to_document, format_bvh, turns
from mmm.io.bvh_text import BvhDocument, BvhJoint, parse_bvh
from mmm.io.encoding import encoded
from mmm.io.files import LARGEST, check_size, read_text, write_atomically
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton

Array = np.ndarray

_MOVES = 0.01  # of the body's height: a joint whose place varies by more really travels
_FAR = 0.25  # of the body's height: no bone from a root to its only child is as long
_ADDED_SHARE = 0.5  # of an OFFSET: shorter positions are added to it, longer ones replace it
_NO_BONE_SHARE = 0.05  # of an OFFSET: a position so short replaces none


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
        unit_m: metres a unit; guessed from the height of the body where not given.
        fps: frames per second, where the header is missing or wrong.
        up: the axis that points up, ``y`` or ``z``; guessed from how the body stands where not
            given.
        body: which of several bodies, by its root's name or its number from 1; the first where
            not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: with the line at fault.
    """
    text, encoding = read_text(path, "a BVH file")
    document = parse_bvh(text, str(path), fps, body)
    check_size(str(path), len(document.joints), len(document.values), largest)
    return document_to_clip(document, path.stem, str(path), unit_m, up, encoding)


def write_bvh(clip: Clip, path: Path) -> None:
    """A clip as ``.bvh``.

    It is laid out as the BVH that the clip came from (unit, joints, channels, up axis, encoding of
    names), else in centimetres and ZYX.

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
    """The movement that a document describes, in metres and Y up.

    Args:
        document: the file's joints and numbers.
        name: the clip's name.
        source: where it came from.
        unit_m: metres a unit; guessed where not given.
        up: the axis that points up, ``y`` or ``z``; guessed where not given.
        encoding: the file's encoding, in which its names are written back.
    """
    notes = list(document.notes)
    rotations, places = _local_transforms(document)
    skeleton = _file_skeleton(document)
    height = body_height(skeleton)
    chain = _single_chain(document)
    added = _added_joints(document, places, chain)
    for j in added:
        axes = _position_axes(document.joints[j])
        places[:, j, axes] += np.array(document.joints[j].offset)[axes]
    top = _moving_root(document, places, chain, height)
    root, rotations[:, top] = _compose_chain(rotations, places, top)
    offsets = _mean_offsets(document, places, top, height, unit_m, notes)
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
    height = body_height(skeleton)
    guessed, unit_name = guess_unit(height)
    unit = guessed if unit_m is None else unit_m
    notes.extend(unit_notes(height * unit, unit_name, unit_m is not None))
    tips = tuple((j, (x * unit, y * unit, z * unit)) for j, (x, y, z) in skeleton.end_sites)
    skeleton = replace(skeleton, offsets_m=offsets[keep] * unit, end_sites=tips)
    root_m = (root * unit).astype(np.float32)
    motion = Motion(skeleton, rotations[:, keep], root_m, document.fps)
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
    meta = MappingProxyType({"bvh": layout.to_meta()})
    return Clip(name, _as_smpl(motion), source=source, notes=tuple(notes), meta=meta)


def _file_skeleton(document: BvhDocument) -> Skeleton:
    """The tree in the file's unit. Tips of no length say nothing and are left out."""
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
    """Every joint's rotation and place in its parent's frame, joints of one Euler order together."""
    values, joints = document.values, document.joints
    starts = np.cumsum([0] + [len(joint.channels) for joint in joints])
    rotations = np.broadcast_to(
        np.eye(3, dtype=np.float32), (len(values), len(joints), 3, 3)
    ).copy()
    groups: dict[str, list[int]] = {}
    for j, joint in enumerate(joints):
        groups.setdefault(turns(joint.channels), []).append(j)
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
    places = np.broadcast_to(
        [joint.offset for joint in joints], (len(values), len(joints), 3)
    ).copy()
    for j, joint in enumerate(joints):
        for c, name in enumerate(joint.channels):
            if name.endswith("position"):
                places[:, j, "XYZ".index(name[0])] = values[:, starts[j] + c]
    return rotations, places


def _position_axes(joint: BvhJoint) -> list[int]:
    """The axes along which a joint has position channels."""
    return ["XYZ".index(name[0]) for name in joint.channels if name.endswith("position")]


def _single_chain(document: BvhDocument) -> list[int]:
    """Joints from the root's child on as long as each is the only child of the one before it."""
    children = Counter(joint.parent for joint in document.joints)
    chain = []
    for j in range(1, len(document.joints)):
        if document.joints[j].parent != j - 1 or children[j - 1] > 1:
            break
        chain.append(j)
    return chain


def _added_joints(
    document: BvhDocument, places: Float[Array, "T J 3"], chain: list[int]
) -> list[int]:
    """Joints whose position channels are added to their OFFSET.

    Where they replace it they are about as long as it; where they are added they are about zero.
    The median of all joints decides, so that one joint that moves does not decide for itself.
    Joints of the chain above the body may carry its travel, and are judged by themselves. A
    position of almost zero is added in any case, for no bone is so short.
    """
    shares: dict[int, float] = {}
    for j, joint in enumerate(document.joints):
        axes = _position_axes(joint)
        offset = np.array(joint.offset)[axes]
        if j and axes and offset.any():
            mean = places[:, j, axes].mean(axis=0)
            shares[j] = float(np.linalg.norm(mean) / np.linalg.norm(offset))
    body = [share for j, share in shares.items() if j not in chain]
    all_added = bool(body) and float(np.median(body)) < _ADDED_SHARE
    return [
        j
        for j, share in shares.items()
        if share < (_ADDED_SHARE if j in chain else _NO_BONE_SHARE)
        or (all_added and j not in chain)
    ]


def _moving_root(
    document: BvhDocument, places: Float[Array, "T J 3"], chain: list[int], height: float
) -> int:
    """The joint that carries the body: the deepest of the chain from the root that travels.

    A joint far from its parent counts too (hips 90 cm above a root on the floor), so that a clip in
    which nobody moves has the same joints as the others of its set.
    """
    top = 0
    for j in chain:
        if not _position_axes(document.joints[j]):
            continue
        travels = np.ptp(places[:, j], axis=0).max() > _MOVES * height
        if travels or float(np.linalg.norm(places[0, j])) > _FAR * height:
            top = j
    return top


def _compose_chain(
    rotations: Float[Array, "T J 3 3"], places: Float[Array, "T J 3"], top: int
) -> tuple[Float[Array, "T 3"], Float[Array, "T 3 3"]]:
    """World place and rotation of joint ``top`` below a chain of single children."""
    place, turn = places[:, 0], rotations[:, 0].astype(np.float64)
    for j in range(1, top + 1):
        place = place + np.einsum("tij,tj->ti", turn, places[:, j])
        turn = turn @ rotations[:, j]
    return place, turn


def _mean_offsets(
    document: BvhDocument,
    places: Float[Array, "T J 3"],
    top: int,
    height: float,
    unit_m: float | None,
    notes: list[str],
) -> Float[Array, "J 3"]:
    """One offset a joint, since bones do not stretch here, and a note where they did in the file."""
    offsets = np.array([joint.offset for joint in document.joints])
    worst, where, stretching = 0.0, "", 0
    for j, joint in enumerate(document.joints):
        if j <= top or not _position_axes(joint):
            continue
        place = places[:, j]
        mean = place.mean(axis=0)
        moved = float(np.linalg.norm(place - mean, axis=1).max())
        offsets[j] = mean if moved else place[0]
        if moved > 1e-5 * height:
            stretching += 1
        if moved > worst:
            worst, where = moved, joint.name
    if stretching:
        unit = unit_m if unit_m is not None else guess_unit(height)[0]
        notes.append(
            f"{stretching} joints move against their parents, {where} by up to {worst * unit * 1000:.1f} mm; "
            f"their mean offsets are used."
        )
    return offsets


def _as_smpl(motion: Motion) -> Motion:
    """A file of SMPL's joints in their usual order, which BVH's nesting cannot keep."""
    names = motion.skeleton.names
    if names == SMPL24.names or set(names) != set(SMPL24.names):
        return motion
    order = [names.index(name) for name in SMPL24.names]
    parents = tuple(
        order.index(motion.skeleton.parents[j]) if motion.skeleton.parents[j] >= 0 else -1
        for j in order
    )
    if parents != SMPL24.parents:
        return motion
    tips = tuple((order.index(j), tip) for j, tip in motion.skeleton.end_sites)
    skeleton = Skeleton(SMPL24.names, parents, motion.skeleton.offsets_m[order], end_sites=tips)
    return Motion(skeleton, motion.rotations[:, order], motion.root_m, motion.fps)

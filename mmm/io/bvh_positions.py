"""The meaning of position channels in a BVH file.

Programs disagree on position channels below the root. They *replace* the OFFSET, as in the files of
LAFAN1 and Bandai-Namco, or they are *added* to it and are then mostly zero. The positions of all
joints together decide which of the two a file means. A joint above the hips may move the whole
body, so this module also finds the joint that does.
"""

from collections import Counter

import numpy as np
from jaxtyping import Float

from mmm.io.body import guess_unit
from mmm.io.bvh_text import BvhDocument, BvhJoint

Array = np.ndarray

# Share of the body's height. Joints that move farther than this travel; rounding and jitter are
# smaller.
_MOVES = 0.01
# Share of the body's height. A bone between a root and its only child is shorter than this.
_FAR = 0.25
# Share of the OFFSET's length. Shorter positions are added to it, longer ones replace it.
_ADDED_SHARE = 0.5
# Share of the OFFSET's length. A shorter position cannot be a bone, so it is added in any case.
_NO_BONE_SHARE = 0.05


def position_axes(joint: BvhJoint) -> list[int]:
    """The axes along which a joint has position channels."""
    return ["XYZ".index(name[0]) for name in joint.channels if name.endswith("position")]


def single_chain(document: BvhDocument) -> list[int]:
    """The joints below the root, as far as each is the only child of the one above it."""
    # Many programs put one or more joints above the hips, such as MotionBuilder's "Reference".
    children = Counter(joint.parent for joint in document.joints)
    chain = []
    for j in range(1, len(document.joints)):
        if document.joints[j].parent != j - 1 or children[j - 1] > 1:
            break
        chain.append(j)
    return chain


def added_joints(
    document: BvhDocument, positions: Float[Array, "T J 3"], chain: list[int]
) -> list[int]:
    """Joints whose position channels are added to their OFFSET.

    Positions that replace the OFFSET are about as long as it, and those that are added are about
    zero. The median over the body's joints decides for all of them, so that one that moves cannot
    decide for itself. If the body's joints have no position channels, or add them, those of the
    chain above are decided one by one, because they may move the whole body. A position of almost
    zero is added in any case, since no bone is so short.

    Args:
        document: the file's joints.
        positions: position of every joint in its parent's frame, if the channels replaced OFFSET.
        chain: the joints of :func:`single_chain`.

    Returns:
        Indices of joints.
    """
    shares: dict[int, float] = {}
    for j, joint in enumerate(document.joints):
        axes = position_axes(joint)
        offset = np.array(joint.offset)[axes]
        # Without an OFFSET, adding and replacing are the same. The root has no parent.
        if j and axes and offset.any():
            mean = positions[:, j, axes].mean(axis=0)
            shares[j] = float(np.linalg.norm(mean) / np.linalg.norm(offset))
    body = [share for j, share in shares.items() if j not in chain]
    # Programs write all joints of a file in the same way, so the body also decides for the chain
    # above it. The hips of Bandai-Namco are metres from their OFFSET, so their own positions would
    # not tell.
    replaced = bool(body) and float(np.median(body)) >= _ADDED_SHARE
    added = bool(body) and not replaced
    return [
        j
        for j, share in shares.items()
        if share < (_NO_BONE_SHARE if replaced or j not in chain else _ADDED_SHARE)
        or (added and j not in chain)
    ]


def moving_root(
    document: BvhDocument, positions: Float[Array, "T J 3"], chain: list[int], height: float
) -> int:
    """The joint that moves the whole body: the lowest of the root's chain that travels.

    A joint far from its parent counts too (hips 90 cm above a root on the floor), so that a clip
    without motion gets the same joints as the others of its set.
    """
    top = 0
    for j in chain:
        if not position_axes(document.joints[j]):
            continue
        travels = np.ptp(positions[:, j], axis=0).max() > _MOVES * height
        if travels or float(np.linalg.norm(positions[0, j])) > _FAR * height:
            top = j
    return top


def compose_chain(
    rotations: Float[Array, "T J 3 3"], positions: Float[Array, "T J 3"], top: int
) -> tuple[Float[Array, "T 3"], Float[Array, "T 3 3"]]:
    """World position and rotation of joint ``top`` below a chain of single children."""
    # float64, because a root may be kilometres from the origin in the file's units.
    position, rotation = positions[:, 0], rotations[:, 0].astype(np.float64)
    for j in range(1, top + 1):
        position = position + np.einsum("tij,tj->ti", rotation, positions[:, j])
        rotation = rotation @ rotations[:, j]
    return position, rotation


def mean_offsets(
    document: BvhDocument,
    positions: Float[Array, "T J 3"],
    top: int,
    height: float,
    unit_m: float | None,
    notes: list[str],
) -> Float[Array, "J 3"]:
    """One constant offset per joint, and a note if the file's bones stretch."""
    offsets = np.array([joint.offset for joint in document.joints])
    worst, worst_joint, stretching = 0.0, "", 0
    for j, joint in enumerate(document.joints):
        if j <= top or not position_axes(joint):
            continue
        position = positions[:, j]
        mean = position.mean(axis=0)
        moved = float(np.linalg.norm(position - mean, axis=1).max())
        # The mean of equal numbers may differ from them in the last digit.
        offsets[j] = mean if moved else position[0]
        # Smaller motion is the rounding of six decimals.
        if moved > 1e-5 * height:
            stretching += 1
        if moved > worst:
            worst, worst_joint = moved, joint.name
    if stretching:
        unit = unit_m if unit_m is not None else guess_unit(height)[0]
        notes.append(
            f"{stretching} joints move against their parents, {worst_joint} by up to "
            f"{worst * unit * 1000:.1f} mm; their mean offsets are used."
        )
    return offsets

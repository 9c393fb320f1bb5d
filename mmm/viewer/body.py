"""The body that is drawn around a skeleton: radii, the trunk's rounded volumes, the head.

It is for display only. Skeletons with known joint names get a mannequin's body, others plain limbs.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.errors import ModelError
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.joint_names import is_end, is_helper, joint_side
from mmm.motion.skeleton import Skeleton, ancestors, subtree
from mmm.viewer.bones import UNDRAWN, bone_starts, helper_ends, trunk_root

Array = np.ndarray

# Radii in metres for a body of 1.7 m, by a joint's position in its limb, from the trunk outwards.
_LEG_M = (0.092, 0.058, 0.040, 0.034)  # hip, knee, ankle, ball of the foot
_ARM_M = (0.060, 0.042, 0.031, 0.030)  # shoulder, elbow, wrist, hand
_COLLAR_M, _TRUNK_M, _PELVIS_M, _NECK_M, _HEAD_M = 0.058, 0.112, 0.112, 0.050, 0.055
_FINGER_M, _TIP_M, _PLAIN_M = 0.014, 0.024, 0.045
# How far toes (level) and fingers reach beyond a foot or hand joint without an end site.
_TOES_M, _FINGERS_M = np.array([0.075, 0.0, 0.075]), np.full(3, 0.075)
_SMPL_LEG_M = 0.81  # thigh and shin of SMPL's mean body, for which the radii are
# From the head joint (the base of the skull) to the crown, for skeletons without an end site there.
_HEAD_UP_M = 0.19
_CHEST_REACH_M = 0.22  # spine joints this near below the collars belong to the chest
_BELLY_REACH_M = 0.28  # spine joints this near above the hips belong to the hips


@dataclass(frozen=True, eq=False)
class Body:
    """The measures that a renderer needs beyond joints and parents."""

    radii: Float[Array, "J"]
    """Radius at each joint, metres."""
    hulls: tuple[tuple[int, ...], ...] = ()
    """Joints drawn together as one rounded volume, which rotates with the first joint."""
    head: int = -1
    """The head's joint, -1 if there is none."""
    crown: int = -1
    """Index of the tip that is the top of the head, -1 if there is none."""
    starts: tuple[int, ...] = ()
    """For each joint the joint where its bone begins, see :mod:`mmm.viewer.bones`."""
    leg_m: float = _SMPL_LEG_M
    """Length of a leg, metres."""


def _chain(skeleton: Skeleton, limb: str) -> list[int]:
    """The limb's longest chain of joints from the trunk outwards, without short first bones."""
    helpers = helper_ends(skeleton)
    members = [j for j, name in enumerate(skeleton.limbs) if name == limb and j not in helpers]
    if not members:
        return []
    # Children by parent, collected once: a search per step would be quadratic in a long chain.
    children: dict[int, list[int]] = {}
    for j in members:
        children.setdefault(skeleton.parents[j], []).append(j)
    line = [members[0]]
    while line[-1] in children:
        line.append(
            max(children[line[-1]], key=lambda j: float(np.linalg.norm(skeleton.offsets_m[j])))
        )
    # Some rigs have a short bone between pelvis and thigh. The hip's radius belongs to the thigh.
    bones = [float(np.linalg.norm(skeleton.offsets_m[j])) for j in line[1:]]
    long = [i for i, bone in enumerate(bones) if bone >= 0.6 * max(bones)] if bones else [0]
    return line[long[0] :]


def _above_legs(skeleton: Skeleton, chains: dict[str, list[int]]) -> list[int]:
    """The joints between the pelvis and the hips, such as buttocks."""
    first = trunk_root(skeleton)
    lines = [line for line in (chains["left_leg"], chains["right_leg"]) if line]
    return [j for line in lines for j in ancestors(skeleton.parents, line[0])[1:] if j > first]


def body_of(skeleton: Skeleton) -> Body:
    """A mannequin's measures, scaled to the skeleton's legs."""
    limbs, parents = skeleton.limbs, skeleton.parents
    radii = np.full(len(skeleton), _PLAIN_M, dtype=np.float32)
    for j, limb in enumerate(limbs):
        radii[j] = {"torso": _TRUNK_M, "head": _NECK_M}.get(limb, _COLLAR_M)
    chains = {
        limb: _chain(skeleton, limb) for limb in ("left_arm", "right_arm", "left_leg", "right_leg")
    }
    for limb, line in chains.items():
        table = _ARM_M if limb.endswith("arm") else _LEG_M
        for depth, j in enumerate(line):
            radii[j] = table[min(depth, len(table) - 1)]
        if line:
            # Branches of the main chain are fingers or toes.
            fingers = set(subtree(parents, line[0])) - set(line)
            radii[[j for j in fingers if limbs[j] == limb]] = _FINGER_M
    head = _head(skeleton)
    if head >= 0:
        radii[head] = _HEAD_M
    radii[trunk_root(skeleton)] = _PELVIS_M
    radii[_above_legs(skeleton, chains)] = _LEG_M[0]
    inner = set(parents)
    for j in (
        j
        for j, limb in enumerate(limbs)
        if limb in ("torso", "head") and j not in inner and j != head
    ):
        # A helper joint without children must not bulge out of the trunk.
        radii[j] = _PLAIN_M * 0.6
    # Legs give the size of a body better than its height, because crowns and toes are often
    # missing.
    leg_m = _leg_length(skeleton, chains)
    crown = next((e for e, (joint, _) in enumerate(skeleton.end_sites) if joint == head), -1)
    starts = bone_starts(skeleton, leg_m)
    if head >= 0:
        # The top of the head lies inside the volume that is drawn for the head.
        starts = tuple(
            UNDRAWN if parents[j] == head and is_end(skeleton.names[j]) else start
            for j, start in enumerate(starts)
        )
    hulls = _hulls(skeleton, chains, parents)
    return Body(radii * np.float32(leg_m / _SMPL_LEG_M), hulls, head, crown, starts, leg_m)


def _head(skeleton: Skeleton) -> int:
    """The joint of the head: by its name, else the last of the head's limb; -1 for none."""
    joints = [
        j
        for j, limb in enumerate(skeleton.limbs)
        if limb == "head" and not is_helper(skeleton.names[j])
    ]
    # The neck belongs to the head's limb, and comes before it.
    named = [j for j in joints if "head" in skeleton.names[j].lower()]
    if named or joints:
        return named[0] if named else joints[-1]
    try:
        names = match_roles(skeleton).joint_names
    except ModelError:
        return -1
    return skeleton.names.index(names["head"]) if "head" in names else -1


def _leg_length(skeleton: Skeleton, chains: dict[str, list[int]]) -> float:
    line = chains["left_leg"] or chains["right_leg"]
    length = sum(float(np.linalg.norm(skeleton.offsets_m[j])) for j in line[1:3])
    # With a wrong unit or a missing shin, bodies would become much too thin or too thick.
    return length if 0.2 < length < 2.0 else _SMPL_LEG_M


def _hulls(
    skeleton: Skeleton, chains: dict[str, list[int]], parents: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    hulls: list[tuple[int, ...]] = []
    left, right = chains["left_leg"], chains["right_leg"]
    if left and right:
        next_up: dict[int, int] = {}  # the first child that belongs to the trunk, by parent
        for j, parent in enumerate(parents):
            if j and skeleton.limbs[j] == "torso":
                next_up.setdefault(parent, j)
        spine: list[int] = []
        reach, joint = 0.0, (first := trunk_root(skeleton))
        while joint in next_up:
            joint = next_up[joint]
            reach += float(np.linalg.norm(skeleton.offsets_m[joint]))
            # At least one spine joint belongs to the hips, or there would be a hole at the waist.
            if reach > _BELLY_REACH_M and spine:
                break
            spine.append(joint)
        hulls.append((first, left[0], right[0], *_above_legs(skeleton, chains), *spine))
    left, right = chains["left_arm"], chains["right_arm"]
    if left and right:
        ups = set(ancestors(parents, left[0]))
        # The lowest common ancestor of both arms is the chest.
        meeting = next(j for j in ancestors(parents, right[0]) if j in ups)
        stubs = [
            j for line in (left, right) for j in ancestors(parents, line[0])[1:] if j > meeting
        ]
        below, reach = [], 0.0
        for j in ancestors(parents, meeting)[:-1]:
            reach += float(np.linalg.norm(skeleton.offsets_m[j]))
            if reach > _CHEST_REACH_M:
                break
            below.append(parents[j])
        neck = [
            j for j in range(len(skeleton)) if parents[j] == meeting and skeleton.limbs[j] == "head"
        ][:1]
        # The root belongs to the hips' volume, and would extend the chest down to the pelvis.
        below = [j for j in below if j > trunk_root(skeleton)]
        hulls.append((meeting, left[0], right[0], *stubs, *neck, *below))
    return tuple(hulls)


def added_tips(motion: Motion, body: Body) -> tuple[list[int], Float[Array, "T E 3"], int]:
    """Tips for skeletons without end sites: the crown of the head, toes and finger tips.

    Returns:
        The joint of each tip, their world positions in metres, and the index of the crown among
        them (-1 for none).
    """
    skeleton, joints, offsets, crown = motion.skeleton, [], [], -1
    ends = {joint for joint, _ in skeleton.end_sites} | set(body.starts)
    if body.head >= 0 and body.crown < 0:
        # Without an end joint the head's up direction is that from root to head in the rest pose.
        tops = [
            j
            for j, name in enumerate(skeleton.names)
            if skeleton.parents[j] == body.head and is_end(name)
        ]
        line = tops[:1] or ancestors(skeleton.parents, body.head)[:-1]
        up = sum((skeleton.offsets_m[j] for j in line), np.zeros(3))
        crown = 0
        joints.append(body.head)
        offsets.append(up / max(float(np.linalg.norm(up)), 1e-6) * _HEAD_UP_M)
    for j, limb in enumerate(skeleton.limbs):
        out = skeleton.offsets_m[j].astype(np.float64)
        if (
            j in ends
            or body.starts[j] == UNDRAWN
            or is_end(skeleton.names[j])
            or not limb.endswith(("arm", "leg"))
            # A bone shorter than 2 cm has no reliable direction.
            or (length := float(np.linalg.norm(out))) < 0.02
        ):
            continue
        joints.append(j)
        offsets.append(out / length * (_TOES_M if limb.endswith("leg") else _FINGERS_M))
    if not joints:
        return [], np.zeros((len(motion), 0, 3), dtype=np.float32), -1
    # Tips move rigidly with their joint.
    world = motion.world_rotations()[:, joints]
    away = np.einsum("teij,ej->tei", world, np.array(offsets, dtype=np.float32))
    return joints, motion.positions()[:, joints] + away, crown


def hip_joints(skeleton: Skeleton) -> tuple[int, int] | None:
    """The first joints of the left and the right leg; None if the names do not tell them apart."""
    sides = [
        [
            j
            for j, name in enumerate(skeleton.names)
            if skeleton.limbs[j] == f"{side}_leg" and joint_side(name) == side
        ]
        for side in ("left", "right")
    ]
    # A dummy lies on the pelvis, where left is right.
    first = [[j for j in legs if not is_helper(skeleton.names[j])] or legs for legs in sides]
    return (first[0][0], first[1][0]) if all(first) else None


def facing_rad(motion: Motion) -> float:
    """The mean direction that the hips face, radians about Y, 0 for +Z.

    It is also 0 if the names do not tell left from right.
    """
    hips = hip_joints(motion.skeleton)
    if hips is None:
        return 0.0
    left, right = (motion.positions()[:, joint] for joint in hips)
    # Vectors are averaged, not angles, which jump from +180 to -180 degrees.
    across = (left - right)[:, [0, 2]]
    forward_x, forward_z = -across[:, 1], across[:, 0]  # left x up
    return float(np.arctan2(forward_x.mean(), forward_z.mean()))

"""A rest pose from a motion, for skeletons whose zero rotations do not show a standing body.

In such skeletons (LAFAN1, SNU) all bones lie along one axis, and zero rotations fold the body onto
a line. The pose is built from a motion: pelvis and chest from the lines between hips and between
shoulders, legs and arms from their bones and from the axes about which knees and elbows bend, feet
from the frames in which they stand, the head from its mean direction.
"""

import numpy as np
from jaxtyping import Float

from mmm.motion.clip import Motion
from mmm.motion.humanoid import RoleMap
from mmm.motion.retargeting.body_axes import (
    SIDES,
    across,
    basis,
    headings,
    hinges,
    joint_of,
    least_upright,
    middle,
)
from mmm.motion.rotations import about_vertical, project_to_so3
from mmm.motion.stances import LOW_M, rest_heights

Array = np.ndarray

HINGES = {
    "left_hip": (1.0, 0.0, 0.0),
    "right_hip": (1.0, 0.0, 0.0),
    "left_shoulder": (0.0, -0.87, 0.5),
    "right_shoulder": (0.0, 0.87, -0.5),
}
"""Axis about which the knee or elbow below bends, for a T-pose that faces +Z. The knees' axis is
that of CMU's and SMPL's skeletons within 25 degrees, the elbows' that of CMU's calibrated bodies."""
BONES = {
    "left_hip": (0.0, -1.0, 0.0),
    "right_hip": (0.0, -1.0, 0.0),
    "left_shoulder": (1.0, 0.0, 0.0),
    "right_shoulder": (-1.0, 0.0, 0.0),
}
"""Direction of the limb that begins here, in the same pose."""
LIMBS = tuple(
    (f"{side}_{upper}", f"{side}_{middle_}", f"{side}_{lower}")
    for side in SIDES
    for upper, middle_, lower in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
)
"""The four limbs as three roles each."""
_MAX_FRAMES = 1000
_UPRIGHT = 0.8
_ARMS_WEIGHT = 0.2
"""Weight of bent arms. Arms matter less than legs, because their bones are aligned one by one."""


def thinned(motion: Motion) -> Motion:
    """The motion with at most a thousand frames, spread evenly."""
    frames = np.unique(np.linspace(0, len(motion) - 1, _MAX_FRAMES).round().astype(int))
    return Motion(motion.skeleton, motion.rotations[frames], motion.root_m[frames], motion.fps)


def built_pose(motion: Motion, role_map: RoleMap) -> Float[Array, "J 3 3"] | None:
    """Local rotations of a T-pose that faces +Z; None if knees or elbows never bend.

    Joints without a role keep the mean of their local rotations.
    """
    world = _trunk(motion, role_map)
    for limb in LIMBS:
        if joint_of(role_map, limb[2]) < 0:
            continue
        axes = hinges(motion, role_map, limb)
        if axes is None:
            return None
        for role, end, axis in zip(limb, limb[1:], axes, strict=False):
            bone = _mean_in(motion, role_map, role, _bone(motion, role_map, role, end))
            joint = joint_of(role_map, role)
            world[joint] = (
                basis(np.array(BONES[limb[0]]), np.array(HINGES[limb[0]])) @ basis(bone, axis).T
            )
    world |= _feet(motion, role_map)
    mean = project_to_so3(motion.rotations.mean(axis=0))[0]
    local, placed = mean.copy(), np.empty_like(mean)
    for j, parent in enumerate(role_map.skeleton.parents):
        above = placed[parent] if parent >= 0 else np.eye(3)
        if j in world:
            local[j] = project_to_so3(above.T @ world[j])[0]
        placed[j] = above @ local[j]
    return local


def _bone(motion: Motion, role_map: RoleMap, start: str, end: str) -> Float[Array, "T 3"]:
    points = motion.positions()
    return np.asarray(points[:, joint_of(role_map, end)] - points[:, joint_of(role_map, start)])


def _mean_in(
    motion: Motion, role_map: RoleMap, role: str, vectors: Float[Array, "T 3"]
) -> Float[Array, "3"]:
    """The mean of world vectors in the frame of a role's joint."""
    world = motion.world_rotations()[:, joint_of(role_map, role)]
    return np.asarray(np.einsum("tji,tj->ti", world, vectors).mean(axis=0))


def _trunk(motion: Motion, role_map: RoleMap) -> dict[int, Float[Array, "3 3"]]:
    """Rest orientations of pelvis, chest, neck and head by joint, in world axes."""
    points, world = motion.positions(), motion.world_rotations()
    along = middle(points, role_map, "shoulder") - middle(points, role_map, "hip")
    rest = {}
    for role, above, line in (("pelvis", "spine1", "hip"), ("spine3", "neck", "shoulder")):
        joint, end = joint_of(role_map, role), joint_of(role_map, above)
        if joint < 0:
            continue
        # The bone above gives the joint's own up axis, whatever the bend of the trunk.
        up = along if end < 0 else _bone(motion, role_map, role, above)
        left = _mean_in(motion, role_map, role, across(points, role_map, line))
        rest[joint] = (
            basis(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
            @ basis(left, _mean_in(motion, role_map, role, up)).T
        )
    # People look ahead on average, but not while they lie or stand on their hands.
    upright = least_upright(points, role_map) > _UPRIGHT
    upright = upright if upright.any() else np.ones(len(motion), dtype=bool)
    turns = np.swapaxes(headings(points, role_map)[upright], -1, -2)
    for role in ("neck", "head"):
        if (joint := joint_of(role_map, role)) >= 0:
            rest[joint] = project_to_so3((turns @ world[upright, joint]).mean(axis=0))[0]
    return rest


def _feet(motion: Motion, role_map: RoleMap) -> dict[int, Float[Array, "3 3"]]:
    """Rest orientations of feet that stand flat and point to +Z, by joint."""
    points, world, rest = motion.positions(), motion.world_rotations(), {}
    rest_m = rest_heights(points, motion.skeleton)
    for side in SIDES:
        ankle, toe = (joint_of(role_map, f"{side}_{role}") for role in ("ankle", "toe"))
        if toe < 0:
            continue
        lift = np.maximum(points[:, ankle, 1] - rest_m[ankle], points[:, toe, 1] - rest_m[toe])
        flat = lift <= max(LOW_M, float(np.percentile(lift, 5)))
        foot = (points[:, toe] - points[:, ankle])[flat]
        turns = about_vertical(-np.arctan2(foot[:, 0], foot[:, 2]))
        for joint in (ankle, toe):
            rest[joint] = project_to_so3((turns @ world[flat, joint]).mean(axis=0))[0]
    return rest


def most_upright_frame(motion: Motion, role_map: RoleMap) -> int:
    """The frame in which trunk and legs are straightest and both feet are down."""
    points = motion.positions()
    cost = 3 * (1 - least_upright(points, role_map))
    for side in SIDES:
        hip, knee, ankle, toe, shoulder, elbow, wrist = (
            joint_of(role_map, f"{side}_{role}")
            for role in ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "wrist")
        )
        cost = cost + 3 * _bend(points, hip, knee, ankle)
        if wrist >= 0:
            cost += _ARMS_WEIGHT * _bend(points, shoulder, elbow, wrist)
        # A lifted heel or toe would tilt the foot's rest pose, which decides how it stands later.
        for joint in (ankle, toe) if toe >= 0 else (ankle,):
            height = points[:, joint, 1]
            cost += 5 * np.maximum(height - np.percentile(height, 5), 0)
    return int(np.argmin(cost))


def _bend(points: Float[Array, "T J 3"], upper: int, middle_: int, lower: int) -> Array:
    """Zero for a straight limb, one for a folded one."""
    parts = [
        np.linalg.norm(points[:, a] - points[:, b], axis=1)
        for a, b in ((upper, middle_), (middle_, lower), (upper, lower))
    ]
    return np.asarray(1 - parts[2] / np.maximum(parts[0] + parts[1], 1e-9))

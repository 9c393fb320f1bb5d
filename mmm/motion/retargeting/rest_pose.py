"""The rest pose of a humanoid: a standing body, which is the common reference of two skeletons.

The zero rotations of two skeletons rarely show the same pose. SMPL and Mixamo stand in a T-pose,
but in LAFAN1 and in SNU's recordings all bones lie along one axis. So a pose in which the body
stands upright is found for each. Remaining differences between two such poses (a T-pose and hanging
arms) are removed bone by bone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import ModelError
from mmm.motion.clip import Motion
from mmm.motion.humanoid import RoleMap
from mmm.motion.leg_ik import shortest_arc
from mmm.motion.retargeting.body_axes import (
    SIDES,
    basis,
    headings,
    hinges,
    joint_of,
    least_upright,
    middle,
)
from mmm.motion.retargeting.rest_from_motion import (
    HINGES,
    LIMBS,
    built_pose,
    most_upright_frame,
    thinned,
)
from mmm.motion.roles import ROLES
from mmm.motion.rotations import matrix_to_rotvec, rotvec_to_matrix
from mmm.motion.skeleton import Skeleton, forward_kinematics

Array = np.ndarray

MIN_UPRIGHT = 0.8
"""Smallest cosine between the vertical and the trunk, and between the vertical and each leg, of a
body that stands."""
_META_KEY = "rest_pose"
_FLAT_RAD = np.radians(30)
"""Feet that slope differently by less than this both stand flat, on soles of different height.
Beyond it one of them is drawn with a pointed toe."""


@dataclass(frozen=True, eq=False)
class RestPose:
    """A standing body that faces +Z, with its root at the origin."""

    role_map: RoleMap
    local: Float[Array, "J 3 3"]
    """Local rotations of all joints."""
    bends: Mapping[str, Float[Array, "3"]] = field(default_factory=dict)
    """For hips, knees, shoulders and elbows the axis about which the knee or elbow bends, in the
    joint's own frame, if a motion determines it."""

    @cached_property
    def _kinematics(self) -> tuple[Float[Array, "J 3"], Float[Array, "J 3 3"]]:
        return forward_kinematics(self.role_map.skeleton, self.local, np.zeros(3, np.float32))

    @property
    def points(self) -> Float[Array, "J 3"]:
        """World positions of the joints, metres."""
        return self._kinematics[0]

    @property
    def world(self) -> Float[Array, "J 3 3"]:
        """World rotations of the joints."""
        return self._kinematics[1]

    def joint(self, role: str) -> int:
        """The joint of a role; -1 if the skeleton has none."""
        return joint_of(self.role_map, role)

    def has(self, *roles: str) -> bool:
        """Whether the skeleton has joints for all of these roles."""
        return all(self.joint(role) >= 0 for role in roles)

    def bone(self, start: str, end: str) -> Float[Array, "3"]:
        """The vector from one role's joint to another's, metres."""
        return np.asarray(self.points[self.joint(end)] - self.points[self.joint(start)])

    def trunk(self) -> Float[Array, "3"]:
        """The vector from between the hips to between the shoulders, metres."""
        points = self.points[None]
        shoulders = middle(points, self.role_map, "shoulder")
        return np.asarray((shoulders - middle(points, self.role_map, "hip"))[0])

    def hinge(self, limb: tuple[str, str, str], role: str) -> Float[Array, "3"]:
        """The axis about which a limb bends, in world axes."""
        if role in self.bends:
            return np.asarray(self.world[self.joint(role)] @ self.bends[role])
        return np.array(HINGES[limb[0]])

    def to_meta(self) -> dict[str, Any]:
        """The entry of a clip's ``meta`` that keeps this pose; empty for zero rotations."""
        rotvecs = matrix_to_rotvec(self.local)
        turned = np.abs(rotvecs)
        turned[0, 1] = 0  # the heading is not part of the pose
        return {_META_KEY: rotvecs.astype(float).round(6).tolist()} if turned.max() > 1e-5 else {}

    def length(self, *roles: str) -> float:
        """Length of the bones from role to role, metres."""
        return float(sum(np.linalg.norm(self.bone(*ends)) for ends in pairwise(roles)))

    def leg_length(self) -> float:
        """Length of thigh and shin, the mean of both sides, metres."""
        legs = [[f"{side}_{role}" for role in ("hip", "knee", "ankle")] for side in SIDES]
        return float(np.mean([self.length(*leg) for leg in legs]))


def rest_pose(
    body: Skeleton | Motion, role_map: RoleMap, meta: Mapping[str, Any] = MappingProxyType({})
) -> RestPose:
    """The rest pose of a body.

    Zero rotations are used if they show a standing body. Otherwise the pose is built from the
    motion, or is its most upright frame if the motion is too still for that.

    Args:
        body: the skeleton, or a motion of it.
        role_map: its joints by role.
        meta: the clip's, which holds the rest pose if the clip was retargeted before.

    Raises:
        ModelError: neither the zero rotations nor any frame shows a standing body.
    """
    skeleton = body if isinstance(body, Skeleton) else body.skeleton
    motion = None if isinstance(body, Skeleton) else thinned(body)
    local = np.broadcast_to(np.eye(3, dtype=np.float32), (len(skeleton), 3, 3)).copy()
    if (kept := _from_meta(meta, len(skeleton))) is not None:
        local = kept
    elif not _stands(local, role_map) and motion is not None:
        built = built_pose(motion, role_map)
        local = motion.rotations[most_upright_frame(motion, role_map)] if built is None else built
    if not _stands(local, role_map):
        raise ModelError(
            f"skeleton of {len(skeleton)} joints from {skeleton.names[0]!r}",
            "neither its zero rotations nor any frame show a standing body",
            "a pose to compare bodies by",
            "give a clip of this skeleton in which it stands upright",
        )
    local = local.copy()
    # Facing +Z, so that two rest poses can be compared in one frame of reference.
    points = forward_kinematics(role_map.skeleton, local, np.zeros(3, np.float32))[0]
    local[0] = headings(points[None], role_map)[0].T @ local[0]
    return RestPose(role_map, local, {} if motion is None else _bends(motion, role_map))


def _from_meta(meta: Mapping[str, Any], joints: int) -> Float[Array, "J 3 3"] | None:
    # The meta may come from an `.npz` that others edited, so invalid values are ignored.
    try:
        rotvecs = np.array(meta.get(_META_KEY), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    fits = rotvecs.shape == (joints, 3) and np.isfinite(rotvecs).all()
    return rotvec_to_matrix(rotvecs) if fits else None


def _stands(local: Float[Array, "J 3 3"], role_map: RoleMap) -> bool:
    points, _ = forward_kinematics(role_map.skeleton, local, np.zeros(3, np.float32))
    return bool(least_upright(points[None], role_map)[0] >= MIN_UPRIGHT)


def _bends(motion: Motion, role_map: RoleMap) -> dict[str, Float[Array, "3"]]:
    bends: dict[str, Float[Array, "3"]] = {}
    for limb in LIMBS:
        if joint_of(role_map, limb[2]) >= 0 and (axes := hinges(motion, role_map, limb)):
            bends |= dict(zip(limb, axes, strict=False))
    return bends


def aligned_bones(source: RestPose, target: RestPose) -> dict[str, Float[Array, "3 3"]]:
    """For each role the rotation of the target's rest pose onto the source's, in world axes.

    The trunk follows its lean, limbs follow their bones and the axes of their knees and elbows. A
    hand, whose bones are often missing, rotates with the forearm, and the head is not rotated.
    """
    turns = dict.fromkeys(ROLES, np.eye(3))
    trunk = _arc(target.trunk(), source.trunk())
    for role in ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"):
        turns[role] = trunk
    for limb in LIMBS:
        for role, end in pairwise(limb):
            if source.has(role, end) and target.has(role, end):
                target_axes, source_axes = (
                    basis(rest.bone(role, end), rest.hinge(limb, role)) for rest in (target, source)
                )
                turns[role] = source_axes @ target_axes.T
            else:
                turns[role] = turns[limb[0]]
    for side in SIDES:
        forearm, foot = (f"{side}_elbow", f"{side}_wrist"), (f"{side}_ankle", f"{side}_toe")
        if source.has(*forearm) and target.has(*forearm):
            turns[forearm[1]] = _arc(target.bone(*forearm), source.bone(*forearm))
        if source.has(*foot) and target.has(*foot):
            turns[foot[0]] = turns[foot[1]] = _foot_turn(target.bone(*foot), source.bone(*foot))
    return turns


def _arc(start: Array, end: Array) -> Float[Array, "3 3"]:
    return np.asarray(shortest_arc(start[None].astype(float), end[None].astype(float))[0])


def _foot_turn(target: Array, source: Array) -> Float[Array, "3 3"]:
    """The rotation of a foot, about the vertical only if both feet stand flat."""
    level = np.array([1, 0, 1])
    turn = _arc(target * level, source * level)
    lengths = max(float(np.linalg.norm(target) * np.linalg.norm(source)), 1e-9)
    cosine = float((turn @ target) @ source) / lengths
    return turn if np.arccos(np.clip(cosine, -1, 1)) < _FLAT_RAD else _arc(target, source)

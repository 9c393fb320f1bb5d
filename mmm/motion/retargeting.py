"""Retargeting: a motion of one skeleton on another skeleton, by joint roles.

Both skeletons are matched to the joint roles of a humanoid (:mod:`mmm.motion.humanoid`). A
reference pose of each, standing with straight limbs, says how their joints are oriented relative to
one another. With it every role of the target is oriented as the role of the source is; upper arms,
forearms, thighs and shins point exactly as the source's do. The path of the pelvis is scaled by the
length of the legs. Arms and legs then reach, by two-bone inverse kinematics, where the source's
hands and feet were relative to shoulders and floor, and feet that stand are locked.

Contacts of the body with itself, such as hands on hips, are not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.errors import ModelError
from mmm.motion.clip import Clip, Motion
from mmm.motion.foot_locking import SLIDES_M_S, contact_speed, legs_of, lock_contacts, turn_limb
from mmm.motion.humanoid import RoleMap, match_roles
from mmm.motion.leg_ik import Leg, shortest_arc
from mmm.motion.roles import ROLES
from mmm.motion.rotations import about_vertical
from mmm.motion.skeleton import Skeleton, forward_kinematics
from mmm.motion.stances import rest_heights

Array = np.ndarray

_ROLE = {role: r for r, role in enumerate(ROLES)}
_SIDES = ("left", "right")
_SEGMENTS = {
    f"{side}_{upper}": f"{side}_{lower}"
    for side in _SIDES
    for upper, lower in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
    )
}
"""Roles whose bones point alike in source and target, and the role at the bone's end."""
_STANDING = 0.8
"""A reference pose scores at least this; 1 is upright with vertical legs and straight arms."""
_MAX_CANDIDATES = 400
"""Poses of a clip that are looked at for a reference pose."""


@dataclass(frozen=True, eq=False)
class _Reference:
    """A pose that tells how the joints of a skeleton are oriented."""

    roles: RoleMap
    local: Float[Array, "J 3 3"]

    @cached_property
    def _world(self) -> tuple[Float[Array, "J 3"], Float[Array, "J 3 3"]]:
        return forward_kinematics(self.roles.skeleton, self.local, np.zeros(3))

    @property
    def positions_m(self) -> Float[Array, "J 3"]:
        """World positions with the root at the origin."""
        return self._world[0]

    @property
    def world(self) -> Float[Array, "J 3 3"]:
        """World rotations."""
        return self._world[1]

    def joint(self, role: str) -> int:
        """The joint of a role, or -1."""
        return int(self.roles.joints[_ROLE[role]])

    def point(self, role: str) -> Float[Array, "3"]:
        """World position of a role's joint, metres."""
        return self.positions_m[self.joint(role)]

    def direction(self, role: str, end: str) -> Float[Array, "3"] | None:
        """Unit vector from one role to another; None where a joint or a length is missing."""
        if min(self.joint(role), self.joint(end)) < 0:
            return None
        bone = self.point(end) - self.point(role)
        length = float(np.linalg.norm(bone))
        return bone / length if length > 1e-6 else None

    @cached_property
    def heading(self) -> Float[Array, "3 3"]:
        """The rotation about the vertical that takes +Z to the direction the body faces."""
        across = sum(
            self.point(f"left_{role}") - self.point(f"right_{role}") for role in ("hip", "shoulder")
        )
        return about_vertical(np.arctan2(-across[2], across[0]))


def retarget(
    clip: Clip,
    onto: Clip | Skeleton,
    *,
    joint_names: Mapping[str, str] | None = None,
    onto_joint_names: Mapping[str, str] | None = None,
) -> Clip:
    """Transfer a clip to another character.

    Args:
        clip: any humanoid motion.
        onto: the character. Of a clip its skeleton and the layout of its file are taken, so that
            it is written as it came. Where a rest pose is not a standing body (LAFAN1's is not),
            a clip is needed, because one of its poses serves as the reference.
        joint_names: joint names by role of ``clip``, for skeletons whose names do not tell.
        onto_joint_names: the same of ``onto``.

    Returns:
        A clip with the skeleton of ``onto``, and the frames, frame rate, name and music of
        ``clip``. Joints without a role (fingers, props, twist bones) keep the character's
        reference pose.

    Raises:
        ModelError: a skeleton is not a humanoid, or no reference pose is found.
        SpecError: ``joint_names`` names an unknown role or joint.
    """
    source = _reference(clip, joint_names, clip.name)
    target = _reference(onto, onto_joint_names, "the character")
    motion = clip.motion
    points, world = (values.astype(np.float64) for values in _kinematics(motion))
    rotations = _oriented(source, target, world)
    scale = _leg_length(target) / _leg_length(source)
    root_m = _placed(source, target, rotations, points, scale)
    moved = Motion(target.roles.skeleton, rotations.astype(np.float32), root_m, motion.fps)
    moved = _reaching(source, target, points, moved)
    moved = _standing(source, points, moved, onto_joint_names)
    note = f"retargeted from a skeleton of {len(motion.skeleton)} joints"
    return replace(
        clip,
        motion=moved,
        meta=onto.meta if isinstance(onto, Clip) else MappingProxyType({}),
        notes=(*clip.notes, note),
        recording=None,
    )


def _kinematics(motion: Motion) -> tuple[Float[Array, "T J 3"], Float[Array, "T J 3 3"]]:
    return forward_kinematics(motion.skeleton, motion.rotations, motion.root_m)


def _reference(
    body: Clip | Skeleton, joint_names: Mapping[str, str] | None, name: str
) -> _Reference:
    """The rest pose if it stands, else the clip's pose that stands most upright."""
    skeleton = body if isinstance(body, Skeleton) else body.motion.skeleton
    roles = match_roles(skeleton, joint_names)
    rest = np.broadcast_to(np.eye(3), (1, len(skeleton), 3, 3))
    poses = rest
    if _scores(roles, rest)[0] < _STANDING and isinstance(body, Clip):
        rows = np.unique(np.linspace(0, len(body) - 1, _MAX_CANDIDATES).astype(int))
        poses = body.motion.rotations[rows]
    scores = _scores(roles, poses)
    best = int(np.argmax(scores))
    if scores[best] < _STANDING:
        # A pose that lies or sits would be taken for standing, and everything would be tilted.
        raise ModelError(
            name,
            "neither the rest pose nor a pose of the clip stands upright with straight limbs"
            if isinstance(body, Clip)
            else "the rest pose does not stand upright with straight limbs",
            "a standing pose as reference",
            "give a clip of this skeleton in which the body stands",
        )
    return _Reference(roles, poses[best].astype(np.float64))


def _scores(roles: RoleMap, poses: Float[Array, "N J 3 3"]) -> Float[Array, "N"]:
    """How far poses stand upright with vertical legs and straight arms: 1 at most."""
    points, _ = forward_kinematics(roles.skeleton, poses, np.zeros((len(poses), 3)))

    def bone(start: str, end: str) -> Float[Array, "N 3"]:
        joints = roles.joints[_ROLE[start]], roles.joints[_ROLE[end]]
        if min(joints) < 0:
            return np.zeros((len(poses), 3))
        vectors = points[:, joints[1]] - points[:, joints[0]]
        return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)

    legs = [
        -bone(f"{side}_{a}", f"{side}_{b}")[:, 1]
        for side in _SIDES
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    arms = [
        (bone(f"{side}_shoulder", f"{side}_elbow") * bone(f"{side}_elbow", f"{side}_wrist")).sum(-1)
        for side in _SIDES
        if roles.present[_ROLE[f"{side}_wrist"]]
    ]
    shoulders = points[:, [int(roles.joints[_ROLE[f"{side}_shoulder"]]) for side in _SIDES]]
    trunk = shoulders.mean(axis=1) - points[:, int(roles.joints[0])]
    upright = trunk[:, 1] / np.maximum(np.linalg.norm(trunk, axis=-1), 1e-9)
    # The worst counts: an upright trunk does not make up for a bent knee.
    return np.asarray(np.min([*legs, *arms, upright], axis=0))


def _oriented(
    source: _Reference, target: _Reference, world: Float[Array, "T J 3 3"]
) -> Float[Array, "T K 3 3"]:
    """Local rotations of the target whose roles are oriented as the source's."""
    skeleton = target.roles.skeleton
    role_of = {int(j): ROLES[r] for r, j in enumerate(target.roles.joints) if j >= 0}
    turned = np.empty((len(world), len(skeleton), 3, 3))
    local = np.empty_like(turned)
    for j, parent in enumerate(skeleton.parents):
        role = role_of.get(j, "")
        above = turned[:, parent] if parent >= 0 else np.eye(3)
        if role and source.joint(role) >= 0:
            turned[:, j] = world[:, source.joint(role)] @ _between(source, target, role)
        else:
            turned[:, j] = above @ target.local[j]
        local[:, j] = np.swapaxes(above, -1, -2) @ turned[:, j]
    return local


def _between(source: _Reference, target: _Reference, role: str) -> Float[Array, "3 3"]:
    """What takes the target's orientation of a role to the source's, in the source's joint frame.

    In the source's reference pose the target stands in its own, turned to the same heading, with
    each arm and leg bone swung to where the source's points.
    """
    heading = source.heading @ target.heading.T
    swing = np.eye(3)
    # A hand follows the forearm. Trunk, head and feet keep the reference: their bones differ from
    # skeleton to skeleton by where the joints were put, not by the pose.
    bone = role.replace("wrist", "elbow")
    if bone in _SEGMENTS:
        ends = [body.direction(bone, _SEGMENTS[bone]) for body in (target, source)]
        if ends[0] is not None and ends[1] is not None:
            swing = shortest_arc((heading @ ends[0])[None], ends[1][None])[0]
    here, there = source.world[source.joint(role)], target.world[target.joint(role)]
    return here.T @ swing @ heading @ there


def _leg_length(body: _Reference) -> float:
    """Length of thigh and shin, the mean of both sides, metres."""
    legs = [[f"{side}_{role}" for role in ("hip", "knee", "ankle")] for side in _SIDES]
    return float(np.mean([_limb_length(body, leg) for leg in legs]))


def _placed(
    source: _Reference,
    target: _Reference,
    rotations: Float[Array, "T K 3 3"],
    points: Float[Array, "T J 3"],
    scale: float,
) -> Float[Array, "T 3"]:
    """Path of the target's root, metres: the hips move as the source's do, scaled."""
    placed, _ = forward_kinematics(target.roles.skeleton, rotations, np.zeros((len(points), 3)))
    hips, placed_hips = (
        values[:, [body.joint(f"{side}_hip") for side in _SIDES]].mean(axis=1)
        for body, values in ((source, points), (target, placed))
    )
    root = scale * hips - placed_hips
    # The feet come down to the same height. A percentile, since single frames sink in.
    lows = []
    for body, values in ((source, points), (target, placed + root[:, None])):
        low = rest_heights(values, body.roles.skeleton)
        lows.append(min(float(low[body.joint(f"{side}_ankle")]) for side in _SIDES))
    ankle = _ankle_height(target)
    floor = lows[0] - _ankle_height(source)
    root[:, 1] += floor + ankle - lows[1]
    return root.astype(np.float32)


def _ankle_height(body: _Reference) -> float:
    """Height of the ankles over the lowest joint of the reference pose, metres."""
    ankles = min(float(body.point(f"{side}_ankle")[1]) for side in _SIDES)
    return ankles - float(body.positions_m[:, 1].min())


def _reaching(
    source: _Reference, target: _Reference, points: Float[Array, "T J 3"], moved: Motion
) -> Motion:
    """Bend arms and legs until hands and feet are where the source's were, in the target's measure.

    Hands keep their place relative to the shoulder in lengths of the arm; ankles keep their place
    relative to the hips in lengths of the leg.
    """
    # The four limbs do not move one another, so they are bent from the same pose.
    placed, world = (values.astype(np.float64) for values in _kinematics(moved))
    rotations = moved.rotations.copy()
    every = np.ones(len(moved), dtype=bool)
    for upper, middle, end in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
        for side in _SIDES:
            names = [f"{side}_{role}" for role in (upper, middle, end)]
            if min(body.joint(name) for body in (source, target) for name in names) < 0:
                continue
            first, second, third = (target.joint(name) for name in names)
            limb = Leg(first, second, third, toe=-1)
            ratio = _limb_length(target, names) / _limb_length(source, names)
            reach = points[:, source.joint(names[2])] - points[:, source.joint(names[0])]
            goal = placed[:, limb.hip] + ratio * reach
            turn_limb(limb, moved.skeleton.parents, placed, world, every, goal, None, rotations)
    return Motion(moved.skeleton, rotations, moved.root_m, moved.fps)


def _limb_length(body: _Reference, names: list[str]) -> float:
    """Length of a limb's two bones, metres."""
    first, second, third = (body.point(name) for name in names)
    return float(np.linalg.norm(second - first) + np.linalg.norm(third - second))


def _standing(
    source: _Reference,
    points: Float[Array, "T J 3"],
    moved: Motion,
    joint_names: Mapping[str, str] | None,
) -> Motion:
    """Lock the feet where they stand, unless the source's own feet slide."""
    legs = legs_of(source.roles.skeleton, source.roles.joint_names)
    heights = rest_heights(points, source.roles.skeleton)
    every = np.ones(len(moved), dtype=bool)
    if contact_speed(points, every, legs, heights, moved.fps) > SLIDES_M_S:
        return moved
    free = np.ones((len(moved), len(moved.skeleton)), dtype=bool)
    placed = moved.positions()
    return lock_contacts(
        moved, legs_of(moved.skeleton, joint_names), free, rest_heights(placed, moved.skeleton)
    )

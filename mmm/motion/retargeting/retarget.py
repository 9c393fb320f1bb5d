"""``mmm.retarget``: transferring a clip's motion to another character.

Both skeletons are matched to joint roles (``mmm.motion.humanoid``). Each role gets the source's
world rotation relative to rest poses in which both bodies stand alike
(``mmm.motion.retargeting.rest_pose``). The root's path is scaled by leg length. Two-bone inverse
kinematics then moves hands and feet to their scaled positions, as in Choi and Ko 2000, *Online
Motion Retargetting*, in closed form.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mmm.motion.clip import Clip, Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.leg_ik import Leg, reach_hand, turn_limb
from mmm.motion.retargeting.body_axes import SIDES
from mmm.motion.retargeting.limb_targets import Arm, Scaling, ankle_rise, ankle_target, hand_target
from mmm.motion.retargeting.rest_pose import RestPose, aligned_bones, rest_pose
from mmm.motion.roles import ROLES
from mmm.motion.rotations import project_to_so3, slerp
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

_SPINE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_ARMS = tuple((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in SIDES)


def retarget(
    clip: Clip,
    onto: Skeleton | Motion | Clip,
    *,
    joint_names: Mapping[str, str] | None = None,
    onto_joint_names: Mapping[str, str] | None = None,
) -> Clip:
    """Transfer a clip to another character.

    Args:
        clip: the motion, of any humanoid; its music stays.
        onto: the character: a skeleton, or a clip of it. A clip also gives the layout of its file
            (units and channels of a ``.bvh``), and a standing pose if the zero rotations of its
            skeleton show none.
        joint_names: joint names by role for the clip, for roles that cannot be told from its names;
            see :func:`mmm.motion.humanoid.match_roles`.
        onto_joint_names: the same for the character.

    Returns:
        A clip with the character's joints and bones, and the frames of ``clip``. Fingers, props and
        other joints without a role keep the character's rest pose.

    Raises:
        ModelError: either is no humanoid, or shows no standing body.
        SpecError: a name in ``joint_names`` or ``onto_joint_names`` does not exist.
    """
    body = onto.motion if isinstance(onto, Clip) else onto
    skeleton = body if isinstance(body, Skeleton) else body.skeleton
    onto_meta = onto.meta if isinstance(onto, Clip) else {}
    source = rest_pose(clip.motion, match_roles(clip.motion.skeleton, joint_names), clip.meta)
    target = rest_pose(body, match_roles(skeleton, onto_joint_names), onto_meta)
    motion = _retargeted(clip.motion, source, target)
    # The layout of the clip's own file and its recording have other joints, so they are dropped.
    # The rest pose is kept, because the character's clip determines it better than the result does.
    meta = {**onto_meta, **target.to_meta()}
    missing = [role for role in ROLES if target.has(role) and not source.has(role)]
    note = f"retargeted from a skeleton of {len(clip.motion.skeleton)} joints"
    if missing:
        note += f"; it has no {', '.join(missing)}, which follow their neighbours"
    return replace(clip, motion=motion, meta=meta, recording=None, notes=(*clip.notes, note))


def _retargeted(motion: Motion, source: RestPose, target: RestPose) -> Motion:
    posed = _posed(motion, source, target)
    scaling = Scaling(target.leg_length() / source.leg_length(), motion.floor_m())
    pairs = list(zip(_legs(source), _legs(target), strict=True))
    rises = [ankle_rise(motion, leg, posed, target_leg, scaling) for leg, target_leg in pairs]
    # The hips get the source's position in leg lengths, raised by the target's own height of feet.
    hips, goal = (
        body.positions()[:, [leg.hip for leg in legs]].mean(axis=1, dtype=np.float64)
        for body, legs in ((posed, _legs(target)), (motion, _legs(source)))
    )
    shift = scaling(goal) + np.array([0, np.mean(rises), 0]) - hips
    posed = replace(posed, root_m=posed.root_m + shift)
    points, world = (
        values.astype(np.float64) for values in (posed.positions(), posed.world_rotations())
    )
    rotations, always = posed.rotations.copy(), np.ones(len(posed), dtype=bool)
    parents = posed.skeleton.parents
    for (leg, target_leg), rise in zip(pairs, rises, strict=True):
        ankle_m = ankle_target(motion, leg, posed, target_leg, scaling, rise)
        turn_limb(target_leg, parents, points, world, always, ankle_m, None, rotations)
    for roles in _ARMS:
        if source.has(*roles) and target.has(*roles):
            arm, target_arm = _joints(source, roles), _joints(target, roles)
            # Each arm is scaled by its own length, because the arms of SMPL differ by a percent.
            ratio = target.length(*roles) / source.length(*roles)
            wrist_m = hand_target(motion, arm, posed, target_arm, ratio)
            reach_hand(target_arm, parents, points, world, wrist_m, rotations)
    return _on_the_floor(replace(posed, rotations=rotations), motion)


def _posed(motion: Motion, source: RestPose, target: RestPose) -> Motion:
    """The target with the source's rotations in the world, and its root at the origin."""
    deltas = _role_turns(motion, source, aligned_bones(source, target))
    skeleton = target.role_map.skeleton
    role_of = {int(j): role for role, j in zip(ROLES, target.role_map.joints, strict=True)}
    rotations = np.broadcast_to(target.local, (len(motion), *target.local.shape)).copy()
    world = np.empty_like(rotations)
    for j, parent in enumerate(skeleton.parents):
        delta = deltas.get(role_of.get(j, ""))
        above = world[:, parent] if parent >= 0 else np.eye(3, dtype=np.float32)
        if delta is not None:
            local = np.swapaxes(above, -1, -2) @ (delta @ target.world[j])
            rotations[:, j] = project_to_so3(local)[0]
        world[:, j] = above @ rotations[:, j]
    return Motion(skeleton, rotations, np.zeros((len(motion), 3)), motion.fps)


def _role_turns(
    motion: Motion, source: RestPose, aligned: Mapping[str, Float[Array, "3 3"]]
) -> dict[str, Float[Array, "T 3 3"]]:
    """For each role of the source the rotation from the target's rest pose, in world axes."""
    world = motion.world_rotations()
    turns = {
        role: world[:, source.joint(role)] @ source.world[source.joint(role)].T @ aligned[role]
        for role in ROLES
        if source.has(role)
    }
    # In a spine of fewer joints, roles between two known ones are interpolated.
    known = [k for k, role in enumerate(_SPINE) if role in turns]
    for low, high in pairwise(known):
        for k in range(low + 1, high):
            share = np.full(len(motion), (k - low) / (high - low), dtype=np.float32)
            turns[_SPINE[k]] = slerp(turns[_SPINE[low]], turns[_SPINE[high]], share)
    return turns


def _legs(rest: RestPose) -> list[Leg]:
    legs = []
    for side in SIDES:
        hip, knee, ankle, toe = (
            rest.joint(f"{side}_{role}") for role in ("hip", "knee", "ankle", "toe")
        )
        legs.append(Leg(hip, knee, ankle, toe))
    return legs


def _joints(rest: RestPose, roles: tuple[str, str, str]) -> Arm:
    first, second, third = (rest.joint(role) for role in roles)
    return first, second, third


def _on_the_floor(posed: Motion, source: Motion) -> Motion:
    """The motion on the source's floor."""
    root_m = posed.root_m + np.array([0, source.floor_m() - posed.floor_m(), 0], dtype=np.float32)
    return replace(posed, root_m=root_m)

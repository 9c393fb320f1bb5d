"""Foot locking (foot-skate clean-up): the legs are bent so that feet in contact do not slide.

A network predicts joint angles, and a small error at the hip becomes centimetres at the foot. A
foot of a recovered or generated motion that is low and slow counts as in contact. Its position is
then held, the correction is blended out over the swings before and after, and hip, knee and ankle
are rotated to reach it (compare Kovar, Schreiner and Gleicher 2002, *Footskate Cleanup for Motion
Capture Editing*). Bone lengths and the pelvis do not change.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.arrays import true_runs
from mmm.errors import ModelError
from mmm.motion.clip import Motion
from mmm.motion.foot_targets import MAX_MOVE_M, foot_target
from mmm.motion.humanoid import match_roles
from mmm.motion.leg_ik import Leg, turn_limb
from mmm.motion.roles import ROLES
from mmm.motion.rotations import farthest_angle
from mmm.motion.skeleton import Skeleton
from mmm.motion.stances import in_stance, rest_heights

Array = np.ndarray

TWIST_M = 0.05
"""Largest difference between the corrections of ankle and toe, metres. It limits how far a foot is
twisted."""
ROLE_TWIST_M = 0.01
"""The same for networks on joint roles. A larger value triples the rotation error and removes only
a twentieth more sliding (LAFAN1 and the validation split of the common set, ``every:8``,
``every:15``, gaps of 30)."""
SLIDES_M_S = 0.06
"""Above this median speed of the recorded feet during contact, metres per second, no foot is
locked. Such feet slide in the recording itself (bodies fitted to video), so locking would only bend
the legs away from it. Clean recordings have 0.01, those of AIST++ 0.17."""
STIFF_DEG = 2.0
"""An ankle that rotates by less than this over all known frames is rigid in the recording. The
ankles of AIST++ rotate by at most 0.9 degrees, those of recorded dancers by 13 and more."""
_MIN_KNOWN_FRAMES = 8
"""Fewest known frames from which an ankle is called rigid."""
_MIN_CONTACT_S = 2.0
"""Shortest contact time, summed over all foot joints, from which recorded feet are called sliding,
seconds."""
_MIN_RUN_S = 0.2
"""Shorter runs of known frames do not count for that, because their speeds are too uncertain."""


def legs_of(skeleton: Skeleton, joint_names: Mapping[str, str] | None = None) -> tuple[Leg, ...]:
    """The legs of a skeleton; empty if they cannot be identified.

    Args:
        joint_names: joint names by role, for roles that cannot be told from the skeleton's names.
    """
    try:
        joints = dict(zip(ROLES, match_roles(skeleton, joint_names).joints.tolist(), strict=True))
    except ModelError:
        return ()
    legs = [
        Leg(*(joints[f"{side}_{role}"] for role in ("hip", "knee", "ankle", "toe")))
        for side in ("left", "right")
    ]
    return tuple(leg for leg in legs if min(leg.hip, leg.knee, leg.ankle) >= 0)


def lock_feet(
    motion: Motion,
    truth: Motion,
    hidden: Bool[Array, "T J"],
    joint_names: Mapping[str, str] | None = None,
    twist_m: float = TWIST_M,
) -> Motion:
    """Lock the feet of a recovered motion; see :func:`lock_contacts`.

    The motion is returned unchanged if the recording's own feet slide. Ankles that the recording
    never bends are not bent here either.

    Args:
        motion: the recovered motion.
        truth: the recording. Only its frames without any hidden entry are read.
        hidden: True for entries that were recovered and may change.
        joint_names: joint names by role, for roles that cannot be told from the skeleton's names.
        twist_m: largest difference between the corrections of ankle and toe, metres.
    """
    known = np.asarray(~hidden.any(axis=1))
    legs = legs_of(motion.skeleton, joint_names)
    if not legs or not known.any():
        return motion
    points = truth.positions()
    rest_m = rest_heights(points[known], motion.skeleton)
    if contact_speed(points, known, legs, rest_m, motion.fps) > SLIDES_M_S:
        return motion
    legs = tuple(
        replace(leg, stiff=_never_bends(truth, ~hidden[:, leg.ankle], leg.ankle)) for leg in legs
    )
    return lock_contacts(motion, legs, hidden, rest_m, twist_m=twist_m)


def _never_bends(motion: Motion, known: Bool[Array, "T"], joint: int) -> bool:
    """Whether a joint keeps one local rotation in all known frames, given enough of them."""
    rotations = motion.rotations[known, joint]
    return len(rotations) >= _MIN_KNOWN_FRAMES and bool(
        np.degrees(farthest_angle(rotations)) < STIFF_DEG
    )


def contact_speed(
    points: Float[Array, "T J 3"],
    known: Bool[Array, "T"],
    legs: tuple[Leg, ...],
    rest_m: Float[Array, "J"],
    fps: float,
) -> float:
    """Median horizontal speed of recorded feet in contact, m/s; 0 if there are too few frames."""
    speeds = []
    for start, stop in true_runs(known):
        if stop - start < max(3, _MIN_RUN_S * fps):
            continue
        for j in (joint for leg in legs for joint in (leg.ankle, leg.toe) if joint >= 0):
            path = points[start:stop, j]
            stance = in_stance(path, float(rest_m[j]), fps)
            speed = np.linalg.norm(np.gradient(path[:, [0, 2]], axis=0), axis=1) * fps
            speeds.append(speed[stance])
    in_contact = np.concatenate(speeds) if speeds else np.zeros(0)
    return float(np.median(in_contact)) if len(in_contact) >= _MIN_CONTACT_S * fps else 0.0


def lock_contacts(
    motion: Motion,
    legs: tuple[Leg, ...],
    hidden: Bool[Array, "T J"],
    rest_m: Float[Array, "J"],
    max_move_m: float = MAX_MOVE_M,
    clear_m: float = 0.0,
    twist_m: float = TWIST_M,
) -> Motion:
    """Hold feet in contact in place by bending the legs.

    Args:
        motion: any motion of at least three frames; shorter ones are returned unchanged.
        legs: from :func:`legs_of`.
        hidden: True for entries that may change. A leg is bent in frames in which its hip, knee and
            ankle may all change. It stays bit-identical in all others, and the correction fades out
            towards them.
        rest_m: height of each joint while it is down, metres; only ankles and toes are read.
        max_move_m: largest distance by which a foot is moved, metres.
        clear_m: height above rest to which a foot in swing is lifted, metres; 0 for no lift.
        twist_m: largest difference between the corrections of ankle and toe, metres.
    """
    free = [np.asarray(hidden[:, [leg.hip, leg.knee, leg.ankle]].all(axis=1)) for leg in legs]
    if not any(frames.any() for frames in free) or len(motion) < 3:
        return motion
    # Float64: corrections of fractions of a millimetre are differences of metres.
    points = motion.positions().astype(np.float64)
    world = motion.world_rotations().astype(np.float64)
    rotations = motion.rotations.copy()
    for leg, frames in zip(legs, free, strict=True):
        if not frames.any():
            continue
        target = foot_target(leg, points, frames, rest_m, motion.fps, max_move_m, clear_m, twist_m)
        if target is not None:
            turn_limb(leg, motion.skeleton.parents, points, world, frames, *target, rotations)
    return Motion(motion.skeleton, rotations, motion.root_m, motion.fps)

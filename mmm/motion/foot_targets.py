"""Target positions of feet for foot locking: held in each stance, and lifted out of the floor.

This module moves the two ends of a foot, ankle and toe, as points. ``mmm.motion.foot_locking`` then
bends the legs to reach them.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt, gaussian_filter1d, maximum_filter1d

from mmm.arrays import true_runs
from mmm.motion.leg_ik import Leg, shortest_arc
from mmm.motion.stances import SWING_M_S, in_stance

Array = np.ndarray

MAX_MOVE_M = 0.06
"""In gaps, no foot is held farther than this from its predicted position, metres, because the
detected contact may be wrong."""
RAISE_S = 0.1
"""Time over which the lift out of the floor fades in beside known frames, seconds."""


def foot_target(
    leg: Leg,
    points: Float[Array, "T J 3"],
    free: Bool[Array, "T"],
    rest_m: Float[Array, "J"],
    fps: float,
    max_move_m: float,
    clear_m: float,
    twist_m: float,
) -> tuple[Float[Array, "T 3"], Float[Array, "T 3 3"] | None] | None:
    """The target of one foot.

    Args:
        leg: its joints.
        points: world positions of all joints, metres.
        free: frames in which the leg may be bent.

    The others are those of :func:`mmm.motion.foot_locking.lock_contacts`.

    Returns:
        Target position of the ankle, metres, and the rotation to apply to the foot, in world axes
        (None for a leg whose ankle alone is held). None if the foot is in place already.
    """
    joints = [leg.ankle] if leg.toe < 0 or leg.stiff else [leg.ankle, leg.toe]
    stances = [in_stance(points[:, j], float(rest_m[j]), fps) for j in joints]
    shifts = [
        _ground_shift(points[:, j][:, [0, 2]], stance, free, max_move_m)
        for j, stance in zip(joints, stances, strict=True)
    ]
    lifts = [
        _lift(points[:, j], shift, float(rest_m[j]), free, fps, clear_m)
        for j, shift in zip(joints, shifts, strict=True)
    ]
    if not any(np.abs(move).max() > 1e-5 for move in (*shifts, *lifts)):
        return None
    if len(joints) == 1:
        return points[:, leg.ankle] + _as_vectors(shifts[0], lifts[0]), None
    # The foot is rigid, so only one of its ends can be held exactly: the toe while it stands, else
    # the ankle. The weight is smoothed so that the choice does not jump between frames.
    toe_weight = gaussian_filter1d(stances[1].astype(float), 0.02 * fps)[:, None]
    # The part of the difference between both corrections that exceeds ``twist_m`` is removed from
    # the end that is not held.
    excess = shifts[1] - shifts[0]
    size = np.linalg.norm(excess, axis=1, keepdims=True)
    excess *= 1 - np.minimum(1, twist_m / np.maximum(size, 1e-9))
    ankle = points[:, leg.ankle] + _as_vectors(shifts[0] + toe_weight * excess, lifts[0])
    toe = points[:, leg.toe] + _as_vectors(shifts[1] - (1 - toe_weight) * excess, lifts[1])
    foot = points[:, leg.toe] - points[:, leg.ankle]
    turn = shortest_arc(foot, toe - ankle)
    from_toe = toe - np.einsum("tij,tj->ti", turn, foot)
    return toe_weight * from_toe + (1 - toe_weight) * ankle, turn


def _as_vectors(shift: Float[Array, "T 2"], lift: Float[Array, "T"]) -> Float[Array, "T 3"]:
    """A shift over the ground (x, z) and a lift (y) as vectors."""
    return np.stack([shift[:, 0], lift, shift[:, 1]], axis=-1)


def _lift(
    points: Float[Array, "T 3"],
    shift: Float[Array, "T 2"],
    rest_m: float,
    free: Bool[Array, "T"],
    fps: float,
    clear_m: float,
) -> Float[Array, "T"]:
    """Lift of a joint, metres, so that it neither sinks into the floor nor drags over it.

    The lift fades in beside known frames.
    """
    speed = np.linalg.norm(np.gradient(points[:, [0, 2]] + shift, axis=0), axis=1) * fps
    target_m = rest_m + clear_m * np.clip(speed / SWING_M_S - 0.5, 0, 1)
    lift = np.clip(target_m - points[:, 1], 0, MAX_MOVE_M)
    if clear_m:
        # The clearance is widened before it is smoothed, so that it still covers the fastest
        # frames. The floor itself counts unsmoothed: no frame may sink.
        lift = np.maximum(
            gaussian_filter1d(maximum_filter1d(lift, 2 * round(0.03 * fps) + 1), 0.03 * fps),
            np.clip(rest_m - points[:, 1], 0, MAX_MOVE_M),
        )
    to_known = distance_transform_edt(free) if not free.all() else np.full(len(free), len(free))
    return np.asarray(lift * np.minimum(to_known / (RAISE_S * fps), 1) * free)


def _ground_shift(
    path: Float[Array, "T 2"],
    stance: Bool[Array, "T"],
    free: Bool[Array, "T"],
    max_move_m: float,
) -> Float[Array, "T 2"]:
    """Horizontal correction of a foot joint: it is held in each stance, and blended in between."""
    known = ~free
    shift, fixed = np.zeros_like(path), known.copy()
    for start, stop in true_runs(stance):
        frames = np.arange(start, stop)
        known_frames = frames[known[start:stop]]
        if len(known_frames) == len(frames):
            continue
        if len(known_frames):
            # Known frames give the position of the stance. Between two of them it is interpolated
            # linearly; before the first and after the last it is constant.
            held = np.stack(
                [np.interp(frames, known_frames, path[known_frames, k]) for k in range(2)], axis=1
            )
        else:
            held = np.broadcast_to(path[start:stop].mean(axis=0), (len(frames), 2))
        shift[start:stop] = np.where(known[start:stop, None], 0, held - path[start:stop])
        fixed[start:stop] = True
    size = np.linalg.norm(shift, axis=1, keepdims=True)
    shift *= np.minimum(1, max_move_m / np.maximum(size, 1e-9))
    return _blend_between(shift, fixed)


def _blend_between(shift: Float[Array, "T 2"], fixed: Bool[Array, "T"]) -> Float[Array, "T 2"]:
    """Fixed rows as they are; between two of them a smooth step (3 w² - 2 w³) from one to the
    next."""
    indices = np.flatnonzero(fixed)
    if not len(indices):
        return shift
    frames = np.arange(len(shift))
    after = np.clip(np.searchsorted(indices, frames), 0, len(indices) - 1)
    before = np.clip(np.searchsorted(indices, frames, side="right") - 1, 0, len(indices) - 1)
    low, high = indices[before], indices[after]
    weight = np.clip((frames - low) / np.maximum(high - low, 1), 0, 1)[:, None]
    weight = weight * weight * (3 - 2 * weight)
    return np.asarray(shift[low] * (1 - weight) + shift[high] * weight)

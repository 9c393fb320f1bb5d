"""What rests: joints that keep their place against the joint above in the known frames on both sides of a gap.

A network has learned from people who move all over, and lets an arm that hangs, or an ankle that a recording never
bends, join in a little. Where the known frames before and after a gap show a joint in one and the same pose, the best
guess is that it stayed there, and :class:`mmm.models.calibration.Trust` leaves it as it was filled.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.motion.clip import Motion
from mmm.motion.humanoid import ROLES
from mmm.motion.rotations import farthest_angle

Array = np.ndarray

LOOK_S = 1 / 3
"""Known frames so far before a gap and after it tell whether a joint rests; on each side two at least, if there are."""
_LEGS = [ROLES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("hip", "knee")]


def joint_motion(motion: Motion, hidden: Bool[Array, "T R"]) -> Float[Array, "T R"]:
    """How far roles move in the known frames beside each gap.

    Legs rest only where the pelvis does, or feet that stand would slide.

    Args:
        motion: of the 22 roles; only known entries are looked at.
        hidden: of each role.

    Returns:
        The largest angle, degrees, between a role's local rotation in the first of these frames and in the others; of
        the pelvis that or the largest distance, centimetres. Infinite in known frames and in gaps that are open at one
        end.
    """
    far = np.full(hidden.shape, np.inf, np.float32)
    columns, of = np.unique(hidden, axis=1, return_inverse=True)
    look = LOOK_S * motion.fps
    for number, column in enumerate(columns.T):
        roles, known = np.flatnonzero(of.ravel() == number), np.flatnonzero(~column)
        carried = np.isin(roles, (0, *_LEGS))
        for place in np.flatnonzero(np.diff(known) > 1):
            before, after = known[place], known[place + 1]
            first = min(np.searchsorted(known, before - look), max(place - 1, 0))
            last = max(
                np.searchsorted(known, after + look, side="right"), min(place + 3, len(known))
            )
            beside = known[first:last]
            own = np.degrees(farthest_angle(motion.rotations[np.ix_(beside, roles)]))
            if carried.any():
                body = beside[~hidden[beside, 0]]
                own[carried] = np.maximum(
                    own[carried], _carried(motion, body) if len(body) else np.inf
                )
            far[before + 1 : after, roles] = own
    legs = far[:, _LEGS].reshape(len(far), 2, 2)
    both = np.isfinite(legs).all(
        axis=-1, keepdims=True
    )  # a thigh that is known does not keep its shin from resting
    far[:, _LEGS] = np.where(both, legs.max(axis=-1, keepdims=True), legs).reshape(len(far), 4)
    return far


def _carried(motion: Motion, frames: Int[Array, "F"]) -> float:
    """How far the pelvis turns, degrees, or moves, centimetres, whichever is more."""
    way = np.linalg.norm(motion.root_m[frames] - motion.root_m[frames[0]], axis=-1).max()
    return float(max(np.degrees(farthest_angle(motion.rotations[frames, 0])), 100 * way))

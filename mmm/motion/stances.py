"""Foot contacts: the frames in which a foot joint stands on the floor, and its height at rest.

A foot joint stands while it is low and slow. The thresholds are shared by foot locking
(``mmm.motion.foot_locking``), ground contact (``mmm.motion.ground_contact``) and the foot-skate
metric (``mmm.metrics.naturalness``), so that all three agree on what a contact is.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_closing, binary_opening

from mmm.motion.skeleton import Skeleton

Array = np.ndarray

LOW_M = 0.03
"""A foot joint counts as in contact below this height above its rest height, metres."""
SLOW_M_S = 0.15
"""A foot joint in contact rises or sinks more slowly than this, metres per second."""
SWING_M_S = 0.8
"""A foot joint that moves over the ground faster than this is in swing, however low it is."""
SHORTEST_S = 0.05
"""Shorter stances, and shorter gaps between two stances, are detection noise, seconds."""


def rest_heights(points: Float[Array, "T J 3"], skeleton: Skeleton) -> Float[Array, "J"]:
    """Height of each joint while it is down, metres: the 5th percentile over the frames.

    Of a joint and its mirrored partner, the lower value counts for both.

    Args:
        points: world positions of the joints, metres.
        skeleton: gives the pairs of mirrored joints.
    """
    # A percentile, not the minimum: single frames of real recordings sink into the floor.
    low = np.percentile(points[..., 1], 5, axis=0)
    # In a short stretch one foot may never come down; its partner then gives the floor's height.
    return np.minimum(low, low[list(skeleton.mirror_index)]).astype(np.float32)


def in_stance(points: Float[Array, "T 3"], rest_m: float, fps: float) -> Bool[Array, "T"]:
    """Frames in which one foot joint stands.

    Args:
        points: world positions of the joint, metres.
        rest_m: its height while it is down, metres.
        fps: frames per second.
    """
    velocity = np.gradient(points, axis=0) * fps
    stance = (
        (points[:, 1] < rest_m + LOW_M)
        & (np.abs(velocity[:, 1]) < SLOW_M_S)
        & (np.linalg.norm(velocity[:, [0, 2]], axis=1) < SWING_M_S)
    )
    shortest = np.ones(max(2, round(SHORTEST_S * fps)), dtype=bool)
    # Closing fills short interruptions, opening then drops short stances. SciPy treats frames
    # beyond the ends as False, which would cut stances there, so the ends are repeated first.
    padded = np.pad(stance, len(shortest), mode="edge")
    cleaned = binary_opening(binary_closing(padded, shortest), shortest)
    return np.asarray(cleaned[len(shortest) : -len(shortest)])

"""Target positions of hands and feet of a retargeted motion, scaled to the new body.

A hand keeps its position relative to the shoulder, in arm lengths. A foot keeps its position on the
ground, in leg lengths, so that a foot that stands in the source stands in the result too.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.motion.clip import Motion
from mmm.motion.leg_ik import Leg
from mmm.motion.stances import LOW_M, rest_heights

Array = np.ndarray
Arm = tuple[int, int, int]

_EVEN_M = 0.02
"""Width of the transition between following the ankle and the toe, as a difference of their
clearances, metres."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scaling of positions from the source to the target."""

    scale: float
    """Leg length of the target over that of the source."""
    floor_m: float
    """Height of the floor, metres, the same for both."""

    def __call__(self, points: Float[Array, "T 3"]) -> Float[Array, "T 3"]:
        """Scale points about the origin on the floor."""
        floor = np.array([0, self.floor_m, 0])
        return np.asarray(floor + self.scale * (points - floor))


def hand_target(
    source: Motion, arm: Arm, posed: Motion, target_arm: Arm, scale: float
) -> Float[Array, "T 3"]:
    """Target of a wrist: the source's position relative to the shoulder, scaled by arm length.

    Args:
        source: the motion to follow, with its ``arm``: shoulder, elbow and wrist.
        posed: the target's motion so far, with its ``target_arm``.
        scale: arm length of the target over that of the source.
    """
    points = source.positions().astype(np.float64)
    reach = points[:, arm[2]] - points[:, arm[0]]
    return np.asarray(posed.positions()[:, target_arm[0]] + scale * reach)


def ankle_rise(source: Motion, leg: Leg, posed: Motion, target_leg: Leg, scaling: Scaling) -> float:
    """How much higher the target's ankle is than the scaled source's with flat feet, metres.

    Zero if one of them has no toe, because a flat foot cannot be recognised then.
    """
    if min(leg.toe, target_leg.toe) < 0:
        return 0.0
    points = source.positions()
    rest_m = rest_heights(points, source.skeleton)
    # A foot is flat if ankle and toe are both down; a stretch of jumps may have no such frame.
    lift = np.maximum(*(points[:, j, 1] - rest_m[j] for j in (leg.ankle, leg.toe)))
    flat = lift <= max(LOW_M, float(np.percentile(lift, 5)))
    heights = [
        np.median((motion.positions()[:, foot.ankle, 1] - motion.positions()[:, foot.toe, 1])[flat])
        for motion, foot in ((source, leg), (posed, target_leg))
    ]
    return float(heights[1] - scaling.scale * heights[0])


def ankle_target(
    source: Motion, leg: Leg, posed: Motion, target_leg: Leg, scaling: Scaling, rise_m: float
) -> Float[Array, "T 3"]:
    """Target of an ankle with which the foot has the source's scaled position.

    Horizontally the toe is followed, because a foot rolls over it. The height follows the lower end
    of the foot: the heel when it strikes, and the toe when it pushes off.

    Args:
        source: the motion to follow, with its ``leg``.
        posed: the target's motion so far, with its ``target_leg``. The foot keeps its orientation.
        rise_m: from :func:`ankle_rise`.
    """
    points = source.positions()
    by_ankle = scaling(points[:, leg.ankle]) + np.array([0, rise_m, 0])
    if min(leg.toe, target_leg.toe) < 0:
        return by_ankle
    posed_m = posed.positions().astype(np.float64)
    by_toe = scaling(points[:, leg.toe]) - (
        posed_m[:, target_leg.toe] - posed_m[:, target_leg.ankle]
    )
    rest_m = rest_heights(points, source.skeleton)
    clearance = [points[:, j, 1] - rest_m[j] for j in (leg.ankle, leg.toe)]
    toe_weight = 1 / (1 + np.exp(-np.clip((clearance[0] - clearance[1]) / _EVEN_M, -30, 30)))
    by_toe[:, 1] = toe_weight * by_toe[:, 1] + (1 - toe_weight) * by_ankle[:, 1]
    return np.asarray(by_toe)

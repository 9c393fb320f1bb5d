"""Bodies and poses that networks on joint roles have not learned: animals, people who lie.

Names alone do not tell a dog from a human: its joints may be called arms and legs. The proportions
of the limbs, and how upright the trunk is, do.
"""

import numpy as np
from jaxtyping import Bool

from mmm.motion.clip import Motion
from mmm.motion.roles import ROLES

Array = np.ndarray

ARM_SHARES = (0.35, 1.0)
"""Length of the arms over that of the legs: 0.55 to 0.70 in the training data, up to 0.88 in
cartoons of people, and about 1 in four-legged animals."""
MOST_TILT_DEG = 65.0
"""Median angle between trunk and vertical in the known frames. In the validation data it is at most
50, of somebody who ducks; an animal on four legs has about 90."""


def unfamiliar(motion: Motion, known: Bool[Array, "T"]) -> str | None:
    """How a body differs from the people in the training data, as words; None if it does not.

    Args:
        motion: of the 22 roles; only known frames are read.
        known: frames in which at least one joint is known; at least one frame.
    """
    bones_m = np.linalg.norm(motion.skeleton.offsets_m, axis=-1)
    arms_m, legs_m = (
        sum(float(bones_m[_both(joint)].sum()) for joint in joints)
        for joints in (("elbow", "wrist"), ("knee", "ankle"))
    )
    # Measured without hands and feet, which many skeletons lack.
    share = arms_m / max(legs_m, 1e-6)
    if not ARM_SHARES[0] <= share <= ARM_SHARES[1]:
        return f"its arms are {share:.0%} as long as its legs"
    places = motion.positions()[known]
    trunk = places[:, _both("shoulder")].mean(axis=1) - places[:, _both("hip")].mean(axis=1)
    # The median, so that a bow or a cartwheel does not count.
    height = trunk[:, 1] / np.maximum(np.linalg.norm(trunk, axis=-1), 1e-6)
    tilt_deg = float(np.degrees(np.arccos(np.clip(np.median(height), -1, 1))))
    if tilt_deg > MOST_TILT_DEG:
        return f"its trunk is {tilt_deg:.0f}° from upright"
    return None


def _both(joint: str) -> list[int]:
    return [ROLES.index(f"{side}_{joint}") for side in ("left", "right")]

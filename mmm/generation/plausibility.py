"""Remarks on generated motion outside the range of recorded motion.

The limits enclose 98 in 100 of the recordings of the evaluation sets.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label

from mmm.errors import ModelError
from mmm.metrics.dance import energy
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES

Array = np.ndarray


@dataclass(frozen=True)
class Limits:
    """The range of plausible motion."""

    least_energy: float = 0.3
    """As a share of the seed's energy; so is ``most_energy``."""
    most_energy: float = 3.0
    airborne_s: float = 0.9
    """Longest time in the air, seconds."""
    airborne_m: float = 0.12
    """A lowest joint above this height over the seed's floor is in the air, metres."""
    sunk_m: float = 0.06
    """Deepest that a joint may be below the seed's floor, metres."""
    head: float = 0.6
    """A head below this share of its height in the seed is low."""
    head_s: float = 2.0
    """Longest time that the head stays low, seconds."""


LIMITS = Limits()
_STANDING_ENERGY = 0.05
"""A seed with less energy than this, m²/s², stands still and gives no scale."""


def implausible(motion: Motion, seed: Motion, limits: Limits = LIMITS) -> tuple[str, ...]:
    """One sentence for each limit that a motion exceeds; none for a plausible motion.

    Args:
        motion: the generated frames.
        seed: the frames before them, of the same body.
        limits: the range of plausible motion.
    """
    return (
        *_energy(motion, seed, limits),
        *_floor(motion, seed, limits),
        *_head(motion, seed, limits),
    )


def _energy(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
    scale = energy(seed)
    # A person who stands still may do anything next, and a ratio to almost zero is meaningless.
    if scale <= _STANDING_ENERGY:
        return []
    share = energy(motion) / scale
    if share < limits.least_energy:
        return [f"It moves {_fraction(share)} as much as the seed."]
    if share > limits.most_energy:
        return [f"It moves {share:.1f} times as much as the seed."]
    return []


def _floor(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
    # The lowest point of the seed is taken as the floor, because files need not have it at zero.
    low = motion.positions()[..., 1].min(axis=1) - seed.positions()[..., 1].min()
    remarks = []
    airborne = _longest(low > limits.airborne_m) / motion.fps
    if airborne > limits.airborne_s:
        remarks.append(f"Both feet are in the air for {airborne:.1f} s.")
    if low.min() < -limits.sunk_m:
        remarks.append(f"A foot sinks {-100 * low.min():.0f} cm into the floor.")
    return remarks


def _head(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
    # Skeletons without known roles can be continued too; they get no remark.
    try:
        head = int(match_roles(seed.skeleton).joints[ROLES.index("head")])
    except ModelError:
        return []
    if head < 0:
        return []
    floor = seed.floor_m()
    height = float(np.median(seed.positions()[:, head, 1])) - floor
    low = motion.positions()[:, head, 1] - floor < limits.head * height
    seconds = _longest(low) / motion.fps
    return [f"The head stays low for {seconds:.1f} s."] if seconds > limits.head_s else []


def _longest(true: Array) -> int:
    """Length of the longest run of true frames."""
    runs, count = label(true)
    return int(np.bincount(runs.ravel())[1:].max()) if count else 0


def _fraction(share: float) -> str:
    for name, value in (("a quarter", 1 / 4), ("a fifth", 1 / 5), ("a tenth", 1 / 10)):
        if share >= value * 0.9:
            return name
    return "hardly a tenth"

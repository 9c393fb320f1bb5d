"""Says in words where a generated motion leaves what people do."""

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
    """What people do, in the recordings of the evaluation sets (98 in 100 of them)."""

    least_energy: float = 0.3
    """Share of the seed's energy."""
    most_energy: float = 3.0
    airborne_s: float = 0.9
    airborne_m: float = 0.12
    """Height of the lowest joint over the seed's floor that counts as in the air."""
    sunk_m: float = 0.06
    head: float = 0.6
    """Height of the head, as a share of its height in the seed."""
    head_s: float = 2.0


LIMITS = Limits()
_STANDING_ENERGY = 0.05
"""A seed with less energy than this, m²/s², stands still: nothing can be compared with it."""


def implausible(motion: Motion, seed: Motion, limits: Limits = LIMITS) -> tuple[str, ...]:
    """Sentences on what falls outside of what people do; none where nothing does.

    Args:
        motion: what was generated.
        seed: what came before it, of the same body.
        limits: where people's range ends.
    """
    return (
        *_energy(motion, seed, limits),
        *_floor(motion, seed, limits),
        *_head(motion, seed, limits),
    )


def _energy(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
    usual = energy(seed)
    found = []
    if usual > _STANDING_ENERGY:
        share = energy(motion) / usual
        if share < limits.least_energy:
            found.append(f"It moves {_fraction(share)} as much as the seed.")
        elif share > limits.most_energy:
            found.append(f"It moves {share:.1f} times as much as the seed.")
    return found


def _floor(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
    low = motion.positions()[..., 1].min(axis=1) - seed.positions()[..., 1].min()
    found = []
    airborne = _longest(low > limits.airborne_m) / motion.fps
    if airborne > limits.airborne_s:
        found.append(f"Both feet are in the air for {airborne:.1f} s.")
    if low.min() < -limits.sunk_m:
        found.append(f"A foot sinks {-100 * low.min():.0f} cm into the floor.")
    return found


def _head(motion: Motion, seed: Motion, limits: Limits) -> list[str]:
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
    """Frames of the longest run of trues."""
    runs, count = label(true)
    return int(np.bincount(runs.ravel())[1:].max()) if count else 0


def _fraction(share: float) -> str:
    for name, value in (("a quarter", 1 / 4), ("a fifth", 1 / 5), ("a tenth", 1 / 10)):
        if share >= value * 0.9:
            return name
    return "hardly a tenth"

"""Dancers: the constants of their style, which are the same for all songs."""

from dataclasses import dataclass

import numpy as np

from data.dance.song import SPLITS

DANCERS = {"train": 60, "val": 8, "test": 12}
"""Number of dancers in each split; splits share no dancer."""


@dataclass(frozen=True)
class Dancer:
    """Constants that modify every move. The defaults are neutral."""

    name: str
    amplitude: float = 1.0
    """Scales every move, 0.85 to 1.15."""
    arm_amplitude: float = 1.0
    """Scales the arms once more, 0.85 to 1.15."""
    step: float = 1.0
    """Scales the length of steps, 0.8 to 1.15."""
    bounce_m: float = 0.045
    """Distance that the pelvis sinks on a kick."""
    accent: float = 1.0
    """Strength of snare accents, 0.7 to 1.3."""
    late_s: float = 0.0
    """Behind (+) or ahead (-) of the beat, at most two frames of 60 fps."""
    lean_rad: float = 0.05
    """Forward bend of the spine while standing."""
    carriage_rad: float = 0.0
    """Arms carried away from the body (+) or close to it (-)."""
    elbow_rad: float = 0.5
    """Bend of the relaxed elbow."""
    stance_m: float = 0.13
    """Half the distance between the feet."""
    turnout_rad: float = 0.2
    """Outward rotation of the toes."""
    crouch_m: float = 0.03
    """How much lower than upright the pelvis is carried."""


def make_dancer(split: str, number: int) -> Dancer:
    """Dancer ``number`` of a split; the same one on every machine.

    Raises:
        ValueError: the split has no such dancer.
    """
    if not 0 <= number < DANCERS[split]:
        raise ValueError(f"{split} has dancers 0 to {DANCERS[split] - 1}, not {number}")
    # The order of these draws must not change: it would change all dancers.
    rng = np.random.default_rng([SPLITS.index(split), number, 7002])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return Dancer(
        name=f"{split}_dancer{number:02d}",
        amplitude=between(0.85, 1.15),
        arm_amplitude=between(0.85, 1.15),
        step=between(0.8, 1.15),
        bounce_m=between(0.03, 0.055),
        accent=between(0.7, 1.3),
        late_s=between(-2, 2) / 60,
        lean_rad=between(-0.02, 0.14),
        carriage_rad=between(-0.08, 0.2),
        elbow_rad=between(0.3, 0.75),
        stance_m=between(0.105, 0.165),
        turnout_rad=between(0.08, 0.32),
        crouch_m=between(0.015, 0.055),
    )

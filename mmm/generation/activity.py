"""A prior on how fast the next part of a motion is, given the speed of the last second.

A network that samples its own continuation sometimes draws a halt or a burst and then continues
from it. After a few seconds of its own motion it stands still or moves far too fast. Real people
keep roughly their speed and return to their usual one. A first-order autoregression, AR(1), of the
logarithm of the joint speed describes that well. Generation draws the next log speed from it,
samples several futures and keeps the one that comes nearest. ``training.fitting.priors`` fits the
three numbers on the training split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm.metrics.dance import energy
from mmm.motion.clip import Motion

DRAWS = 6
"""Futures to choose from. Twelve are hardly better and take twice the time."""
STILL_M_S = 0.03
"""Added to speeds before the logarithm, metres per second. Slower movement is hardly visible."""


def log_speed(motion: Motion) -> float:
    """Logarithm of the root mean square joint speed in metres per second; two frames or more."""
    # Without the constant, sensor noise in two standing poses would differ by whole units.
    return float(np.log(np.sqrt(energy(motion)) + STILL_M_S))


@dataclass(frozen=True)
class SpeedPrior:
    """An AR(1) law: the next log speed is ``intercept + slope * past`` plus N(0, ``sigma``)."""

    intercept: float
    slope: float
    sigma: float

    def draw(self, past: Motion, temperature: float, rng: np.random.Generator) -> float:
        """Sample the log speed of the next part; ``temperature`` multiplies ``sigma``."""
        return (
            self.intercept
            + self.slope * log_speed(past)
            + self.sigma * temperature * float(rng.standard_normal())
        )

    @staticmethod
    def nearest(target: float, futures: Sequence[Motion]) -> int:
        """Index of the future whose log speed is nearest to ``target``."""
        # Choosing among whole samples keeps each one a motion that the network really predicts;
        # rescaling its speed would not.
        return int(np.argmin([abs(log_speed(future) - target) for future in futures]))

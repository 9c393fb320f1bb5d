"""How lively what comes next is to be, given how lively the last second was.

A network that draws from what may come sometimes draws a halt or a burst, and goes on from it: after a few seconds of
its own motion it stands still or rages. Real people go on about as they moved, and come back to what is usual: the
logarithm of their joints' speed is well told by a first-order autoregression. Its next value is drawn for each part of
a future, several futures are drawn from the network, and the one that comes nearest is kept. Fitted on the training
split (``training.fitting.priors``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm.metrics.dance import energy
from mmm.motion.clip import Motion

DRAWS = 6
"""Futures to choose from; twice as many are hardly better, and take twice the time."""
STILL_M_S = 0.03
"""Added to speeds: below it nobody is seen to move, and the logarithm must not tell one stillness from another."""


def log_speed(motion: Motion) -> float:
    """Logarithm of the joints' root mean square speed, metres a second; of two frames or more."""
    return float(np.log(np.sqrt(energy(motion)) + STILL_M_S))


@dataclass(frozen=True)
class SpeedPrior:
    """The next part's log speed: ``level + pull * (the past's)``, and a normal deviation of ``spread``."""

    level: float
    pull: float
    spread: float

    def wanted(self, past: Motion, temperature: float, rng: np.random.Generator) -> float:
        """The log speed that what comes next is to have; ``temperature`` multiplies the deviation."""
        return (
            self.level
            + self.pull * log_speed(past)
            + self.spread * temperature * float(rng.standard_normal())
        )

    @staticmethod
    def nearest(wanted: float, futures: Sequence[Motion]) -> int:
        """Which of several futures comes nearest to a log speed."""
        return int(np.argmin([abs(log_speed(future) - wanted) for future in futures]))

"""Bootstrap intervals (Efron 1979): how far a figure would move if other clips had been drawn."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2_000


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval."""
    array = np.asarray(values)
    draws = np.random.default_rng(seed).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(array[draws].mean(axis=1), [2.5, 97.5])
    return float(array.mean()), float(low), float(high)

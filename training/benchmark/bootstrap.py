"""Percentile bootstrap intervals (Efron 1979): the variation of a figure over samples of clips."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

Array = np.ndarray

# Percentile intervals need 1,000 resamples or more (Efron and Tibshirani 1993).
RESAMPLES = 2_000
LEVELS = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


def resamples(count: int, seed: int = 0) -> Int[Array, "R N"]:
    """Indices of ``RESAMPLES`` samples drawn with replacement from ``count`` items."""
    # A fixed seed, so that the same scores have the same interval in every run.
    return np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """The mean and its 95 % interval: mean, low, high."""
    array = np.asarray(values)
    low, high = np.percentile(array[resamples(len(array), seed)].mean(axis=1), LEVELS)
    return float(array.mean()), float(low), float(high)

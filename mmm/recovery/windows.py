"""Cutting long clips into windows, and fading what comes out of them into each other."""

import numpy as np
from jaxtyping import Float

Array = np.ndarray

OVERLAP = 1 / 3
"""Share of a window that it has in common with the next one; predictions are cross-faded over it."""


def windows(frames: int, size: int) -> list[tuple[int, int]]:
    """Overlapping windows that cover a clip; the last one is moved back so that all have the same length."""
    if frames <= size:
        return [(0, frames)]
    hop = size - int(size * OVERLAP)
    starts = [*range(0, frames - size, hop), frames - size]
    return [(start, start + size) for start in starts]


def fade(frames: int, size: int) -> Float[Array, "_"]:
    """Weights over a window: one in the middle, falling towards both ends, never zero."""
    ramp = max(int(size * OVERLAP), 1)
    position = np.arange(frames)
    return np.minimum(1, (np.minimum(position, frames - 1 - position) + 1) / ramp).astype(
        np.float32
    )

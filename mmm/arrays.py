"""Small functions of arrays that several layers need."""

import numpy as np
from jaxtyping import Bool, Float

Array = np.ndarray


def true_runs(flags: Bool[Array, "T"]) -> list[tuple[int, int]]:
    """First and last-plus-one index of each run of True, in order."""
    # int8, since the difference of two bool arrays has no sign. The zeros around it close a run
    # that touches an end.
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def mean_or_none(values: Array) -> float | None:
    """The mean of all values, added up in float64; None if there are none."""
    # None, not NaN: JSON has no NaN.
    return float(np.mean(values, dtype=np.float64)) if values.size else None


def unit_vectors(vectors: Float[Array, "*b D"], shortest: float = 1e-9) -> Float[Array, "*b D"]:
    """Vectors of length 1 along the last axis; zero stays zero.

    Args:
        vectors: any unit.
        shortest: a shorter vector is divided by this length instead of its own.
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), shortest)

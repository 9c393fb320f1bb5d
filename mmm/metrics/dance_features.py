"""Kinetic dance features, and distances between sets of dances by their features.

Kinetic features follow Onuma et al. 2008; geometric ones are in ``mmm.metrics.geometric_features``.
The scaling is not that of the published code, so compare only figures that were computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.motion.clip import Motion

Array = np.ndarray

_LEAST_STD = 0.01
"""Smallest standard deviation that features are divided by (m²/s², m/s², shares). A feature that
hardly varies in the reference would otherwise decide the distance alone."""


def kinetic_features(motion: Motion) -> Float[Array, "K"]:
    """Kinetic features (Onuma et al. 2008), three for each joint (72 for SMPL-24).

    They are the means over frames of the squared horizontal velocity (m²/s²), the squared vertical
    velocity (m²/s²) and the norm of the acceleration (m/s²). Velocities and accelerations are
    averaged over five frames before. The root's position does not matter.
    """
    points = motion.positions().astype(np.float64)
    velocity = np.diff(points, axis=0) * motion.fps
    acceleration = np.diff(velocity, axis=0) * motion.fps
    if not len(acceleration):
        return np.zeros(3 * points.shape[1])
    smooth, push = _mean_of_five(velocity), _mean_of_five(acceleration)
    return np.stack(
        [
            (smooth[..., [0, 2]] ** 2).sum(-1).mean(0),
            (smooth[..., 1] ** 2).mean(0),
            np.linalg.norm(push, axis=-1).mean(0),
        ],
        axis=1,
    ).ravel()


def _mean_of_five(values: Float[Array, "T *k"]) -> Float[Array, "T *k"]:
    """Centred mean of five rows, fewer at both ends."""
    # Differences of cumulative sums: linear in the length, whatever the width.
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    rows = np.arange(len(values))
    first, stop = np.maximum(rows - 2, 0), np.minimum(rows + 3, len(values))
    return (sums[stop] - sums[first]) / (stop - first).reshape(-1, *[1] * (values.ndim - 1))


@dataclass(frozen=True)
class Reference:
    """Features of a reference set, standardised by their own mean and standard deviation."""

    mean: Float[Array, "K"]
    std: Float[Array, "K"]
    """Standard deviations, at least 0.01."""
    rows: Float[Array, "N K"]
    """Standardised features, one row per clip."""

    @staticmethod
    def of(features: Sequence[Float[Array, "K"]]) -> "Reference":
        """A reference from the features of real clips, one row per clip."""
        values = np.stack(features).astype(np.float64)
        mean, std = values.mean(0), np.maximum(values.std(0), _LEAST_STD)
        return Reference(mean, std, (values - mean) / std)

    def distance(self, features: Sequence[Float[Array, "K"]]) -> float:
        """FID: the Fréchet distance between normal distributions fitted to both sets."""
        return frechet(self.rows, (np.stack(features) - self.mean) / self.std)

    def diversity(self, features: Sequence[Float[Array, "K"]]) -> float:
        """Mean distance between the standardised features of two clips."""
        return mean_distance((np.stack(features) - self.mean) / self.std)


def frechet(a: Float[Array, "N K"], b: Float[Array, "M K"]) -> float:
    """Fréchet distance ``|mean_a - mean_b|² + tr(A + B - 2 (A B)^½)`` with covariances A and B."""
    # The trace of the square root is the sum of the singular values of one centred sample times the
    # other, which also works if covariances are singular because there are few samples.
    centred = [
        (x - x.mean(0)) / np.sqrt(max(1, len(x) - 1))
        for x in (a.astype(np.float64), b.astype(np.float64))
    ]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    variance = sum(float((x**2).sum()) for x in centred)
    return max(0.0, float(((a.mean(0) - b.mean(0)) ** 2).sum() + variance - 2 * root))


def mean_distance(rows: Float[Array, "N K"]) -> float:
    """Mean Euclidean distance between two different rows; 0 for a single one."""
    if len(rows) < 2:
        return 0.0
    distances = np.linalg.norm(rows[:, None].astype(np.float64) - rows[None], axis=-1)
    return float(distances.sum() / (len(rows) * (len(rows) - 1)))


def joint_distance_cm(motions: Sequence[Motion]) -> float:
    """Mean joint distance over pairs of motions, frames and joints, centimetres.

    The motions have the same length.
    """
    points = np.stack([motion.positions() for motion in motions]).astype(np.float64)
    pairs = [
        np.linalg.norm(points[i] - points[j], axis=-1).mean()
        for i in range(len(points))
        for j in range(i)
    ]
    return float(np.mean(pairs) * 100) if pairs else 0.0

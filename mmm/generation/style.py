"""What a dance looks like over the next piece, so that a section of a song keeps one kind of dance.

A style holds, for each point of the body, its mean place in the heading of the hips and its mean
speed. How alike two styles are does not depend on the phase of the movement.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mmm.generation.library import FPS
from mmm.generation.place_index import SEGMENT_S, STRIDE, moving_mean
from mmm.generation.state import POINTS

Array = np.ndarray

# The points are head and neck, then pairs of left and right.
_MIRRORED = [0, 1, *(k + 1 - 2 * (k % 2) for k in range(2, len(POINTS)))]
_OUTWARD = np.array([0.0, 0.0, *([1.0, -1.0] * ((len(POINTS) - 2) // 2))])
"""Makes the sideways coordinate of the right side count outwards, as that of the left does."""


@dataclass(frozen=True, eq=False)
class Styles:
    """Styles of some places of a library."""

    place: Int[Array, "n"]
    """The places, by their index."""
    rows: Float[Array, "2 n K"]
    """Standardised styles as recorded (row 0) and mirrored (row 1)."""

    @staticmethod
    def of(pose: Float[Array, "N D"], take: Int[Array, "N"], place: Int[Array, "n"]) -> "Styles":
        """The styles of some places.

        Args:
            pose: features of all places, in the order of the takes.
            take: the take of each.
            place: the places that are described.
        """
        if not len(place):
            return Styles(place, np.zeros((2, 0, 4 * len(POINTS))))
        steps = round(SEGMENT_S * FPS / STRIDE)
        chosen = pose[place].astype(np.float64)
        count = len(POINTS)
        # Column 0 is the height of the hips, and the hips' velocity follows the positions.
        points = chosen[:, 1 : 1 + 3 * count].reshape(-1, count, 3)
        velocity = chosen[:, 4 + 3 * count :].reshape(-1, count, 3)
        speed = np.linalg.norm(velocity, axis=-1)
        outward = points[..., 0] * _OUTWARD
        values = np.stack([outward, points[..., 1], points[..., 2], speed], axis=-1)
        flat = values.reshape(len(place), -1)
        for number in np.unique(take[place]):
            here = np.flatnonzero(take[place] == number)
            flat[here] = np.stack(
                [moving_mean(column, 0, steps - 1) for column in flat[here].T], axis=1
            )
        flat = (flat - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-3)
        mirrored = flat.reshape(len(place), count, 4)[:, _MIRRORED].reshape(len(place), -1)
        return Styles(place, np.stack([flat, mirrored]) / np.sqrt(flat.shape[1]))

    def away(self, style: Float[Array, "K"]) -> Float[Array, "2 n"]:
        """Squared distances to a style; about 2 between two unrelated ones."""
        return np.asarray(((self.rows - style) ** 2).sum(axis=-1))

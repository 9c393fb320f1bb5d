"""Motion and music as the feature rows that the networks read.

A row holds ``J x 9`` rotation entries (local matrices, row by row, unscaled) and then the root
position. The root is scaled per axis to [0, 1] by the minimum and maximum over windows that were
moved to the origin. The networks move each window there themselves, by the mean of its known
frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Stats:
    """Min-max scaling of root and music, fitted on the training split only."""

    root_min: Float[Array, "3"]
    root_max: Float[Array, "3"]
    """Bounds of the root, metres, after each window was moved to the origin."""
    music_min: Float[Array, "M"]
    music_max: Float[Array, "M"]
    """Bounds of each music feature."""

    @classmethod
    def identity(cls, music_size: int = 35) -> "Stats":
        """Scaling that changes nothing."""
        return cls(
            np.zeros(3, np.float32),
            np.ones(3, np.float32),
            np.zeros(music_size, np.float32),
            np.ones(music_size, np.float32),
        )

    @classmethod
    def fit(
        cls, roots: Sequence[Float[Array, "_ 3"]], music: Sequence[Float[Array, "_ M"]], window: int
    ) -> "Stats":
        """Fit on the clips of the training split, cut into windows that are moved to the origin.

        Args:
            roots: root paths in metres, one array per clip.
            music: music features, one array per clip; empty for motion alone.
            window: frames per window.
        """
        moved = [
            center(root[i : i + window]) for root in roots for i in range(0, len(root), window)
        ]
        root_min, root_max = _bounds(moved)
        music_min, music_max = (
            _bounds(music) if music else (np.zeros(35, np.float32), np.ones(35, np.float32))
        )
        return cls(root_min, root_max, music_min, music_max)

    def scale_root(self, root_m: Float[Array, "*b 3"]) -> Float[Array, "*b 3"]:
        """Root positions in metres to scaled ones."""
        return ((root_m - self.root_min) / (self.root_max - self.root_min)).astype(np.float32)

    def unscale_root(self, scaled: Float[Array, "*b 3"]) -> Float[Array, "*b 3"]:
        """Scaled root positions to metres."""
        return (scaled * (self.root_max - self.root_min) + self.root_min).astype(np.float32)

    def scale_music(self, features: Float[Array, "*b M"]) -> Float[Array, "*b M"]:
        """Music features scaled to [0, 1] on the training split, and clipped to [-1, 2]."""
        # Other songs may lie far outside what the network was trained on; clipping bounds their
        # effect.
        scaled = (features - self.music_min) / (self.music_max - self.music_min)
        return np.clip(scaled, -1, 2).astype(np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """Bounds as plain lists, for config.json."""
        return {name: [float(x) for x in getattr(self, name)] for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[float]]) -> "Stats":
        """The inverse of :meth:`to_dict`."""
        return cls(
            **{name: np.array(values[name], dtype=np.float32) for name in cls.__dataclass_fields__}
        )


def _bounds(arrays: Sequence[Array]) -> tuple[Array, Array]:
    """Minimum and maximum of each column over all arrays, float32."""
    low = np.min([a.min(axis=0) for a in arrays], axis=0).astype(np.float32)
    high = np.max([a.max(axis=0) for a in arrays], axis=0).astype(np.float32)
    # A constant column has no range to divide by; this one scales it to zero.
    return low, np.where(high - low < 1e-6, low + 1, high).astype(np.float32)


def center(root_m: Float[Array, "T 3"]) -> Float[Array, "T 3"]:
    """Move a root path (metres) so that the mean of its x and z is zero; heights stay.

    Where a body dances in the room says nothing about how, but its height above the floor does.
    """
    return (root_m - root_m.mean(axis=0) * np.array([1, 0, 1])).astype(np.float32)


def to_features(
    rotations: Float[Array, "*b J 3 3"], scaled_root: Float[Array, "*b 3"]
) -> Float[Array, "*b F"]:
    """Join rotations and the scaled root into rows of ``F = 9 J + 3`` numbers."""
    flat = rotations.reshape(*rotations.shape[:-3], -1)
    return np.concatenate([flat, scaled_root], axis=-1).astype(np.float32)


def from_features(
    features: Float[Array, "*b F"],
) -> tuple[Float[Array, "*b J 3 3"], Float[Array, "*b 3"]]:
    """Split rows into matrices and the scaled root.

    The matrices of a prediction are not rotations yet; see ``rotations.project_to_so3``.
    """
    matrices = features[..., :-3].reshape(*features.shape[:-1], -1, 3, 3)
    return matrices, features[..., -3:]

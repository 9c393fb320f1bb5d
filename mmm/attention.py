"""Reading attention: which map, which block of it.

Attention says where a network looked, not why it moved; and half of every ConvBERT layer is a convolution that no map
shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float16

from mmm.errors import ModelError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """Every attention map of one window, captured while it was recovered."""

    stages: Mapping[str, Float16[Array, "L H Q K"]]
    """Stage name (``motion``, ``music``, ``cross``) to its maps: layers, heads, queries (rows), keys (columns)."""
    segments: Mapping[str, slice] | None
    """Where motion and music lie along both axes of ``cross``; None where the network joins features, not time."""
    frames: tuple[int, int]
    """First and last-plus-one frame of the clip that the window covers."""

    def block(self, query: str, key: str) -> Float16[Array, "L H Q K"]:
        """One of the four blocks of a time-joined cross-modal encoder, e.g. ``block("motion", "music")``.

        Raises:
            ModelError: the network joins features (its maps go from frame to frame), or has no such segment.
        """
        if self.segments is None:
            raise ModelError(f"block({query!r}, {key!r})", "this network has no cross-modal blocks: its maps go from "
                             "frame to frame", "an ecm network", "use stages['cross'] or another checkpoint")
        for name in (query, key):
            if name not in self.segments:
                raise ModelError(f"block({query!r}, {key!r})", f"no segment {name!r}", ", ".join(self.segments))
        return self.stages["cross"][:, :, self.segments[query], self.segments[key]]

"""Motions whose hidden entries are replaced, and what networks are told of the gaps."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

DISTANCE_SCALE_FRAMES = 30.0
"""Distances to known frames enter networks as ``log1p(frames) / log1p(30)``: 1 at this many
frames."""


@dataclass(frozen=True)
class Filled:
    """A motion whose hidden entries were replaced: see :meth:`MaskedMotionModel.fill`."""

    features: Tensor
    """(B,T,F)."""
    extra: Tensor | None = None
    """(B,T,J+2): what is hidden, and the distances to the known frames before and after; None where
    hidden entries are zeros, which say it themselves."""
    blend_weight: Tensor | None = None
    """(B,T,J): how much a residual counts beside the known frames, zero in known frames: see
    ``mmm.interpolation.known_frames.ramp_in``."""

    def part(self, frames: slice) -> "Filled":
        """A window of it."""
        return replace(
            self,
            features=self.features[:, frames],
            extra=None if self.extra is None else self.extra[:, frames],
            blend_weight=None if self.blend_weight is None else self.blend_weight[:, frames],
        )

    def repeat(self, count: int) -> "Filled":
        """A single motion as a batch of itself."""
        features, extra, blend_weight = (
            None if values is None else values.expand(count, -1, -1)
            for values in (self.features, self.extra, self.blend_weight)
        )
        assert features is not None
        return Filled(features, extra, blend_weight)

    def gap_inputs(self, distances: bool) -> Tensor:
        """(B,T,J+2): ``extra``, with zeros in place of the distances where these are not wanted."""
        assert self.extra is not None
        if distances:
            return self.extra
        return torch.nn.functional.pad(self.extra[..., :-2], (0, 2))


def distance_feature(frames: Tensor) -> Tensor:
    """Frames to the nearest known ones as networks take them."""
    return torch.log1p(frames) / math.log1p(DISTANCE_SCALE_FRAMES)

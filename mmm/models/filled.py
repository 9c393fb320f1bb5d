"""Windows whose hidden entries are filled, with the inputs that describe the gaps."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

DISTANCE_SCALE_FRAMES = 30.0
"""Distances to known frames enter networks as ``log1p(frames) / log1p(30)``: 1 at this many
frames."""


@dataclass(frozen=True)
class Filled:
    """Windows with filled gaps, as :meth:`MaskedMotionModel.fill` returns them."""

    features: Tensor
    """(B,T,F)."""
    extra: Tensor | None = None
    """(B,T,J+2): what is hidden, and the distances to the known frames before and after. None for
    the ``zero`` fill, whose zeros show what is hidden."""
    blend_weight: Tensor | None = None
    """(B,T,J): weight of a residual, which ramps in from zero at the known frames: see
    ``mmm.interpolation.known_frames.ramp_in``."""

    def part(self, frames: slice) -> "Filled":
        """A range of frames."""
        return replace(
            self,
            features=self.features[:, frames],
            extra=None if self.extra is None else self.extra[:, frames],
            blend_weight=None if self.blend_weight is None else self.blend_weight[:, frames],
        )

    def repeat(self, count: int) -> "Filled":
        """Repeat a batch of one ``count`` times."""
        features, extra, blend_weight = (
            None if values is None else values.expand(count, -1, -1)
            for values in (self.features, self.extra, self.blend_weight)
        )
        # expand() makes views, so many samples of one clip take no more memory.
        assert features is not None
        return Filled(features, extra, blend_weight)

    def gap_inputs(self, distances: bool) -> Tensor:
        """(B,T,J+2): ``extra``, with zeros in place of the distances if ``distances`` is False."""
        assert self.extra is not None
        if distances:
            return self.extra
        # The width stays the same, so ablated networks have the same layers.
        return torch.nn.functional.pad(self.extra[..., :-2], (0, 2))


def distance_feature(frames: Tensor) -> Tensor:
    """Scale distances in frames for the networks, by a logarithm."""
    # A frame more or less matters in short gaps, and hardly in long ones.
    return torch.log1p(frames) / math.log1p(DISTANCE_SCALE_FRAMES)

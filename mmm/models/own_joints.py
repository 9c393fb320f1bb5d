"""The representation of networks on the joints of one skeleton: features in, features out."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mmm.interpolation.known_frames import hidden_features
from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.filled import Filled
from mmm.models.layers import smoothed
from mmm.models.output import MaskedMotionOutput


@dataclass(frozen=True, eq=False)
class OwnJointsWindow:
    """A batch of filled windows as features, centred on the origin."""

    config: MaskedMotionConfig
    filled: Filled
    inputs: Tensor
    """(B,T,input_size) without noise: standardised features, and those of the gaps."""
    shift: Tensor
    """(B,1,F): what was subtracted from the features to centre the window."""

    @classmethod
    def of(
        cls,
        config: MaskedMotionConfig,
        filled: Filled,
        hidden: Tensor,
        *,
        shown: Tensor | None = None,
        place: Tensor | None = None,
        body: Tensor | None = None,
    ) -> "OwnJointsWindow":
        """Centre and standardise filled windows; arguments as ``predict`` takes them."""
        fill = filled.features
        shift = _to_origin(config, fill, hidden, place)
        inputs = standardised(config, (fill if shown is None else shown) - shift, "motion")
        if config.fill == "zero":
            # Zeros mark hidden entries, so neither shift nor standardisation may change them.
            blank = fill if shown is None else shown
            inputs = torch.where(hidden_features(hidden) & (blank == 0), blank, inputs)
        if filled.extra is not None:
            inputs = torch.cat([inputs, filled.gap_inputs(config.distance_input)], dim=-1)
        return cls(config, filled, inputs, shift)

    def output(self, raw: Tensor, maps: Maps | None) -> MaskedMotionOutput:
        """Convert the head's raw output (B,T,F) to poses."""
        residual = self.config.output == "residual"
        prediction = self.filled.features + self._ramped(raw) if residual else raw + self.shift
        return MaskedMotionOutput(prediction=prediction, attentions=maps)

    def _ramped(self, raw: Tensor) -> Tensor:
        """A residual, smoothed over time and ramped in near the known frames."""
        if self.config.smooth_s:
            raw = smoothed(raw, self.config.smooth_s * self.config.fps)
        if self.config.ramp_s:
            assert self.filled.blend_weight is not None
            weight = self.filled.blend_weight.to(raw.dtype)
            root = weight[..., :1].expand(*weight.shape[:-1], 3)
            raw = raw * torch.cat([weight.repeat_interleave(9, dim=-1), root], -1)
        return raw


def standardised(config: MaskedMotionConfig, values: Tensor, kind: str) -> Tensor:
    """Standardise features by the mean and standard deviation of the training split.

    Args:
        config: of the network; without statistics, values stay as they are.
        values: (B,T,_) features.
        kind: ``motion`` or ``music``.
    """
    if config.standard is None:
        return values
    mean, std = (
        torch.tensor(config.standard[f"{kind}_{name}"]).to(values) for name in ("mean", "std")
    )
    return (values - mean) / std


def _to_origin(
    config: MaskedMotionConfig, fill: Tensor, hidden: Tensor, place: Tensor | None
) -> Tensor:
    """(B,1,F): the mean of the root's known x and z, as a shift of the features.

    Without it networks would depend on where in the room a movement was recorded.
    """
    known = (~hidden[..., :1]).to(fill.dtype)
    count = known.sum(1, keepdim=True)
    mean = (fill[..., -3:] * known).sum(1, keepdim=True) / count.clamp(min=1)  # (B, 1, 3)
    mean = torch.where(
        count > 0, mean, fill[..., -3:].mean(1, keepdim=True) if place is None else place
    )
    origin = torch.from_numpy(config.fitted_stats.scale_root(np.zeros(3, np.float32))).to(fill)
    # Heights stay: how far the pelvis is above the floor describes the movement.
    level = torch.tensor([1.0, 0.0, 1.0]).to(fill)
    return nn.functional.pad((mean - origin) * level, (fill.shape[-1] - 3, 0))

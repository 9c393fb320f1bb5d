"""The representation of networks on one skeleton's own joints: feature rows in, feature rows
out."""

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
    """A batch of filled windows as feature rows."""

    config: MaskedMotionConfig
    filled: Filled
    inputs: Tensor
    """(B,T,input_size) without noise: standardised features, and what is told of the gaps."""
    shift: Tensor
    """(B,1,F): what was taken from the features, so that the window lies at the origin."""

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
        """Move windows to the origin and standardise them; arguments as ``predict`` takes them."""
        fill = filled.features
        shift = _to_origin(config, fill, hidden, place)
        inputs = standardised(config, (fill if shown is None else shown) - shift, "motion")
        if config.fill == "zero":
            # Zeros stay zeros, in training's corruption as in recovery.
            blank = fill if shown is None else shown
            inputs = torch.where(hidden_features(hidden) & (blank == 0), blank, inputs)
        if filled.extra is not None:
            inputs = torch.cat([inputs, filled.gap_inputs(config.distance_input)], dim=-1)
        return cls(config, filled, inputs, shift)

    def output(self, raw: Tensor, maps: Maps | None) -> MaskedMotionOutput:
        """The head's raw output (B,T,F) as poses."""
        residual = self.config.output == "residual"
        prediction = self.filled.features + self._ramped(raw) if residual else raw + self.shift
        return MaskedMotionOutput(prediction=prediction, attentions=maps)

    def _ramped(self, raw: Tensor) -> Tensor:
        """A residual smoothed over time and ramped in beside the known frames."""
        if self.config.smooth_s:
            raw = smoothed(raw, self.config.smooth_s * self.config.fps)
        if self.config.ramp_s:
            assert self.filled.blend_weight is not None
            weight = self.filled.blend_weight.to(raw.dtype)
            root = weight[..., :1].expand(*weight.shape[:-1], 3)
            raw = raw * torch.cat([weight.repeat_interleave(9, dim=-1), root], -1)
        return raw


def standardised(config: MaskedMotionConfig, values: Tensor, kind: str) -> Tensor:
    """``motion`` or ``music`` features by the mean and deviation of the training split, if it has
    any."""
    if config.standard is None:
        return values
    mean, std = (
        torch.tensor(config.standard[f"{kind}_{name}"]).to(values) for name in ("mean", "std")
    )
    return (values - mean) / std


def _to_origin(
    config: MaskedMotionConfig, fill: Tensor, hidden: Tensor, place: Tensor | None
) -> Tensor:
    """(B,1,F): the mean of the root's known x and z as a shift of the features.

    Where the root is in the world says nothing about the movement.
    """
    known = (~hidden[..., :1]).to(fill.dtype)
    count = known.sum(1, keepdim=True)
    mean = (fill[..., -3:] * known).sum(1, keepdim=True) / count.clamp(min=1)  # (B, 1, 3)
    mean = torch.where(
        count > 0, mean, fill[..., -3:].mean(1, keepdim=True) if place is None else place
    )
    origin = torch.from_numpy(config.fitted_stats.scale_root(np.zeros(3, np.float32))).to(fill)
    level = torch.tensor([1.0, 0.0, 1.0]).to(fill)  # heights stay
    return nn.functional.pad((mean - origin) * level, (fill.shape[-1] - 3, 0))

"""The representation of networks on joint roles.

The network reads windows in the body's own frame (``mmm.models.body_frame``) and returns small
rotations on top of the fill.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mmm.models.attention_maps import Maps
from mmm.models.body_frame import BodyFrame
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.filled import Filled
from mmm.models.layers import smoothed
from mmm.models.output import MaskedMotionOutput
from mmm.motion.kinematics_torch import Tree

PLAIN_INPUT_GAIN = 2.5
"""Values of the body frame have a standard deviation of about 0.4. Networks without an embedding
add position codes to them, so they are scaled to that of standardised features."""


@dataclass(frozen=True, eq=False)
class JointRolesWindow:
    """A batch of filled windows in the body's own heading and size."""

    config: MaskedMotionConfig
    filled: Filled
    frame: BodyFrame
    inputs: Tensor
    """(B,T,input_size) without noise: features of the body frame, and of the gaps."""

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
    ) -> "JointRolesWindow":
        """Compute the inputs of filled windows; arguments as ``predict`` takes them."""
        assert (
            body is not None and config.joint_parents is not None and config.joint_names is not None
        )
        tree, hips = _body_of(tuple(config.joint_parents), tuple(config.joint_names))
        # Kinematics accumulate rounding errors along the limbs, so they stay in float32.
        with torch.autocast(filled.features.device.type, enabled=False):
            local = filled.features[..., :-3].unflatten(-1, (-1, 3, 3))
            frame = BodyFrame.of(tree, hips, local, filled.features[..., -3:], body, hidden)
            gaps = filled.gap_inputs(config.distance_input)
            inputs = torch.cat([frame.inputs(config.relative_input), gaps], dim=-1)
            if not config.embeds_inputs:
                inputs = inputs * PLAIN_INPUT_GAIN
        return cls(config, filled, frame, inputs)

    def output(self, raw: Tensor, maps: Maps | None) -> MaskedMotionOutput:
        """Convert the head's raw output (B,T,3J+5) to poses and an expected error."""
        with torch.autocast(raw.device.type, enabled=False):
            raw = raw.float()
            # The last value but one is a gate, with which the network can suppress the residual of
            # a frame. The bias of 2 starts it nearly open.
            offsets = raw[..., : 3 * self.config.joints + 3] * (raw[..., -2:-1] + 2).sigmoid()
            if self.config.output == "absolute":
                offsets = self.frame.on_top_of_fill(offsets)
            if self.config.smooth_s:
                offsets = smoothed(offsets, self.config.smooth_s * self.config.fps)
            assert self.filled.blend_weight is not None
            weight = self.filled.blend_weight
            root = weight[..., :1].expand(*weight.shape[:-1], 3)
            ramped = offsets * torch.cat([weight.repeat_interleave(3, dim=-1), root], dim=-1)
            posed = self.frame.apply(ramped[..., :-3].unflatten(-1, (-1, 3)), ramped[..., -3:])
            prediction = torch.cat([posed.local.flatten(-3), posed.root], dim=-1)
            # The last value is the logarithm of the expected error. An untrained head expects
            # exp(-3) m, five centimetres.
            expected_m = (raw[..., -1] - 3).exp()
            return MaskedMotionOutput(prediction, maps, self.frame.in_world(offsets), expected_m)


@lru_cache
def _body_of(parents: tuple[int, ...], names: tuple[str, ...]) -> tuple[Tree, tuple[int, int]]:
    """The tree of the roles, and the indices of the left and the right hip."""
    return Tree(parents), (names.index("left_hip"), names.index("right_hip"))

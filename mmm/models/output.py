"""The output of a network."""

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput

from mmm.models.attention_maps import Maps


@dataclass
class MaskedMotionOutput(ModelOutput):
    """The output of a network for a batch of windows."""

    # ModelOutput requires defaults for all fields but the first.
    prediction: Tensor | None = None
    """(B,T,F): predicted features at hidden *and* known entries. Matrices are not yet projected to
    rotations."""
    attentions: Maps | None = None
    """Attention maps of all encoders and layers, if ``output_attentions`` was set."""
    pose_offsets: Tensor | None = None
    """With roles, (B,T,3J+3): rotation vectors on top of the fill in world axes, radians, and the
    shift of the pelvis, metres; not yet ramped in near the known frames."""
    expected_m: Tensor | None = None
    """With roles, (B,T): the network's estimate of its own mean joint position error, metres."""

"""What networks return."""

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput

from mmm.models.attention_maps import Maps


@dataclass
class MaskedMotionOutput(ModelOutput):
    """What a network returns."""

    prediction: Tensor | None = None
    """(B,T,F): poses in feature form, at hidden *and* known entries; matrices not yet projected to
    rotations."""
    attentions: Maps | None = None
    """Maps of all stages and layers; only when asked for."""
    turns: Tensor | None = None
    """With roles, (B,T,3J+3): rotation vectors on top of the fill in the world's axes, radians, and
    the shift of the pelvis, metres; not yet ramped in beside the known frames."""
    expected_m: Tensor | None = None
    """With roles, (B,T): the mean joint position error that the network expects of itself,
    metres."""

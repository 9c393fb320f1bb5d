"""``3bert``: three ConvBERTs, motion and music joined on the **feature** axis.

The cross-modal encoder reads one row per frame that holds both modalities. Its attention is from
frame to frame, so its maps do not show which modality a frame attended to.
"""

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.layers import convbert, pad_width
from mmm.models.modeling import MaskedMotionModel


class ThreeBertConfig(MaskedMotionConfig):
    """Configuration of ``3bert``; about 166 M parameters at these sizes."""

    model_type = "mmm-3bert"

    hidden_size: int = 800
    num_attention_heads: int = 10
    cross_layers: int = 5
    uses_music: bool = True


class ThreeBertModel(MaskedMotionModel):
    """Motion encoder, music encoder, cross-modal encoder of twice the width; Linear (+ Tanh)
    head."""

    config_class = ThreeBertConfig
    config: ThreeBertConfig

    def __init__(self, config: ThreeBertConfig) -> None:
        super().__init__(config)
        width, frames = config.hidden_size, config.max_frames
        self.motion_encoder = convbert(config, width, config.encoder_layers, frames)
        self.music_encoder = convbert(config, width, config.encoder_layers, frames)
        self.cross_encoder = convbert(config, 2 * width, config.cross_layers, frames)
        self.head = nn.Linear(2 * width, config.motion_size)
        self.finish_init(self.head)

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """See the base class."""
        assert music is not None
        motion_states = self.run_encoder(self.motion_encoder, inputs, "motion", maps, positions)
        music_states = self.run_encoder(
            self.music_encoder, pad_width(music, inputs.shape[-1]), "music", maps, positions
        )
        joined = torch.cat([motion_states, music_states], dim=-1)  # (B, T, 2 width)
        crossed = self.run_encoder(self.cross_encoder, joined, "cross", maps, positions)
        raw = self.head(crossed)
        # The original bounds its features with tanh; a residual must not be bounded.
        return raw if self.config.output == "residual" else torch.tanh(raw)

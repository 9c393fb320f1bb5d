"""``3bert``: three ConvBERTs, motion and music joined on the **feature** axis.

The cross-modal encoder sees one row a frame with both modalities in it, so its attention is from
frame to frame; which modality a frame listened to cannot be read from its maps.
"""

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import ThreeBertConfig
from mmm.models.layers import convbert, pad_width
from mmm.models.modeling import MaskedMotionModel


class ThreeBertModel(MaskedMotionModel):
    """Motion encoder, music encoder, and a cross-modal encoder twice as wide; Linear (+ Tanh)
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
        moved = self.run_encoder(
            self.motion_encoder, inputs, "motion", maps, positions
        )  # (B, T, width)
        heard = self.run_encoder(
            self.music_encoder, pad_width(music, inputs.shape[-1]), "music", maps, positions
        )
        joined = torch.cat([moved, heard], dim=-1)  # (B, T, 2 width)
        crossed = self.run_encoder(self.cross_encoder, joined, "cross", maps, positions)
        raw = self.head(crossed)
        return raw if self.config.output == "residual" else torch.tanh(raw)

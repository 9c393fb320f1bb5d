"""``ecm`` (EnforceCrossModality): motion and music joined on the **time** axis.

The cross-modal encoder sees 2 T rows, motion first, so that its attention can go from a motion
frame to a music frame and back; its output is cut to the motion half. The music half always takes
the position ids from ``max_frames`` on, as in the original's padded windows, so that a moment keeps
its two codes whatever the clip's length.
"""

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import EcmConfig
from mmm.models.layers import convbert, pad_width
from mmm.models.modeling import MaskedMotionModel


class EcmModel(MaskedMotionModel):
    """Motion encoder, music encoder, cross-modal encoder over both in a row; Linear (+ Tanh)
    head."""

    config_class = EcmConfig
    config: EcmConfig

    def __init__(self, config: EcmConfig) -> None:
        super().__init__(config)
        width, frames = config.hidden_size, config.max_frames
        self.motion_encoder = convbert(config, width, config.encoder_layers, frames)
        self.music_encoder = convbert(config, width, config.encoder_layers, frames)
        self.cross_encoder = convbert(config, width, config.cross_layers, 2 * frames)
        self.head = nn.Linear(width, config.motion_size)
        self.finish_init(self.head, music_offset=frames)

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """See the base class."""
        assert music is not None
        batch, frames = inputs.shape[:2]
        moved = self.run_encoder(
            self.motion_encoder, inputs, "motion", maps, positions
        )  # (B, T, width)
        heard = self.run_encoder(
            self.music_encoder, pad_width(music, inputs.shape[-1]), "music", maps, positions
        )
        joined = torch.cat([moved, heard], dim=1)  # (B, 2T, width)
        both = torch.cat([positions, positions + self.config.max_frames], dim=1)
        modality = torch.cat(
            [torch.zeros_like(positions), torch.ones_like(positions)], dim=1
        ).expand(batch, -1)
        crossed = self.run_encoder(self.cross_encoder, joined, "cross", maps, both, modality)
        raw = self.head(crossed[:, :frames])
        return raw if self.config.output == "residual" else torch.tanh(raw)

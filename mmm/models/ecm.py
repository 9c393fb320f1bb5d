"""``ecm`` (EnforceCrossModality): motion and music joined on the **time** axis.

The cross-modal encoder reads 2 T rows, motion first, so a motion frame can attend to a music frame.
Only the motion half of its output is used. Music takes position ids from ``max_frames`` on, as in
the padded windows of the original, so the codes of a moment do not depend on the clip's length.
"""

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.layers import convbert, pad_width
from mmm.models.modeling import MaskedMotionModel


class EcmConfig(MaskedMotionConfig):
    """Configuration of ``ecm``; about 81 M parameters at these sizes."""

    model_type = "mmm-ecm"

    cross_layers: int = 10
    uses_music: bool = True


class EcmModel(MaskedMotionModel):
    """Motion encoder, music encoder, cross-modal encoder over both; Linear (+ Tanh) head."""

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
        motion_states = self.run_encoder(self.motion_encoder, inputs, "motion", maps, positions)
        music_states = self.run_encoder(
            self.music_encoder, pad_width(music, inputs.shape[-1]), "music", maps, positions
        )
        joined = torch.cat([motion_states, music_states], dim=1)  # (B, 2T, width)
        both = torch.cat([positions, positions + self.config.max_frames], dim=1)
        # ConvBERT's token types tell the two modalities apart.
        modality = torch.cat(
            [torch.zeros_like(positions), torch.ones_like(positions)], dim=1
        ).expand(batch, -1)
        crossed = self.run_encoder(self.cross_encoder, joined, "cross", maps, both, modality)
        raw = self.head(crossed[:, :frames])
        # The original bounds its features with tanh; a residual must not be bounded.
        return raw if self.config.output == "residual" else torch.tanh(raw)

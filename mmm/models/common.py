"""``common``: one ConvBERT encoder (Jiang et al. 2020) on motion alone, with a convolutional head.

The original ends in ``LayerNorm((300, F))`` over the whole window, which fixes its length. Shorter
clips are padded after the encoder and cropped after the head. A LayerNorm would rescale residuals
and the small rotations of joint roles, so networks with these options have none.
"""

from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.layers import convbert
from mmm.models.modeling import MaskedMotionModel


class CommonConfig(MaskedMotionConfig):
    """Configuration of ``common``; about 41 M parameters at these sizes."""

    model_type = "mmm-common"

    encoder_layers: int = 10
    fps: float = 30.0


class CommonModel(MaskedMotionModel):
    """Motion encoder, Conv1d k3, Conv1d k1, LayerNorm over (frames, features)."""

    config_class = CommonConfig
    config: CommonConfig

    def __init__(self, config: CommonConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.motion_encoder = convbert(config, width, config.encoder_layers, config.max_frames)
        self.widen = nn.Conv1d(width, width // 2, kernel_size=3, padding=1)
        self.head = nn.Conv1d(width // 2, config.output_size, kernel_size=1)
        original = config.output == "absolute" and config.representation == "joints"
        self.norm = nn.LayerNorm((config.max_frames, config.motion_size)) if original else None
        self.finish_init(self.head)

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """See the base class."""
        frames = inputs.shape[1]
        encoded = self.run_encoder(self.motion_encoder, inputs, "motion", maps, positions)
        encoded = encoded.transpose(1, 2)  # (B, width, T)
        if self.norm is None:
            return self.head(self.widen(encoded)).transpose(1, 2)
        # Padding follows the encoder, whose convolutions would read the padded frames.
        padded = nn.functional.pad(encoded, (0, self.config.max_frames - frames))
        return self.norm(self.head(self.widen(padded)).transpose(1, 2))[:, :frames]

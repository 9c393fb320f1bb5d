"""``inbetween``: a network for any humanoid, on joint roles, without music.

It is a pre-norm transformer (Xiong et al. 2020) over frames with a depthwise convolution in each
block, as in the Conformer (Gulati et al. 2020). It reads the filled motion in the body's own frame
(:mod:`mmm.models.body_frame`) and returns small rotations on top of the fill. Its head starts at
zero, so the untrained network returns the fill. Rotary position embeddings (RoPE, Su et al. 2021)
depend only on distances in time, so clips of any length fit.
"""

from typing import Any

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.modeling import MaskedMotionModel


class InbetweenConfig(MaskedMotionConfig):
    """Configuration of ``inbetween``; about 5 M parameters at these sizes."""

    model_type = "mmm-inbetween"

    hidden_size: int = 256
    initializer_range: float = 0.06
    intermediate_size: int = 768
    encoder_layers: int = 8
    dropout: float = 0.0
    fps: float = 30.0
    fill: str = "inertial"
    output: str = "residual"
    representation: str = "roles"
    ramp_s: float = 1 / 15
    smooth_s: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        # Written out, so that checkpoints do not change when the defaults do.
        self.inertia = self.inertia or [0.8, 1.6, 1.0]
        super().__post_init__(**kwargs)

    @property
    def embeds_inputs(self) -> bool:
        """A linear layer embeds the inputs."""
        return True


class Rotary(nn.Module):
    """Rotary position embeddings (RoPE, Su et al. 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, values: Tensor, positions: Tensor) -> Tensor:
        """Rotate queries or keys (B,H,T,K) by angles that grow with their positions (T,)."""
        # Do not use non-persistent buffers: from_pretrained leaves them uninitialised.
        # The slowest pair has a period of about 200 x 2 pi frames, longer than any window.
        rates = 200.0 ** -(torch.arange(0, self.width, 2, device=values.device) / self.width)
        angles = positions[:, None].float() * rates
        # Angles stay in float32, because bfloat16 does not distinguish frame 300 from 301.
        cosine, sine = angles.cos(), angles.sin()
        first, second = values.float().chunk(2, dim=-1)
        return torch.cat(
            [first * cosine - second * sine, first * sine + second * cosine], dim=-1
        ).to(values.dtype)


class Block(nn.Module):
    """Self-attention with rotary positions, a depthwise convolution over time, a feed-forward
    layer."""

    def __init__(self, config: InbetweenConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        # Depthwise: each feature reads its own values two frames to either side.
        self.near_norm = nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, kernel_size=5, padding=2, groups=width)
        self.forward_norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, config.intermediate_size)
        self.narrow = nn.Linear(config.intermediate_size, width)
        self.dropout = nn.Dropout(config.dropout)
        self.rotary = Rotary(width // self.heads)

    def forward(self, states: Tensor, positions: Tensor, maps: list[Tensor] | None) -> Tensor:
        """Run the block.

        Args:
            states: (B,T,width).
            positions: (T,) position ids.
            maps: receives the attention map (B,H,T,T); None: it is not computed.

        Returns:
            (B,T,width).
        """
        batch, frames, width = states.shape
        query, key, value = (
            self.mixed(self.attention_norm(states))
            .reshape(batch, frames, 3, self.heads, -1)
            .permute(2, 0, 3, 1, 4)
        )
        # Values are not rotated, so positions affect only the weights.
        query, key = self.rotary(query, positions), self.rotary(key, positions)
        # On a CPU the backward pass of the fused kernel is slower than that of the plain products.
        if maps is None and states.is_cuda:
            context = nn.functional.scaled_dot_product_attention(query, key, value)
        else:
            weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
            if maps is not None:
                maps.append(weights)
            context = weights @ value
        states = states + self.dropout(
            self.attended(context.transpose(1, 2).reshape(batch, frames, width))
        )
        near = self.near_norm(states).transpose(1, 2)
        states = states + self.near(near).transpose(1, 2)
        hidden = nn.functional.gelu(self.wide(self.forward_norm(states)))
        return states + self.dropout(self.narrow(hidden))


class InbetweenModel(MaskedMotionModel):
    """A pre-norm transformer over frames: see the module's docstring."""

    config_class = InbetweenConfig
    config: InbetweenConfig

    def __init__(self, config: InbetweenConfig) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.input_size, config.hidden_size)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.encoder_layers)])
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.output_size)
        self.finish_init(self.head)

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """See the base class."""
        states = self.embed(inputs)
        block_maps: list[Tensor] | None = [] if maps is not None else None
        for block in self.blocks:
            states = block(states, positions[0], block_maps)
        if maps is not None and block_maps is not None:
            maps["motion"] = tuple(block_maps)
        return self.head(self.norm(states))

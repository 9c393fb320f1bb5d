"""``inbetween``: our own network for any humanoid; motion alone, on joint roles, with rotary
positions.

A pre-norm transformer (Xiong et al. 2020) over frames: what :mod:`mmm.models.body_frame` shows of
the filled motion comes in, small turns on top of the fill come out, by a head that starts at zero.
Rotary positions (Su et al. 2021) know only distances in time, so clips of any length fit. A gate
per frame lets the residual shrink to nothing, and a second output tells the position error that the
network expects of itself.
"""

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import InbetweenConfig
from mmm.models.modeling import MaskedMotionModel


class Rotary(nn.Module):
    """Rotates pairs of query and key numbers by the frame's number times a rate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, values: Tensor, positions: Tensor) -> Tensor:
        """(B,H,T,K) at frames (T,), turned; in float32, for bfloat16 cannot tell frame 300 from
        301."""
        # Not a buffer: from_pretrained leaves those that no file holds as the memory was.
        rates = 200.0 ** -(torch.arange(0, self.width, 2, device=values.device) / self.width)
        angles = positions[:, None].float() * rates
        cosine, sine = angles.cos(), angles.sin()
        first, second = values.float().chunk(2, dim=-1)
        return torch.cat(
            [first * cosine - second * sine, first * sine + second * cosine], dim=-1
        ).to(values.dtype)


class Block(nn.Module):
    """Attention with rotary positions, a convolution over neighbouring frames, and a feed-forward
    part."""

    def __init__(self, config: InbetweenConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.near_norm = nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, kernel_size=5, padding=2, groups=width)
        self.forward_norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, config.intermediate_size)
        self.narrow = nn.Linear(config.intermediate_size, width)
        self.dropout = nn.Dropout(config.dropout)
        self.rotary = Rotary(width // self.heads)

    def forward(self, states: Tensor, positions: Tensor, maps: list[Tensor] | None) -> Tensor:
        """(B,T,width) to the same; the attention map (B,H,T,T) is appended to ``maps`` where asked
        for."""
        batch, frames, width = states.shape
        query, key, value = (
            self.mixed(self.attention_norm(states))
            .reshape(batch, frames, 3, self.heads, -1)
            .permute(2, 0, 3, 1, 4)
        )
        query, key = self.rotary(query, positions), self.rotary(key, positions)
        if (
            maps is None and states.is_cuda
        ):  # on a processor the fused kernel's gradient takes longer than all the rest
            seen = nn.functional.scaled_dot_product_attention(query, key, value)
        else:
            weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
            if maps is not None:
                maps.append(weights)
            seen = weights @ value
        states = states + self.dropout(
            self.attended(seen.transpose(1, 2).reshape(batch, frames, width))
        )
        near = self.near_norm(states).transpose(1, 2)
        states = states + self.near(near).transpose(1, 2)
        hidden = nn.functional.gelu(self.wide(self.forward_norm(states)))
        return states + self.dropout(self.narrow(hidden))


class InbetweenModel(MaskedMotionModel):
    """Frames in, small turns out; see the module."""

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
        seen: list[Tensor] | None = [] if maps is not None else None
        for block in self.blocks:
            states = block(states, positions[0], seen)
        if maps is not None and seen is not None:
            maps["motion"] = tuple(seen)
        return self.head(self.norm(states))

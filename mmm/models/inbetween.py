"""``inbetween``: a network for any humanoid, on joint roles, with or without music.

It is a pre-norm transformer (Xiong et al. 2020) over frames with a depthwise convolution in each
block, as in the Conformer (Gulati et al. 2020). It reads the filled motion in the body's own frame
(:mod:`mmm.models.body_frame`) and returns small rotations on top of the fill. Its head starts at
zero, so the untrained network returns the fill. Rotary position embeddings (RoPE, Su et al. 2021)
depend only on distances in time, so clips of any length fit.

With ``uses_music`` a cross-modal encoder (:class:`CrossModalEncoder`) reads the states of this transformer
and the music, and adds to its output. Its head starts at zero too, and silence switches it off:
without music the network computes what the one without this encoder does.
"""

from typing import Any

import torch
from torch import Tensor, nn

from mmm.models.attention_maps import Maps
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.filled import Filled
from mmm.models.modeling import MaskedMotionModel
from mmm.models.output import MaskedMotionOutput
from mmm.models.own_joints import standardised
from mmm.music.features import silence


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

    def __init__(self, config: InbetweenConfig, width: int, wide: int) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        # Depthwise: each feature reads its own values two frames to either side.
        self.near_norm = nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, kernel_size=5, padding=2, groups=width)
        self.forward_norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, wide)
        self.narrow = nn.Linear(wide, width)
        self.dropout = nn.Dropout(config.dropout)
        self.rotary = Rotary(width // self.heads)

    def forward(
        self,
        states: Tensor,
        positions: Tensor,
        maps: list[Tensor] | None,
        parts: int = 1,
        unseen: Tensor | None = None,
    ) -> Tensor:
        """Run the block.

        Args:
            states: (B,T,width).
            positions: (T,) position ids.
            maps: receives the attention map (B,H,T,T); None: it is not computed.
            parts: number of sequences that follow one another in ``states``. Attention joins them,
                the convolution does not.
            unseen: (B,T) bool, rows that no row attends to.

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
            seen = None if unseen is None else ~unseen[:, None, None]
            context = nn.functional.scaled_dot_product_attention(query, key, value, seen)
        else:
            scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
            if unseen is not None:
                scores = scores.masked_fill(unseen[:, None, None], -torch.inf)
            weights = scores.softmax(-1)
            if maps is not None:
                maps.append(weights)
            context = weights @ value
        states = states + self.dropout(
            self.attended(context.transpose(1, 2).reshape(batch, frames, width))
        )
        # The last frame of one sequence is no neighbour of the first of the next.
        near = self.near_norm(states).reshape(batch * parts, -1, width).transpose(1, 2)
        states = states + self.near(near).transpose(1, 2).reshape(states.shape)
        hidden = nn.functional.gelu(self.wide(self.forward_norm(states)))
        return states + self.dropout(self.narrow(hidden))


LOUDEST = 8.0
"""Bound of standardised music features, in standard deviations."""


class CrossModalEncoder(nn.Module):
    """A cross-modal encoder: blocks over the rows of motion and, after them, those of music.

    Rows of one moment have one position, so attention knows which music sounds when.
    """

    def __init__(self, config: InbetweenConfig) -> None:
        super().__init__()
        width = config.cross_size or config.hidden_size
        # The inputs too, because the last states need not hold all of them.
        self.motion = nn.Linear(config.hidden_size + config.input_size, width)
        self.music = nn.Linear(config.music_size, width)
        self.blocks = nn.ModuleList(
            [Block(config, width, 2 * width) for _ in range(config.cross_layers)]
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.output_size)

    def forward(
        self,
        motion: Tensor,
        music: Tensor,
        audible: Tensor,
        positions: Tensor,
        maps: list[Tensor] | None,
    ) -> Tensor:
        """Run the encoder.

        Args:
            motion: (B,T,hidden_size + input_size) what the network knows of the motion.
            music: (B,T,M) standardised features.
            audible: (B,T) bool, False in digital silence.
            positions: (T,) position ids.
            maps: receives the attention maps (B,H,2T,2T); None: they are not computed.

        Returns:
            (B,T,output_size), zero in windows without sound.
        """
        frames = motion.shape[1]
        # Silent rows lie far from all music, so they are neither read nor attended to.
        sound = self.music(music.clamp(-LOUDEST, LOUDEST) * audible[..., None])
        states = torch.cat([self.motion(motion), sound], dim=1)
        unseen = torch.cat([torch.zeros_like(audible), ~audible], dim=1)
        # Both halves count from the same frame.
        for block in self.blocks:
            states = block(states, positions.repeat(2), maps, parts=2, unseen=unseen)
        return self.head(self.norm(states[:, :frames])) * audible.any(1)[:, None, None]


class InbetweenModel(MaskedMotionModel):
    """A pre-norm transformer over frames: see the module's docstring."""

    config_class = InbetweenConfig
    config: InbetweenConfig

    def __init__(self, config: InbetweenConfig) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.input_size, config.hidden_size)
        self.blocks = nn.ModuleList(
            [
                Block(config, config.hidden_size, config.intermediate_size)
                for _ in range(config.encoder_layers)
            ]
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.output_size)
        self.cross_encoder = CrossModalEncoder(config) if config.uses_music else None
        self.finish_init(self.head)
        if self.cross_encoder is not None:
            # With a head at zero, the network begins as the one without music.
            nn.init.zeros_(self.cross_encoder.head.weight)
            nn.init.zeros_(self.cross_encoder.head.bias)

    def predict(
        self,
        filled: Filled,
        hidden: Tensor,
        music: Tensor | None = None,
        *more: Any,
        **options: Any,
    ) -> MaskedMotionOutput:
        """See the base class. Windows of silence are recovered as without music."""
        # Sets of dances have music for networks that do not take it, too.
        if self.cross_encoder is None:
            music = None
        if music is not None and not self._audible(standardised(self.config, music, "music")).any():
            music = None
        return super().predict(filled, hidden, music, *more, **options)

    def _audible(self, music: Tensor) -> Tensor:
        """(B,T) bool: where standardised music (B,T,M) is not digital silence."""
        scaled = self.config.fitted_stats.scale_music(silence(1, self.config.fps).features)
        quiet = standardised(self.config, torch.from_numpy(scaled).to(music)[None], "music")
        # Silence that was interpolated may differ in the last bits.
        return (music - quiet).abs().amax(-1) > 1e-3

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """See the base class."""
        states = self._states(inputs, maps, positions)
        raw = self.head(states)
        return raw if music is None else raw + self._hear(states, inputs, music, maps, positions)

    def _decoded_both_ways(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        """See the base class. What the music adds is not averaged: a rule such as that major chords
        lead to the left does not hold in a mirror."""
        if music is None:
            return super()._decoded_both_ways(inputs, None, maps, first_position)
        positions = torch.arange(
            first_position, first_position + inputs.shape[1], device=inputs.device
        )[None]
        # One batch, as without music, so that sums have the same bits.
        both = self._states(torch.cat([inputs, self.mirror.inputs(inputs)]), maps, positions)
        raw, other = self.head(both).chunk(2)
        # The maps of the mirror image are left out, as without music.
        if maps is not None:
            maps["motion"] = tuple(layer[: len(inputs)] for layer in maps["motion"])
        added = self._hear(both[: len(inputs)], inputs, music, maps, positions)
        return (raw + self.mirror.output(other)) / 2 + added

    def _states(self, inputs: Tensor, maps: Maps | None, positions: Tensor) -> Tensor:
        """(B,T,hidden_size): what the head reads."""
        states = self.embed(inputs)
        block_maps: list[Tensor] | None = [] if maps is not None else None
        for block in self.blocks:
            states = block(states, positions[0], block_maps)
        if maps is not None and block_maps is not None:
            maps["motion"] = tuple(block_maps)
        return self.norm(states)

    def _hear(
        self, states: Tensor, inputs: Tensor, music: Tensor, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """(B,T,output_size): what the music adds to the output."""
        assert self.cross_encoder is not None
        known = torch.cat([states, inputs.to(states.dtype)], dim=-1)
        block_maps: list[Tensor] | None = [] if maps is not None else None
        added = self.cross_encoder(known, music, self._audible(music), positions[0], block_maps)
        if maps is not None and block_maps is not None:
            maps["cross"] = tuple(block_maps)
        return added

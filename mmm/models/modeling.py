"""What the networks share: hiding, filling, the ConvBERT encoders, the residual, the output."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import ConvBertConfig, ConvBertModel, PreTrainedModel
from transformers.utils import ModelOutput

from mmm.interpolation.torch_fill import fill_gaps, hidden_features, neighbours, ramp_in
from mmm.models.attention_maps import Maps, convolutions
from mmm.models.body_frame import BodyFrame, Mirror
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.quantisation import is_packed, read_packed
from mmm.motion.kinematics_torch import Tree

DISTANCE_SCALE_FRAMES = 30.0
"""Distances to known frames enter the network as ``log1p(frames) / log1p(30)``: about 1 for half a second."""

PLAIN_INPUT_GAIN = 2.5
"""What joint roles show has a spread of about 0.4."""


@dataclass
class MaskedMotionOutput(ModelOutput):
    """What a network returns."""

    prediction: Tensor | None = None
    """(B,T,F): poses in feature form, at hidden *and* known entries; matrices not yet projected to rotations."""
    attentions: Maps | None = None
    """Maps of all stages and layers; only when asked for."""
    turns: Tensor | None = None
    """With roles, (B,T,3J+3): rotation vectors on top of the fill in the world's axes, radians, and the pelvis's shift,
    metres; not yet faded in beside the known frames."""
    expected_m: Tensor | None = None
    """With roles, (B,T): the mean joint distance from the truth that the network expects, metres."""


@dataclass(frozen=True)
class Filled:
    """A motion whose hidden entries were replaced, as :meth:`MaskedMotionModel.fill` gives it."""

    features: Tensor
    """(B,T,F)."""
    extra: Tensor | None = None
    """(B,T,J+2): what is hidden, and how far the known frames are; None where zeros say it."""
    share: Tensor | None = None
    """(B,T,J): how much of a residual counts beside the known frames, zero where known; ``prefill.ramp_in``."""

    def part(self, frames: slice) -> "Filled":
        """A window of it."""
        return replace(
            self,
            features=self.features[:, frames],
            extra=None if self.extra is None else self.extra[:, frames],
            share=None if self.share is None else self.share[:, frames],
        )

    def repeat(self, count: int) -> "Filled":
        """A single motion as a batch of itself."""
        features, extra, share = (
            None if values is None else values.expand(count, -1, -1)
            for values in (self.features, self.extra, self.share)
        )
        assert features is not None
        return Filled(features, extra, share)


def convbert(config: MaskedMotionConfig, width: int, layers: int, positions: int) -> ConvBertModel:
    """A ConvBERT encoder fed by embeddings; its word table (30,522 rows in the library) shrinks to one unused row."""
    inner = ConvBertConfig(
        vocab_size=1,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
        embedding_size=width,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=positions,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        initializer_range=config.initializer_range,
    )
    inner._attn_implementation = (
        "eager"  # the only one ConvBERT has, and the one that can show its maps
    )
    return ConvBertModel(inner)


def sinusoids(count: int, width: int) -> Tensor:
    """(count, width) sine and cosine position codes (Vaswani et al. 2017), a little quieter than their inputs."""
    rates = torch.exp(-math.log(10_000.0) * torch.arange(0, width, 2) / width)
    phases = torch.arange(count)[:, None] * rates
    return 0.7 * torch.stack([phases.sin(), phases.cos()], dim=-1).reshape(count, -1)[:, :width]


def distance_feature(frames: Tensor) -> Tensor:
    """Frames to the nearest known ones as networks see them."""
    return torch.log1p(frames) / math.log1p(DISTANCE_SCALE_FRAMES)


def smoothed(values: Tensor, sigma: float) -> Tensor:
    """(B,T,F) convolved over time with a Gaussian of ``sigma`` frames; the ends are repeated."""
    reach = max(1, math.ceil(2.5 * sigma))
    at = torch.arange(-reach, reach + 1, device=values.device, dtype=values.dtype)
    kernel = torch.softmax(-at.square() / (2 * sigma**2), dim=0)
    padded = torch.cat(
        [values[:, :1].expand(-1, reach, -1), values, values[:, -1:].expand(-1, reach, -1)], dim=1
    )
    return torch.einsum("btfk,k->btf", padded.unfold(1, 2 * reach + 1, 1), kernel)


def pad_width(inputs: Tensor, width: int) -> Tensor:
    """Zero-pad the last axis up to a width, as the original does up to its encoders'."""
    return nn.functional.pad(inputs, (0, width - inputs.shape[-1]))


class MaskedMotionModel(PreTrainedModel):
    """Base of the networks.

    Subclasses define :meth:`decode`. There is no padding anywhere: ConvBERT's convolutions read padded frames in spite
    of an attention mask, so a batch holds windows of one length, and a clip is recovered by itself.
    """

    config: MaskedMotionConfig
    config_class: type[MaskedMotionConfig] = MaskedMotionConfig
    base_model_prefix = "masked_motion"

    @classmethod
    def from_pretrained(cls, path: Any, *args: Any, **options: Any) -> Any:
        """As the library's; reads checkpoints with weights in 8 bits too (``mmm.models.quantisation``)."""
        files = (
            sorted(Path(path).glob("model*.safetensors"))
            if path is not None and Path(path).is_dir()
            else []
        )
        if not is_packed(files):
            return super().from_pretrained(path, *args, **options)
        options.setdefault("config", cls.config_class.from_pretrained(path))
        model = super().from_pretrained(None, *args, state_dict=read_packed(files), **options)
        (model[0] if isinstance(model, tuple) else model).name_or_path = str(path)
        return model

    def get_input_embeddings(self) -> nn.Module:
        """There is no table of words."""
        return None  # type: ignore[return-value]

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """(B,T,hidden_size) and (B,T,M) to the head's raw output (B,T,F); fills ``maps`` where it is not None.

        ``positions`` (1,T) are the position ids of the frames.
        """
        raise NotImplementedError

    def forward(
        self,
        motion: Tensor,
        hidden: Tensor,
        music: Tensor | None = None,
        shown: Tensor | None = None,
        output_attentions: bool = False,
        first_position: int = 0,
        body: Tensor | None = None,
        noise: Tensor | None = None,
        **_: Any,
    ) -> MaskedMotionOutput:
        """Predict every entry from the known ones.

        Args:
            motion: (B,T,F) features; values at hidden entries are never used.
            hidden: (B,T,J) bool, True = hidden.
            music: (B,T,M) scaled features; required where ``config.uses_music``.
            shown: (B,T,F), what hidden entries show instead of the fill: BERT's corruption, in training only.
            output_attentions: return the attention maps.
            first_position: position id of frame 0; training on short windows draws it, so that all ids are learned.
            body: (B,J,3) bone offsets in metres, with roles.
            noise: (B,noise_size); None: zeros.
        """
        filled = self.fill(motion, hidden)
        if shown is not None:
            shown = torch.where(hidden_features(hidden), shown, filled.features)
        return self.predict(
            filled, hidden, music, shown, output_attentions, first_position, body=body, noise=noise
        )

    def predict(
        self,
        filled: Filled,
        hidden: Tensor,
        music: Tensor | None = None,
        shown: Tensor | None = None,
        output_attentions: bool = False,
        first_position: int = 0,
        place: Tensor | None = None,
        body: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> MaskedMotionOutput:
        """The network behind :meth:`fill`: recovery fills a whole clip once and calls this window by window.

        The root's place in the world says nothing about the movement: it is moved so that the mean of the window's
        known x and z lies at the origin, and the prediction is moved back. ``place`` (B,1,3) stands in for that mean in
        windows in which no root is known; where it is not given, the fill's own mean does.
        """
        if self.config.representation == "roles":
            assert body is not None
            return self._predict_roles(
                filled, hidden, body, output_attentions, first_position, noise
            )
        fill = filled.features
        shift = self._to_origin(fill, hidden, place)  # (B, 1, F)
        inputs = self._standardise((fill if shown is None else shown) - shift, "motion")
        if music is not None:
            music = self._standardise(music, "music")
        if self.config.fill == "zero":  # zeros stay zeros, in training's corruption as in recovery
            blank = fill if shown is None else shown
            inputs = torch.where(hidden_features(hidden) & (blank == 0), blank, inputs)
        if filled.extra is not None:
            inputs = torch.cat([inputs, self._told(filled.extra)], dim=-1)
        inputs = self._with_noise(inputs, noise)
        maps = Maps() if output_attentions else None
        raw = self._decoded(inputs, music, maps, first_position)
        prediction = (
            fill + self._eased(raw, filled) if self.config.output == "residual" else raw + shift
        )
        return MaskedMotionOutput(prediction=prediction, attentions=maps)

    def _decoded(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        positions = torch.arange(
            first_position, first_position + inputs.shape[1], device=inputs.device
        )[None]
        if not self.config.embeds_inputs:
            inputs = pad_width(inputs, self.config.hidden_size)
        return self.decode(inputs, music, maps, positions)

    def _predict_roles(
        self,
        filled: Filled,
        hidden: Tensor,
        body: Tensor,
        output_attentions: bool,
        first_position: int,
        noise: Tensor | None = None,
    ) -> MaskedMotionOutput:
        maps = Maps() if output_attentions else None
        joints, device = self.config.joints, filled.features.device
        with torch.autocast(device.type, enabled=False):  # kinematics in float32
            local, root = (
                filled.features[..., :-3].unflatten(-1, (-1, 3, 3)),
                filled.features[..., -3:],
            )
            frame = BodyFrame.of(self.tree, self.hips, local, root, body, hidden)
            assert filled.extra is not None
            inputs = torch.cat(
                [frame.inputs(self.config.relative_input), self._told(filled.extra)], dim=-1
            )
            if (
                not self.config.embeds_inputs
            ):  # they stand beside position codes: as loud as standardised features
                inputs = inputs * PLAIN_INPUT_GAIN
            inputs = self._with_noise(inputs, noise)
        raw = self._decoded_both_ways(inputs, maps, first_position)
        with torch.autocast(device.type, enabled=False):
            raw = raw.float()
            turns = raw[..., : 3 * joints + 3] * (raw[..., -2:-1] + 2).sigmoid()
            if self.config.output == "absolute":
                turns = frame.on_top_of_fill(turns)
            if self.config.smooth_s:
                turns = smoothed(turns, self.config.smooth_s * self.config.fps)
            assert filled.share is not None
            share = filled.share
            eased = turns * torch.cat(
                [share.repeat_interleave(3, dim=-1), share[..., :1].expand(*share.shape[:-1], 3)],
                dim=-1,
            )
            moved = frame.apply(eased[..., :-3].unflatten(-1, (-1, 3)), eased[..., -3:])
            prediction = torch.cat([moved.local.flatten(-3), moved.root], dim=-1)
            return MaskedMotionOutput(
                prediction, maps, frame.in_world(turns), (raw[..., -1] - 3).exp()
            )

    def _decoded_both_ways(self, inputs: Tensor, maps: Maps | None, first_position: int) -> Tensor:
        """With ``config.symmetric``, the mean with the answer to the mirror image; maps are of the motion as it is."""
        if self.training or not self.config.symmetric:
            return self._decoded(inputs, None, maps, first_position)
        seen = self.mirror.inputs(inputs)
        if maps is not None:
            raw = self._decoded(inputs, None, maps, first_position)
            other = self._decoded(seen, None, None, first_position)
        else:
            raw, other = self._decoded(torch.cat([inputs, seen]), None, None, first_position).chunk(
                2
            )
        return (raw + self.mirror.answer(other)) / 2

    @cached_property
    def tree(self) -> Tree:
        """The body's tree."""
        assert self.config.joint_parents is not None
        return Tree(tuple(self.config.joint_parents))

    @cached_property
    def mirror(self) -> Mirror:
        """The body seen in a mirror."""
        return Mirror(self.config.skeleton.mirror_index)

    @cached_property
    def hips(self) -> tuple[int, int]:
        """The left and right thigh among the roles."""
        assert self.config.joint_names is not None
        return self.config.joint_names.index("left_hip"), self.config.joint_names.index("right_hip")

    def _with_noise(self, inputs: Tensor, noise: Tensor | None) -> Tensor:
        """The same numbers of chance beside every frame; zeros where none are given."""
        if not self.config.noise_dim:
            return inputs
        if noise is None:
            return pad_width(inputs, inputs.shape[-1] + self.config.noise_dim)
        return torch.cat(
            [inputs, noise.to(inputs)[:, None].expand(-1, inputs.shape[1], -1)], dim=-1
        )

    def _told(self, extra: Tensor) -> Tensor:
        """What the network is told of the gaps."""
        return extra if self.config.distance_input else pad_width(extra[..., :-2], extra.shape[-1])

    def _eased(self, raw: Tensor, filled: Filled) -> Tensor:
        """A residual smoothed over time and faded in beside the known frames, as the configuration asks."""
        if self.config.smooth_s:
            raw = smoothed(raw, self.config.smooth_s * self.config.fps)
        if self.config.ramp_s:
            assert filled.share is not None
            share = filled.share.to(raw.dtype)
            raw = raw * torch.cat(
                [share.repeat_interleave(9, dim=-1), share[..., :1].expand(*share.shape[:-1], 3)],
                -1,
            )
        return raw

    def _standardise(self, values: Tensor, kind: str) -> Tensor:
        if self.config.standard is None:
            return values
        mean, std = (
            torch.tensor(self.config.standard[f"{kind}_{name}"]).to(values)
            for name in ("mean", "std")
        )
        return (values - mean) / std

    def _to_origin(self, fill: Tensor, hidden: Tensor, place: Tensor | None = None) -> Tensor:
        known = (~hidden[..., :1]).to(fill.dtype)
        count = known.sum(1, keepdim=True)
        mean = (fill[..., -3:] * known).sum(1, keepdim=True) / count.clamp(min=1)  # (B, 1, 3)
        mean = torch.where(
            count > 0, mean, fill[..., -3:].mean(1, keepdim=True) if place is None else place
        )
        origin = torch.from_numpy(self.config.fitted_stats.scale_root(np.zeros(3, np.float32))).to(
            fill
        )
        level = torch.tensor([1.0, 0.0, 1.0]).to(fill)  # heights stay
        return nn.functional.pad((mean - origin) * level, (fill.shape[-1] - 3, 0))

    def fill(self, motion: Tensor, hidden: Tensor) -> Filled:
        """Hidden entries replaced as ``config.fill`` says, and what interpolating networks are told besides."""
        if self.config.fill == "zero":
            zero = torch.zeros((), dtype=motion.dtype, device=motion.device)
            return Filled(torch.where(hidden_features(hidden), zero, motion))
        matrices = motion[..., :-3].reshape(*motion.shape[:-1], -1, 3, 3)
        rotations, root = fill_gaps(
            self.config.fill, matrices, motion[..., -3:], hidden, self.config.fps, self.config.curve
        )
        before, after, _ = neighbours(hidden)
        frame = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None]
        gaps = (
            torch.stack([(frame - before).amax(-1), (after - frame).amax(-1)], dim=-1)
            .abs()
            .to(motion.dtype)
        )
        return Filled(
            torch.cat([rotations.flatten(-3), root], dim=-1),
            torch.cat([hidden.to(motion.dtype), distance_feature(gaps)], dim=-1),
            ramp_in(hidden, self.config.fps, self.config.ramp_s, self.config.isolated_ramp_s),
        )

    def run_encoder(
        self,
        encoder: ConvBertModel,
        inputs: Tensor,
        stage: str,
        maps: Maps | None,
        positions: Tensor,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """One ConvBERT over (B,T,width); its attention maps go to ``maps[stage]`` where asked for."""
        asked = {
            "inputs_embeds": inputs,
            "position_ids": positions,
            "token_type_ids": token_type_ids,
        }
        if maps is None:
            return encoder(**asked).last_hidden_state
        with convolutions(encoder) as found:
            output = encoder(**asked, output_attentions=True)
        maps[stage], maps.convolutions[stage] = tuple(output.attentions), found
        return output.last_hidden_state

    def finish_init(self, head: nn.Linear | nn.Conv1d, music_offset: int | None = None) -> None:
        """Initialise weights; then what the options ask: a zero head for residuals, sinusoidal positions.

        Args:
            head: the layer that gives the output.
            music_offset: the first position id of the music half of a time-joined encoder.
        """
        self.post_init()
        with torch.no_grad():
            if self.config.output == "residual":
                head.weight.zero_()
                assert head.bias is not None
                head.bias.zero_()
            if self.config.positions == "sinusoidal":
                for module in self.modules():
                    if isinstance(module, ConvBertModel):
                        table = module.embeddings.position_embeddings.weight
                        count = (
                            table.shape[0]
                            if music_offset is None
                            else min(table.shape[0], music_offset)
                        )
                        table[:count] = sinusoids(count, table.shape[1])
                        table[count:] = table[: table.shape[0] - count]
                        # Queries and keys start equal: a frame first looks at its own moment, in both modalities,
                        # instead of having to find out which position code belongs to which.
                        for layer in module.encoder.layer:
                            attention = layer.attention.self
                            attention.key.load_state_dict(attention.query.state_dict())

"""The base of the networks: filling, hiding, latent noise, encoders with their attention maps."""

from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from transformers import ConvBertModel, PreTrainedModel

from mmm.interpolation.known_frames import hidden_features, neighbours, ramp_in
from mmm.interpolation.torch_fill import fill_gaps
from mmm.models.attention_maps import Maps, convolutions
from mmm.models.body_frame import Mirror
from mmm.models.configuration import MaskedMotionConfig
from mmm.models.filled import Filled, distance_feature
from mmm.models.hub import upload
from mmm.models.joint_roles import JointRolesWindow
from mmm.models.layers import pad_width, sinusoids
from mmm.models.output import MaskedMotionOutput
from mmm.models.own_joints import OwnJointsWindow, standardised
from mmm.models.quantisation import is_packed, read_packed


@runtime_checkable
class Window(Protocol):
    """A batch of filled windows in one representation: features in, motion out."""

    @property
    def inputs(self) -> Tensor:
        """(B,T,input_size) without noise: what the network takes."""

    def output(self, raw: Tensor, maps: Maps | None) -> MaskedMotionOutput:
        """What the head's raw output (B,T,output_size) means."""


WINDOWS: dict[str, type[OwnJointsWindow] | type[JointRolesWindow]] = {
    "joints": OwnJointsWindow,
    "roles": JointRolesWindow,
}
"""By ``MaskedMotionConfig.representation``."""


class MaskedMotionModel(PreTrainedModel):
    """Base of the networks.

    Subclasses define :meth:`decode`. There is no padding anywhere: ConvBERT's convolutions read
    padded frames in spite of an attention mask, so a batch holds windows of one length, and a clip
    is recovered by itself.
    """

    config: MaskedMotionConfig
    config_class: type[MaskedMotionConfig] = MaskedMotionConfig
    base_model_prefix = "masked_motion"
    checkpoint_folder: Path | None = None
    """Where it was loaded from or saved to; holds its card and metrics."""

    @classmethod
    def from_pretrained(cls, path: Any, *args: Any, **options: Any) -> Any:
        """As the library's; reads checkpoints with weights in 8 bits too
        (``mmm.models.quantisation``)."""
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

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload the network with the card and the metrics of its checkpoint.

        Args:
            repo_id: ``owner/name``.
            options: see :func:`mmm.models.hub.upload`.

        Returns:
            The address of the commit.
        """
        return upload(self, repo_id, self.checkpoint_folder, **options)

    def get_input_embeddings(self) -> nn.Module:
        """There is no table of words."""
        return None  # type: ignore[return-value]

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """(B,T,hidden_size) and (B,T,M) to the head's raw output (B,T,F); fills ``maps`` where it
        is not None.

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
            shown: (B,T,F), what hidden entries show instead of the fill: BERT's corruption, in
                training only.
            output_attentions: return the attention maps.
            first_position: position id of frame 0; training on short windows draws it, so that all
                ids are learned.
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
        """The network behind :meth:`fill`: recovery fills a whole clip once and calls this window
        by window.

        The root's place in the world says nothing about the movement: it is moved so that the mean
        of the window's known x and z lies at the origin, and the prediction is moved back.
        ``place`` (B,1,3) stands in for that mean in windows in which no root is known; where it is
        not given, the fill's own mean does.
        """
        window: Window = WINDOWS[self.config.representation].of(
            self.config, filled, hidden, shown=shown, place=place, body=body
        )
        if music is not None:
            music = standardised(self.config, music, "music")
        maps = Maps() if output_attentions else None
        inputs = self._with_noise(window.inputs, noise)
        decode = self._decoded_both_ways if self._averages_mirror else self._decoded
        return window.output(decode(inputs, music, maps, first_position), maps)

    def _decoded(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        positions = torch.arange(
            first_position, first_position + inputs.shape[1], device=inputs.device
        )[None]
        if not self.config.embeds_inputs:
            inputs = pad_width(inputs, self.config.hidden_size)
        return self.decode(inputs, music, maps, positions)

    @property
    def _averages_mirror(self) -> bool:
        return self.config.symmetric and not self.training

    def _decoded_both_ways(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        """The mean with the answer to the mirror image; maps are those of the motion as it is.

        Only networks on joint roles are symmetric, and these take no music.
        """
        mirrored = self.mirror.inputs(inputs)
        if maps is not None:
            raw = self._decoded(inputs, music, maps, first_position)
            other = self._decoded(mirrored, music, None, first_position)
        else:
            both = self._decoded(torch.cat([inputs, mirrored]), music, None, first_position)
            raw, other = both.chunk(2)
        return (raw + self.mirror.answer(other)) / 2

    @cached_property
    def mirror(self) -> Mirror:
        """The body seen in a mirror."""
        return Mirror(self.config.skeleton.mirror_index)

    def _with_noise(self, inputs: Tensor, noise: Tensor | None) -> Tensor:
        """The same numbers of chance beside every frame; zeros where none are given."""
        if not self.config.noise_dim:
            return inputs
        if noise is None:
            return pad_width(inputs, inputs.shape[-1] + self.config.noise_dim)
        return torch.cat(
            [inputs, noise.to(inputs)[:, None].expand(-1, inputs.shape[1], -1)], dim=-1
        )

    def fill(self, motion: Tensor, hidden: Tensor) -> Filled:
        """Hidden entries replaced as ``config.fill`` says, and what interpolating networks are told
        besides."""
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
        """One ConvBERT over (B,T,width); its attention maps go to ``maps[stage]`` where asked
        for."""
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
        """Initialise weights; then what the options ask: a zero head for residuals, sinusoidal
        positions.

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

"""The base class of the networks: gap filling, representations, latent noise, ConvBERT encoders."""

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
from mmm.models.layers import pad_width, start_at_sinusoids
from mmm.models.output import MaskedMotionOutput
from mmm.models.own_joints import OwnJointsWindow, standardised
from mmm.models.quantisation import is_packed, read_packed


@runtime_checkable
class Window(Protocol):
    """A batch of filled windows in one representation: features in, poses out."""

    @property
    def inputs(self) -> Tensor:
        """(B,T,input_size) features, without the columns for noise."""

    def output(self, raw: Tensor, maps: Maps | None) -> MaskedMotionOutput:
        """Convert the head's raw output (B,T,output_size) to poses."""


WINDOWS: dict[str, type[OwnJointsWindow] | type[JointRolesWindow]] = {
    "joints": OwnJointsWindow,
    "roles": JointRolesWindow,
}
"""Representations by ``MaskedMotionConfig.representation``."""


class MaskedMotionModel(PreTrainedModel):
    """Base class of the networks; subclasses define :meth:`decode`.

    Windows are never padded, because ConvBERT's convolutions read padded frames in spite of an
    attention mask. All windows of a batch therefore have one length.
    """

    config: MaskedMotionConfig
    config_class: type[MaskedMotionConfig] = MaskedMotionConfig
    base_model_prefix = "masked_motion"
    checkpoint_folder: Path | None = None
    """The folder that it was loaded from or saved to, with its card and metrics."""

    @classmethod
    def from_pretrained(cls, path: Any, *args: Any, **options: Any) -> Any:
        """Load a network as the library does; 8-bit weights (``mmm.models.quantisation``) too.

        Args:
            path: a folder, or ``owner/name`` on the Hugging Face Hub.
            args, options: as ``PreTrainedModel.from_pretrained`` takes them.
        """
        files = (
            sorted(Path(path).glob("model*.safetensors"))
            if path is not None and Path(path).is_dir()
            else []
        )
        if not is_packed(files):
            return super().from_pretrained(path, *args, **options)
        # The library does not know this format, so it gets the unpacked weights.
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
        """None: there is no embedding table."""
        return None  # type: ignore[return-value]

    def decode(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, positions: Tensor
    ) -> Tensor:
        """Run the network's layers.

        Args:
            inputs: (B,T,hidden_size), or (B,T,input_size) for networks that embed their inputs.
            music: (B,T,M) standardised features, for networks that take music.
            maps: receives the attention maps; None: they are not computed.
            positions: (1,T) position ids of the frames.

        Returns:
            The head's raw output, (B,T,output_size).
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
            shown: (B,T,F), replaces the fill at hidden entries; BERT's corruption in training.
            output_attentions: return the attention maps.
            first_position: position id of frame 0; training on short windows draws it.
            body: (B,J,3) bone offsets in metres; required with roles.
            noise: (B,noise_dim) latent noise; None: zeros.
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
        """Predict from windows that :meth:`fill` has filled; arguments as :meth:`forward`.

        Recovery fills a whole clip once and calls this window by window.

        Args:
            filled: the windows.
            place: (B,1,3) mean position of the root, for networks on own joints. Windows are
                centred on the mean of the known x and z, because the position of a motion in the
                room carries no information. ``place`` replaces this mean in windows without a known
                root. None: the mean of the fill.
        """
        window: Window = WINDOWS[self.config.representation].of(
            self.config, filled, hidden, shown=shown, place=place, body=body
        )
        if music is not None:
            music = standardised(self.config, music, "music")
        maps = Maps() if output_attentions else None
        inputs = self._with_noise(window.inputs, noise)
        symmetric = self.config.symmetric and not self.training
        decode = self._decoded_both_ways if symmetric else self._decoded
        return window.output(decode(inputs, music, maps, first_position), maps)

    def _decoded(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        positions = torch.arange(
            first_position, first_position + inputs.shape[1], device=inputs.device
        )[None]
        # ConvBERT adds position embeddings to its inputs, which therefore need its width.
        if not self.config.embeds_inputs:
            inputs = pad_width(inputs, self.config.hidden_size)
        return self.decode(inputs, music, maps, positions)

    def _decoded_both_ways(
        self, inputs: Tensor, music: Tensor | None, maps: Maps | None, first_position: int
    ) -> Tensor:
        """Average the outputs for the motion and for its mirror image; maps are of the former.

        Only networks on joint roles are symmetric, and these take no music.
        """
        mirrored = self.mirror.inputs(inputs)
        if maps is not None:
            # The mirror image runs by itself, so that its maps are left out.
            raw = self._decoded(inputs, music, maps, first_position)
            other = self._decoded(mirrored, music, None, first_position)
        else:
            both = self._decoded(torch.cat([inputs, mirrored]), music, None, first_position)
            raw, other = both.chunk(2)
        return (raw + self.mirror.output(other)) / 2

    @cached_property
    def mirror(self) -> Mirror:
        """Mirrors inputs and outputs of networks on roles."""
        return Mirror(self.config.skeleton.mirror_index)

    def _with_noise(self, inputs: Tensor, noise: Tensor | None) -> Tensor:
        """Inputs with the same latent noise at every frame; zeros if there is none."""
        if not self.config.noise_dim:
            return inputs
        # Zeros are the mean of the noise, and give the mean prediction.
        if noise is None:
            return pad_width(inputs, inputs.shape[-1] + self.config.noise_dim)
        return torch.cat(
            [inputs, noise.to(inputs)[:, None].expand(-1, inputs.shape[1], -1)], dim=-1
        )

    def fill(self, motion: Tensor, hidden: Tensor) -> Filled:
        """Replace hidden entries as ``config.fill`` says.

        Args:
            motion: (B,T,F) features; values at hidden entries are never used.
            hidden: (B,T,J) bool, True = hidden.

        Returns:
            The filled windows. Unless the fill is ``zero``, also what is hidden, the distances to
            the known frames, and the weights of a residual.
        """
        if self.config.fill == "zero":
            zero = torch.zeros((), dtype=motion.dtype, device=motion.device)
            return Filled(torch.where(hidden_features(hidden), zero, motion))
        # Features hold local rotations first and the root's position last.
        matrices = motion[..., :-3].reshape(*motion.shape[:-1], -1, 3, 3)
        rotations, root = fill_gaps(
            self.config.fill, matrices, motion[..., -3:], hidden, self.config.fps, self.config.curve
        )
        before, after, _ = neighbours(hidden)
        frame = torch.arange(hidden.shape[1], device=hidden.device)[None, :, None]
        # One distance per side and frame, that of the joint whose known frame is furthest away.
        distances = torch.stack([(frame - before).amax(-1), (after - frame).amax(-1)], dim=-1)
        distances = distances.abs().to(motion.dtype)
        return Filled(
            torch.cat([rotations.flatten(-3), root], dim=-1),
            torch.cat([hidden.to(motion.dtype), distance_feature(distances)], dim=-1),
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
        """Run a ConvBERT encoder over (B,T,width).

        Args:
            encoder: the encoder.
            inputs: (B,T,width).
            stage: the name under which ``maps`` receives the attention maps.
            maps: None: attention maps are not computed.
            positions: (1,T) position ids.
            token_type_ids: (B,T) modality of each row, for encoders of several.

        Returns:
            (B,T,width).
        """
        arguments = {
            "inputs_embeds": inputs,
            "position_ids": positions,
            "token_type_ids": token_type_ids,
        }
        if maps is None:
            return encoder(**arguments).last_hidden_state
        with convolutions(encoder) as records:
            output = encoder(**arguments, output_attentions=True)
        maps[stage], maps.convolutions[stage] = tuple(output.attentions), records
        return output.last_hidden_state

    def finish_init(self, head: nn.Linear | nn.Conv1d, music_offset: int | None = None) -> None:
        """Initialise the weights as the configuration says.

        Args:
            head: the last layer; it starts at zero in networks that predict a residual.
            music_offset: the first position id of music in an encoder of both modalities.
        """
        self.post_init()
        with torch.no_grad():
            if self.config.output == "residual":
                # The untrained network then gives the fill itself.
                head.weight.zero_()
                assert head.bias is not None
                head.bias.zero_()
            if self.config.positions == "sinusoidal":
                for module in self.modules():
                    if isinstance(module, ConvBertModel):
                        start_at_sinusoids(module, music_offset)

"""Configurations: sizes, the skeleton a network was trained on, statistics of its data, options.

One class serves every network; ``model_type`` says which. The defaults of each subclass are the
sizes of the original work; ``mmm.models.presets`` names smaller ones.
"""

from typing import Any, no_type_check

import numpy as np
from transformers import PreTrainedConfig

from mmm.errors import ModelError
from mmm.interpolation.gap_curve import Inertia
from mmm.models.calibration import GapCalibration
from mmm.models.field_names import OLD_FIELD_NAMES
from mmm.motion.features import Stats
from mmm.motion.humanoid import ROLE_PARENTS, ROLES, match_roles
from mmm.motion.skeleton import SMPL24, Skeleton


@no_type_check  # the library checks its own fields, and takes more keywords than its signature says
class MaskedMotionConfig(PreTrainedConfig):
    """Everything a masked motion network needs besides its weights."""

    model_type = "masked-motion"

    hidden_size: int = 512
    """Width of the motion and music encoders; inputs are zero-padded up to it."""
    num_attention_heads: int = 8
    """As ConvBERT counts them: with ``head_ratio`` 2 half of them become attention maps, half a
    convolution."""
    intermediate_size: int = 3072
    encoder_layers: int = 5
    cross_layers: int = 0
    """Layers of the cross-modal encoder; 0 for networks without one."""
    max_frames: int = 300
    """Frames of the window. Longer clips are recovered in overlapping windows."""
    uses_music: bool = False
    music_size: int = 35
    dropout: float = 0.1
    initializer_range: float = 0.02
    """Standard deviation of the initial weights. The library's value suits widths of 768; in narrow
    networks it leaves attention close to uniform."""

    fill: str = "zero"
    """What hidden entries hold when the network reads them: ``zero`` (the original), ``hold`` (the
    last known pose), ``slerp`` or ``inertial`` (interpolated). With the last three the network also
    reads which entries are hidden and how far the known ones are."""
    inertia: list[float] | None = None
    """The fields of ``mmm.interpolation.gap_curve.Inertia`` in order, for the ``inertial`` fill.
    None: 0.25, 0.8, 0, as in the first networks with this fill."""
    output: str = "absolute"
    """``absolute``: poses (the original); with roles, turns of one pose of the window.
    ``residual``: a correction that is added to the fill, by a head that starts at zero."""
    distance_input: bool = True
    """Whether the network reads the distances to the known frames. False puts zeros in their place;
    it exists for the ablation."""
    relative_input: bool = True
    """With roles: whether rotations enter relative to one pose of the window, in which rest poses
    cancel. False gives world rotations in the body's heading; it exists for the ablation."""
    ramp_s: float = 0.0
    """Ramp of a residual beside the known frames, seconds. At a distance of d it is multiplied by
    ``d^2 / (d^2 + ramp_s^2)``, so that velocities do not jump there. 0: no ramp."""
    isolated_ramp_s: float | None = None
    """The ramp beside known frames that stand alone, whose velocity is unknown:
    ``d / (d + isolated_ramp_s)``. None: as beside all others."""
    smooth_s: float = 0.0
    """Standard deviation of the Gaussian that smooths residuals over time, seconds; 0: none."""
    lock_feet: bool = False
    """Whether a recovery locks standing feet by bending the legs (``mmm.motion.foot_locking``),
    unless ``recover(lock_feet=...)`` says otherwise. Generation always locks them."""
    representation: str = "joints"
    """What a frame is: the local rotations of this skeleton's ``joints``, or of the joint ``roles``
    of any humanoid in the body's own frame (``mmm.models.joint_roles``)."""
    noise_dim: int = 0
    """Size of the latent noise of a generating network; 0: none. The same noise gives the same
    future, zeros give the mean prediction. Such networks are trained with an energy score."""
    horizon_s: list[float] | None = None
    """For networks trained to generate: seconds of the past that they read, seconds that they
    predict at once, and how many of these are kept. None: 2, 1.5 and 1."""
    max_jump_height_m: float | None = None
    """How far both feet leave the floor in the training data, metres; generation stays as low.
    None: unknown, and only a body that floats for longer than a jump is lowered."""
    speed_prior: list[float] | None = None
    """With roles: the fields of ``mmm.generation.activity.SpeedPrior`` in order, fitted on the
    training split. None: unknown, and each window of a future is drawn once."""
    library: str | None = None
    """File of recorded movement in the checkpoint's folder, read by ``mmm.generation.library``. A
    checkpoint with one continues a motion by retrieval; its network recovers the joins."""
    gap_calibration: dict[str, Any] | None = None
    """With roles: ``mmm.models.calibration.GapCalibration`` as a dictionary, fitted on the
    validation split after training. None: predictions count in full."""
    symmetric: bool = False
    """With roles: whether predictions are averaged with those for the mirrored motion. Mirrored
    clips then get mirrored recoveries, at twice the time."""
    positions: str = "learned"
    """``learned`` (the original), or ``sinusoidal`` at the start, which gives music and motion of
    one moment the same code before training."""

    fps: float = 60.0
    joint_names: list[str] | None = None
    joint_parents: list[int] | None = None
    joint_offsets_m: list[list[float]] | None = None
    stats: dict[str, list[float]] | None = None
    standard: dict[str, list[float]] | None = None
    """``motion_mean motion_std music_mean music_std`` of the training split's features, by which
    inputs are standardised. None, as in the original: inputs are used as they are."""
    trained_masks: list[str] | None = None
    """The SPECs, or kinds of SPEC, used in training."""

    def __post_init__(self, **kwargs: Any) -> None:
        for old, name in OLD_FIELD_NAMES.items():
            if old in kwargs:
                setattr(self, name, kwargs.pop(old))
        if self.joint_names is None:
            self.set_skeleton(
                match_roles(SMPL24).role_skeleton if self.representation == "roles" else SMPL24
            )
        if self.stats is None:
            self.stats = Stats.identity(self.music_size).to_dict()
        for name, options in (
            ("fill", ("zero", "hold", "slerp", "inertial")),
            ("output", ("absolute", "residual")),
            ("positions", ("learned", "sinusoidal")),
            ("representation", ("joints", "roles")),
        ):
            if getattr(self, name) not in options:
                raise ModelError(
                    f"config.json {name}",
                    repr(getattr(self, name)),
                    " or ".join(options),
                    "correct it",
                )
        if self.output == "residual" and self.fill == "zero":
            raise ModelError(
                "config.json output",
                "a residual to zeros",
                "fill: hold, slerp or inertial",
                "set fill to one of these",
            )
        if self.representation == "roles" and (self.fill == "zero" or self.uses_music):
            raise ModelError(
                "config.json representation",
                "roles with zeros in gaps, or with music",
                "fill: hold, slerp or inertial, without music",
                "correct it",
            )
        if self.input_size > self.hidden_size and not self.embeds_inputs:
            raise ModelError(
                "config.json hidden_size",
                f"{self.hidden_size}",
                f"at least the {self.input_size} inputs",
                "choose a wider network",
            )
        super().__post_init__(**kwargs)

    def check(self) -> None:
        """Check the fields that construction does not check.

        Raises:
            ValueError: the skeleton is no tree, a size is not positive, or statistics have another
                length.
            TypeError, KeyError: a value is of the wrong kind, or a statistic is missing.
        """
        assert len(self.skeleton) == self.joints  # a tree, or a ValueError
        if self.representation == "roles" and (self.joint_names, self.joint_parents) != (
            [*ROLES],
            [*ROLE_PARENTS],
        ):
            raise ValueError("joints other than the roles")
        assert self.gap_calibration is None or self.calibration is not None  # a table, or an error
        _check_symmetric(self.symmetric, self.representation == "roles" and not self.noise_dim)
        _check_three(self.speed_prior, self.representation == "roles")
        stats = self.fitted_stats
        lengths = [
            len(stats.root_min),
            len(stats.root_max),
            len(stats.music_min),
            len(stats.music_max),
        ]
        if lengths != [3, 3, self.music_size, self.music_size]:
            raise ValueError(f"statistics of lengths {lengths}")
        for kind, size in (
            ("motion", self.motion_size),
            ("music", self.music_size if self.uses_music else 0),
        ):
            for name in ("mean", "std"):
                if (
                    self.standard is not None
                    and size
                    and len(self.standard[f"{kind}_{name}"]) != size
                ):
                    raise ValueError(
                        f"standard {kind}_{name} of length {len(self.standard[f'{kind}_{name}'])}"
                    )
        if self.horizon_s is not None and (
            len(self.horizon_s) != 3
            or not 0 < self.horizon_s[2] <= self.horizon_s[1]
            or not self.horizon_s[0] > 0
        ):
            raise ValueError(f"horizon_s {self.horizon_s}")
        if self.noise_dim < 0:
            raise ValueError(f"noise_dim {self.noise_dim}")
        for name in ("fps", "max_frames", "encoder_layers"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)}")

    def set_skeleton(self, skeleton: Skeleton) -> None:
        """Record the body that the network is made for."""
        self.joint_names = list(skeleton.names)
        self.joint_parents = list(skeleton.parents)
        self.joint_offsets_m = [[round(float(x), 6) for x in row] for row in skeleton.offsets_m]

    @property
    def skeleton(self) -> Skeleton:
        """The body that the network is made for."""
        assert self.joint_names is not None and self.joint_parents is not None
        return Skeleton(
            tuple(self.joint_names),
            tuple(self.joint_parents),
            np.array(self.joint_offsets_m, dtype=np.float32),
        )

    @property
    def joints(self) -> int:
        """J."""
        assert self.joint_names is not None
        return len(self.joint_names)

    @property
    def motion_size(self) -> int:
        """F: nine numbers a joint and three for the root."""
        return self.joints * 9 + 3

    @property
    def embeds_inputs(self) -> bool:
        """Whether a linear layer maps the inputs to ``hidden_size``; otherwise they are
        zero-padded."""
        return False

    @property
    def input_size(self) -> int:
        """Values a frame that the network reads, before any zero-padding."""
        size = 15 * self.joints + 3 if self.representation == "roles" else self.motion_size
        return size + (self.joints + 2 if self.fill != "zero" else 0) + self.noise_dim

    @property
    def output_size(self) -> int:
        """Values a frame that the head gives: features; with roles turns, a shift, a gate, an
        error."""
        return 3 * self.joints + 5 if self.representation == "roles" else self.motion_size

    @property
    def curve(self) -> Inertia:
        """The curve of the ``inertial`` fill."""
        return Inertia(*(self.inertia or (0.25, 0.8, 0.0)))

    @property
    def calibration(self) -> GapCalibration | None:
        """Scales the predictions of a network on roles by gap length; None: they count in full."""
        return None if self.gap_calibration is None else GapCalibration.of(self.gap_calibration)

    @property
    def fitted_stats(self) -> Stats:
        """The scaling fitted on the training split."""
        assert self.stats is not None
        return Stats.from_dict(self.stats)


class ThreeBertConfig(MaskedMotionConfig):
    """``3bert``: motion and music joined on the feature axis; about 166 M parameters at these
    sizes."""

    model_type = "mmm-3bert"

    hidden_size: int = 800
    num_attention_heads: int = 10
    cross_layers: int = 5
    uses_music: bool = True


class EcmConfig(MaskedMotionConfig):
    """``ecm`` (EnforceCrossModality): motion and music joined on the time axis; about 81 M
    parameters."""

    model_type = "mmm-ecm"

    cross_layers: int = 10
    uses_music: bool = True


class CommonConfig(MaskedMotionConfig):
    """``common``: motion alone, with a convolutional head; about 41 M parameters."""

    model_type = "mmm-common"

    encoder_layers: int = 10
    fps: float = 30.0


class InbetweenConfig(MaskedMotionConfig):
    """``inbetween``: motion of any humanoid, on joint roles; about 5 M parameters."""

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
        self.inertia = self.inertia or [0.8, 1.6, 1.0]
        super().__post_init__(**kwargs)

    @property
    def embeds_inputs(self) -> bool:
        """It does."""
        return True


def _check_symmetric(symmetric: bool, can_be: bool) -> None:
    if symmetric and not can_be:
        raise ValueError("symmetric, for a network on own joints or with latent noise")


def _check_three(speed_prior: list[float] | None, roles: bool) -> None:
    if speed_prior is not None and not (
        roles and len(speed_prior) == 3 and np.isfinite(speed_prior).all()
    ):
        raise ValueError(
            f"speed_prior {speed_prior} instead of three numbers for a network on roles"
        )

"""Configurations: sizes, options, the skeleton of a network and statistics of its training data.

All networks share the fields of one class, and each has a subclass with its own defaults, which are
the sizes of the original work. ``mmm.models.presets`` names smaller ones.
"""

from typing import Any, no_type_check

import numpy as np
from transformers import PreTrainedConfig

from mmm.errors import ModelError
from mmm.interpolation.gap_curve import Inertia
from mmm.models.calibration import GapCalibration
from mmm.models.field_names import OLD_FIELD_NAMES
from mmm.motion.features import Stats
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.skeleton import SMPL24, Skeleton

OPTIONS = {
    "fill": ("zero", "hold", "slerp", "inertial"),
    "output": ("absolute", "residual"),
    "positions": ("learned", "sinusoidal"),
    "representation": ("joints", "roles"),
}
"""Values of the fields that name an option."""


@no_type_check  # the library checks its own fields, and takes more keywords than its signature says
class MaskedMotionConfig(PreTrainedConfig):
    """Everything a masked motion network needs besides its weights."""

    model_type = "masked-motion"

    hidden_size: int = 512
    """Width of the motion and music encoders; inputs are zero-padded up to it."""
    num_attention_heads: int = 8
    """As ConvBERT counts them: half are heads of self-attention, half of the convolution."""
    intermediate_size: int = 3072
    encoder_layers: int = 5
    cross_layers: int = 0
    """Layers of the cross-modal encoder; 0 for networks without one."""
    cross_size: int | None = None
    """With roles: width of the cross-modal encoder; None: ``hidden_size``."""
    max_frames: int = 300
    """Frames of the window. Longer clips are recovered in overlapping windows."""
    uses_music: bool = False
    music_size: int = 35
    dropout: float = 0.1
    initializer_range: float = 0.02
    """Standard deviation of the initial weights. The library's value suits widths of 768; in narrow
    networks it leaves attention close to uniform."""

    fill: str = "zero"
    """What replaces hidden entries before the network reads them: ``zero`` (the original), ``hold``
    (the last known pose), ``slerp`` or ``inertial`` (interpolation). With the last three, the
    network also reads what is hidden and the distances to the known frames."""
    inertia: list[float] | None = None
    """The fields of ``mmm.interpolation.gap_curve.Inertia`` in order, for the ``inertial`` fill.
    None: 0.25, 0.8, 0, as in the first networks with this fill."""
    output: str = "absolute"
    """``absolute``: poses (the original); with roles, rotations of one pose of the window.
    ``residual``: a correction that is added to the fill, from a head that starts at zero."""
    distance_input: bool = True
    """Whether the network reads the distances to the known frames. False puts zeros in their place;
    it exists for the ablation."""
    relative_input: bool = True
    """With roles: whether rotations enter relative to one pose of the window, in which rest poses
    cancel. False gives world rotations in the body's heading; it exists for the ablation."""
    ramp_s: float = 0.0
    """Ramp of a residual near the known frames, seconds. At a distance of d it is multiplied by
    ``d^2 / (d^2 + ramp_s^2)``, so that velocities do not jump there. 0: no ramp."""
    isolated_ramp_s: float | None = None
    """The ramp near isolated known frames, whose velocity is unknown: ``d / (d +
    isolated_ramp_s)``. None: as near all others."""
    smooth_s: float = 0.0
    """Standard deviation of the Gaussian that smooths residuals over time, seconds; 0: none."""
    lock_feet: bool = False
    """Whether recovery removes foot skate by bending the legs (``mmm.motion.foot_locking``), unless
    ``recover(lock_feet=...)`` says otherwise. Generation always does."""
    representation: str = "joints"
    """What the network reads: local rotations of the ``joints`` of one skeleton, or the joint
    ``roles`` of any humanoid in the body's own frame (``mmm.models.joint_roles``)."""
    noise_dim: int = 0
    """Size of the latent noise of a network that generates; 0: none. Equal noise gives equal
    futures, and zeros give the mean prediction. Such networks are trained with the energy score
    (Gneiting and Raftery 2007)."""
    horizon_s: list[float] | None = None
    """For networks that generate: seconds of the past that they read, seconds that they predict,
    and how many of these are kept. None: 2, 1.5 and 1."""
    max_jump_height_m: float | None = None
    """Largest height of both feet above the floor in the training data, metres; generated motion
    stays below. None: unknown; generation then lowers only bodies that float for longer than a
    jump."""
    speed_prior: list[float] | None = None
    """With roles: the fields of ``mmm.generation.activity.SpeedPrior`` in order, fitted on the
    training split. None: unknown; generation then samples each window once."""
    library: str | None = None
    """File of recorded movement in the checkpoint's folder, read by ``mmm.generation.library``. A
    checkpoint with one continues a motion by retrieval; its network recovers the joins."""
    gap_calibration: dict[str, Any] | None = None
    """With roles: ``mmm.models.calibration.GapCalibration`` as a dictionary, fitted on the
    validation split after training. None: predictions count in full."""
    symmetric: bool = False
    """With roles: whether predictions are averaged with those for the mirrored motion (test-time
    augmentation). Mirrored clips then get mirrored recoveries. It doubles the computation."""
    positions: str = "learned"
    """Initial position embeddings: ``learned`` (the original) starts at random, ``sinusoidal``
    gives music and motion of one moment the same code. Training changes both."""

    fps: float = 60.0
    joint_names: list[str] | None = None
    joint_parents: list[int] | None = None
    joint_offsets_m: list[list[float]] | None = None
    stats: dict[str, list[float]] | None = None
    standard: dict[str, list[float]] | None = None
    """``motion_mean``, ``motion_std``, ``music_mean`` and ``music_std`` of the training split,
    which standardise the inputs. None (the original): inputs are used as they are."""
    trained_masks: list[str] | None = None
    """The SPECs, or kinds of SPEC, used in training."""

    def __post_init__(self, **kwargs: Any) -> None:
        # The library would keep unknown fields as plain attributes, so they are renamed here.
        for old, name in OLD_FIELD_NAMES.items():
            if old in kwargs:
                setattr(self, name, kwargs.pop(old))
        if self.joint_names is None:
            self.set_skeleton(
                match_roles(SMPL24).role_skeleton if self.representation == "roles" else SMPL24
            )
        if self.stats is None:
            self.stats = Stats.identity(self.music_size).to_dict()
        # Checked here, because an option that does not exist would act as one that does.
        self._check_options()
        super().__post_init__(**kwargs)

    def _check_options(self) -> None:
        for name, options in OPTIONS.items():
            if getattr(self, name) not in options:
                raise ModelError(
                    f"config.json {name}",
                    repr(getattr(self, name)),
                    " or ".join(options),
                    "choose one of these",
                )
        if self.output == "residual" and self.fill == "zero":
            raise ModelError(
                "config.json output",
                "a residual to zeros",
                "fill: hold, slerp or inertial",
                "set fill to one of these",
            )
        if self.representation == "roles" and (
            self.fill == "zero" or (self.uses_music and not self.cross_layers)
        ):
            raise ModelError(
                "config.json representation",
                "roles with zeros in gaps, or with music and no cross_layers",
                "fill: hold, slerp or inertial; with music, cross_layers of 1 or more",
                "set these fields, or uses_music to false",
            )
        # Zero-padding cannot make inputs narrower.
        if self.input_size > self.hidden_size and not self.embeds_inputs:
            raise ModelError(
                "config.json hidden_size",
                f"{self.hidden_size}",
                f"at least the {self.input_size} inputs",
                "choose a wider network",
            )

    def check(self) -> None:
        """Check the fields that construction does not check.

        A damaged file is found here, before a network of the wrong shape is built from it.

        Raises:
            ValueError: the skeleton is no tree, a size is not positive, or statistics have another
                length.
            TypeError, KeyError: a value is of the wrong kind, or a statistic is missing.
        """
        for name in ("fps", "max_frames", "encoder_layers"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)}, expected more than 0")
        if self.noise_dim < 0:
            raise ValueError(f"noise_dim {self.noise_dim}, expected 0 or more")
        assert len(self.skeleton) == self.joints  # Skeleton raises a ValueError if it is no tree.
        self._check_statistics()
        self._check_generation()
        self._check_roles()

    def _check_statistics(self) -> None:
        stats = self.fitted_stats
        rows = (stats.root_min, stats.root_max, stats.music_min, stats.music_max)
        lengths = [len(row) for row in rows]
        if lengths != [3, 3, self.music_size, self.music_size]:
            expected = f"3, 3 and twice {self.music_size}"
            raise ValueError(f"stats of lengths {lengths}, expected {expected}")
        if self.standard is None:
            return
        # Networks on roles have features of their own for motion.
        sizes = {} if self.representation == "roles" else {"motion": self.motion_size}
        if self.uses_music:
            sizes["music"] = self.music_size
        for kind, size in sizes.items():
            for name in (f"{kind}_mean", f"{kind}_std"):
                if len(self.standard[name]) != size:
                    raise ValueError(
                        f"standard {name} of length {len(self.standard[name])}, expected {size}"
                    )

    def _check_generation(self) -> None:
        if self.horizon_s is None:
            return
        if len(self.horizon_s) != 3:
            raise ValueError(f"horizon_s {self.horizon_s}, expected three numbers")
        past, predicted, kept = self.horizon_s
        if not (past > 0 and 0 < kept <= predicted):
            raise ValueError(
                f"horizon_s {self.horizon_s}, expected positive numbers, the last the smaller"
            )

    def _check_roles(self) -> None:
        roles = self.representation == "roles"
        if roles and (self.joint_names, self.joint_parents) != ([*ROLES], [*ROLE_PARENTS]):
            raise ValueError("joints other than the 22 roles")
        if self.symmetric and (not roles or self.noise_dim):
            raise ValueError("symmetric is for networks on roles without noise")
        if self.speed_prior is not None and not (
            roles and len(self.speed_prior) == 3 and np.isfinite(self.speed_prior).all()
        ):
            raise ValueError(
                f"speed_prior {self.speed_prior}, expected three numbers and a network on roles"
            )
        # Reading the table checks it.
        assert self.gap_calibration is None or self.calibration is not None

    def set_skeleton(self, skeleton: Skeleton) -> None:
        """Store the skeleton of the network."""
        self.joint_names = list(skeleton.names)
        self.joint_parents = list(skeleton.parents)
        # Micrometres are enough, and keep config.json readable.
        self.joint_offsets_m = [[round(float(x), 6) for x in row] for row in skeleton.offsets_m]

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the network."""
        assert self.joint_names is not None and self.joint_parents is not None
        return Skeleton(
            tuple(self.joint_names),
            tuple(self.joint_parents),
            np.array(self.joint_offsets_m, dtype=np.float32),
        )

    @property
    def joints(self) -> int:
        """J, the number of joints."""
        assert self.joint_names is not None
        return len(self.joint_names)

    @property
    def motion_size(self) -> int:
        """F, the number of features: nine per joint, and three for the root."""
        return self.joints * 9 + 3

    @property
    def embeds_inputs(self) -> bool:
        """Whether a linear layer maps the inputs to ``hidden_size``; otherwise they are
        zero-padded."""
        return False

    @property
    def input_size(self) -> int:
        """Values per frame that the network reads, before any zero-padding."""
        # The gap inputs are what is hidden of each joint, and two distances.
        size = 15 * self.joints + 3 if self.representation == "roles" else self.motion_size
        return size + (self.joints + 2 if self.fill != "zero" else 0) + self.noise_dim

    @property
    def output_size(self) -> int:
        """Values per frame of the head: features; with roles, rotation vectors, a shift, a gate and
        an error."""
        return 3 * self.joints + 5 if self.representation == "roles" else self.motion_size

    @property
    def curve(self) -> Inertia:
        """Settings of the ``inertial`` fill."""
        # The first networks with this fill stored no settings.
        return Inertia(*(self.inertia or (0.25, 0.8, 0.0)))

    @property
    def calibration(self) -> GapCalibration | None:
        """The gap calibration of a network on roles; None: predictions count in full."""
        return None if self.gap_calibration is None else GapCalibration.of(self.gap_calibration)

    @property
    def fitted_stats(self) -> Stats:
        """The scaling fitted on the training split."""
        assert self.stats is not None
        return Stats.from_dict(self.stats)

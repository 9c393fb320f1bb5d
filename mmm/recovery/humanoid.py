"""Recovery by networks on joint roles: any humanoid skeleton, any frame rate.

The clip is first filled on its own skeleton and at its own rate. Everything else is computed from
the filled clip, so no hidden value can reach the network. The filled clip is retargeted to the
roles and resampled to the network's rate. The network's residual rotations are resampled and
retargeted back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from mmm.attention import AttentionTrace
from mmm.interpolation.known_frames import neighbours, ramp_in
from mmm.interpolation.torch_fill import fill_gaps
from mmm.models import MaskedMotionConfig, MaskedMotionModel, MaskedMotionOutput
from mmm.models.calibration import GapCalibration, joint_motion
from mmm.models.filled import Filled, distance_feature
from mmm.motion import foot_locking
from mmm.motion.clip import Clip, Motion
from mmm.motion.features import to_features
from mmm.motion.humanoid import RoleMap, match_roles
from mmm.music.sampling import features_at
from mmm.recovery.gap_mix import curves_of, gated
from mmm.recovery.representation import JointNames, Prediction, music_features
from mmm.recovery.resampling import distances_between, moments, motion_between, values_between
from mmm.recovery.role_motion import static_as_filled, with_offsets
from mmm.recovery.unfamiliar import unfamiliar
from mmm.recovery.windows import NetworkInput, WindowedOutput, predict_in_windows

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RolePrediction:
    """The output of a network for a filled clip, before gap calibration."""

    roles: RoleMap
    filled: Motion
    """The filled clip on its own skeleton."""
    role_filled: Motion
    """The filled clip on the roles."""
    pose_offsets: Float[Array, "T _"]
    """(T,69): rotation vectors on top of the fill in world axes, radians, and the shift of the
    pelvis, metres; ramped in near the known frames."""
    gap_s: Float[Array, "T R"]
    """For each role, seconds from the known frame before to the one after."""
    joint_motion: Float[Array, "T R"]
    """How far each role moves around its gap: see :func:`mmm.models.calibration.joint_motion`."""
    expected_m: Float[Array, "T"]
    """The network's estimate of its own mean joint position error, metres."""
    attention: AttentionTrace | None = None

    def posed(self, gap_calibration: GapCalibration | None = None) -> Motion:
        """The predicted motion of the roles.

        Args:
            gap_calibration: scales the residual by gap length; None: it counts in full.
        """
        # Fitting a calibration needs the predictions without one.
        if gap_calibration is None:
            return with_offsets(self.role_filled, self.pose_offsets)
        moving = gap_calibration.moving(self.joint_motion)
        # A static pelvis does not shift either.
        root = gap_calibration.root(self.gap_s[:, 0]) * moving[:, 0]
        factors = np.column_stack([gap_calibration.joints(self.gap_s), root]).repeat(3, axis=1)
        posed = with_offsets(self.role_filled, self.pose_offsets * factors)
        return static_as_filled(posed, self.role_filled, moving)


@dataclass(frozen=True, eq=False)
class JointRoles:
    """A clip as networks on joint roles read it: a ``View``."""

    config: MaskedMotionConfig
    motion: Motion
    hidden: Bool[Array, "T J"]
    roles: RoleMap
    filled: Motion
    role_filled: Motion
    before_s: Float[Array, "T R"]
    """Seconds from the last known frame of each role; zero in known frames."""
    after_s: Float[Array, "T R"]
    blend_weight: Float[Array, "T R"]
    """Weight of a residual rotation, which ramps in from zero at the known frames."""
    given: NetworkInput
    twist_m: float = foot_locking.ROLE_TWIST_M

    @classmethod
    def of(
        cls,
        model: MaskedMotionModel,
        clip: Clip,
        hidden: Bool[Array, "T J"],
        joint_names: JointNames = None,
    ) -> "JointRoles":
        """Fill a clip, retarget it to the roles and resample it to the network's rate.

        Raises:
            ModelError: the skeleton has no joints for the roles, or the clip's music has other
                features than the network's.
        """
        config, motion = model.config, clip.motion
        # Filling precedes retargeting: a role that combines several joints needs all of them.
        roles = match_roles(motion.skeleton, joint_names)
        filled = _filled(config, motion, hidden)
        role_filled = roles.to_roles(filled)
        # Per joint first, because there may be no frame in which all joints of a role are known.
        before_s, after_s = (roles.role_max(frames) / motion.fps for frames in _distances(hidden))
        ramp = ramp_in(
            torch.from_numpy(hidden)[None], motion.fps, config.ramp_s, config.isolated_ramp_s
        )
        blend_weight = roles.role_max(ramp[0].numpy())
        music = music_features(clip, config.music_size) if config.uses_music else None
        given = _network_input(model, role_filled, before_s, after_s, blend_weight, music)
        filling = (filled, role_filled, before_s, after_s, blend_weight)
        return cls(config, motion, hidden, roles, *filling, given)

    def read(self, output: MaskedMotionOutput) -> Sequence[torch.Tensor]:
        """Rotation vectors and shift in world axes, and the expected error."""
        assert output.pose_offsets is not None and output.expected_m is not None
        return output.pose_offsets, output.expected_m[..., None]

    def predictions(self, output: WindowedOutput) -> list[Prediction]:
        """Motions of the clip's own skeleton, calibrated by gap length."""
        result = []
        for role_prediction in self.role_predictions(output):
            motion, expected_m = self._calibrated(role_prediction)
            # Known frames have no error, whatever the network expects.
            expected_cm = np.where(self.hidden.any(axis=1), expected_m * 100, 0)
            result.append(
                Prediction(
                    motion,
                    # Rotation vectors always give rotations.
                    np.zeros(self.hidden.shape, np.float32),
                    expected_cm.astype(np.float32),
                    output.attention,
                )
            )
        difference = self._unfamiliar()
        return (
            result if difference is None else [self._as_curve(each, difference) for each in result]
        )

    def _unfamiliar(self) -> str | None:
        table = self.config.calibration
        if table is None or table.gate is None or not self.hidden.any():
            return None
        # Frames with anything known, because no frame need be known as a whole.
        known = np.asarray(~self.hidden.all(axis=1))
        return unfamiliar(self.role_filled, known) if known.any() else None

    def _as_curve(self, prediction: Prediction, difference: str) -> Prediction:
        """The inertial curve in place of the network, without an expected error."""
        note = (
            f"This body is unlike the people that the network has learned ({difference}), so the "
            "inertial curve is returned instead, without an expected error."
        )
        motion = curves_of(self.motion, self.hidden)[0]
        return replace(prediction, motion=motion, expected_cm=None, by_curve=True, notes=(note,))

    def _calibrated(self, predicted: RolePrediction) -> tuple[Motion, Float[Array, "T"]]:
        """The motion on the clip's own skeleton, and its expected error for each frame, metres."""
        table = self.config.calibration
        posed = predicted.posed(table)
        motion = self.roles.from_roles(self.filled, posed, self.hidden)
        if table is None:
            return motion, predicted.expected_m
        if table.gate is None:
            # The longest gap of a frame dominates its error.
            return motion, predicted.expected_m * table.error(predicted.gap_s.max(axis=1))
        motion, factor = gated(
            table.gate,
            self.roles,
            self.motion,
            self.hidden,
            (motion, posed),
            predicted.expected_m,
            self.blend_weight,
        )
        return motion, predicted.expected_m * factor

    def role_predictions(self, output: WindowedOutput) -> list[RolePrediction]:
        """The network's output at the frames of the clip, before gap calibration."""
        # The residual is resampled, not the poses: known frames between samples stay exact.
        offsets, expected_m = output.values
        if self.motion.fps != self.config.fps:
            # For each of the clip's frames, its place among the network's.
            places = np.interp(
                np.arange(len(self.motion), dtype=float),
                self.given.frames,
                np.arange(len(self.given)),
            )
            offsets, expected_m = (
                np.stack([values_between(rows, places) for rows in values])
                for values in (offsets, expected_m)
            )
        # Windows are predicted without the ramp, whose distances are exact only at the clip's rate.
        ramp = self.blend_weight
        weight = np.concatenate([ramp.repeat(3, axis=1), ramp[:, :1].repeat(3, axis=1)], axis=1)
        around = joint_motion(self.role_filled, self.roles.role_max(self.hidden))
        gap_s = (self.before_s + self.after_s).astype(np.float32)
        return [
            RolePrediction(
                self.roles,
                self.filled,
                self.role_filled,
                rows,
                gap_s,
                around,
                error[:, 0],
                output.attention,
            )
            for rows, error in zip(offsets * weight, expected_m, strict=True)
        ]


@torch.inference_mode()
def predict_roles(
    model: MaskedMotionModel,
    clip: Clip,
    hidden: Bool[Array, "T J"],
    *,
    joint_names: JointNames = None,
    progress: Callable[[float], None] | None = None,
) -> RolePrediction:
    """Run a network on joint roles over a clip, without its gap calibration.

    Raises:
        ModelError: the skeleton has no joints for the roles.
    """
    view = JointRoles.of(model, clip, hidden, joint_names)
    output = predict_in_windows(model, view.given, view.read, progress=progress)
    return view.role_predictions(output)[0]


def _filled(config: MaskedMotionConfig, motion: Motion, hidden: Bool[Array, "T J"]) -> Motion:
    rotations, root = (
        torch.from_numpy(values)[None] for values in (motion.rotations, motion.root_m)
    )
    rotations, root = fill_gaps(
        config.fill, rotations, root, torch.from_numpy(hidden)[None], motion.fps, config.curve
    )
    return Motion(motion.skeleton, rotations[0].numpy(), root[0].numpy(), motion.fps)


def _distances(hidden: Bool[Array, "T J"]) -> tuple[Int[Array, "T J"], Int[Array, "T J"]]:
    """Frames since the last known one and to the next; zero where known.

    In a gap that is open at one end, both are the distance to the known side.
    """
    before, after, _ = (values[0].numpy() for values in neighbours(torch.from_numpy(hidden)[None]))
    frame = np.arange(len(hidden))[:, None]
    return np.abs(frame - before), np.abs(after - frame)


def _network_input(
    model: MaskedMotionModel,
    role_filled: Motion,
    before_s: Float[Array, "T R"],
    after_s: Float[Array, "T R"],
    blend_weight: Float[Array, "T R"],
    music: Float[Array, "T M"] | None,
) -> NetworkInput:
    """The filled roles at the network's frame rate, with the inputs that describe the gaps."""
    config, device = model.config, model.device
    frames = np.arange(len(role_filled), dtype=float)
    sampled = role_filled
    # Equal rates need no resampling, which would blend neighbouring frames.
    if role_filled.fps != config.fps:
        known = np.minimum(before_s, after_s).max(axis=1) == 0
        frames = moments(known, role_filled.fps, config.fps)
        sampled = motion_between(role_filled, frames, config.fps)
        before_s, after_s = distances_between(before_s, after_s, frames, role_filled.fps)
        blend_weight = values_between(blend_weight, frames)
    if music is not None:
        music = config.fitted_stats.scale_music(features_at(music, frames))
    before, after = before_s * config.fps, after_s * config.fps
    # Resampled distances carry rounding errors, so known frames are those near zero.
    pattern = torch.from_numpy(np.minimum(before, after) > 1e-4)[None].to(device)
    # As in training, each frame has the distances of the joint furthest from its known frames.
    gaps = np.stack([before.max(axis=1), after.max(axis=1)], axis=-1).astype(np.float32)
    distances = distance_feature(torch.from_numpy(gaps)[None].to(device))
    features = torch.from_numpy(to_features(sampled.rotations, sampled.root_m))[None].to(device)
    return NetworkInput(
        Filled(
            features,
            torch.cat([pattern.float(), distances], dim=-1),
            torch.from_numpy(blend_weight)[None].to(device),
        ),
        pattern,
        frames,
        len(role_filled),
        music=None if music is None else torch.from_numpy(music)[None].to(device),
        body=torch.from_numpy(role_filled.skeleton.offsets_m)[None].to(device),
    )

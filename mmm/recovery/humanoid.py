"""Recovery by networks on joint roles: any humanoid skeleton, any frame rate.

The clip is filled at its own rate and on its own skeleton first, and everything after that is
computed from the filled clip, so nothing hidden gets through. The network reads the roles of the
filled clip at its own rate. It answers with small turns, which are brought back to the clip's
frames and joints.
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
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.features import to_features
from mmm.motion.humanoid import ROLE_PARENTS, RoleMap, match_roles
from mmm.recovery.representation import JointNames, Prediction
from mmm.recovery.resampling import distances_between, moments, motion_between, values_between
from mmm.recovery.windows import NetworkInput, WindowedOutput, predict_in_windows

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RolePrediction:
    """What a network says of a filled clip, before its gap calibration is applied."""

    roles: RoleMap
    filled: Motion
    """The clip on its own skeleton, gaps filled."""
    role_filled: Motion
    """The same on joint roles."""
    turns: Float[Array, "T _"]
    """(T,69): rotation vectors on top of the fill in world axes, radians, and the shift of the
    pelvis, metres; ramped in beside the known frames."""
    gap_s: Float[Array, "T R"]
    """For each role, seconds from the known frame before to the one after."""
    joint_motion: Float[Array, "T R"]
    """How far each role moves beside its gap: see :func:`mmm.models.calibration.joint_motion`."""
    expected_m: Float[Array, "T"]
    """The mean joint position error that the network expects of itself, metres."""
    attention: AttentionTrace | None = None

    def moved(self, gap_calibration: GapCalibration | None = None) -> Motion:
        """The roles turned and moved.

        Args:
            gap_calibration: scales turns and shift by gap length; None: they count in full.
        """
        if gap_calibration is None:
            return _moved(self.role_filled, self.turns)
        moving = gap_calibration.moving(self.joint_motion)
        root = gap_calibration.root(self.gap_s[:, 0]) * moving[:, 0]
        shares = np.concatenate(
            [gap_calibration.joints(self.gap_s).repeat(3, axis=1), root[:, None].repeat(3, axis=1)],
            axis=1,
        )
        return _rested(_moved(self.role_filled, self.turns * shares), self.role_filled, moving)


@dataclass(frozen=True, eq=False)
class JointRoles:
    """A clip as networks on joint roles read it."""

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
    """How much a turn counts beside the known frames, zero in known frames."""
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
        """Fill a clip and bring it to the network's roles and frame rate.

        Raises:
            ModelError: the joints of the roles are not found.
        """
        config, motion = model.config, clip.motion
        roles = match_roles(motion.skeleton, joint_names)
        filled = _filled(config, motion, hidden)
        role_filled = roles.to_roles(filled)
        # Joint by joint first: a role may have no frame in which all joints that turn it are known.
        before_s, after_s = (roles.most(frames) / motion.fps for frames in _distances(hidden))
        ramp = ramp_in(
            torch.from_numpy(hidden)[None], motion.fps, config.ramp_s, config.isolated_ramp_s
        )
        blend_weight = roles.most(ramp[0].numpy())
        given = _network_input(model, role_filled, before_s, after_s, blend_weight)
        return cls(
            config,
            motion,
            hidden,
            roles,
            filled,
            role_filled,
            before_s,
            after_s,
            blend_weight,
            given,
        )

    def read(self, output: MaskedMotionOutput) -> Sequence[torch.Tensor]:
        """Turns and shift in the world's axes, and the expected error."""
        assert output.turns is not None and output.expected_m is not None
        return output.turns, output.expected_m[..., None]

    def predictions(self, answer: WindowedOutput) -> list[Prediction]:
        """Turns as motions of the clip's own skeleton, calibrated by gap length."""
        gap_calibration = self.config.calibration
        result = []
        for role_prediction in self.role_predictions(answer):
            expected_m = role_prediction.expected_m
            if gap_calibration is not None:
                expected_m = expected_m * gap_calibration.error(role_prediction.gap_s.max(axis=1))
            expected_cm = np.where(self.hidden.any(axis=1), expected_m * 100, 0)
            result.append(
                Prediction(
                    retarget_back(role_prediction, self.hidden, gap_calibration),
                    np.zeros(self.hidden.shape, np.float32),
                    expected_cm.astype(np.float32),
                    answer.attention,
                )
            )
        return result

    def role_predictions(self, answer: WindowedOutput) -> list[RolePrediction]:
        """What the network says at the clip's own frames, not yet calibrated."""
        turns, expected_m = answer.values
        if self.motion.fps != self.config.fps:
            # For each of the clip's frames, its place among the network's.
            places = np.interp(
                np.arange(len(self.motion), dtype=float),
                self.given.frames,
                np.arange(len(self.given)),
            )
            turns, expected_m = (
                np.stack([values_between(rows, places) for rows in values])
                for values in (turns, expected_m)
            )
        weight = np.concatenate(
            [self.blend_weight.repeat(3, axis=1), self.blend_weight[:, :1].repeat(3, axis=1)],
            axis=1,
        )
        beside = joint_motion(self.role_filled, self.roles.most(self.hidden))
        gap_s = (self.before_s + self.after_s).astype(np.float32)
        return [
            RolePrediction(
                self.roles,
                self.filled,
                self.role_filled,
                rows,
                gap_s,
                beside,
                error[:, 0],
                answer.attention,
            )
            for rows, error in zip(turns * weight, expected_m, strict=True)
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
    """What a network on joint roles says of a clip, before its gap calibration is applied.

    Raises:
        ModelError: the joints of the roles are not found.
    """
    view = JointRoles.of(model, clip, hidden, joint_names)
    answer = predict_in_windows(model, view.given, view.read, progress=progress)
    return view.role_predictions(answer)[0]


def retarget_back(
    prediction: RolePrediction,
    hidden: Bool[Array, "T J"],
    gap_calibration: GapCalibration | None,
) -> Motion:
    """The predicted roles on the clip's own skeleton; known entries are those of the fill."""
    return prediction.roles.from_roles(prediction.filled, prediction.moved(gap_calibration), hidden)


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

    In a gap that is open at one end both are the distance to the other end.
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
) -> NetworkInput:
    """The filled roles at the network's frame rate, and what it is told of the gaps."""
    config, device = model.config, model.device
    frames = np.arange(len(role_filled), dtype=float)
    sampled = role_filled
    if role_filled.fps != config.fps:
        known = np.minimum(before_s, after_s).max(axis=1) == 0
        frames = moments(known, role_filled.fps, config.fps)
        sampled = motion_between(role_filled, frames, config.fps)
        before_s, after_s = distances_between(before_s, after_s, frames, role_filled.fps)
        blend_weight = values_between(blend_weight, frames)
    before, after = before_s * config.fps, after_s * config.fps
    pattern = torch.from_numpy(np.minimum(before, after) > 1e-4)[None].to(device)
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
        body=torch.from_numpy(role_filled.skeleton.offsets_m)[None].to(device),
    )


def _moved(filled: Motion, turns: Float[Array, "T _"]) -> Motion:
    """The roles turned in the world and the pelvis shifted."""
    vectors = turns[:, :-3].reshape(len(turns), -1, 3)
    world = rot.rotvec_to_matrix(vectors.astype(np.float32)) @ filled.world_rotations()
    local = world.copy()
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        local[:, r] = np.swapaxes(world[:, parent], -1, -2) @ world[:, r]
    return Motion(filled.skeleton, local, filled.root_m + turns[:, -3:], filled.fps)


def _rested(moved: Motion, filled: Motion, moving: Float[Array, "T R"]) -> Motion:
    """Static roles as they were filled, moving ones as predicted, and those between in
    proportion."""
    partly = (moving > 0) & (moving < 1)
    rotations = np.where((moving > 0)[..., None, None], moved.rotations, filled.rotations)
    if partly.any():
        start = filled.rotations[partly]
        way = rot.matrix_to_rotvec(np.swapaxes(start, -1, -2) @ moved.rotations[partly])
        rotations[partly] = start @ rot.rotvec_to_matrix(way * moving[partly][:, None])
    return replace(moved, rotations=rotations)

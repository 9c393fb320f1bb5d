"""Recovery by networks on joint roles: any humanoid skeleton, any frame rate.

The clip is filled at its own rate and on its own skeleton first; everything after that is computed from the filled
clip, so nothing hidden gets through. The network looks at the roles of the filled clip at its own rate; the small
turns that it answers with are brought back to the clip's frames and joints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from mmm.interpolation.torch_fill import fill_gaps, neighbours, ramp_in
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from mmm.models.attention_maps import Maps
from mmm.models.calibration import GapCalibration, joint_motion
from mmm.models.modeling import Filled, distance_feature
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.features import to_features
from mmm.motion.humanoid import ROLE_PARENTS, RoleMap, match_roles
from mmm.recovery.windows import fade, windows

Array = np.ndarray

MIN_ANCHOR_SPACING = 4
"""Between ends of gaps that a network of another rate looks at exactly lie so many of its frames, at least: its clock
then runs slow or fast by a quarter at most."""


@dataclass(frozen=True)
class RoleRecovery:
    """What came back."""

    motion: Motion
    """On the clip's own skeleton at its own rate; known entries bit for bit."""
    expected_cm: Float[Array, "T"]
    """The mean joint distance from the truth that the network expects of itself; zero in known frames."""
    maps: Maps | None
    """Attention maps of the window that was asked for, at the network's frame rate."""
    frames: tuple[int, int]
    """First and last-plus-one frame of the clip that they cover."""


@torch.inference_mode()
def recover_roles(
    model: MaskedMotionModel,
    motion: Motion,
    hidden: Bool[Array, "T J"],
    *,
    joint_names: Mapping[str, str] | None = None,
    attention_frame: int | None = None,
    progress: Callable[[float], None] | None = None,
    noise: Float[Array, "Z"] | None = None,
) -> RoleRecovery:
    """Fill the hidden entries of a motion of any humanoid skeleton.

    Args:
        hidden: True = hidden; every joint is known somewhere.
        joint_names: joint names by role, where the names do not tell; see ``mmm.motion.humanoid.match_roles``.
        attention_frame: keep the maps of the window that holds this frame.
        progress: called with the share done after each window.
        noise: of networks that take some; None: zeros.

    Raises:
        ModelError: the joints of the roles are not found.
    """
    found = answer(
        model,
        motion,
        hidden,
        joint_names=joint_names,
        attention_frame=attention_frame,
        progress=progress,
        noise=noise,
    )
    gap_calibration = model.config.calibration
    expected_m = found.expected_m * (
        1 if gap_calibration is None else gap_calibration.error(found.gap_s.max(axis=1))
    )
    expected_cm = np.where(hidden.any(axis=1), expected_m * 100, 0).astype(np.float32)
    return RoleRecovery(
        retarget_back(found, motion, hidden, gap_calibration), expected_cm, found.maps, found.frames
    )


@torch.inference_mode()
def draws(
    model: MaskedMotionModel,
    motion: Motion,
    hidden: Bool[Array, "T J"],
    noises: Float[Array, "K Z"],
    *,
    joint_names: Mapping[str, str] | None = None,
) -> list[Motion]:
    """The recoveries by several numbers of chance, in one pass of the network; errors of :func:`recover_roles`."""
    return [
        retarget_back(found, motion, hidden, model.config.calibration)
        for found in _answers(model, motion, hidden, noises, joint_names)
    ]


def retarget_back(
    found: "RolePrediction",
    motion: Motion,
    hidden: Bool[Array, "T J"],
    gap_calibration: GapCalibration | None,
) -> Motion:
    """On the clip's own skeleton; known entries come from the clip itself, not through what was computed from it."""
    back = found.roles.from_roles(found.filled, found.moved(gap_calibration), hidden)
    rotations = np.where(hidden[..., None, None], back.rotations, motion.rotations)
    root_m = np.where(hidden[:, :1], back.root_m, motion.root_m)
    return Motion(motion.skeleton, rotations, root_m, motion.fps)


@dataclass(frozen=True)
class RolePrediction:
    """What a network says of a filled clip, before it is known how far to believe it."""

    roles: RoleMap
    filled: Motion
    """The clip on its own skeleton, gaps filled."""
    role_filled: Motion
    """The same on joint roles."""
    turns: Float[Array, "T _"]
    """(T,69): rotation vectors on top of the fill in world axes, radians, and the pelvis's shift, metres; faded in
    beside the known frames."""
    gap_s: Float[Array, "T R"]
    """Of each role, seconds from the known frame before to the one after."""
    joint_motion: Float[Array, "T R"]
    """How far each role moves beside its gap; see :func:`mmm.models.resting.stirring`."""
    expected_m: Float[Array, "T"]
    maps: Maps | None
    frames: tuple[int, int]

    def moved(self, gap_calibration: GapCalibration | None = None) -> Motion:
        """The roles turned and moved, as far as the network is trusted; None: as far as it says."""
        if gap_calibration is None:
            return _moved(self.role_filled, self.turns)
        moving = gap_calibration.moving(self.joint_motion)
        root = gap_calibration.root(self.gap_s[:, 0]) * moving[:, 0]
        shares = np.concatenate(
            [gap_calibration.joints(self.gap_s).repeat(3, axis=1), root[:, None].repeat(3, axis=1)],
            axis=1,
        )
        return _rested(_moved(self.role_filled, self.turns * shares), self.role_filled, moving)


@torch.inference_mode()
def answer(
    model: MaskedMotionModel,
    motion: Motion,
    hidden: Bool[Array, "T J"],
    *,
    joint_names: Mapping[str, str] | None = None,
    attention_frame: int | None = None,
    progress: Callable[[float], None] | None = None,
    noise: Float[Array, "Z"] | None = None,
) -> RolePrediction:
    """What the network says; arguments and errors as in :func:`recover_roles`."""
    return _answers(
        model,
        motion,
        hidden,
        None if noise is None else noise[None],
        joint_names,
        attention_frame,
        progress,
    )[0]


def _answers(
    model: MaskedMotionModel,
    motion: Motion,
    hidden: Bool[Array, "T J"],
    noises: Float[Array, "K Z"] | None,
    joint_names: Mapping[str, str] | None,
    attention_frame: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[RolePrediction]:
    """One for each row of ``noises``, or one without any."""
    config = model.config
    roles = match_roles(motion.skeleton, joint_names)
    filled = _filled(config, motion, hidden)
    role_filled = roles.to_roles(filled)
    # Joint by joint first: a role may have no frame in which all joints that turn it are known.
    before_s, after_s = (roles.most(frames) / motion.fps for frames in _distances(hidden))
    share = roles.most(
        ramp_in(torch.from_numpy(hidden)[None], motion.fps, config.ramp_s, config.isolated_ramp_s)[
            0
        ].numpy()
    )
    turns, expected_m, maps, span = _turns(
        model, role_filled, (before_s, after_s), share, attention_frame, progress, noises
    )
    eased = turns * np.concatenate(
        [share.repeat(3, axis=1), share[:, :1].repeat(3, axis=1)], axis=1
    )
    gap_s = (before_s + after_s).astype(np.float32)
    beside = joint_motion(role_filled, roles.most(hidden))
    return [
        RolePrediction(roles, filled, role_filled, own, gap_s, beside, expected, maps, span)
        for own, expected in zip(eased, expected_m, strict=True)
    ]


def _filled(config: MaskedMotionConfig, motion: Motion, hidden: Array) -> Motion:
    rotations, root = (
        torch.from_numpy(values)[None] for values in (motion.rotations, motion.root_m)
    )
    rotations, root = fill_gaps(
        config.fill, rotations, root, torch.from_numpy(hidden)[None], motion.fps, config.curve
    )
    return Motion(motion.skeleton, rotations[0].numpy(), root[0].numpy(), motion.fps)


def _distances(hidden: Bool[Array, "T J"]) -> tuple[Int[Array, "T J"], Int[Array, "T J"]]:
    """Frames from the known one before, and to the one after; open ends are held as in filling. Zero where known."""
    before, after, _ = (values[0].numpy() for values in neighbours(torch.from_numpy(hidden)[None]))
    frame = np.arange(len(hidden))[:, None]
    return np.abs(frame - before), np.abs(after - frame)


def _turns(
    model: MaskedMotionModel,
    filled: Motion,
    distances_s: tuple[Array, Array],
    share: Float[Array, "T R"],
    attention_frame: int | None,
    progress: Callable[[float], None] | None,
    noises: Float[Array, "K Z"] | None = None,
) -> tuple[Float[Array, "K T _"], Float[Array, "K T"], Maps | None, tuple[int, int]]:
    """The network's answers at the clip's own frames: turns and shift in the world's axes, and the expected error; one
    for each row of ``noises``, or one without any."""
    config = model.config
    same = filled.fps == config.fps
    every = np.arange(len(filled), dtype=float)
    at = (
        every
        if same
        else moments(np.minimum(*distances_s).max(axis=1) == 0, filled.fps, config.fps)
    )
    count = len(at)
    own = np.interp(
        every, at, np.arange(count)
    )  # of each of the clip's frames, its place among the network's
    sampled = filled if same else _sampled(filled, at, config.fps)
    before, after = (
        values * config.fps
        for values in (distances_s if same else _distances_at(*distances_s, at, filled.fps))
    )
    hidden = np.minimum(before, after) > 1e-4
    device = model.device
    features = torch.from_numpy(to_features(sampled.rotations, sampled.root_m))[None].to(device)
    gaps = torch.from_numpy(
        np.stack([before.max(axis=1), after.max(axis=1)], axis=-1).astype(np.float32)
    )[None]
    where = torch.from_numpy(hidden)[None].to(device)
    extra = torch.cat([where.float(), distance_feature(gaps.to(device))], dim=-1)
    counts = torch.from_numpy(share if same else _at(share, at))[None].to(device)
    whole = Filled(features, extra, counts)
    body = torch.from_numpy(filled.skeleton.offsets_m)[None].to(device)

    chance = None if noises is None else torch.from_numpy(noises).to(device)
    many = 1 if noises is None else len(noises)
    whole, where, body = whole.repeat(many), where.expand(many, -1, -1), body.expand(many, -1, -1)
    total, expected = (
        np.zeros((many, count, 3 * config.joints + 3), np.float32),
        np.zeros((many, count), np.float32),
    )
    weights, maps, span = np.zeros(count, np.float32), None, (0, len(filled))
    cuts = windows(count, config.max_frames)
    wanted = (
        None
        if attention_frame is None
        else next(
            cut
            for cut in cuts
            if cut[1] == count or own[min(attention_frame, len(own) - 1)] < cut[1]
        )
    )
    for done, (start, stop) in enumerate(cuts, start=1):
        part = slice(start, stop)
        output = model.predict(
            whole.part(part),
            where[:, part],
            output_attentions=(start, stop) == wanted,
            body=body,
            noise=chance,
        )
        assert output.turns is not None and output.expected_m is not None
        weight = fade(stop - start, config.max_frames)
        total[:, part] += output.turns.float().cpu().numpy() * weight[:, None]
        expected[:, part] += output.expected_m.float().cpu().numpy() * weight
        weights[part] += weight
        if output.attentions is not None:
            maps = output.attentions
            span = round(at[start]), len(filled) if stop == count else round(at[stop])
        if progress is not None:
            progress(done / len(cuts))
    total, expected = total / weights[:, None], expected / weights
    if not same:
        total, expected = (
            np.stack([_at(one, own) for one in values]) for values in (total, expected)
        )
    return total, expected, maps, span


def moments(known: Bool[Array, "T"], fps: float, rate: float) -> Float[Array, "n"]:
    """When a network of another rate looks at a clip: places among the clip's frames, ascending, the first one 0.

    A network knows known frames, not moments near them. So the ends of gaps are looked at exactly, where they are
    ``MIN_ANCHOR_SPACING`` apart or more. Between these moments lie equal steps, as many as keep the clock within half a
    step of the network's own.

    Args:
        known: frames in which nothing is hidden.
        fps: the clip's frames a second.
        rate: the network's.
    """
    frame, last = np.arange(len(known)), len(known) - 1
    beside = known & ~(known[np.maximum(frame - 1, 0)] & known[np.minimum(frame + 1, last)])
    anchors = [0]
    for end in np.flatnonzero(beside).tolist():
        if (end - anchors[-1]) / fps * rate >= MIN_ANCHOR_SPACING:
            anchors.append(end)
    parts = [
        np.linspace(a, b, round(b / fps * rate) - round(a / fps * rate), endpoint=False)
        for a, b in pairwise(anchors)
    ]
    left = int(np.floor((last - anchors[-1]) / fps * rate + 1e-6))
    tail = anchors[-1] + np.arange(left + 1) * fps / rate
    if len(anchors) == 1 and left == 0:
        tail = np.array([0.0, last])
    return np.concatenate([*parts, np.minimum(tail, last)])


def _distances_at(
    before_s: Float[Array, "T R"],
    after_s: Float[Array, "T R"],
    frames: Float[Array, "n"],
    fps: float,
) -> tuple[Float[Array, "n R"], Float[Array, "n R"]]:
    """Seconds to known frames between frames; where a gap begins or ends they jump, and a straight line would not."""
    low, high, passed = _around(frames, len(before_s))
    passed = passed[:, None]
    before, after = _at(before_s, frames), _at(after_s, frames)
    inside = (passed > 1e-6) & (passed < 1 - 1e-6)
    known = np.minimum(before_s, after_s) == 0
    begins, ends = inside & known[low] & ~known[high], inside & ~known[low] & known[high]
    return (
        np.where(ends, before_s[low] + passed / fps, before),
        np.where(begins, after_s[high] + (1 - passed) / fps, after),
    )


def _around(
    frames: Float[Array, "m"], count: int
) -> tuple[Int[Array, "m"], Int[Array, "m"], Float[Array, "m"]]:
    """Of ``count`` frames those below and above each place between frames, and the share of the way passed."""
    low = np.clip(frames.astype(int), 0, max(count - 2, 0))
    return low, np.minimum(low + 1, count - 1), np.clip(frames - low, 0, 1)


def _at(values: Float[Array, "n *k"], frames: Float[Array, "m"]) -> Float[Array, "m *k"]:
    """Values between frames, along straight lines."""
    low, high, passed = _around(frames, len(values))
    share = passed.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return values[low] * (1 - share) + values[high] * share


def _sampled(motion: Motion, frames: Float[Array, "n"], fps: float) -> Motion:
    low, high, passed = _around(frames, len(motion))
    weight = np.broadcast_to(
        passed[:, None].astype(np.float32), (len(frames), motion.rotations.shape[1])
    )
    return Motion(
        motion.skeleton,
        rot.slerp(motion.rotations[low], motion.rotations[high], weight),
        _at(motion.root_m, frames).astype(np.float32),
        fps,
    )


def _moved(filled: Motion, turns: Float[Array, "T _"]) -> Motion:
    """The roles turned and the pelvis moved."""
    vectors = turns[:, :-3].reshape(len(turns), -1, 3)
    world = rot.rotvec_to_matrix(vectors.astype(np.float32)) @ filled.world_rotations()
    local = world.copy()
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        local[:, r] = np.swapaxes(world[:, parent], -1, -2) @ world[:, r]
    return Motion(filled.skeleton, local, filled.root_m + turns[:, -3:], filled.fps)


def _rested(moved: Motion, filled: Motion, moving: Float[Array, "T R"]) -> Motion:
    """Roles that rest as they were filled against the role above, the others moved; between, so far on the way."""
    partly = (moving > 0) & (moving < 1)
    rotations = np.where((moving > 0)[..., None, None], moved.rotations, filled.rotations)
    if partly.any():
        start = filled.rotations[partly]
        way = rot.matrix_to_rotvec(np.swapaxes(start, -1, -2) @ moved.rotations[partly])
        rotations[partly] = start @ rot.rotvec_to_matrix(way * moving[partly][:, None])
    return replace(moved, rotations=rotations)

"""How far a motion is from the truth, and how natural it is without one.

Errors are always over hidden entries alone. The in-betweening metrics (L2Q, L2P, NPSS) follow the published LAFAN1
evaluation, the beat alignment follows Bailando (per music beat) and FACT (per motion beat). Every definition is in
the docstring of its function.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d

from mmm.errors import SpecError
from mmm.masks import Mask
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.foot_locking import LOW_M, SLOW_M_S
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

KINDS = ("rotation_deg", "position_cm", "root_cm")
"""The three errors, by the names they have in every table and file."""


def _mean_or_none(values: Array) -> float | None:
    return float(np.mean(values, dtype=np.float64)) if values.size else None


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of every frame and joint, hidden or not; what sums them up looks at hidden entries alone."""

    skeleton: Skeleton
    rotation_deg: Float[Array, "T J"]
    """Geodesic angle between the local rotations, degrees."""
    position_cm: Float[Array, "T J"]
    """Distance between the joints' world positions after forward kinematics, centimetres."""
    root_cm: Float[Array, "T"]
    """Distance between the root positions, centimetres."""
    hidden: Bool[Array, "T J"]
    """True = was hidden from the method, and counts."""

    def summary(self) -> dict[str, float | int | None]:
        """Means over hidden entries; ``root_cm`` over the frames whose root was hidden. None where none was.

        ``frames`` counts the clip's frames, ``hidden`` the entries (frame and joint) that were hidden,
        ``hidden_frames`` the frames with any.
        """
        return {
            "rotation_deg": _mean_or_none(self.rotation_deg[self.hidden]),
            "position_cm": _mean_or_none(self.position_cm[self.hidden]),
            "root_cm": _mean_or_none(self.root_cm[self.hidden[:, 0]]),
            "frames": len(self.hidden),
            "hidden": int(self.hidden.sum()),
            "hidden_frames": int(self.hidden.any(axis=1).sum()),
        }

    def per_frame(self, kind: str) -> Float[Array, "T"]:
        """The mean over the hidden joints of each frame, NaN in frames where nothing is hidden.

        Args:
            kind: ``rotation_deg``, ``position_cm`` or ``root_cm``.
        """
        if kind not in KINDS:
            raise SpecError(
                f"error {kind!r}", "no such error", ", ".join(KINDS), "choose one of these"
            )
        if kind == "root_cm":
            return np.where(self.hidden[:, 0], self.root_cm, np.nan).astype(np.float32)
        values = np.where(self.hidden, getattr(self, kind), 0).sum(axis=1)
        count = self.hidden.sum(axis=1)
        return np.where(count, values / np.maximum(count, 1), np.nan).astype(np.float32)

    def per_group(self) -> dict[str, dict[str, float | int | None]]:
        """For each joint group of the skeleton the means over its hidden entries, and how many these are."""
        table: dict[str, dict[str, float | int | None]] = {}
        for name, joints in self.skeleton.groups.items():
            at = list(joints)
            hidden = self.hidden[:, at]
            table[name] = {
                "rotation_deg": _mean_or_none(self.rotation_deg[:, at][hidden]),
                "position_cm": _mean_or_none(self.position_cm[:, at][hidden]),
                "hidden": int(hidden.sum()),
            }
        return table


def errors(truth: Motion, other: Motion, hidden: Mask | Bool[Array, "_ _"]) -> Errors:
    """Compares two motions of the same joints and length.

    Raises:
        SpecError: joints, lengths or the mask's shape differ.
    """
    pattern = hidden.hidden if isinstance(hidden, Mask) else hidden
    if not truth.skeleton.same_joints(other.skeleton) or len(truth) != len(other):
        raise SpecError(
            "comparison",
            f"{len(other)} frames of {len(other.skeleton)} joints",
            f"the truth's {len(truth)} frames of the same {len(truth.skeleton)} joints",
            "compare motions of one skeleton and length",
        )
    if pattern.shape != truth.rotations.shape[:2]:
        raise SpecError(
            "mask",
            f"made for {pattern.shape}",
            f"{truth.rotations.shape[:2]} (frames, joints)",
            "make the mask from this clip",
        )
    return Errors(
        truth.skeleton,
        np.degrees(rot.geodesic_angle(truth.rotations, other.rotations)),
        _distance_cm(truth.positions(), other.positions()),
        _distance_cm(truth.root_m, other.root_m),
        pattern,
    )


def _distance_cm(a: Array, b: Array) -> Array:
    return (100 * np.linalg.norm(a.astype(np.float64) - b, axis=-1)).astype(np.float32)


# --- In-betweening, as on LAFAN1 ---------------------------------------------------------------------------------


def unrolled_quaternions(world_rotations: Float[Array, "*b T J 3 3"]) -> Float[Array, "*b T J 4"]:
    """Quaternions (wxyz) whose signs follow the frame before, from the first frame on; axis -4 is time.

    The LAFAN1 metrics compare quaternions without aligning signs, so both sides must start from the same known frame.
    """
    quats = rot.matrix_to_quat_wxyz(world_rotations)
    turns = np.where(
        (quats[..., 1:, :, :] * quats[..., :-1, :, :]).sum(-1, keepdims=True) < 0, -1, 1
    )
    quats[..., 1:, :, :] *= np.cumprod(turns, axis=-3)
    return quats


def l2q(truth: Float[Array, "*b T J 4"], other: Float[Array, "*b T J 4"]) -> float:
    """Mean over frames of the norm of the difference of **global** quaternions, over joints x 4; gap frames only.

    Args:
        truth, other: from ``unrolled_quaternions`` of the whole window, cut to the gap.
    """
    difference = truth.astype(np.float64) - other
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def l2p(
    truth_m: Float[Array, "*b T J 3"],
    other_m: Float[Array, "*b T J 3"],
    mean_m: Float[Array, "J 3"],
    std_m: Float[Array, "J 3"],
) -> float:
    """Mean over frames of the norm of the difference of **global** positions, standardised, over joints x 3.

    Args:
        mean_m, std_m: of the training windows, per joint and coordinate; units cancel. A coordinate that never
            moved there (the root's own centred one, say) is left as it is.
    """
    scale = np.where(std_m > 1e-9, std_m, 1.0).astype(np.float64)
    difference = (truth_m - mean_m) / scale - (other_m - mean_m) / scale
    return float(np.sqrt((difference**2).sum(axis=(-2, -1))).mean())


def npss(truth: Float[Array, "B T F"], other: Float[Array, "B T F"]) -> float:
    """Normalised power spectrum similarity (Gopalakrishnan et al. 2019), as LAFAN1 computes it on global quaternions.

    For each sequence and feature: the squared real part of the Fourier transform over time, normalised to one and
    summed up over frequency; the L1 distance between both curves; the mean weighted by the truth's power. A feature
    without power has an empty spectrum.
    """
    powers = [
        np.real(np.fft.fft(values.astype(np.float64), axis=1)) ** 2 for values in (truth, other)
    ]
    totals = [power.sum(axis=1) for power in powers]
    curves = [
        np.cumsum(power / np.where(total > 0, total, 1)[:, None], axis=1)
        for power, total in zip(powers, totals, strict=True)
    ]
    distance = np.abs(curves[0] - curves[1]).sum(axis=1)
    weight = totals[0].sum()
    return float((distance * totals[0]).sum() / weight) if weight > 0 else 0.0


# --- Without a truth ---------------------------------------------------------------------------------------------


def foot_contacts(motion: Motion) -> Bool[Array, "T F"]:
    """Where each foot joint of the skeleton stands on the floor.

    It does where it is less than 3 cm above its own 5th percentile of height (an ankle never comes down to the
    toes' floor) and rises or sinks by less than 0.15 m/s. Horizontal speed plays no part: it is what
    ``foot_skate_cm_s`` measures.
    """
    feet = motion.positions()[:, list(motion.skeleton.feet), 1]
    if len(motion) < 2:
        return np.ones_like(feet, dtype=bool)
    low = feet < np.percentile(feet, 5, axis=0) + LOW_M
    return low & (np.abs(np.gradient(feet, axis=0)) * motion.fps < SLOW_M_S)


def foot_skate_cm_s(motion: Motion, contacts: Bool[Array, "T F"] | None = None) -> float | None:
    """Mean horizontal speed of foot joints between frames in both of which they stand, cm/s; None where none stands.

    Args:
        contacts: where they ought to stand, for example ``foot_contacts`` of the truth; the motion's own if left out.
    """
    stand = foot_contacts(motion) if contacts is None else contacts
    feet = motion.positions()[:, list(motion.skeleton.feet)][..., [0, 2]]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * motion.fps * 100
    return _mean_or_none(speed[stand[1:] & stand[:-1]])


def motion_energy(motion: Motion) -> Float[Array, "S"]:
    """Mean squared joint speed of each second, m^2/s^2; the last may be a part of one. Near zero: it has frozen."""
    squared = (
        ((np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps) ** 2)
        .sum(-1)
        .mean(-1)
    )
    second = (np.arange(len(squared)) / motion.fps).astype(int)
    return (np.bincount(second, squared) / np.maximum(np.bincount(second), 1)).astype(np.float32)


def jerk_m_s3(motion: Motion) -> float | None:
    """Mean size of the third derivative of the joints' positions, m/s^3; None for fewer than four frames."""
    third = np.diff(motion.positions().astype(np.float64), n=3, axis=0) * motion.fps**3
    return _mean_or_none(np.linalg.norm(third, axis=-1))


def velocity_jump_cm_s(motion: Motion, hidden: Mask | Bool[Array, "T J"]) -> float | None:
    """How much the joints' velocity changes at gap ends, mean over ends and all joints, cm/s; None without an end.

    At each border between a frame with hidden entries and one without, the velocity before the last frame on its
    near side is compared with the one after, and likewise on its far side. The truth's own figure is not zero.
    """
    gaps = np.asarray((hidden.hidden if isinstance(hidden, Mask) else hidden).any(axis=1))
    border = np.flatnonzero(gaps[1:] != gaps[:-1])
    centre = np.unique(np.concatenate([border, border + 1]))
    centre = centre[(centre > 0) & (centre < len(motion) - 1)]
    points = motion.positions().astype(np.float64)
    change = points[centre + 1] - 2 * points[centre] + points[centre - 1]
    return _mean_or_none(np.linalg.norm(change, axis=-1) * motion.fps * 100)


def motion_beats(motion: Motion) -> Int[Array, "B"]:
    """Frames where the mean joint speed, smoothed (Gaussian, 5 frames at 60 fps), has a minimum."""
    speed = np.linalg.norm(np.diff(motion.positions().astype(np.float64), axis=0), axis=-1).mean(
        axis=1
    )
    if len(speed) < 3:
        return np.zeros(0, dtype=np.int64)
    speed = gaussian_filter1d(speed, 5 * motion.fps / 60)
    # A turning point on a frame gives two equal speeds beside it: the first of them counts.
    return 1 + np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:]))


def beat_alignment(
    of_motion: Int[Array, "B"], of_music: Int[Array, "C"], fps: float
) -> dict[str, float | None]:
    """How near beats of motion and music fall: ``exp(-d^2 / 2 sigma^2)``, sigma 3 frames at 60 fps (0.05 s).

    Returns:
        ``per_music_beat``: the mean over music beats, each to its nearest motion beat (Bailando), and
        ``per_motion_beat``: the other way round (FACT). 0 where the other side has no beat, None without a beat.
    """
    return {
        "per_music_beat": _nearness(of_music, of_motion, fps),
        "per_motion_beat": _nearness(of_motion, of_music, fps),
    }


def _nearness(beats: Array, others: Array, fps: float) -> float | None:
    away_s = np.abs(beats[:, None] - others.astype(float)).min(axis=1, initial=np.inf) / fps
    return _mean_or_none(np.exp(-((away_s / 0.05) ** 2) / 2))

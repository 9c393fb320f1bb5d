"""Quality of generated motion without comparing it to the truth: energy, floor contact, beats.

The definitions are the published ones where they exist; each function names its source. All figures
are of the frames after the prefix. They mean little alone: compare them with those of the truth,
and with those of real motion to another song.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import uniform_filter1d

from mmm.arrays import true_runs
from mmm.errors import ModelError
from mmm.metrics.naturalness import beat_alignment, foot_skate_cm_s, motion_beats, motion_energy
from mmm.motion.clip import Motion, Music
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.music.features import FEATURE_SLICES

Array = np.ndarray

FROZEN_SHARE = 0.05
"""A motion stands still while its energy is below this share of the reference energy."""
FROZEN_S = 1.0
"""A motion that stands still for this long is frozen, seconds."""
_STILL_WINDOW_S = 0.25  # energy is averaged over this time, seconds


# --- Energy and floor contact ---


def energy(motion: Motion) -> float:
    """Mean squared joint speed, m²/s²; 0 for a single frame."""
    steps = np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps
    return float((steps**2).sum(-1).mean()) if len(steps) else 0.0


def longest_still_s(motion: Motion, energy_scale: float, share: float = FROZEN_SHARE) -> float:
    """The longest time, seconds, in which the energy stays below a share of the reference energy.

    Args:
        energy_scale: the reference energy, for example the truth's mean, m²/s².
        share: of that energy.
    """
    steps = np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps
    # Smoothed, so that neither a short rest between two moves nor a jitter within a pose decides.
    smooth = uniform_filter1d(
        (steps**2).sum(-1).mean(-1), max(1, round(_STILL_WINDOW_S * motion.fps)), mode="nearest"
    )
    still = true_runs(smooth < share * energy_scale)
    return float(max((end - start for start, end in still), default=0) / motion.fps)


def drift_m(motion: Motion, start_m: Float[Array, "3"]) -> float:
    """The largest horizontal distance of the root from a point, metres."""
    return float(np.linalg.norm((motion.root_m - start_m)[:, [0, 2]], axis=1).max())


def floor_cm(motion: Motion, floor_m: float) -> tuple[float, float]:
    """The largest distances of the lowest foot joint below and above the floor, centimetres.

    Args:
        floor_m: height of the floor, metres, for example the prefix's ``Motion.floor_m``.
    """
    feet = list(motion.skeleton.feet) or list(range(len(motion.skeleton)))
    low = motion.positions()[:, feet, 1].min(axis=1) - floor_m
    return max(0.0, float(-100 * low.min())), max(0.0, float(100 * low.max()))


def foot_physics(motion: Motion) -> float | None:
    """PFC, the physical foot contact score of EDGE (Tseng et al. 2023), times 10,000.

    Smaller is better. The root can accelerate only while a foot stands. The score is the mean over
    frames of a product: the horizontal speeds of both feet (the slower of ankle and toe, metres per
    frame) and the root's acceleration relative to its maximum. It is taken at 30 frames a second.
    None if the feet are not identified or the motion is too short.
    """
    try:
        joints = dict(zip(ROLES, match_roles(motion.skeleton).joints.tolist(), strict=True))
    except ModelError:
        return None
    motion = motion.resample(30.0)
    if len(motion) < 3:
        return None
    points = motion.positions().astype(np.float64)
    push = np.diff(points[:, 0], n=2, axis=0) * 30**2
    # Gravity pulls down without any contact, so downward acceleration does not count.
    push[:, 1] = np.maximum(push[:, 1], 0)
    acceleration = np.linalg.norm(push, axis=1)
    if acceleration.max() == 0:
        return 0.0
    slide = np.linalg.norm(np.diff(points[1:, :, [0, 2]], axis=0), axis=-1)
    feet = [
        np.min(
            [
                slide[:, joints[f"{side}_{joint}"]]
                for joint in ("ankle", "toe")
                if joints[f"{side}_{joint}"] >= 0
            ],
            axis=0,
        )
        for side in ("left", "right")
    ]
    return float((feet[0] * feet[1] * acceleration / acceleration.max()).mean() * 10_000)


# --- Beats and summary ---


def music_beats(music: Music) -> Int[Array, "B"]:
    """Beat frames of the music: its own list, or the beat column of its features."""
    return (
        music.beats
        if len(music.beats)
        else np.flatnonzero(music.features[:, FEATURE_SLICES["beat"]][:, 0] > 0.5)
    )


@dataclass(frozen=True)
class Summary:
    """Figures of one motion after a prefix."""

    energy: float
    """Mean squared joint speed, m²/s²."""
    energy_share: float
    """Energy relative to the reference energy."""
    energy_shares: tuple[float, ...]
    """The same for every whole second."""
    still_s: float
    """Longest time of standing still, seconds; see :func:`longest_still_s`."""
    skate_cm_s: float | None
    """Foot skate, cm/s; None without contact."""
    drift_m: float
    """Largest horizontal distance of the root from the end of the prefix, metres."""
    under_floor_cm: float
    over_floor_cm: float
    """Largest distances of the lowest foot joint below and above the floor, centimetres."""
    pfc: float | None
    """See :func:`foot_physics`."""
    per_music_beat: float | None
    per_motion_beat: float | None
    """Beat alignment scores, 0 to 1; None without music or without beats of that side."""

    @property
    def frozen(self) -> bool:
        """Whether it stands still for a second or longer."""
        return self.still_s >= FROZEN_S


def summarise(
    motion: Motion, prefix: Motion, energy_scale: float, music: Music | None = None
) -> Summary:
    """All figures of a motion that continues a prefix.

    Args:
        motion: the continuation, without the prefix.
        prefix: gives the floor and the position from which drift is measured.
        energy_scale: the reference energy, m²/s²: the truth's after the prefix or, without a truth,
            the prefix's.
        music: played to ``motion`` from its first frame on.
    """
    # A partial last second is dropped: its mean is noisier than the others.
    whole_seconds = int(len(motion) / motion.fps)
    seconds = motion_energy(motion)[:whole_seconds] if whole_seconds else np.array([energy(motion)])
    beats = (
        beat_alignment(motion_beats(motion), music_beats(music), motion.fps)
        if music is not None
        else {}
    )
    under, over = floor_cm(motion, prefix.floor_m())
    energy_scale = max(energy_scale, 1e-9)  # a prefix may stand still
    return Summary(
        energy(motion),
        energy(motion) / energy_scale,
        tuple(round(float(e) / energy_scale, 4) for e in seconds),
        longest_still_s(motion, energy_scale),
        foot_skate_cm_s(motion),
        drift_m(motion, prefix.root_m[-1]),
        under,
        over,
        foot_physics(motion),
        beats.get("per_music_beat"),
        beats.get("per_motion_beat"),
    )

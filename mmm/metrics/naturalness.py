"""How natural a motion is, without a reference: foot skate, energy, jerk and beats.

Beat alignment follows Bailando (per music beat) and FACT (per motion beat).
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d

from mmm.masks import Mask
from mmm.motion.clip import Motion
from mmm.motion.stances import LOW_M, SLOW_M_S

Array = np.ndarray


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


def _mean_or_none(values: Array) -> float | None:
    return float(np.mean(values, dtype=np.float64)) if values.size else None

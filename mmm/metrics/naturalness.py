"""Naturalness of a motion without a reference: foot skate, energy, jerk and beats.

Beat alignment follows Bailando (Siyao et al. 2022, per music beat) and FACT (Li et al. 2021, per
motion beat).
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d

from mmm.arrays import mean_or_none
from mmm.masks import Mask
from mmm.motion.clip import Motion
from mmm.motion.stances import LOW_M, SLOW_M_S

Array = np.ndarray


def foot_contacts(motion: Motion) -> Bool[Array, "T F"]:
    """Frames in which each foot joint is in contact with the floor.

    A joint is in contact where it is less than 3 cm above its own 5th percentile of height, and
    rises or sinks by less than 0.15 m/s. Horizontal speed does not count, because it is what
    :func:`foot_skate_cm_s` measures.
    """
    # Heights are relative to each joint's lowest, since an ankle is always higher than the toes.
    feet = motion.positions()[:, list(motion.skeleton.feet), 1]
    if len(motion) < 2:
        return np.ones_like(feet, dtype=bool)
    low = feet < np.percentile(feet, 5, axis=0) + LOW_M
    return low & (np.abs(np.gradient(feet, axis=0)) * motion.fps < SLOW_M_S)


def foot_skate_cm_s(motion: Motion, contacts: Bool[Array, "T F"] | None = None) -> float | None:
    """Foot skate: mean horizontal speed of foot joints in contact, cm/s; None without contact.

    Args:
        contacts: where the joints should be in contact, for example ``foot_contacts`` of the truth;
            the motion's own contacts if left out.
    """
    stand = foot_contacts(motion) if contacts is None else contacts
    feet = motion.positions()[:, list(motion.skeleton.feet)][..., [0, 2]]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * motion.fps * 100
    # A step counts only if the joint is in contact at both of its ends: lift-off is not skating.
    return mean_or_none(speed[stand[1:] & stand[:-1]])


def motion_energy(motion: Motion) -> Float[Array, "S"]:
    """Mean squared joint speed of each second, m²/s².

    The last second may be partial. Values near zero mean that the motion has frozen.
    """
    squared = (
        ((np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps) ** 2)
        .sum(-1)
        .mean(-1)
    )
    second = (np.arange(len(squared)) / motion.fps).astype(int)
    return (np.bincount(second, squared) / np.maximum(np.bincount(second), 1)).astype(np.float32)


def jerk_m_s3(motion: Motion) -> float | None:
    """Mean norm of the third derivative of joint positions, m/s³; None below four frames."""
    third = np.diff(motion.positions().astype(np.float64), n=3, axis=0) * motion.fps**3
    return mean_or_none(np.linalg.norm(third, axis=-1))


def velocity_jump_cm_s(motion: Motion, hidden: Mask | Bool[Array, "T J"]) -> float | None:
    """Change of joint velocity at the ends of gaps, cm/s; None without such an end.

    A border lies between a frame with hidden entries and one without. At both of these frames the
    velocity before is compared with the velocity after. The result is the mean over borders and all
    joints; it is not zero for the truth either.
    """
    gaps = np.asarray((hidden.hidden if isinstance(hidden, Mask) else hidden).any(axis=1))
    border = np.flatnonzero(gaps[1:] != gaps[:-1])
    # The second difference at a frame is the change of velocity there. Two gaps that are one frame
    # apart share frames, which count once.
    centre = np.unique(np.concatenate([border, border + 1]))
    centre = centre[(centre > 0) & (centre < len(motion) - 1)]
    points = motion.positions().astype(np.float64)
    change = points[centre + 1] - 2 * points[centre] + points[centre - 1]
    return mean_or_none(np.linalg.norm(change, axis=-1) * motion.fps * 100)


def motion_beats(motion: Motion) -> Int[Array, "B"]:
    """Kinematic beats: frames in which the smoothed mean joint speed has a local minimum.

    The smoothing is a Gaussian with a standard deviation of 5 frames at 60 fps.
    """
    speed = np.linalg.norm(np.diff(motion.positions().astype(np.float64), axis=0), axis=-1).mean(
        axis=1
    )
    if len(speed) < 3:
        return np.zeros(0, dtype=np.int64)
    speed = gaussian_filter1d(speed, 5 * motion.fps / 60)
    # A reversal exactly on a frame gives two equal speeds beside it; the first of them counts.
    return 1 + np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:]))


def beat_alignment(
    of_motion: Int[Array, "B"], of_music: Int[Array, "C"], fps: float
) -> dict[str, float | None]:
    """Beat alignment scores, 0 to 1: ``exp(-d² / 2 sigma²)`` of the distance to the nearest beat.

    ``sigma`` is 0.05 s, which is 3 frames at 60 fps.

    Returns:
        ``per_music_beat`` is the mean over music beats (Bailando), ``per_motion_beat`` the mean
        over motion beats (FACT). A score is 0 if the other side has no beat, and None if its own
        side has none.
    """
    return {
        "per_music_beat": _nearness(of_music, of_motion, fps),
        "per_motion_beat": _nearness(of_motion, of_music, fps),
    }


def _nearness(beats: Array, others: Array, fps: float) -> float | None:
    """Mean score of each beat's distance to the nearest of the others."""
    # ``initial`` makes the distance infinite, and the score 0, if there are no others.
    away_s = np.abs(beats[:, None] - others.astype(float)).min(axis=1, initial=np.inf) / fps
    return mean_or_none(np.exp(-((away_s / 0.05) ** 2) / 2))

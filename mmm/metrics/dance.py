"""How good a generated motion is, without asking that it be the truth: alive, on the ground, on the beat, like others.

Published definitions where there are any, each named in its function; ``metrics`` holds what recovery needs too (beats,
foot skate, energy). All figures are of the frames after the seed, and mean little alone: put the truth's, and a real
motion's with another song, beside them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import uniform_filter1d

from mmm.errors import ModelError
from mmm.metrics.naturalness import beat_alignment, foot_skate_cm_s, motion_beats, motion_energy
from mmm.motion.clip import Motion, Music
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.music.features import FEATURE_SLICES

Array = np.ndarray

FROZEN_SHARE = 0.05
"""A motion stands still where its energy is below this share of the truth's mean."""
FROZEN_S = 1.0
"""Standing still for so long is called frozen."""
_STILL_WINDOW_S = 0.25


# --- Alive, and on the ground ------------------------------------------------------------------------------------


def energy(motion: Motion) -> float:
    """Mean squared joint speed, m²/s²; 0 for a single frame."""
    steps = np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps
    return float((steps**2).sum(-1).mean()) if len(steps) else 0.0


def longest_still_s(motion: Motion, usual: float, share: float = FROZEN_SHARE) -> float:
    """The longest stretch, seconds, in which the energy stays below a share of the usual one.

    Energy is the mean squared joint speed, averaged over a quarter of a second, so that a moment between two moves
    does not count, nor a jitter in between.

    Args:
        usual: the truth's mean energy, m²/s².
    """
    steps = np.diff(motion.positions().astype(np.float64), axis=0) * motion.fps
    smooth = uniform_filter1d(
        (steps**2).sum(-1).mean(-1), max(1, round(_STILL_WINDOW_S * motion.fps)), mode="nearest"
    )
    still = np.concatenate([[0], smooth < share * usual, [0]]).astype(int)
    edges = np.diff(still)
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return float(runs.max(initial=0) / motion.fps)


def drift_m(motion: Motion, start_m: Float[Array, "3"]) -> float:
    """How far from a place the root ever gets, along the floor, metres."""
    return float(np.linalg.norm((motion.root_m - start_m)[:, [0, 2]], axis=1).max())


def floor_cm(motion: Motion, floor_m: float) -> tuple[float, float]:
    """How deep the lowest foot joint ever goes under a floor, and how high above it it ever is, centimetres.

    Args:
        floor_m: height of the floor, the seed's ``Motion.floor_m`` for example.
    """
    feet = list(motion.skeleton.feet) or list(range(len(motion.skeleton)))
    low = motion.positions()[:, feet, 1].min(axis=1) - floor_m
    return max(0.0, float(-100 * low.min())), max(0.0, float(100 * low.max()))


def foot_physics(motion: Motion) -> float | None:
    """PFC, the physical foot contact score of EDGE (Tseng et al. 2023), times 10,000; smaller is better.

    The root can only be pushed by a foot that stands: the mean over frames of the product of both feet's horizontal
    speed (the slower of ankle and toe, metres a frame) and the root's acceleration (downwards does not count), as a
    share of its greatest. At 30 frames a second. None where the feet are not found or the motion is too short.
    """
    try:
        place = dict(zip(ROLES, match_roles(motion.skeleton).joints.tolist(), strict=True))
    except ModelError:
        return None
    motion = motion.resample(30.0)
    if len(motion) < 3:
        return None
    points = motion.positions().astype(np.float64)
    push = np.diff(points[:, 0], n=2, axis=0) * 30**2
    push[:, 1] = np.maximum(push[:, 1], 0)
    acceleration = np.linalg.norm(push, axis=1)
    if acceleration.max() == 0:
        return 0.0
    slide = np.linalg.norm(np.diff(points[1:, :, [0, 2]], axis=0), axis=-1)
    feet = [
        np.min(
            [
                slide[:, place[f"{side}_{joint}"]]
                for joint in ("ankle", "toe")
                if place[f"{side}_{joint}"] >= 0
            ],
            axis=0,
        )
        for side in ("left", "right")
    ]
    return float((feet[0] * feet[1] * acceleration / acceleration.max()).mean() * 10_000)


# --- On the beat -------------------------------------------------------------------------------------------------


def music_beats(music: Music) -> Int[Array, "B"]:
    """Frames on which a beat falls: those that the music names, else those among its features."""
    return (
        music.beats
        if len(music.beats)
        else np.flatnonzero(music.features[:, FEATURE_SLICES["beat"]][:, 0] > 0.5)
    )


@dataclass(frozen=True)
class Summary:
    """What one motion after a seed is like."""

    energy: float
    """Mean squared joint speed, m²/s²."""
    energy_share: float
    """Of the usual energy."""
    energy_shares: tuple[float, ...]
    """The same for every whole second."""
    still_s: float
    """Longest stretch of standing still; see :func:`longest_still_s`."""
    skate_cm_s: float | None
    drift_m: float
    under_floor_cm: float
    over_floor_cm: float
    pfc: float | None
    per_music_beat: float | None
    """Beat alignment, 0 to 1; None without music."""
    per_motion_beat: float | None

    @property
    def frozen(self) -> bool:
        """Whether it stands still for a second or longer."""
        return self.still_s >= FROZEN_S


def summarise(motion: Motion, seed: Motion, usual: float, music: Music | None = None) -> Summary:
    """All figures of what comes after a seed.

    Args:
        motion: what comes after it.
        seed: what came before; its last place and its floor count.
        usual: the energy to compare with, m²/s²: the truth's after the seed, or where there is none the seed's.
        music: what is played to ``motion``, from its first frame on.
    """
    whole = int(len(motion) / motion.fps)
    seconds = motion_energy(motion)[:whole] if whole else np.array([energy(motion)])
    beats = (
        beat_alignment(motion_beats(motion), music_beats(music), motion.fps)
        if music is not None
        else {}
    )
    under, over = floor_cm(motion, seed.floor_m())
    usual = max(usual, 1e-9)
    return Summary(
        energy(motion),
        energy(motion) / usual,
        tuple(round(float(e) / usual, 4) for e in seconds),
        longest_still_s(motion, usual),
        foot_skate_cm_s(motion),
        drift_m(motion, seed.root_m[-1]),
        under,
        over,
        foot_physics(motion),
        beats.get("per_music_beat"),
        beats.get("per_motion_beat"),
    )

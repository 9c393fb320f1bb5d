"""How good a generated motion is, without asking that it be the truth: alive, on the ground, on the beat, like others.

Published definitions where there are any, each named in its function; ``metrics`` holds what recovery needs too (beats,
foot skate, energy). All figures are of the frames after the seed, and mean little alone: put the truth's, and a real
motion's with another song, beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import uniform_filter1d

from mmm.errors import ModelError
from mmm.metrics.errors import beat_alignment, foot_skate_cm_s, motion_beats, motion_energy
from mmm.motion.clip import Motion, Music
from mmm.motion.humanoid import ROLES, match_roles
from mmm.music.features import FEATURE_SLICES

Array = np.ndarray

FROZEN_SHARE = 0.05
"""A motion stands still where its energy is below this share of the truth's mean."""
FROZEN_S = 1.0
"""Standing still for so long is called frozen."""
_STILL_WINDOW_S = 0.25
_LEAST_SPREAD = 0.01
"""Features that spread less than this in the reference (m²/s², m/s², shares) are not blown up further."""


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


# --- Like others -------------------------------------------------------------------------------------------------


def kinetic_features(motion: Motion) -> Float[Array, "K"]:
    """Three a joint (72 on SMPL-24): horizontal energy, vertical energy, energy expenditure (Onuma et al. 2008).

    Means over frames of the squared horizontal and vertical velocity (m²/s²) and of the size of the acceleration
    (m/s²), each velocity and acceleration being a mean over five frames. The place of the root plays no part.
    """
    points = motion.positions().astype(np.float64)
    velocity = np.diff(points, axis=0) * motion.fps
    acceleration = np.diff(velocity, axis=0) * motion.fps
    if not len(acceleration):
        return np.zeros(3 * points.shape[1])
    smooth, push = _mean_of_five(velocity), _mean_of_five(acceleration)
    return np.stack(
        [
            (smooth[..., [0, 2]] ** 2).sum(-1).mean(0),
            (smooth[..., 1] ** 2).mean(0),
            np.linalg.norm(push, axis=-1).mean(0),
        ],
        axis=1,
    ).ravel()


def _mean_of_five(values: Float[Array, "T *k"]) -> Float[Array, "T *k"]:
    """Each row with the two on either side, as far as there are."""
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    rows = np.arange(len(values))
    first, stop = np.maximum(rows - 2, 0), np.minimum(rows + 3, len(values))
    return (sums[stop] - sums[first]) / (stop - first).reshape(-1, *[1] * (values.ndim - 1))


@dataclass(frozen=True)
class Reference:
    """A set of features to compare others with, standardised by its own mean and spread."""

    mean: Float[Array, "K"]
    spread: Float[Array, "K"]
    rows: Float[Array, "N K"]

    @staticmethod
    def of(features: Sequence[Float[Array, "K"]]) -> "Reference":
        """Of the truth: one row a clip."""
        values = np.stack(features).astype(np.float64)
        mean, spread = values.mean(0), np.maximum(values.std(0), _LEAST_SPREAD)
        return Reference(mean, spread, (values - mean) / spread)

    def distance(self, features: Sequence[Float[Array, "K"]]) -> float:
        """FID: the Frechet distance between two normal distributions fitted to standardised features."""
        return frechet(self.rows, (np.stack(features) - self.mean) / self.spread)

    def diversity(self, features: Sequence[Float[Array, "K"]]) -> float:
        """Mean distance between the standardised features of two clips."""
        return mean_distance((np.stack(features) - self.mean) / self.spread)


def frechet(a: Float[Array, "N K"], b: Float[Array, "M K"]) -> float:
    """``|mean_a - mean_b|² + tr(A + B - 2 (A B)^½)`` of two samples with covariances A and B.

    The trace of the root is the sum of singular values of one centred sample times the other: no root of a singular
    matrix is taken, however few the samples.
    """
    centred = [
        (x - x.mean(0)) / np.sqrt(max(1, len(x) - 1))
        for x in (a.astype(np.float64), b.astype(np.float64))
    ]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    spread = sum(float((x**2).sum()) for x in centred)
    return max(0.0, float(((a.mean(0) - b.mean(0)) ** 2).sum() + spread - 2 * root))


def mean_distance(rows: Float[Array, "N K"]) -> float:
    """Mean Euclidean distance between two different rows; 0 for a single one."""
    if len(rows) < 2:
        return 0.0
    apart = np.linalg.norm(rows[:, None].astype(np.float64) - rows[None], axis=-1)
    return float(apart.sum() / (len(rows) * (len(rows) - 1)))


def joint_distance_cm(motions: Sequence[Motion]) -> float:
    """How different motions of one length are: mean joint distance over pairs, frames and joints, centimetres."""
    points = np.stack([motion.positions() for motion in motions]).astype(np.float64)
    pairs = [
        np.linalg.norm(points[i] - points[j], axis=-1).mean()
        for i in range(len(points))
        for j in range(i)
    ]
    return float(np.mean(pairs) * 100) if pairs else 0.0

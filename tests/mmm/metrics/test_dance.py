"""Figures of generated motion: against slow versions of their definitions, and on motions whose answer is known."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from mmm.metrics import dance as dm
from mmm.metrics import dance_features as df
from mmm.metrics.geometric_features import QUESTIONS, geometric_features
from mmm.metrics.naturalness import beat_alignment, motion_beats
from mmm.motion.clip import Motion, Music
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY, random_rotations, smooth_motion, wild_motion

FEET = [
    SMPL24.names.index(name) for name in ("left_ankle", "left_foot", "right_ankle", "right_foot")
]


def standing(frames=120, fps=60.0, skeleton=SMPL24):
    """Nothing moves."""
    rotations = np.tile(np.eye(3), (frames, len(skeleton), 1, 1))
    return Motion(skeleton, rotations, np.tile([0.0, 0.9, 0.0], (frames, 1)), fps)


def sliding(path_m, fps=60.0):
    """The body as it stands, its root on a path."""
    motion = standing(len(path_m), fps)
    return replace(motion, root_m=motion.root_m + np.asarray(path_m, dtype=np.float32))


# --- Standing still ----------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.integers(30, 200), st.integers(60, 150), st.integers(0, 5))
def test_a_standstill_is_found_wherever_it_lies(before, still, seed):
    moving = smooth_motion(seed, before + still + 60)
    hold = np.clip(np.arange(len(moving)), 0, before) + np.maximum(
        np.arange(len(moving)) - before - still, 0
    )
    frozen = replace(moving, rotations=moving.rotations[hold], root_m=moving.root_m[hold])
    found = dm.longest_still_s(frozen, dm.energy(moving))
    assert still / 60 - 0.4 < found <= still / 60 + 0.3


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_random_motion_is_not_frozen(seed):
    moving = wild_motion(seed, 90, SMPL24, 60.0)
    assert dm.longest_still_s(moving, dm.energy(moving)) == 0
    swinging = smooth_motion(seed, 180)
    assert not dm.summarise(
        swinging.crop(60, 180), swinging.crop(0, 60), dm.energy(swinging)
    ).frozen


def test_frozen_after_the_seed():
    seed = smooth_motion(0, 60)
    summary = dm.summarise(standing(120), seed, dm.energy(seed))
    assert summary.frozen
    assert (summary.energy, summary.energy_share, summary.energy_shares) == (0, 0, (0, 0))
    assert summary.still_s == pytest.approx(119 / 60)


def test_a_moment_between_two_moves_is_none():
    """A fifth of a second of rest in a lively motion."""
    moving = smooth_motion(1, 240)
    hold = np.clip(np.arange(240), 0, 100) + np.maximum(np.arange(240) - 112, 0)
    rested = replace(moving, rotations=moving.rotations[hold], root_m=moving.root_m[hold])
    assert dm.longest_still_s(rested, dm.energy(moving)) < 0.2


def test_energy_each_second():
    """One metre a second, then two: the whole body moves, so its mean squared speed is 1 and 4."""
    path = np.zeros((121, 3))
    path[:, 0] = np.concatenate([np.arange(60) / 60, 1 + np.arange(61) / 30])
    summary = dm.summarise(sliding(path), standing(60), 1.0)
    assert summary.energy_shares == pytest.approx((1, 4), rel=0.05)
    assert summary.energy == pytest.approx(2.5, rel=0.05)


# --- Floor, drift, feet ------------------------------------------------------------------------------------------


def test_drift_is_the_farthest_place_along_the_floor():
    path = [[0, 0, 0], [3, 9, 4], [0, 0, 0]]
    assert dm.drift_m(sliding(path), np.float32([0, 0.9, 0])) == pytest.approx(5)


def test_under_and_over_the_floor():
    floor = standing().floor_m()
    assert dm.floor_cm(standing(), floor) == pytest.approx((0, 0), abs=1e-4)
    assert dm.floor_cm(sliding([[0, -0.2, 0], [0, 0, 0], [0, 0.3, 0]]), floor) == pytest.approx(
        (20, 30), abs=1e-3
    )


def test_a_sliding_body_skates():
    seed = standing(60)
    slide = dm.summarise(sliding([[0.01 * t, 0, 0] for t in range(90)]), seed, 1.0)
    assert slide.skate_cm_s == pytest.approx(60, rel=1e-3)
    assert dm.summarise(standing(), seed, 1.0).skate_cm_s == 0


def test_foot_physics_as_published():
    motion = smooth_motion(3, 150, fps=30.0)
    points, total = motion.positions().astype(float), []
    push = []
    for t in range(len(points) - 2):
        a = (
            (points[t + 2, 0] - points[t + 1, 0]) * 30 - (points[t + 1, 0] - points[t, 0]) * 30
        ) * 30
        push.append(np.hypot(np.hypot(a[0], a[2]), max(a[1], 0)))
    for t in range(len(points) - 2):
        speed = [np.hypot(*(points[t + 2, j] - points[t + 1, j])[[0, 2]]) for j in FEET]
        total.append(min(speed[:2]) * min(speed[2:]) * push[t] / max(push))
    assert dm.foot_physics(motion) == pytest.approx(10_000 * np.mean(total), rel=1e-4)


def test_foot_physics_is_zero_with_a_foot_on_the_ground():
    assert dm.foot_physics(standing()) == 0
    assert dm.foot_physics(wild_motion(0, 20, TINY)) is None


# --- Beats -------------------------------------------------------------------------------------------------------


def clicks(frames, every, late=0):
    features = np.zeros((frames, 35), np.float32)
    features[late::every, 34] = 1
    return Music(features, 60.0, np.zeros(0, dtype=int), 120.0)


def dancing(frames=600, every=30):
    """The root stops on every beat: speed |sin|, zero at multiples of ``every``."""
    speed = np.abs(np.sin(np.pi * (np.arange(frames) - 0.5) / every))
    return sliding(np.stack([np.cumsum(speed) * 0.02, np.zeros(frames), np.zeros(frames)], axis=1))


def test_a_dance_on_the_click_and_one_beside_it():
    seed = standing(60)
    on = dm.summarise(dancing(), seed, 1.0, clicks(600, 30))
    off = dm.summarise(dancing(), seed, 1.0, clicks(600, 30, late=15))
    assert on.per_music_beat > 0.9
    assert on.per_motion_beat > 0.95
    assert off.per_music_beat < 0.05
    assert off.per_motion_beat < 0.05


def test_both_directions_differ_where_beats_are_missed():
    """A dancer who stops on every second click only: every stop is on a beat, every other beat has none."""
    half = dm.summarise(dancing(every=60), standing(60), 1.0, clicks(600, 30))
    assert half.per_motion_beat > 0.95
    assert 0.4 < half.per_music_beat < 0.6


def test_beat_alignment_as_written_out():
    motion, music = motion_beats(smooth_motion(2, 400)), np.arange(7, 400, 31)
    near = [max(np.exp(-((a - b) ** 2) / 18) for b in motion) for a in music]
    assert beat_alignment(motion, music, 60.0)["per_music_beat"] == pytest.approx(np.mean(near))


def test_beats_come_from_the_music_or_its_features():
    music = clicks(100, 20)
    assert dm.music_beats(music).tolist() == [0, 20, 40, 60, 80]
    assert dm.music_beats(replace(music, beats=np.array([3, 9]))).tolist() == [3, 9]


# --- Features ----------------------------------------------------------------------------------------------------


def slow_kinetic(motion):
    """Frame by frame, joint by joint."""
    points, dt, rows = motion.positions().astype(float), 1 / motion.fps, []
    for j in range(points.shape[1]):
        velocity = [(points[t + 1, j] - points[t, j]) / dt for t in range(len(points) - 1)]
        push = [(b - a) / dt for a, b in itertools.pairwise(velocity)]
        smooth = [np.mean(velocity[max(0, t - 2) : t + 3], axis=0) for t in range(len(velocity))]
        spent = [
            np.linalg.norm(np.mean(push[max(0, t - 2) : t + 3], axis=0)) for t in range(len(push))
        ]
        rows += [
            np.mean([v[0] ** 2 + v[2] ** 2 for v in smooth]),
            np.mean([v[1] ** 2 for v in smooth]),
            np.mean(spent),
        ]
    return np.array(rows)


def test_kinetic_features_as_written_out():
    motion = smooth_motion(4, 50)
    assert df.kinetic_features(motion).shape == (72,)
    assert df.kinetic_features(motion) == pytest.approx(slow_kinetic(motion), rel=1e-6)


def test_kinetic_features_do_not_depend_on_the_place():
    motion = smooth_motion(4, 50)
    there = replace(motion, root_m=motion.root_m + np.float32([5, 0, -7]))
    assert df.kinetic_features(there) == pytest.approx(
        df.kinetic_features(motion), rel=2e-2, abs=1e-3
    )


def test_geometric_features():
    assert len(QUESTIONS) == 32
    motion = wild_motion(0, 200, SMPL24, 60.0)
    shares = geometric_features(motion)
    assert shares.shape == (32,)
    assert ((shares >= 0) & (shares <= 1)).all()
    turned = replace(
        motion, rotations=motion.rotations.copy(), root_m=motion.root_m + np.float32([3, 0, 8])
    )
    turn = np.float32([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned.rotations[:, 0] = turn @ turned.rotations[:, 0]
    turned = replace(turned, root_m=turned.root_m @ turn.T)
    assert geometric_features(turned) == pytest.approx(
        shares, abs=0.011
    )  # a frame or two at a limit


def test_geometric_features_see_raised_hands_bent_knees_and_lying():
    names = SMPL24.names.index
    rest = geometric_features(standing())
    up = standing()
    for side, sign in (("left", 1), ("right", -1)):
        turn = np.float32([[0, -sign, 0], [sign, 0, 0], [0, 0, 1]])
        up.rotations[:, names(f"{side}_shoulder")] = turn
    raised = geometric_features(up)
    assert (rest[[2, 3]].tolist(), raised[[2, 3]].tolist()) == ([0, 0], [1, 1])
    bent = standing()
    bent.rotations[:, names("left_knee")] = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    knees = geometric_features(bent)
    assert (rest[[19, 20]].tolist(), knees[[19, 20]].tolist()) == ([0, 0], [0, 1])
    lying = standing()
    lying.rotations[:, 0] = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    assert (rest[28], geometric_features(lying)[28]) == (0, 1)
    fast = geometric_features(sliding([[0.05 * t, 0, 0] for t in range(60)]))
    assert (rest[31], fast[31]) == (0, 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_frechet_distance_as_written_out(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5))
    b = rng.normal(size=(20, 5)) @ rng.normal(size=(5, 5)) + rng.normal(size=5)
    ca, cb = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real)
    assert df.frechet(a, b) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert df.frechet(a, a) == pytest.approx(0, abs=1e-8)
    assert df.frechet(b, a) == pytest.approx(df.frechet(a, b))


def test_frechet_distance_of_fewer_clips_than_features():
    rows = np.random.default_rng(0).normal(size=(8, 72))
    assert df.frechet(rows, rows) == pytest.approx(0, abs=1e-8)
    assert df.frechet(rows, rows + 1) == pytest.approx(72)


def test_reference_standardises_by_the_truth():
    truth = [np.array([1.0, 100.0, 5.0]), np.array([3.0, 300.0, 5.0])]
    reference = df.Reference.of(truth)
    assert reference.rows.tolist() == [[-1, -1, 0], [1, 1, 0]]
    assert reference.distance(truth) == pytest.approx(0, abs=1e-9)
    assert reference.diversity(truth) == pytest.approx(8**0.5)
    moved = [row + np.array([2, 0, 0]) for row in truth]  # two spreads, in one feature
    assert reference.distance(moved) == pytest.approx(4)
    assert reference.diversity(truth[:1]) == 0


def test_distance_between_dances():
    motions = [standing(), sliding([[0.3, 0.4, 0]] * 120), sliding([[0.3, 0.4, 0]] * 120)]
    assert df.joint_distance_cm(motions) == pytest.approx(50 * 2 / 3, rel=1e-4)
    assert df.joint_distance_cm(motions[:1]) == 0
    assert df.joint_distance_cm(motions[1:]) == 0


def test_other_skeletons_have_kinetics_at_least():
    motion = Motion(TINY, random_rotations(0, 30, 6), np.zeros((30, 3)), 30.0)
    assert df.kinetic_features(motion).shape == (18,)
    summary = dm.summarise(motion, motion, 1.0)
    assert (summary.pfc, summary.per_music_beat) == (None, None)

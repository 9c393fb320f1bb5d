"""The rows of numbers that networks read, and their scaling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.motion.features import Stats, center, from_features, to_features
from tests.mmm.making import wild_motion


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), frames=st.integers(1, 10))
def test_features_and_back(seed, frames):
    motion = wild_motion(seed, frames)
    rows = to_features(motion.rotations, motion.root_m)
    assert rows.shape == (frames, 57)
    assert rows.dtype == np.float32
    rotations, root = from_features(rows)
    assert np.array_equal(rotations, motion.rotations)
    assert np.array_equal(root, motion.root_m)


def test_the_layout_is_row_major_with_the_root_last():
    motion = wild_motion(0, 4)
    rows = to_features(motion.rotations, motion.root_m)
    assert rows[2, 9 * 3 + 5] == motion.rotations[2, 3, 1, 2]
    assert np.array_equal(rows[:, -3:], motion.root_m)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), window=st.integers(1, 40))
def test_fitted_stats_bring_every_window_of_train_into_0_to_1(seed, window):
    rng = np.random.default_rng(seed)
    roots = [rng.normal(size=(n, 3)).astype(np.float32) * 3 + 10 for n in (30, 45)]
    music = [rng.normal(size=(n, 35)).astype(np.float32) for n in (30, 45)]
    stats = Stats.fit(roots, music, window)
    moved = np.concatenate(
        [center(root[i : i + window]) for root in roots for i in range(0, len(root), window)]
    )
    for scaled in (stats.scale_root(moved), stats.scale_music(np.concatenate(music))):
        assert scaled.min() > -1e-5
        assert scaled.max() < 1 + 1e-5
    height = stats.scale_root(moved)[:, 1]
    assert height.min() == pytest.approx(0, abs=1e-5)
    assert height.max() == pytest.approx(1, abs=1e-5)
    assert np.abs(stats.unscale_root(stats.scale_root(moved)) - moved).max() < 1e-4


def test_where_a_clip_stands_in_the_room_does_not_change_the_stats():
    root = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    here, there = (Stats.fit([root + np.float32([x, 0, -x])], [], 20) for x in (0, 100))
    assert np.abs(here.root_min - there.root_min).max() < 1e-3
    assert np.abs(here.root_max - there.root_max).max() < 1e-3


def test_a_constant_feature_scales_to_zero():
    stats = Stats.fit([np.ones((5, 3), np.float32)], [np.full((5, 35), 7, np.float32)], 5)
    assert np.array_equal(stats.scale_music(np.full((2, 35), 7, np.float32)), np.zeros((2, 35)))
    assert np.isfinite(stats.scale_root(np.ones((2, 3), np.float32))).all()


def test_foreign_music_cannot_shout():
    stats = Stats.identity()
    assert stats.scale_music(np.full((1, 35), 1e6, np.float32)).max() == 2
    assert stats.scale_music(np.full((1, 35), -1e6, np.float32)).min() == -1


def test_identity_changes_nothing():
    root = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert np.array_equal(Stats.identity().scale_root(root), root)


def test_stats_survive_json():
    stats = Stats.fit([np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)], [], 4)
    again = Stats.from_dict(stats.to_dict())
    assert all(
        np.array_equal(getattr(stats, name), getattr(again, name)) for name in stats.to_dict()
    )


def test_center_keeps_heights():
    root = np.float32([[1, 5, 2], [3, 7, 6]])
    assert np.array_equal(center(root), [[-1, 5, -2], [1, 7, 2]])

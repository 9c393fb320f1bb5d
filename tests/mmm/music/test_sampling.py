"""Music features at other moments: nothing that lasts one frame is lost."""

import numpy as np
import pytest

from mmm.music.features import FEATURE_SLICES
from mmm.music.sampling import features_at

BEAT, PEAK, ONSET = (
    FEATURE_SLICES[name].start for name in ("beat", "onset_peak", "onset_strength")
)


def features(frames):
    rows = np.random.default_rng(0).normal(size=(frames, 35)).astype(np.float32)
    rows[:, [BEAT, PEAK]] = 0
    rows[:, ONSET] = np.abs(rows[:, ONSET])
    return rows


def test_the_clips_own_frames_give_its_own_features():
    given = features(50)
    given[[3, 20, 49], BEAT] = 1
    assert np.array_equal(features_at(given, np.arange(50.0)), given)


@pytest.mark.parametrize("step", [2.0, 1.7, 4.0, 0.5, 0.8])
@pytest.mark.parametrize("start", [0.0, 0.5, 3.0])
def test_each_beat_falls_on_its_nearest_moment(step, start):
    given = features(101)
    frames = np.arange(start, 99, step)
    beats = np.array([10, 33, 60, 87])
    given[beats, BEAT] = given[beats, PEAK] = 1
    sampled = features_at(given, frames)
    for column in (BEAT, PEAK):
        (found,) = np.nonzero(sampled[:, column])
        assert len(found) == len(beats)
        assert np.abs(frames[found] - beats).max() <= step / 2


def test_moments_have_the_strongest_onset_near_them():
    given = features(100)
    given[31, ONSET] = 9  # an odd frame, which no moment falls on
    assert features_at(given, np.arange(0.0, 100, 2))[:, ONSET].max() == 9


def test_timbre_is_interpolated():
    given = features(10)
    sampled = features_at(given, np.array([0.0, 2.25, 9.0]))
    np.testing.assert_allclose(sampled[1, 5], 0.75 * given[2, 5] + 0.25 * given[3, 5], rtol=1e-5)
    assert sampled[2, 5] == given[9, 5]
    assert sampled.dtype == np.float32


def test_frames_outside_the_moments_are_left_out():
    given = features(100)
    given[[2, 90], BEAT] = 1
    assert not features_at(given, np.arange(20.0, 60.0))[:, BEAT].any()

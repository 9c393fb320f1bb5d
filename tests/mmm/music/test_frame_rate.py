"""Clips at another frame rate."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.motion.clip import Audio
from mmm.music.features import at_frame_rate
from tests.mmm.networks import tiny_clip


def test_the_same_rate_changes_nothing():
    clip = tiny_clip(20)
    assert at_frame_rate(clip, 30.0) is clip


@pytest.mark.parametrize("fps", [15.0, 24.0, 60.0])
def test_motion_and_music_stay_as_long_as_each_other(fps):
    clip = tiny_clip(60)
    other = at_frame_rate(clip, fps)
    assert other.motion.fps == other.music.fps == fps
    assert len(other.music) == len(other.motion) == int(59 * fps / 30) + 1
    assert np.array_equal(other.motion.rotations[0], clip.motion.rotations[0])
    assert np.array_equal(other.music.beats, np.round(np.array([0, 15, 30, 45]) * fps / 30))
    assert "nearest rows" in other.notes[-1]


def test_rows_are_those_of_the_same_moment():
    clip = tiny_clip(60)
    assert np.array_equal(at_frame_rate(clip, 15.0).music.features, clip.music.features[::2])


def test_without_music():
    other = at_frame_rate(tiny_clip(60, music=False), 15.0)
    assert other.music is None
    assert other.notes == ()


def test_sound_is_heard_anew():
    clip = tiny_clip(60)
    silent = Audio(np.zeros((2 * 8000, 1), np.float32), 8000)
    other = at_frame_rate(replace(clip, music=replace(clip.music, audio=silent)), 15.0)
    assert other.music.fps == 15
    assert (
        np.ptp(other.music.features, axis=0).max() == 0
    )  # silence, not the noise that the clip's features were
    assert other.music.audio is not None
    assert other.notes == ()

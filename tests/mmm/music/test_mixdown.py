"""Channels made one, against sine waves whose power is known."""

import numpy as np
import pytest

from mmm.motion.clip import Audio
from mmm.music.features import features_of
from mmm.music.mixdown import mixed_down

RATE = 16_000


def tone(hertz, seconds=2.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def power_at(sound, hertz):
    """The power of one frequency, by a discrete Fourier sum."""
    middle = sound[RATE // 4 : RATE // 4 + RATE]
    wave = np.exp(-2j * np.pi * hertz * np.arange(RATE) / RATE)
    return 2 * np.abs(middle @ wave / RATE) ** 2


def test_channels_in_phase_and_different_ones_are_averaged():
    for samples in (
        tone(440)[:, None],
        np.stack([tone(440)] * 2, 1),
        np.stack([tone(440), tone(700)], 1),
    ):
        np.testing.assert_array_equal(mixed_down(samples, RATE), samples.mean(axis=1))


@pytest.mark.parametrize("gain", [-1.0, -0.9])
def test_channels_in_opposite_phase_keep_their_power(gain):
    samples = np.stack([tone(440), np.float32(gain) * tone(440)], axis=1)
    expected = (0.5 + 0.5 * gain**2) / 2
    assert power_at(mixed_down(samples, RATE), 440) == pytest.approx(expected, rel=0.05)


def test_a_part_in_opposite_phase_does_not_vanish_beside_one_in_phase():
    second = np.concatenate([np.stack([tone(440)] * 2, 1), np.stack([tone(440), -tone(440)], 1)])
    mono = mixed_down(second, RATE)
    assert len(mono) == len(second)
    assert power_at(mono[2 * RATE :], 440) == pytest.approx(0.5, rel=0.05)
    assert power_at(mono, 440) == pytest.approx(0.5, rel=0.05)


def test_long_sound_is_mixed_in_pieces_without_seams(monkeypatch):
    samples = np.stack([tone(440, 6.0), -tone(440, 6.0)], axis=1)
    in_one_piece = mixed_down(samples, RATE)
    monkeypatch.setattr("mmm.music.mixdown._PIECE", 16_384)
    pieces = mixed_down(samples, RATE)
    middle = slice(4_096, -4_096)
    assert (
        np.abs(
            np.abs(np.diff(pieces[middle])).max() / np.abs(np.diff(in_one_piece[middle])).max() - 1
        )
        < 0.2
    )
    assert power_at(pieces[RATE:], 440) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    "samples", [np.zeros((100, 2)), np.float32([[0.5, -0.5]]), np.zeros((0, 2))]
)
def test_silence_and_a_single_sample(samples):
    assert mixed_down(samples.astype(np.float32), RATE).shape == (len(samples),)


def test_clicks_in_opposite_phase_are_heard_at_their_tempo():
    click = np.zeros((RATE * 6, 1), np.float32)
    for beat in np.arange(0.25, 6, 0.5):  # 120 per minute
        start = int(beat * RATE)
        click[start : start + 400, 0] = 0.6 * tone(1_500, 1.0)[:400]
    mono = features_of(Audio(click, RATE), 30.0)
    opposite = features_of(Audio(np.concatenate([click, -click], axis=1), RATE), 30.0)
    assert opposite.tempo_bpm == pytest.approx(120, abs=2)
    np.testing.assert_allclose(opposite.beats, mono.beats, atol=1)

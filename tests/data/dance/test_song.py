"""Songs: drawn from split and number alone, apart between splits, audible as written."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from data.dance.song import DRUMS, SPLITS, make_song, phrase_split, windows
from data.dance.synth import RATE_HZ, STEMS, render
from mmm.music.compiled import librosa_module
from mmm.music.features import FEATURE_SLICES, features_of

SONGS = {split: [make_song(split, number) for number in range(25)] for split in SPLITS}


def chords(song):
    return tuple(bar.chord for bar in song.bars)


@pytest.mark.slow
def test_a_song_follows_from_split_and_number():
    again = make_song("val", 3)
    assert again == SONGS["val"][3]
    assert np.array_equal(render(again).samples, render(SONGS["val"][3]).samples)


def test_tempo_range_length_and_all_chords_occur():
    songs = [song for split in SPLITS for song in SONGS[split]]
    tempi = [song.tempo_bpm for song in songs]
    assert min(tempi) >= 80
    assert max(tempi) <= 140
    assert max(tempi) - min(tempi) > 50
    assert all(40 < song.duration_s < 56 for song in songs)
    assert {bar.chord for song in songs for bar in song.bars} == set(range(24))
    assert all(len(song.bars) % 4 == 0 for song in songs)


@pytest.mark.parametrize(("one", "other"), list(combinations(SPLITS, 2)))
def test_no_run_of_four_chords_is_in_two_splits(one, other):
    runs = [
        {window for song in SONGS[split] for window in windows(chords(song))}
        for split in (one, other)
    ]
    assert len(runs[0]) > 100
    assert not runs[0] & runs[1]


def test_every_run_belongs_to_its_songs_split_and_rotations_stay_together():
    for split in SPLITS:
        for song in SONGS[split]:
            assert all(phrase_split(window) == split for window in windows(chords(song)))
    assert len({phrase_split((0, 7, 10, 20)[k:] + (0, 7, 10, 20)[:k]) for k in range(4)}) == 1


def test_no_chord_twice_running():
    for song in SONGS["train"]:
        assert all(a != b for a, b in zip(chords(song), chords(song)[1:], strict=False))


def test_onsets_are_on_the_grid_of_sixteenths():
    song = SONGS["train"][0]
    for drum in DRUMS:
        onsets = song.onsets_s(drum)
        slots = onsets / (song.bar_s / 16)
        assert np.allclose(slots, np.round(slots))
        assert (np.diff(onsets) > 0).all()
        assert onsets[-1] < song.duration_s
    assert np.allclose(np.diff(song.beats_s()), 60 / song.tempo_bpm)


def test_drums_sound_when_they_are_written():
    song = SONGS["test"][0]
    drums_only = tuple(replace(bar, hats=()) for bar in song.bars)
    sound = render(replace(song, bars=drums_only), ["drums"]).samples[:, 0]
    heard = librosa_module().onset.onset_detect(y=sound, sr=RATE_HZ, hop_length=512, units="time")
    written = np.union1d(song.onsets_s("kick"), song.onsets_s("snare"))
    written = written[written > 0.1]  # an onset needs something quieter before it
    away = np.abs(written[:, None] - heard).min(axis=1)
    assert np.mean(away < 0.04) > 0.97
    spurious = np.abs(heard[:, None] - np.append(written, 0)).min(axis=1)
    assert np.mean(spurious < 0.05) > 0.97


def test_stems_add_up_to_the_mix_and_each_is_heard():
    song = replace(SONGS["train"][1], bars=SONGS["train"][1].bars[:4])
    parts = {stem: np.arctanh(render(song, [stem]).samples.astype(np.float64)) for stem in STEMS}
    mix = np.arctanh(np.clip(render(song).samples.astype(np.float64), -1 + 1e-7, 1 - 1e-7))
    quiet = np.abs(mix) < 2  # where tanh can still be undone in float32
    assert np.abs(sum(parts.values()) - mix)[quiet].max() < 1e-3
    assert all(np.sqrt(np.mean(part**2)) > 0.02 for part in parts.values())
    with pytest.raises(ValueError, match="trumpet"):
        render(song, ["trumpet"])


def test_sound_has_the_songs_length_and_does_not_clip():
    song = SONGS["val"][0]
    audio = render(song)
    assert audio.rate_hz == 512 * 60
    assert len(audio.samples) == round(song.duration_s * RATE_HZ)
    assert 0.5 < np.abs(audio.samples).max() < 1


@pytest.mark.slow
def test_the_chord_of_a_bar_and_the_beat_can_be_heard_in_the_features():
    song = SONGS["test"][9]
    music = features_of(render(song), 60.0, song.frames(60), start_bpm=float(song.tempo_bpm))
    chroma = music.features[:, FEATURE_SLICES["chroma_cens"]]
    right = []
    for k, bar in enumerate(song.bars):
        inside = chroma[
            round((k + 0.3) * song.bar_s * 60) : round((k + 0.8) * song.bar_s * 60)
        ].mean(axis=0)
        scores = [
            sum(inside[(root + step) % 12] for step in (0, third, 7)) + 0.3 * inside[root]
            for root in range(12)
            for third in (4, 3)
        ]
        right.append(int(np.argmax(scores)) == bar.chord)
    assert np.mean(right) > 0.85
    assert music.tempo_bpm == pytest.approx(song.tempo_bpm, abs=1)
    away = np.abs(music.beats[:, None] / 60 - song.beats_s()).min(axis=1)
    assert np.mean(away < 0.05) > 0.95

"""Songs to dance to: the clip's own, samples, uploads good and bad."""

import numpy as np
import pytest
import streamlit as st

from dashboard.files import entries as library
from dashboard.files import songs, visits
from mmm import Audio, MMMError, load_clip
from mmm.music.audio import encode_ogg, encode_wav
from tests.dashboard.conftest import ROOT, SAMPLE

CLIP = ROOT / "data" / "samples" / f"{SAMPLE.split('/')[1]}.npz"


def tone(seconds: float, rate: int = 8000) -> Audio:
    time_s = np.arange(int(seconds * rate)) / rate
    loud = np.exp(-8 * (time_s % 0.5))  # a beat each half second
    return Audio((0.4 * loud * np.sin(2 * np.pi * 440 * time_s))[:, None].astype(np.float32), rate)


def take(file: tuple[str, bytes]) -> str:
    return songs.UPLOADED + visits.uploads().take(*file).name


@pytest.fixture
def clip(page_env, monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    return load_clip(CLIP, frames=(0, 120))


@pytest.mark.slow
def test_own_uploads_samples_and_none_are_offered(clip):
    offered = songs.offered(clip)
    assert next(iter(offered)) == "own"
    assert list(offered)[-1] == "none"
    samples = [entry for entry in library.find_entries() if entry.group == "Samples"]
    assert [key for key in offered if key.startswith("Samples/")] == [
        entry.key for entry in samples
    ]
    key = take(("Mine.ogg", encode_ogg(tone(3))))
    assert songs.offered(clip)[key] == "Mine.ogg"


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "encode"), [("wav", encode_wav), ("ogg", encode_ogg)])
def test_an_uploaded_song_is_heard_at_the_clips_rate(clip, suffix, encode):
    key = take((f"beat.{suffix}", encode(tone(6))))
    song = songs.open_song(key, clip)
    assert song.frames == pytest.approx(360, abs=2)
    assert song.music.tempo_bpm == pytest.approx(120, rel=0.03)
    assert song.sound_name == song.digest
    assert songs.open_song(key, clip).music is song.music  # heard once
    assert songs.open_song("none", clip).frames is None
    assert songs.open_song("own", clip).music is clip.music


def test_two_songs_of_one_name_are_two_songs(clip):
    first = songs.open_song(take(("a.wav", encode_wav(tone(5)))), clip)
    second = songs.open_song(take(("a.wav", encode_wav(tone(7)))), clip)
    assert second.frames > first.frames
    assert second.digest != first.digest


def test_a_song_longer_than_five_minutes_is_cut(clip, monkeypatch):
    monkeypatch.setattr(songs, "LONGEST_S", 4.0)
    song = songs.open_song(take(("long.wav", encode_wav(tone(9)))), clip)
    assert song.frames == pytest.approx(240, abs=1)


def test_a_later_part_of_a_song_is_danced_to(clip):
    key = take(("a.wav", encode_wav(tone(6))))
    whole, part = songs.open_song(key, clip), songs.open_song(key, clip, 2.5)
    assert part.frames == whole.frames - 150
    np.testing.assert_array_equal(part.music.features, whole.music.features[150:])
    assert part.digest != whole.digest
    with pytest.raises(MMMError, match=r"a\.wav lasts 6\.0 s"):
        songs.open_song(key, clip, 6.5)
    visits.uploads().drop("a.wav")
    with pytest.raises(MMMError, match=r"a\.wav: no such song"):
        songs.open_song(key, clip)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.wav", b"", "empty.wav: the file is empty"),
        ("letter.mp3", b"Dear Sir or Madam, " * 50, "letter.mp3: not a sound file"),
        ("cut.wav", encode_wav(tone(3))[:20_000], "cut.wav: the file breaks off"),
        ("blip.ogg", encode_ogg(tone(0.3)), "blip.ogg: 0.3 s of sound; expected 1 s to 15 minutes"),
    ],
)
def test_bad_uploads_are_one_clear_line(clip, name, data, said):
    with pytest.raises(MMMError) as caught:
        take((name, data))
    assert str(caught.value).startswith(said), caught.value
    assert "\n" not in str(caught.value)
    assert visits.uploads().songs == []

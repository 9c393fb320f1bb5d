"""Dances enter a song on its beats, and only at speeds near their own."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.generation.library import FPS, Library, library_of
from mmm.generation.place_index import SEGMENT_S
from mmm.generation.retrieval import stream
from mmm.generation.search import Searcher
from mmm.generation.song import FASTEST, Beats, Song
from mmm.motion.clip import Music
from mmm.music.features import silence
from tests.mmm.generation.people import small_library, walker

DANCE_BPM = 100.0


def music(bpm: float, seconds: float = 30.0, fps: float = 30.0) -> Music:
    beats = np.round(np.arange(0.4, seconds, 60 / bpm) * fps).astype(np.int64)
    return replace(silence(round(seconds * fps), fps), beats=beats, tempo_bpm=bpm)


@pytest.fixture(scope="module")
def dances():
    """The walks, and the same as dances."""
    walks = small_library()
    takes = []
    for number in range(len(walks)):
        poses = walks.poses(number, np.arange(walks.takes[number].frames))
        takes += [
            (poses, {"source": f"walk {number}"}),
            (poses, {"source": f"dance {number}", "tempo_bpm": DANCE_BPM, "beat": 3.0 + number}),
        ]
    return Searcher(library_of(takes))


def played(searcher, song, seed=None, seconds=9.0):
    seed = walker(2.0) if seed is None else seed
    frames = round(seconds * seed.fps)
    rng = np.random.default_rng(0)
    return [segment for _, segment in stream(searcher, seed, frames, rng=rng, song=song)]


@pytest.mark.parametrize("bpm", [94.0, 100.0, 107.0, 200.0, 51.0])
def test_beats_fall_on_beats(dances, bpm):
    song = Song.of(music(bpm), 60)
    beats = Beats.of(dances.library.takes)
    for number, segment in enumerate(played(dances, song)):
        assert dances.library.takes[segment.take].tempo_bpm == DANCE_BPM
        assert 1 / FASTEST <= segment.rate <= FASTEST
        take = beats.at(np.array([segment.take]))
        end = segment.start + SEGMENT_S * FPS * segment.rate
        # At double tempo of one side, half beats of it count too.
        of_dance = (end - take.first[0]) / take.period[0] * (2 if bpm > 150 else 1)
        of_song = song.count((number + 1) * SEGMENT_S) * (2 if bpm < 75 else 1)
        apart = of_dance - of_song
        assert abs(apart - round(apart)) < 0.05


def test_no_dance_without_music(dances):
    for segment in played(dances, None):
        assert dances.library.takes[segment.take].tempo_bpm == 0


@pytest.mark.parametrize("bpm", [70.0, 140.0])
def test_another_tempo_than_any_dance(dances, bpm):
    """No dance is played a third faster or slower; it goes on as without music."""
    for segment in played(dances, Song.of(music(bpm), 60)):
        assert (dances.library.takes[segment.take].tempo_bpm, segment.rate) == (0, 1)


def test_after_the_song_it_goes_on_without(dances):
    song = Song.of(music(100.0, seconds=6.0), 60)
    tempi = [dances.library.takes[s.take].tempo_bpm for s in played(dances, song, seconds=12.0)]
    assert tempi[0] == DANCE_BPM and tempi[-1] == 0


def test_silence_is_no_song():
    assert Song.of(silence(300, 30.0), 60) is None
    assert Song.of(None, 60) is None
    assert isinstance(small_library(), Library)

"""Sections of songs whose parts are known."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.motion.clip import Music
from mmm.music.features import FEATURE_SLICES, silence
from mmm.music.sections import LEAST_S, find_sections

FPS = 30.0


def song(parts: str, part_s: float = 15.0) -> Music:
    """Parts of other timbre and harmony by their letters, with a beat each half second."""
    rng = np.random.default_rng(0)
    music = silence(round(len(parts) * part_s * FPS), FPS)
    features = 0.3 * rng.normal(size=music.features.shape)
    for k, letter in enumerate(parts):
        here = slice(round(k * part_s * FPS), round((k + 1) * part_s * FPS))
        for kind in ("mfcc", "chroma_cens"):
            columns = FEATURE_SLICES[kind]
            sound = np.random.default_rng(ord(letter)).normal(size=columns.stop - columns.start)
            features[here, columns] += sound
    return replace(music, features=features.astype(np.float32), beats=np.arange(0, len(music), 15))


def test_sections_begin_where_the_parts_do():
    first, labels = find_sections(song("ABA"))
    assert first / FPS == pytest.approx([0, 15, 30], abs=1)
    assert labels[0] == labels[2] != labels[1]


def test_four_parts_of_two_kinds():
    _, labels = find_sections(song("ABAB"))
    assert labels[0] == labels[2]
    assert labels[1] == labels[3]
    assert labels[0] != labels[1]


@pytest.mark.parametrize("parts", ["AAAAAA", "ABCABC"])
def test_no_section_is_short_and_neighbours_differ(parts):
    music = song(parts, 10.0)
    first, labels = find_sections(music)
    assert (np.diff([*first, len(music)]) / FPS >= LEAST_S).all()
    assert (labels[1:] != labels[:-1]).all()


def test_without_beats_a_song_is_one_section():
    first, labels = find_sections(silence(900, FPS))
    assert (first.tolist(), labels.tolist()) == ([0], [0])

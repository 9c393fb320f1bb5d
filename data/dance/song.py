"""Symbolic songs: tempo, sections, drums on a grid of sixteenths, one chord in each bar.

A song depends only on its split and number. Splits share no song and no *order of moves*: every run
of four consecutive chords (up to rotation, so that a repeated phrase counts once) belongs to exactly
one split.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Array = np.ndarray
Drum = Literal["kick", "snare", "hat"]
DRUMS: tuple[Drum, ...] = ("kick", "snare", "hat")

SPLITS = ("train", "val", "test")
SLOTS = 16
"""Sixteenths in a bar of four beats."""
ROOT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# Chords of a key as (semitones above the tonic, minor?): the usual ones first, then a few borrowed
# ones.
_MAJOR_KEY = ((0, 0), (2, 1), (4, 1), (5, 0), (7, 0), (9, 1), (10, 0), (5, 1), (8, 0), (4, 0))
_MINOR_KEY = ((0, 1), (3, 0), (5, 1), (7, 1), (8, 0), (10, 0), (7, 0), (5, 0), (2, 1), (1, 0))

# Slots of the patterns below are sixteenths; 0, 4, 8 and 12 are the beats.
_INTENSITY = {"verse": 0.6, "chorus": 1.0, "break": 0.35, "build": 0.8}
_FORM = ("verse", "build", "chorus", "verse", "break", "build", "chorus", "chorus")
_KICKS = {
    "verse": ((0, 8), (0, 6, 8), (0, 8, 10), (0, 7, 10), (0, 3, 8)),
    "build": ((0, 4, 8, 12), (0, 3, 8, 11), (0, 6, 8, 14)),
    "chorus": ((0, 4, 8, 12), (0, 3, 6, 8, 11), (0, 6, 8, 10), (0, 4, 8, 10, 12)),
    "break": ((0,), (0, 10), (0, 8)),
}
_SNARES = {
    "verse": ((4, 12), (4, 12, 15), (4, 11)),
    "build": ((4, 12), (4, 10, 12), (4, 7, 12)),
    "chorus": ((4, 12), (4, 12, 14), (4, 9, 12)),
    "break": ((8,), (12,), (4, 12)),
}
_HATS = {
    "verse": (tuple(range(0, 16, 2)), (2, 6, 10, 14)),
    "build": (tuple(range(0, 16, 2)), tuple(range(16))),
    "chorus": (tuple(range(16)), tuple(range(0, 16, 2))),
    "break": ((0, 4, 8, 12), (4, 12), ()),
}
_BASS = {
    "verse": ((0, 8), (0, 6, 10), (0, 4, 8, 12)),
    "build": ((0, 4, 8, 12), (0, 3, 6, 8, 12)),
    "chorus": (tuple(range(0, 16, 2)), (0, 3, 6, 8, 10, 14), (2, 6, 10, 14, 0)),
    "break": ((0,), (0, 8)),
}


@dataclass(frozen=True)
class Bar:
    """Four beats of music. A dancer's movement in a bar follows from these fields."""

    root: int
    """The chord's root, semitones above C, 0 to 11."""
    minor: bool
    """A minor triad; else a major one."""
    section: str
    """``verse``, ``build``, ``chorus`` or ``break``."""
    kicks: tuple[int, ...]
    """Slots (sixteenths, 0 to 15) of the kick drum's strokes; the other drums and the bass alike."""
    snares: tuple[int, ...]
    hats: tuple[int, ...]
    bass: tuple[int, ...]

    @property
    def chord(self) -> int:
        """The chord's class, 0 to 23: twice the root, plus one if minor."""
        return 2 * self.root + int(self.minor)

    @property
    def chord_name(self) -> str:
        """As musicians write it: ``C``, ``Ebm``."""
        return ROOT_NAMES[self.root] + ("m" if self.minor else "")

    @property
    def intensity(self) -> float:
        """Intensity of the section, 0 to 1."""
        return _INTENSITY[self.section]


@dataclass(frozen=True)
class Song:
    """Bars at one tempo."""

    name: str
    split: str
    seed: tuple[int, int]
    """(number of the split, number of the song): also seeds the noise of the drums."""
    tempo_bpm: int
    bars: tuple[Bar, ...]

    @property
    def beat_s(self) -> float:
        """Seconds a beat."""
        return 60 / self.tempo_bpm

    @property
    def bar_s(self) -> float:
        """Seconds a bar (four beats)."""
        return 4 * self.beat_s

    @property
    def duration_s(self) -> float:
        """Seconds from the first bar line to the last."""
        return len(self.bars) * self.bar_s

    def frames(self, fps: float = 60) -> int:
        """Whole frames in the song."""
        return int(self.duration_s * fps)

    def onsets_s(self, drum: Drum) -> Float[Array, "N"]:
        """Onsets of a drum, seconds from the song's start, ascending."""
        slots = [
            k * SLOTS + slot
            for k, bar in enumerate(self.bars)
            for slot in sorted(getattr(bar, drum + "s"))
        ]
        return np.array(slots, dtype=float) * self.bar_s / SLOTS

    def beats_s(self) -> Float[Array, "B"]:
        """Times of the beats, seconds from the song's start."""
        return np.arange(4 * len(self.bars)) * self.beat_s


def phrase_split(chords: tuple[int, int, int, int]) -> str:
    """The split that a sequence of four chord classes, or any rotation of it, belongs to."""
    a, b, c, d = min(chords[k:] + chords[:k] for k in range(4))
    # A number in base 24, the number of chord classes.
    code = ((a * 24 + b) * 24 + c) * 24 + d
    # Knuth's multiplicative hash, which separates neighbouring codes.
    mixed = (code * 2654435761 + 97) % 2**32 >> 17
    return ("train", "train", "val", "test")[mixed % 4]


def windows(chords: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
    """Every run of four consecutive chords."""
    for k in range(len(chords) - 3):
        yield chords[k], chords[k + 1], chords[k + 2], chords[k + 3]


def make_song(split: str, number: int) -> Song:
    """Song ``number`` of a split (``train``, ``val`` or ``test``); the same one on every
    machine."""
    seed = (SPLITS.index(split), number)
    # All randomness of a song comes from this generator; the number separates it from others.
    rng = np.random.default_rng([*seed, 7001])
    tempo_bpm = int(rng.integers(80, 141))
    # Four bars of four beats a section: songs last about 46 seconds at any tempo.
    sections = max(4, round(46 * tempo_bpm / 60 / 16))
    start = int(rng.integers(3))
    form = [_FORM[(start + k) % len(_FORM)] for k in range(sections)]
    chords = _chords(rng, split, sections)
    bars = [
        bar
        for k, section in enumerate(form)
        for bar in _section(rng, section, chords[4 * k : 4 * k + 4])
    ]
    return Song(f"{split}{number:03d}", split, seed, tempo_bpm, tuple(bars))


def _chords(rng: np.random.Generator, split: str, sections: int) -> tuple[int, ...]:
    """Four chord classes for each section. A phrase repeats the last one, or is drawn until all
    windows belong to the split."""
    pool = _MINOR_KEY if rng.random() < 0.5 else _MAJOR_KEY
    key = int(rng.integers(12))
    choices = np.array([2 * ((key + semitones) % 12) + minor for semitones, minor in pool])
    weights = np.array([4, 3, 3, 4, 4, 4, 2, 2, 2, 2], dtype=float)
    chords: tuple[int, ...] = ()
    while len(chords) < 4 * sections:
        # A repeated phrase is a rotation of itself, so that it needs no further check.
        if chords and rng.random() < 0.3:
            chords += chords[-4:]
            continue
        # Thousands at once: few phrases belong to a small split and fit the chords before.
        drawn = rng.choice(choices, size=(4000, 4), p=weights / weights.sum()).tolist()
        fits = (tuple(phrase) for phrase in drawn if _fits(chords, tuple(phrase), split))
        phrase = next(fits, None)
        # Start again where no phrase fits.
        chords = chords + phrase if phrase else ()
    return chords


def _fits(chords: tuple[int, ...], phrase: tuple[int, ...], split: str) -> bool:
    """Whether no chord follows itself, even if the phrase repeats, and every window is of the split."""
    run = chords[-3:] + phrase
    # A repeated chord would repeat its move and hide where the bar begins.
    steps_on = all(a != b for a, b in zip(run, run[1:] + phrase[:1], strict=True))
    return steps_on and all(phrase_split(window) == split for window in windows(run))


def _section(rng: np.random.Generator, section: str, chords: tuple[int, ...]) -> list[Bar]:
    """Four bars with one groove, some extra kicks, and a fill in the last bar."""
    kicks, snares, hats, bass = (
        table[section][int(rng.integers(len(table[section])))]
        for table in (_KICKS, _SNARES, _HATS, _BASS)
    )
    bars = []
    for k, chord in enumerate(chords):
        extra = {int(rng.choice([6, 7, 10, 11, 14]))} if rng.random() < 0.3 else set()
        fill = {13, 14} if k == 3 and section != "break" and rng.random() < 0.5 else set()
        bars.append(
            Bar(
                chord // 2,
                bool(chord % 2),
                section,
                tuple(sorted({*kicks, *extra})),
                tuple(sorted({*snares, *fill})),
                hats,
                tuple(sorted(bass)),
            )
        )
    return bars

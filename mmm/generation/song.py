"""A song as retrieval uses it: the times of its beats, and the loudness of its parts.

Only beats and onset strength are used. Both hardly depend on timbre, so any recording with a beat
can be danced to.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.generation.library import FPS, Take
from mmm.motion.clip import Music
from mmm.music.features import FEATURE_SLICES
from mmm.music.sections import find_sections

Array = np.ndarray

FASTEST = 1.1
"""Largest factor by which a dance is sped up or slowed down, so that its beats meet the song's."""
LEAST_BEATS = 4
"""A song with fewer beats has no tempo."""
_LEVEL_S = 3.0
"""Length over which loudness is averaged; about a bar and a half."""
_OCTAVES = ((1, 1), (2, 1), (1, 2))
"""How many beats of a dance are matched with how many of a song: equal tempo, or one at double."""
OCTAVE_COST = 0.2
"""Cost of dancing at half or twice the song's tempo."""


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of takes, or of places in takes."""

    period: Float[Array, "n"]
    """Frames between two beats; infinite without music."""
    first: Float[Array, "n"]
    """A frame on which a beat falls."""

    @staticmethod
    def of(takes: "list[Take]") -> "Beats":
        """The beats of takes."""
        tempi = np.array([take.tempo_bpm for take in takes], dtype=float)
        period = np.full(len(takes), np.inf)
        period[tempi > 0] = 60 * FPS / tempi[tempi > 0]
        return Beats(period, np.array([take.beat for take in takes], dtype=float))

    def at(self, index: Array) -> "Beats":
        """The beats of a selection, in the order of ``index``."""
        return Beats(self.period[index], self.first[index])


@dataclass(frozen=True, eq=False)
class Fit:
    """How each place would be entered at one moment of a song."""

    shift: Float[Array, "n"]
    """Frames by which a place is moved, so that dance and song are in the same phase of a beat."""
    rate: Float[Array, "n"]
    """Speed at which the dance is played."""
    cost: Float[Array, "n"]
    """Cost of the changed speed; infinite where no allowed speed fits."""


@dataclass(frozen=True, eq=False)
class Song:
    """The beats and the loudness of a song; times in seconds after the last known frame."""

    beats_s: Float[Array, "B"]
    levels: Float[Array, "T"]
    """Onset strength of each frame, averaged over a bar and standardised over the song."""
    first_s: float
    """Time of the first of the levels."""
    fps: float
    sections_s: Float[Array, "S"] = field(default_factory=lambda: np.zeros(1))
    """Times at which a section begins; the first is at or before the first frame."""
    labels: Int[Array, "S"] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    """The label of each section. Alike sections have the same."""

    @staticmethod
    def of(music: Music | None, prefix_frames: int) -> "Song | None":
        """The part of a song that begins at the end of a seed; None without a beat."""
        if music is None or len(music.beats) < LEAST_BEATS:
            return None
        strength = music.features[:, FEATURE_SLICES["onset_strength"]].mean(axis=1)
        width = max(1, round(_LEVEL_S * music.fps))
        smooth = np.convolve(strength, np.ones(width) / width, mode="same")
        levels = (smooth - smooth.mean()) / max(float(smooth.std()), 1e-6)
        last = prefix_frames - 1
        first, labels = find_sections(music)
        return Song(
            (music.beats - last) / music.fps,
            levels,
            -last / music.fps,
            music.fps,
            (first - last) / music.fps,
            labels,
        )

    def has_beats(self, start_s: float, seconds: float) -> bool:
        """Whether there are two beats or more within a second of a stretch of time."""
        inside = (self.beats_s > start_s - 1) & (self.beats_s < start_s + seconds + 1)
        return bool(inside.sum() >= 2)

    def section(self, time_s: float) -> int:
        """The label of the section at a time."""
        place = int(np.searchsorted(self.sections_s, time_s, side="right")) - 1
        return int(self.labels[max(place, 0)])

    def count(self, time_s: float) -> float:
        """Number of beats before a time, with the fraction of the current one."""
        beats = self.beats_s
        # Before the first and after the last beat, the nearest two give the tempo.
        k = int(np.clip(np.searchsorted(beats, time_s) - 1, 0, len(beats) - 2))
        return k + float((time_s - beats[k]) / (beats[k + 1] - beats[k]))

    def level(self, start_s: float, seconds: float) -> float:
        """Mean loudness of a stretch of time, in standard deviations of the song."""
        first = round((start_s - self.first_s) * self.fps)
        part = self.levels[max(0, first) : max(0, first) + max(1, round(seconds * self.fps))]
        return float(part.mean()) if len(part) else 0.0

    def fit(self, beats: Beats, frames: Array, start_s: float, seconds: float) -> Fit:
        """How each place would be entered, so that its beats fall on the song's.

        Args:
            beats: the beats of the places.
            frames: the frames of the places in their takes.
            start_s: the time in the song at which they would be entered.
            seconds: length of a piece.
        """
        danced = np.isfinite(beats.period)
        period = np.where(danced, beats.period, 1.0)
        begin, end = self.count(start_s), self.count(start_s + seconds)
        best = Fit(np.zeros(len(frames)), np.ones(len(frames)), np.full(len(frames), np.inf))
        for of_dance, of_song in _OCTAVES:
            # Phase of the place relative to the song, between -1/2 and 1/2 of a beat.
            ahead = of_dance * (frames - beats.first) / period - of_song * begin
            ahead -= np.round(ahead)
            rate = of_song * (end - begin) * period / (of_dance * seconds * FPS)
            cost = (np.log(rate) / np.log(FASTEST)) ** 2 * 0.1
            cost += OCTAVE_COST * ((of_dance, of_song) != (1, 1))
            fits: Bool[Array, "n"] = danced & (abs(np.log(rate)) <= np.log(FASTEST))
            better = fits & (cost < best.cost)
            best = Fit(
                np.where(better, -ahead * period / of_dance, best.shift),
                np.where(better, rate, best.rate),
                np.where(better, cost, best.cost),
            )
        return best

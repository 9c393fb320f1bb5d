"""Dances to songs that nothing here was made for, beside dances of the same seeds to our own songs.

Each seed is continued to every song, and to one song of our own dance set. Three questions are
asked. Does the dancer move as much as to our songs? Do the movement's beats fall on the song's
beats more than on another song's? Does the movement change where the song's section changes, more
than where another song's does?

The judge finds sections by novelty (Foote 2000), and not by the clustering that generation uses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.generation.generate import generate_clip
from mmm.metrics.dance import energy
from mmm.metrics.dance_features import kinetic_features
from mmm.metrics.geometric_features import geometric_features
from mmm.metrics.naturalness import beat_alignment, motion_beats
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import SUFFIXES
from mmm.music.features import FEATURE_SLICES, load_music
from training.benchmark.bootstrap import interval
from training.data.dataset import MotionSet

Array = np.ndarray

FPS = 60.0
"""Frame rate of the dance set and of its songs' features."""
SEED_S = 2.0
STEP_S = 0.5
"""Sections and changes of movement are counted in steps of this length."""
AROUND_S = 8.0
"""Sound before and after a moment that its novelty compares."""
LEAST_SECTION_S = 6.0
"""Shortest time between two boundaries, and between a boundary and an end of the song."""
MOVING_S = 5.0
"""Movement before and after a moment that its change compares."""
LEAST_STD = 0.05
"""Smallest standard deviation that a feature of movement is divided by."""


@dataclass(frozen=True, eq=False)
class Song:
    """A song, from its beginning."""

    name: str
    music: Music
    sections_s: Float[Array, "S"]
    """The times at which a new section begins."""


@dataclass(frozen=True, eq=False)
class Seed:
    """The beginning of a recorded dance, and a song of our own for it."""

    motion: Motion
    ours: Music
    recorded: float
    """Energy of the whole recorded dance, m²/s²."""


@dataclass(frozen=True)
class Run:
    """The figures of one dance."""

    energy: float
    own_beats: float
    """Beat alignment per beat of the motion with the beats of its own song."""
    other_beats: float
    """The same with the other songs' beats, their mean."""
    own_change: float
    """Change of movement at the song's boundaries, relative to its mean over the dance."""
    other_change: float
    """The same at the other songs' boundaries, their mean."""


def songs_in(folder: Path, least_s: float, fps: float) -> list[Song]:
    """The songs of a folder at a frame rate, in the order of their names; shorter ones than
    ``least_s`` are left out.

    Raises:
        FileError: there are fewer than two, so that there is no other song to compare with.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    songs = [
        Song(path.stem, music, sections(music))
        for path in paths
        if len(music := load_music(path, fps)) >= least_s * fps
    ]
    if len(songs) < 2:
        raise FileError(
            str(folder),
            f"{len(songs)} songs of {least_s:g} s",
            "two or more",
            "add songs, or ask for fewer seconds",
        )
    return songs


def seeds_of(data: Path, count: int, fps: float) -> list[Seed]:
    """The first dance to each of the first songs of our dance set's test split, at a frame rate.

    Raises:
        FileError: the set has fewer songs, or lacks their features.
    """
    stored = MotionSet(data / "test")
    seeds: dict[str, Seed] = {}
    for entry in stored.clips:
        song = str(entry.get("song", ""))
        path = data / "songs" / f"{song}.npz"
        if len(seeds) == count or song in seeds or not path.is_file():
            continue
        with np.load(path, allow_pickle=False) as values:
            music = Music(values["features"], FPS, values["beats"], float(entry["tempo_bpm"]))
        motion = stored.clip_of(entry, SMPL24).motion
        motion = motion.resample(fps)
        seeds[song] = Seed(motion.crop(0, round(SEED_S * fps)), _at(music, fps), energy(motion))
    if len(seeds) < count:
        raise FileError(
            str(data),
            f"{len(seeds)} songs with a dance",
            f"{count}",
            "prepare our dance set, or ask for fewer --seeds",
        )
    return list(seeds.values())


def _at(music: Music, fps: float) -> Music:
    """Features at another rate: the nearest rows, for the songs' sound is not kept."""
    rows = np.arange(round(len(music) * fps / music.fps)) * music.fps / fps
    nearest = np.minimum(np.round(rows).astype(int), len(music) - 1)
    beats = np.unique(np.round(music.beats * fps / music.fps).astype(np.int64))
    return Music(music.features[nearest], fps, beats, music.tempo_bpm)


def sections(music: Music) -> Float[Array, "S"]:
    """Times at which a new section begins, by novelty of the sound.

    A kernel slides along the diagonal of the self-similarity of timbre and harmony; its peaks are
    the boundaries (Foote 2000, "Automatic audio segmentation using a measure of audio novelty").
    """
    hop = round(STEP_S * music.fps)
    count = len(music) // hop
    kinds = [
        music.features[: count * hop, FEATURE_SLICES[kind]].reshape(count, hop, -1).mean(axis=1)
        for kind in ("mfcc", "chroma_cens")
    ]
    # Both kinds have the same weight, whatever their numbers of columns.
    sound = np.concatenate([_standard(kind) / np.sqrt(kind.shape[1]) for kind in kinds], axis=1)
    away = ((sound[:, None] - sound[None]) ** 2).sum(axis=-1)
    alike = np.exp(-away / np.median(away))
    width = round(AROUND_S / STEP_S)
    side = np.arange(-width, width) + 0.5
    taper = np.sign(side) * np.exp(-((2 * side / width) ** 2) / 2)
    kernel = np.outer(taper, taper)
    padded = np.pad(alike, width, mode="reflect")
    novelty = np.array(
        [(padded[k : k + 2 * width, k : k + 2 * width] * kernel).sum() for k in range(count)]
    )
    near = round(LEAST_SECTION_S / STEP_S)
    peaks = [
        k
        for k in range(near, count - near)
        if novelty[k] == novelty[k - near : k + near + 1].max() and novelty[k] > novelty.mean()
    ]
    return np.array(peaks) * STEP_S


def _standard(values: Float[Array, "T K"], least: float = 1e-6) -> Float[Array, "T K"]:
    return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), least))


def changes(motions: Sequence[Motion]) -> list[Float[Array, "T"]]:
    """How much the movement changes at each step, relative to the mean over its motion.

    It is the distance between the mean kinetic and geometric features of the seconds before and
    after, which are standardised over all motions. Steps too near to an end are NaN.
    """
    rows = [_moving(motion) for motion in motions]
    standard = np.split(
        _standard(np.concatenate(rows), LEAST_STD), np.cumsum([len(row) for row in rows])[:-1]
    )
    return [_change(row) for row in standard]


def _moving(motion: Motion) -> Float[Array, "T K"]:
    """Features of each step. Square roots, because energies are skewed."""
    hop = round(STEP_S * motion.fps)
    pieces = [motion.crop(k, k + hop) for k in range(0, len(motion) - hop + 1, hop)]
    return np.stack(
        [
            np.concatenate([np.sqrt(kinetic_features(piece)), geometric_features(piece)])
            for piece in pieces
        ]
    )


def _change(rows: Float[Array, "T K"]) -> Float[Array, "T"]:
    width = round(MOVING_S / STEP_S)
    result = np.full(len(rows), np.nan)
    for k in range(width, len(rows) - width + 1):
        difference = rows[k : k + width].mean(axis=0) - rows[k - width : k].mean(axis=0)
        result[k] = np.linalg.norm(difference)
    return result / np.nanmean(result)


def dances(
    model: MaskedMotionModel,
    seeds: Sequence[Seed],
    music: Sequence[Music],
    seconds: float,
    progress: Callable[[], object] = lambda: None,
) -> list[Motion]:
    """The continuation of every seed to its music, as long as that lasts."""
    made = []
    for number, (seed, played) in enumerate(zip(seeds, music, strict=True)):
        prefix = len(seed.motion)
        frames = min(round(seconds * played.fps), len(played) - prefix)
        made.append(
            generate_clip(
                model,
                Clip("seed", seed.motion),
                prefix_frames=prefix,
                frames=frames,
                music=played,
                random_seed=number,
            ).generated
        )
        progress()
    return made


def runs(motions: Sequence[Motion], song: Song, others: Sequence[Song]) -> list[Run]:
    """The figures of all dances to one song."""
    result = []
    for motion, change in zip(motions, changes(motions), strict=True):
        of_motion = motion_beats(motion)
        beats = [_aligned(of_motion, each.music, len(motion)) for each in (song, *others)]
        change_at = np.array([_at_sections(change, each.sections_s) for each in (song, *others)])
        known = change_at[1:][np.isfinite(change_at[1:])]
        result.append(
            Run(
                energy(motion),
                beats[0],
                float(np.mean(beats[1:])),
                float(change_at[0]),
                float(known.mean()) if len(known) else np.nan,
            )
        )
    return result


def _aligned(of_motion: Int[Array, "B"], music: Music, frames: int) -> float:
    """Beat alignment of a continuation, per beat of the motion; 0 without a beat."""
    beats = music.beats - round(SEED_S * music.fps)
    inside = beats[(beats >= 0) & (beats < frames)]
    return beat_alignment(of_motion, inside, music.fps)["per_motion_beat"] or 0.0


def _at_sections(change: Float[Array, "T"], sections_s: Float[Array, "S"]) -> float:
    """Mean change at the boundaries inside a dance; NaN if none is."""
    steps = np.round((sections_s - SEED_S) / STEP_S).astype(int)
    values = change[steps[(steps >= 0) & (steps < len(change))]]
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def row(figures: Sequence[Run], ours: float) -> dict[str, Any]:
    """The table's row of all dances to one song, or to all songs.

    Args:
        ours: mean energy of the same seeds' dances to our own songs.
    """
    result: dict[str, Any] = {
        "runs": len(figures),
        "energy_share": round(float(np.mean([run.energy for run in figures])) / ours, 3),
    }
    for kind in ("beats", "change"):
        at_own, at_other = (
            np.array([getattr(run, f"{side}_{kind}") for run in figures])
            for side in ("own", "other")
        )
        # A song of one section has no boundary to look at.
        known = np.isfinite(at_own) & np.isfinite(at_other)
        result[kind] = None
        if known.any():
            result[kind] = {
                "own": round(float(at_own[known].mean()), 3),
                "other": round(float(at_other[known].mean()), 3),
                "difference": [round(v, 3) for v in interval((at_own - at_other)[known].tolist())],
            }
    return result

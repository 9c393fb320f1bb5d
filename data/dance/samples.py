"""The twelve sample clips that ship with the project, from test songs and test dancers."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.dance.choreography import FPS
from data.dance.dataset import make_clip, song_music
from data.dance.song import make_song
from data.dance.style import make_dancer
from data.dance.synth import STEMS, render
from data.dance.truth import truth_of
from mmm.io import load_clip
from mmm.io.sound import PARTS
from mmm.motion.clip import Clip
from mmm.motion.rotations import matrix_to_rotvec
from mmm.music.audio import write_audio

FRAMES = 600
ROTVEC_STEP = 2.0**-13
"""Rotation vectors are rounded to this many radians (0.007 degrees), so that they compress well."""
ROOT_STEP_M = 2.0**-15
FEATURE_STEP = 2.0**-9


@dataclass(frozen=True)
class Sample:
    """The song, dancer and start of a sample."""

    song: int
    dancer: int
    bar: int
    """The first bar."""


# Songs from 81 to 140 bpm, a dancer each; all twelve moves occur.
_CHOSEN = (
    (32, 8),
    (3, 12),
    (9, 8),
    (4, 4),
    (15, 8),
    (10, 0),
    (28, 12),
    (16, 8),
    (35, 12),
    (14, 8),
    (11, 12),
    (23, 20),
)
SAMPLES = tuple(Sample(song, dancer, bar) for dancer, (song, bar) in enumerate(_CHOSEN))


def make_sample(sample: Sample) -> tuple[Clip, dict[str, Any]]:
    """The clip with its sound, and its ground truth as JSON values."""
    song, dancer = make_song("test", sample.song), make_dancer("test", sample.dancer)
    start = round(sample.bar * song.bar_s * FPS)
    music = song_music(song, sound=True)
    # Stems are rendered from the score, because separating a mix would leave traces.
    without = {part: render(song, [stem for stem in STEMS if stem != part]) for part in PARTS}
    clip = make_clip(song, dancer, start, FRAMES, replace(music, without=without))
    name = f"dance_{song.tempo_bpm:03d}bpm_{song.name}_{dancer.name.split('_')[1]}"
    truth = truth_of(song, dancer, start, FRAMES)
    return Clip(name, clip.motion, clip.music, clip.source, clip.split), {
        "song": song.name,
        "dancer": asdict(dancer),
        "tempo_bpm": song.tempo_bpm,
        "start_frame": start,
        "influences": [asdict(influence) for influence in truth.influences],
    }


def _rounded(values: np.ndarray, step: float) -> np.ndarray:
    # A power of two as step leaves zeros in the mantissa, which deflate packs well.
    return (np.round(values.astype(np.float64) / step) * step).astype(np.float32)


def write_sample(clip: Clip, folder: Path) -> None:
    """``NAME.npz`` in the project's clip layout with rotation vectors, ``NAME.ogg`` beside it.

    The song without its drums and without its chords (``NAME.without_drums.ogg``) is there for
    interventions.
    """
    music, skeleton = clip.music, clip.motion.skeleton
    assert music is not None and music.audio is not None
    np.savez_compressed(
        folder / f"{clip.name}.npz",
        format="mmm-clip-1",
        fps=np.float64(clip.motion.fps),
        names=np.array(skeleton.names),
        parents=np.array(skeleton.parents, dtype=np.int32),
        offsets_m=skeleton.offsets_m,
        feet=np.array(skeleton.feet, dtype=np.int32),
        rotvec=_rounded(matrix_to_rotvec(clip.motion.rotations), ROTVEC_STEP),
        root_m=_rounded(clip.motion.root_m, ROOT_STEP_M),
        name=clip.name,
        source=clip.source,
        split=clip.split,
        music_features=_rounded(music.features, FEATURE_STEP),
        music_beats=music.beats,
        music_fps=np.float64(music.fps),
        music_tempo_bpm=np.float64(music.tempo_bpm),
    )
    write_audio(music.audio, folder / f"{clip.name}.ogg")
    for part, sound in music.without.items():
        write_audio(sound, folder / f"{clip.name}.without_{part}.ogg")


def write_samples(folder: Path) -> list[str]:
    """Write all twelve samples, ``truth.json`` and ``names.json``; returns the names of the clips.

    Raises:
        FileError: the folder cannot be written, or a clip cannot be read back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truths, names = {}, {}
    for number, sample in enumerate(SAMPLES, start=1):
        clip, truth = make_sample(sample)
        write_sample(clip, folder)
        # Read back at once: a shipped file that the readers reject must not be committed.
        load_clip(folder / f"{clip.name}.npz")
        truths[clip.name] = truth
        names[clip.name] = f"Dance, {truth['tempo_bpm']} bpm, dancer {number}"
    # A line for each clip, so that version control shows which changed.
    text = json.dumps(truths, indent=None, separators=(",", ":")).replace('},"dance', '},\n"dance')
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
    # Display names of the page. File names must not change, because links contain them.
    (folder / "names.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
    return list(truths)

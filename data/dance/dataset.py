"""Preparation of the dance set: each song is rendered and analysed once for several dancers."""

import json
import multiprocessing
import re
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from data.dance.choreography import FPS, dance
from data.dance.song import SPLITS, Song, make_song
from data.dance.style import DANCERS, Dancer, make_dancer
from data.dance.synth import render
from data.dance.truth import Truth, save_truths, truth_of
from mmm.batches.run import Failure, run
from mmm.errors import FileError, SpecError
from mmm.motion.clip import Clip, Music
from mmm.motion.rotations import matrix_to_sixd, sixd_to_matrix
from mmm.motion.skeleton import SMPL24
from mmm.music.features import features_of

Array = np.ndarray

VERSION = 1
"""Increased when songs, sound or features change, so that cached features are computed again."""
SOURCE = "the project's own dance set"
# Rendering a song and computing its features takes far longer than dancing to it, so that several
# dancers share a song.
CLIPS_A_SONG = {"train": 8, "val": 4, "test": 6}
# ``test003`` is a song, ``test_dancer07`` a dancer.
_NAME = re.compile(r"(train|val|test)(?:_dancer)?(\d+)")


@dataclass(frozen=True)
class ClipPlan:
    """The song, the stretch of it and the dancer of one clip."""

    name: str
    split: str
    song: str
    dancer: str
    tempo_bpm: int
    start: int
    """First frame within the song."""
    frames: int


def song_named(name: str) -> Song:
    """The song of a name such as ``test003``."""
    return make_song(*_split_and_number(name))


def dancer_named(name: str) -> Dancer:
    """The dancer of a name such as ``test_dancer07``."""
    return make_dancer(*_split_and_number(name))


def _split_and_number(name: str) -> tuple[str, int]:
    match = _NAME.fullmatch(name)
    if not match:
        raise FileError(
            name, "no song or dancer of the dance set", "a name such as test003 or test_dancer07"
        )
    return match[1], int(match[2])


def parse_clip_name(name: str) -> tuple[Song, Dancer, int]:
    """Song, dancer and first frame of a clip name such as ``test004_dancer03_at0626``.

    Raises:
        FileError: no such name.
    """
    match = re.fullmatch(r"((?:train|val|test)\d+)_(dancer\d+)_at(\d+)", name)
    if not match:
        raise FileError(name, "no clip of the dance set", "a name such as test004_dancer03_at0626")
    song = song_named(match[1])
    return song, dancer_named(f"{song.split}_{match[2]}"), int(match[3])


def plan(split: str, clips: int, frames: int, seed: int = 0) -> list[ClipPlan]:
    """The clips of a split, ordered by song."""
    plans: list[ClipPlan] = []
    for number in range(-(-clips // CLIPS_A_SONG[split])):
        song = make_song(split, number)
        # The last number keeps this generator apart from those of songs (7001), dancers (7002) and
        # sounds (7003, 7004).
        rng = np.random.default_rng([SPLITS.index(split), number, seed, 7005])
        # A permutation, so that no dancer is repeated for a song before all have been used.
        dancers = rng.permutation(DANCERS[split])
        for k in range(min(CLIPS_A_SONG[split], clips - len(plans))):
            dancer = make_dancer(split, int(dancers[k % len(dancers)]))
            # A song that is shorter than the clip starts at 0; ``make_clip`` reports it.
            start = int(rng.integers(max(1, song.frames(FPS) - frames + 1)))
            name = f"{song.name}_{dancer.name.split('_')[1]}_at{start:04d}"
            plans.append(
                ClipPlan(name, split, song.name, dancer.name, song.tempo_bpm, start, frames)
            )
    return plans


def song_music(song: Song, sound: bool = False) -> Music:
    """The features of the rendered song, and its sound if ``sound`` is True."""
    audio = render(song)
    # Features of the whole song, because a crop would lack the context of its first frames.
    music = features_of(audio, FPS, song.frames(FPS), start_bpm=float(song.tempo_bpm))
    return Music(music.features, FPS, music.beats, float(song.tempo_bpm), audio if sound else None)


def make_clip(
    song: Song, dancer: Dancer, start: int = 0, frames: int = 300, music: Music | None = None
) -> Clip:
    """A clip of one dancer to a stretch of a song.

    Args:
        song: the song.
        dancer: the dancer.
        start: first frame within the song.
        frames: number of frames at 60 fps.
        music: the whole song's music; by default it is rendered, with its sound.

    Raises:
        SpecError: the stretch is not inside the song.
    """
    if not 0 <= start < start + frames <= song.frames(FPS):
        raise SpecError(
            f"frames {start}:{start + frames}",
            f"{song.name} has {song.frames(FPS)} frames",
            "a stretch inside the song",
            "choose shorter clips or an earlier start",
        )
    if music is None:
        music = song_music(song, sound=True)
    name = f"{song.name}_{dancer.name.split('_')[-1]}_at{start:04d}"
    return Clip(
        name,
        dance(song, dancer, start, frames),
        music.crop(start, start + frames),
        SOURCE,
        song.split,
    )


def cached_music(song: Song, folder: Path) -> Music:
    """The song's features from the folder, where they are computed and stored if missing or of
    another version."""
    path = folder / f"{song.name}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            if int(stored["version"]) == VERSION:
                return Music(stored["features"], FPS, stored["beats"], float(song.tempo_bpm))
    music = song_music(song)
    folder.mkdir(parents=True, exist_ok=True)
    # Written to another name and renamed, because several processes may need the same song and any
    # of them may be killed.
    beside = path.with_suffix(".part.npz")
    np.savez_compressed(beside, version=VERSION, features=music.features, beats=music.beats)
    beside.replace(path)
    return music


def _cache_song(folder: Path, name: str) -> str:
    cached_music(song_named(name), folder)
    return name


def _analyse_songs(names: list[str], folder: Path, jobs: int, ray: str | None) -> None:
    """Render and analyse every song that is not stored yet.

    Raises:
        MMMError: one cannot be, once all others are.
    """
    work = partial(_cache_song, folder)
    if ray is not None or jobs == 1:
        failures = [
            outcome
            for _, outcome in run(work, names, ray=ray, title="songs")
            if isinstance(outcome, Failure)
        ]
        # Clips are drawn from all songs, so that without one there is no set.
        if failures:
            raise failures[0].error
        return
    # "spawn": forked processes would inherit the locks of threads that numerical libraries hold.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(tqdm(pool.map(work, names), total=len(names), desc="songs", disable=None))


def prepare(
    out: Path,
    sizes: Mapping[str, int],
    frames: int = 600,
    seed: int = 0,
    jobs: int = 2,
    ray: str | None = None,
) -> None:
    """Write the set: a folder for each split with memory-mappable arrays and ``clips.json``.

    A split's folder holds the frames of all its clips one after another: ``rotations.npy`` (N, 24,
    6) float16, the first two columns of each local matrix; ``root_m.npy`` (N, 3) float32, metres;
    ``music.npy`` (N, 35) float32. ``clips.json`` holds each plan with ``first``, the clip's first
    row, and ``truth.npz`` the ground truth (``truth.save_truths``). Cached songs are not analysed
    again.

    Args:
        out: the folder to write into.
        sizes: number of clips in each of ``train``, ``val`` and ``test``.
        frames: length of each clip at 60 fps.
        seed: random seed of the choice of dancers and stretches; songs and dancers do not depend on
            it.
        jobs: processes that render songs.
        ray: the address of a Ray that renders them instead; see :mod:`mmm.batches.run`.
    """
    plans = {split: plan(split, sizes[split], frames, seed) for split in SPLITS if sizes.get(split)}
    # Without repeats, and in the order of use; a set would shuffle the progress from run to run.
    songs = list(dict.fromkeys(item.song for clips in plans.values() for item in clips))
    _analyse_songs(songs, (out / "songs").absolute(), jobs, ray)
    for split, clips in plans.items():
        _write_split(out / split, clips, out / "songs")


def _write_split(folder: Path, clips: list[ClipPlan], songs: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # An older set is removed first, so that an interrupted run does not leave a mixture. Processes
    # that have mapped its arrays keep them.
    for old in (folder / "clips.json", *folder.glob("*.npy")):
        old.unlink(missing_ok=True)
    total = sum(item.frames for item in clips)
    shapes = {
        # Half precision of entries below 1 is exact to about 0.03 degrees, and halves the set.
        "rotations": ((total, 24, 6), np.float16),
        "root_m": ((total, 3), np.float32),
        "music": ((total, 35), np.float32),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape)
        for name, (shape, kind) in shapes.items()
    }
    rows: list[dict[str, int | str]] = []
    truths: list[Truth] = []
    first, song, music = 0, None, None
    for item in tqdm(clips, desc=folder.name, disable=None):
        # Clips are ordered by song, so that one song in memory is enough.
        if song is None or song.name != item.song:
            song = song_named(item.song)
            music = cached_music(song, songs)
        dancer = dancer_named(item.dancer)
        clip = make_clip(song, dancer, item.start, item.frames, music)
        here = slice(first, first + item.frames)
        arrays["rotations"][here] = matrix_to_sixd(clip.motion.rotations)
        arrays["root_m"][here] = clip.motion.root_m
        arrays["music"][here] = clip.music.features if clip.music else 0
        truths.append(truth_of(song, dancer, item.start, item.frames))
        rows.append({"first": first, **asdict(item)})
        first += item.frames
    # To disk before ``clips.json``, whose presence says that a split is complete.
    for array in arrays.values():
        array.flush()
    save_truths(folder / "truth.npz", truths)
    (folder / "clips.json").write_text(
        json.dumps(
            {"version": VERSION, "fps": FPS, "skeleton": list(SMPL24.names), "clips": rows},
            indent=1,
        ),
        encoding="utf-8",
    )


def read_split(folder: Path) -> tuple[list[dict[str, int | str]], dict[str, Array]]:
    """The rows of ``clips.json`` and the memory-mapped arrays of a split written by ``prepare``.

    Raises:
        FileError: the folder is not such a split.
    """
    if not (folder / "clips.json").exists():
        raise FileError(
            str(folder),
            "no clips.json",
            "a split written by data.prepare",
            "run python -m data prepare dance first",
        )
    rows = json.loads((folder / "clips.json").read_text(encoding="utf-8"))["clips"]
    arrays = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in ("rotations", "root_m", "music")
    }
    return rows, arrays


def local_matrices(sixd: Float[Array, "T 24 6"]) -> Float[Array, "T 24 3 3"]:
    """Matrices of rotations as ``prepare`` stores them."""
    return sixd_to_matrix(np.asarray(sixd, dtype=np.float32))

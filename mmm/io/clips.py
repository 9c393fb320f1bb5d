"""Load and save clips: the suffix chooses the format, and music is found where it usually lies."""

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmm.errors import FileError, MMMError, SpecError
from mmm.io.aist import parse_aist_name, read_aist, write_aist
from mmm.io.amc import read_amc
from mmm.io.body import UP_AXES, parse_facing, turned_to_face, z_up_to_y_up
from mmm.io.bvh import read_bvh, write_bvh
from mmm.io.files import LARGEST
from mmm.io.npz import read_npz, write_npz
from mmm.motion.clip import Audio, Clip

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""Recordings looked for beside a motion, in this order."""

PARTS = ("drums", "chords")
"""Parts of a song without which it may lie beside itself, for interventions."""

_WATCHED = (".mp4", ".gif", ".webp", ".html", ".png")
_FPS = (0.5, 10_000.0)
_FARTHEST_M = 100_000.0

PathLike = str | os.PathLike[str]


def load_clip(
    path: PathLike,
    music: PathLike | None = None,
    frames: tuple[int, int] | None = None,
    asf: PathLike | None = None,
    *,
    fps: float | None = None,
    unit_m: float | None = None,
    up: str | None = None,
    facing: str | None = None,
    music_start_s: float = 0.0,
    largest: int = LARGEST,
) -> Clip:
    """Read a motion file, with its music where it has any.

    Args:
        path: an AIST++ ``.pkl``, a ``.bvh``, an ``.amc`` (its ``.asf`` beside it) or our own ``.npz``.
        music: a recording that starts with the motion's first frame. Where not given, ``mBR0.wav`` (or .flac, .ogg,
            .mp3) is looked for beside an AIST++ file, in a ``music`` folder near it and in those of ``$MMM_DATA``'s
            folders.
        frames: keep frames ``start`` to ``stop`` (not included) only.
        asf: the skeleton of an ``.amc``, where it is not the obvious one beside it.
        fps: frames per second, for ``.amc`` files (which do not say) or against a wrong header.
        unit_m: metres a unit of length of a ``.bvh`` or ``.amc``, where the guess from body height is wrong.
        up: the axis that points up in the file, ``y`` or ``z``, where the guess is wrong. Guessed for ``.bvh`` and
            ``.amc``; other formats have Y up.
        facing: turn the whole movement about the vertical, so that at the file's first frame the body faces this axis:
            ``x``, ``-x``, ``z`` or ``-z``. It stays turned in what is saved.
        music_start_s: the moment of ``music`` that falls on the motion's first frame, seconds.
        largest: joints times frames of the longest file that is read; ``mmm.io.LARGEST_UPLOAD`` for what others send.

    Raises:
        FileError: the file is missing, broken or of another kind; the message names the line and the cure.
        SpecError: ``frames`` is not inside the clip, ``fps`` or ``unit_m`` is not above zero or not for this format,
            ``up`` or ``facing`` is no axis, the body has no facing, or ``music_start_s`` is not inside the recording.
    """
    path = Path(path)
    _check_options(path, fps, unit_m, up)
    if music is None and music_start_s:
        raise SpecError(
            f"music from {music_start_s:g} s", "no recording is named", "music with it", "name one"
        )
    clip = _read(path, Path(asf) if asf is not None else None, fps, unit_m, up, largest)
    if facing is not None:
        clip = replace(clip, motion=turned_to_face(clip.motion, parse_facing(facing)))
    if music is not None:
        clip = _with_music(clip, Path(music), music_start_s)
    elif clip.music is None:
        clip = _with_found_music(clip, path)
    elif clip.music.audio is None:
        clip = _with_found_sound(clip, path)
    if frames is None:
        return clip
    start, stop = frames
    if not 0 <= start < stop <= len(clip):
        raise SpecError(
            f"frames {start}:{stop}",
            f"{path.name} has {len(clip)} frames",
            f"0 <= start < stop <= {len(clip)}",
            "choose a range inside it",
        )
    return clip.crop(start, stop)


def _check_options(path: Path, fps: float | None, unit_m: float | None, up: str | None) -> None:
    for name, value in (("fps", fps), ("unit_m", unit_m)):
        if value is not None and not 0 < value < float("inf"):
            raise SpecError(
                name, f"{value:g}", "a number above zero", "leave it out to take what the file says"
            )
    if up is not None and up not in UP_AXES:
        raise SpecError(f"up {up}", "no axis that can be up", " or ".join(UP_AXES), "correct it")
    if unit_m is not None and path.suffix.lower() in (".pkl", ".npz"):
        raise SpecError(
            "unit",
            f"{path.name} is in metres by its format",
            "a unit for .bvh and .amc only",
            "leave it out",
        )


def save_clip(clip: Clip, path: PathLike) -> None:
    """Write a clip as a motion file. Films and web pages are written by :func:`mmm.save`.

    ``.npz`` keeps everything, bit by bit. ``.bvh``, ``.pkl`` (AIST++ layout, SMPL bodies only) and
    ``.glb`` (binary glTF) keep no music. The file appears under its name only when it is whole.

    Raises:
        FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be written.
    """
    path = Path(path)
    writers: dict[str, Callable[[Clip, Path], None]] = {
        ".npz": write_npz,
        ".bvh": write_bvh,
        ".pkl": write_aist,
        ".glb": _write_glb,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        watched = path.suffix.lower() in _WATCHED
        raise FileError(
            str(path),
            f"{path.suffix!r} holds no motion" if watched else f"unknown suffix {path.suffix!r}",
            ", ".join(sorted(writers)),
            "use mmm.save for films, pages and pictures" if watched else "choose one of these",
        )
    writer(clip, path)


def _write_glb(clip: Clip, path: Path) -> None:
    from mmm.io.gltf import write_glb  # its library takes 0.3 s to import

    write_glb(clip, path)


def _read(
    path: Path,
    asf: Path | None,
    fps: float | None,
    unit_m: float | None,
    up: str | None,
    largest: int,
) -> Clip:
    readers: dict[str, Callable[[], Clip]] = {
        ".pkl": lambda: _turned_up(read_aist(path, largest), up),
        ".bvh": lambda: read_bvh(path, unit_m, fps, up, largest),
        ".amc": lambda: read_amc(path, asf, unit_m, fps, up, largest),
        ".npz": lambda: _turned_up(read_npz(path, largest), up),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileError(
            str(path),
            f"unknown suffix {path.suffix!r}",
            ", ".join(readers),
            "convert it to one of these",
        )
    try:
        clip = reader()
    except (
        ValueError
    ) as error:  # the core's own checks, where a format's reader did not see it coming
        raise FileError(str(path), str(error), cure="export it again") from None
    if fps is not None and clip.music is not None:
        raise SpecError(
            "fps",
            f"{path.name} holds music at {clip.music.fps:g} frames per second",
            "its own rate",
            "leave fps out, or resample the clip",
        )
    clip = clip if fps is None else replace(clip, motion=replace(clip.motion, fps=float(fps)))
    _check_natural(clip, path)
    return clip


def _turned_up(clip: Clip, up: str | None) -> Clip:
    """A format that has Y up, in a file that has not."""
    if up != "z":
        return clip
    return replace(
        clip,
        motion=z_up_to_y_up(clip.motion),
        notes=(*clip.notes, "Z is up; it is turned to Y up here."),
    )


def _check_natural(clip: Clip, path: Path) -> None:
    """Refuse what no body does and no stage can show: numbers that are finite, and no more than that."""
    motion = clip.motion
    if not _FPS[0] <= motion.fps <= _FPS[1]:
        raise FileError(
            str(path),
            f"{motion.fps:g} frames a second",
            f"{_FPS[0]:g} to {_FPS[1]:,.0f}",
            "give its true frame rate (fps)",
        )
    far = max(float(np.abs(motion.root_m).max()), float(np.abs(motion.skeleton.offsets_m).max()))
    if far > _FARTHEST_M:
        raise FileError(
            str(path),
            f"a joint {far:.3g} m away",
            f"at most {_FARTHEST_M:,.0f} m",
            "export it again, or give its true unit",
        )


def _sound_candidates(path: Path) -> Iterator[Path]:
    name = parse_aist_name(path.stem)
    if name is not None:
        data = [
            Path(folder) / "music"
            for folder in os.environ.get("MMM_DATA", "").split(os.pathsep)
            if folder
        ]
        for folder in (path.parent, path.parent / "music", path.parent.parent / "music", *data):
            yield from (folder / f"m{name.music}{suffix}" for suffix in SOUND_SUFFIXES)
    yield from (path.with_suffix(suffix) for suffix in SOUND_SUFFIXES)


def _with_music(clip: Clip, recording: Path, start_s: float = 0.0) -> Clip:
    if not recording.is_file():
        raise FileError(
            str(recording), "no such recording", cure="check the spelling and the folder"
        )
    name = parse_aist_name(clip.name)
    # Feature extraction brings in large libraries: only when there is music to hear.
    load_music = importlib.import_module("mmm.music.features").load_music
    music = load_music(
        recording,
        fps=clip.motion.fps,
        frames=len(clip),
        start_bpm=name.tempo_bpm if name else None,
        start_s=start_s,
    )
    return _with_parts(
        replace(clip, music=music), recording, round(start_s * clip.motion.fps) / clip.motion.fps
    )


def _with_parts(clip: Clip, recording: Path, start_s: float = 0.0) -> Clip:
    """``NAME.without_drums.ogg`` and ``NAME.without_chords.ogg`` beside ``NAME.ogg``, where they are there."""
    assert clip.music is not None
    without: dict[str, Audio] = {}
    for part in PARTS:
        file = recording.with_name(f"{recording.stem}.without_{part}{recording.suffix}")
        if not file.is_file():
            continue
        try:
            sound = importlib.import_module("mmm.music.audio").read_audio(file)
            without[part] = sound.crop_s(start_s, start_s + clip.motion.duration_s)
        except MMMError as error:
            clip = replace(
                clip, notes=(*clip.notes, f"A recording beside it was left out: {error}")
            )
    assert clip.music is not None
    return (
        replace(clip, music=replace(clip.music, without=without).crop(0, len(clip)))
        if without
        else clip
    )


def _with_found_music(clip: Clip, path: Path) -> Clip:
    recording = next((found for found in _sound_candidates(path) if found.is_file()), None)
    if recording is None:
        return clip
    name = parse_aist_name(path.stem)
    if (
        name is not None
        and recording.stem == f"m{name.music}"
        and not path.stem.endswith(f"ch{name.choreography}")
    ):
        # Most likely something made of an AIST++ file, and perhaps only a part of it.
        clip = replace(
            clip,
            notes=(
                *clip.notes,
                f"{recording.name} was found by the file's name and taken from its "
                "beginning; if this is a later part of the dance, it is the wrong part.",
            ),
        )
    try:
        return _with_music(clip, recording)
    except MMMError as error:  # nobody asked for this recording: the motion alone is still of use
        return replace(clip, notes=(*clip.notes, f"The music beside it was left out: {error}"))


def _with_found_sound(clip: Clip, path: Path) -> Clip:
    assert clip.music is not None
    recording = next((found for found in _sound_candidates(path) if found.is_file()), None)
    if recording is None:
        return clip
    try:
        audio = importlib.import_module("mmm.music.audio").read_audio(recording)
    except MMMError as error:
        return replace(clip, notes=(*clip.notes, f"The sound beside it was left out: {error}"))
    found = replace(
        clip, music=replace(clip.music, audio=audio.crop_s(0.0, clip.motion.duration_s))
    )
    return _with_parts(found, recording)

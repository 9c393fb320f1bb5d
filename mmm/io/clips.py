"""Loading and saving clips: the suffix chooses the format, and music is found near the file."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mmm.errors import FileError, SpecError
from mmm.io.aist import read_aist, write_aist
from mmm.io.amc import read_amc
from mmm.io.body import TURNED_UP, UP_AXES, parse_unit, z_up_to_y_up
from mmm.io.bvh import read_bvh, write_bvh
from mmm.io.fbx import read_fbx
from mmm.io.files import FPS_RANGE, LARGEST, check_usable, npz_arrays, npz_keys, read_bytes
from mmm.io.npz import read_npz
from mmm.io.npz_out import write_npz
from mmm.io.pickles import unpickle_arrays
from mmm.io.positions.humanml3d import read_humanml3d, write_humanml3d
from mmm.io.positions.keypoints import KEYS as KEYPOINT_KEYS
from mmm.io.positions.keypoints import holds_keypoints, read_keypoints
from mmm.io.positions.named import holds_positions, read_positions
from mmm.io.smpl import holds_smpl, read_smpl, write_smpl
from mmm.io.sound import with_found_music, with_music
from mmm.motion.clip import Clip
from mmm.motion.facing import parse_facing, turned_to_face

# Suffixes of `mmm.save`, for a message to users who meant that function.
_MEDIA = (".mp4", ".gif", ".webp", ".html", ".png")
_UNITS_M = (1e-6, 1e6)
_GLTF = (".glb", ".gltf")

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class _ImportOptions:
    """What the user states about a file, in place of its header or of a reader's guess."""

    asf: Path | None = None
    true_fps: float | None = None
    unit_m: float | None = None
    up: str | None = None
    body: str | None = None
    take: str | None = None


def load_clip(
    path: PathLike,
    music: PathLike | None = None,
    frames: tuple[int, int] | None = None,
    asf: PathLike | None = None,
    *,
    true_fps: int | float | None = None,
    unit: str | int | float | None = None,
    up: str | None = None,
    facing: str | None = None,
    body: str | int | None = None,
    take: str | int | None = None,
    music_start_s: int | float = 0.0,
    largest: int = LARGEST,
    fps: int | float | None = None,
    unit_m: int | float | None = None,
) -> Clip:
    """Read a motion file, with its music if it has any.

    Args:
        path: a ``.pkl`` of AIST++ (motion or key points), a ``.bvh``, an ``.amc`` (its ``.asf``
            beside it), an ``.npz`` of our own, of AMASS's layout or of joint positions (see
            :mod:`mmm.io.positions.named`), an ``.npy`` of HumanML3D or MDM, a ``.fbx`` (which
            needs the extra ``fbx``), or a ``.glb`` or ``.gltf``.
        music: a recording that starts with the motion's first frame. Where not given, ``mBR0.wav``
            (or .flac, .ogg, .mp3) is looked for beside an AIST++ file, in a ``music`` folder near
            it and in those of ``$MMM_DATA``'s folders.
        frames: keep frames ``start`` to ``stop`` (not included) only.
        asf: the skeleton of an ``.amc``, where it is not the obvious one beside it.
        true_fps: the true frame rate, if the file gives none or a wrong one.
        unit: the unit of length of a file that does not state it, if the guess from body height
            is wrong: ``m``, ``cm``, ``mm``, ``inch``, ``cmu``, or metres per unit.
        up: the axis that points up in the file, ``y`` or ``z``, if the guess is wrong. It is
            guessed for ``.bvh`` and ``.amc``; other formats define it.
        facing: turn the whole movement about the vertical, so that at the file's first frame the
            body faces this axis: ``x``, ``-x``, ``z`` or ``-z``. Saved files are turned too.
        body: which of several bodies of a file, by its root's name or its number from 1. Where
            not given, the first of a ``.bvh``, and the largest of an ``.fbx`` or ``.glb``.
        take: which of several takes (animations) of an ``.fbx`` or ``.glb``, or of several motions
            of MDM's ``.npy``, by its name or its number from 1; the first that moves if not
            given.
        music_start_s: the moment of ``music`` that falls on the motion's first frame, seconds.
        largest: joints times frames of the longest file that is read; ``mmm.io.LARGEST_UPLOAD`` for
            files from others.
        fps: the older name of ``true_fps``.
        unit_m: the older name of ``unit``, metres per unit.

    Raises:
        FileError: the file is missing, broken or of another kind; the message names the line and
            the cure.
        SpecError: ``frames`` is not inside the clip, ``true_fps`` or ``unit`` is not above zero or
            not for this format, ``up`` or ``facing`` is no axis, the body has no facing, or
            ``music_start_s`` is not inside the recording.
    """
    path = Path(path)
    # Numbers are taken as metres per unit; `unit_m` and `fps` are the names of older versions.
    if unit_m is None and unit is not None:
        unit_m = parse_unit(unit) if isinstance(unit, str) else unit
    options = _ImportOptions(
        Path(asf) if asf is not None else None,
        _number(fps if true_fps is None else true_fps),
        _number(unit_m),
        up,
        None if body is None else str(body),
        None if take is None else str(take),
    )
    _check_options(path, options)
    if music is None and music_start_s:
        raise SpecError(
            f"music from {music_start_s:g} s", "no recording is named", "music with it", "name one"
        )
    clip = _read(path, options, largest)
    # Before the crop, so that the file's first frame decides and all crops are turned equally.
    if facing is not None:
        clip = replace(clip, motion=turned_to_face(clip.motion, parse_facing(facing)))
    song = None if music is None else Path(music)
    clip = with_music(clip, song, float(music_start_s)) if song else with_found_music(clip, path)
    return clip if frames is None else clip.crop(*frames)


def _number(value: int | float | None) -> float | None:
    return None if value is None else float(value)


def _check_options(path: Path, options: _ImportOptions) -> None:
    fps, unit_m, suffix = options.true_fps, options.unit_m, path.suffix.lower()
    for name, value in (("true frame rate", fps), ("unit", unit_m)):
        if value is not None and not 0 < value < float("inf"):
            raise SpecError(
                name, f"{value:g}", "a number above zero", "leave it out to take what the file says"
            )
    if fps is not None and not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
        raise SpecError(
            "true frame rate",
            f"{fps:g} frames a second",
            f"{FPS_RANGE[0]:g} to {FPS_RANGE[1]:,.0f}",
            "leave it out to take what the file says",
        )
    if unit_m is not None and not _UNITS_M[0] <= unit_m <= _UNITS_M[1]:
        raise SpecError(
            "unit",
            f"{unit_m:g} metres",
            f"{_UNITS_M[0]:g} to {_UNITS_M[1]:,.0f} metres",
            "leave it out to have it guessed",
        )
    if options.up is not None and options.up not in UP_AXES:
        raise SpecError(f"up {options.up}", "no axis that can be up", " or ".join(UP_AXES))
    # These formats define their unit, so an option without effect is refused.
    metric = suffix == ".npy" or (suffix == ".npz" and not holds_keypoints(npz_keys(path)))
    if unit_m is not None and metric:
        raise SpecError(
            "unit",
            f"{path.name} is in metres by its format",
            "a unit for files that state none",
            "leave it out",
        )
    for name, given, kinds in (
        ("asf", options.asf, (".amc",)),
        ("body", options.body, (".bvh", ".fbx", *_GLTF)),
        ("take", options.take, (".fbx", ".npy", *_GLTF)),
    ):
        if given is not None and suffix not in kinds:
            raise SpecError(
                name,
                f"{path.name} is no {' or '.join(kinds)} file",
                "it for such files only",
                "leave it out",
            )


def save_clip(clip: Clip, path: PathLike) -> None:
    """Write a clip as a motion file. Films and web pages are written by :func:`mmm.save`.

    ``.npz`` keeps everything, bit by bit. ``.bvh``, ``.pkl`` (AIST++ layout, SMPL bodies only),
    ``.smpl.npz`` (AMASS layout, SMPL bodies only), ``.npy`` (HumanML3D's positions of 22 joints,
    SMPL bodies only) and ``.glb`` (binary glTF) keep no music. The file appears under its name only
    when it is complete.

    Raises:
        FileError: the suffix is unknown, the format cannot hold the clip, or the folder cannot be
            written.
    """
    path = Path(path)
    # `Path.suffix` is the last suffix only, so `.smpl.npz` is recognised by the name.
    writers: dict[str, Callable[[Clip, Path], None]] = {
        ".npz": write_smpl if path.name.lower().endswith(".smpl.npz") else write_npz,
        ".npy": write_humanml3d,
        ".bvh": write_bvh,
        ".pkl": write_aist,
        ".glb": _write_glb,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        is_media = path.suffix.lower() in _MEDIA
        raise FileError(
            str(path),
            f"{path.suffix!r} holds no motion" if is_media else f"unknown suffix {path.suffix!r}",
            ", ".join(sorted(writers)),
            "use mmm.save for films, pages and pictures" if is_media else "choose one of these",
        )
    writer(clip, path)


def _write_glb(clip: Clip, path: Path) -> None:
    from mmm.io.gltf.writer import write_glb  # its library takes 0.3 s to import

    write_glb(clip, path)


def _read(path: Path, options: _ImportOptions, largest: int) -> Clip:
    unit_m, fps, up = options.unit_m, options.true_fps, options.up
    readers: dict[str, Callable[[], Clip]] = {
        ".pkl": lambda: _read_pickle(path, options, largest),
        ".bvh": lambda: read_bvh(path, unit_m, fps, up, options.body, largest),
        ".amc": lambda: read_amc(path, options.asf, unit_m, fps, up, largest),
        ".npz": lambda: _read_any_npz(path, options, largest),
        ".npy": lambda: _turned_up(read_humanml3d(path, fps, options.take, largest), up),
        ".fbx": lambda: _turned_up(read_fbx(path, unit_m, options.take, options.body, largest), up),
        **dict.fromkeys(_GLTF, lambda: _turned_up(_read_gltf(path, options, largest), up)),
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
    except ValueError as error:
        # Clip, Motion and Skeleton check their values. Values that a reader did not check become a
        # one-line error here.
        raise FileError(str(path), str(error), cure="export it again") from None
    # Music features are aligned to frames; another rate would shift them against the motion.
    if fps is not None and clip.music is not None:
        raise SpecError(
            "true frame rate",
            f"{path.name} holds music at {clip.music.fps:g} frames per second",
            "its own rate",
            "leave it out, or resample the clip",
        )
    if fps is not None:
        clip = replace(clip, motion=replace(clip.motion, fps=float(fps)))
    check_usable(clip, path)
    return clip


def _read_gltf(path: Path, options: _ImportOptions, largest: int) -> Clip:
    from mmm.io.gltf.reader import read_gltf  # its package imports the writer's slow library

    return read_gltf(path, options.unit_m, options.true_fps, options.take, options.body, largest)


def _read_pickle(path: Path, options: _ImportOptions, largest: int) -> Clip:
    content = unpickle_arrays(read_bytes(path), str(path))
    if holds_keypoints(content):
        clip = read_keypoints(content, path, options.unit_m, options.true_fps, largest)
        return _turned_up(clip, options.up)
    return read_aist(content, path, options.unit_m, options.true_fps, options.up, largest)


def _read_any_npz(path: Path, options: _ImportOptions, largest: int) -> Clip:
    fps, up = options.true_fps, options.up
    names = npz_keys(path)
    if holds_smpl(names):
        return read_smpl(path, fps, up, largest)
    if holds_keypoints(names):
        content = npz_arrays(path, KEYPOINT_KEYS, largest)
        return _turned_up(read_keypoints(content, path, options.unit_m, fps, largest), up)
    if holds_positions(names):
        return _turned_up(read_positions(path, fps, largest), up)
    return _turned_up(read_npz(path, largest), up)


def _turned_up(clip: Clip, up: str | None) -> Clip:
    """The clip of a format with Y up, rotated to Y up if the user states that the file has Z up."""
    if up != "z":
        return clip
    return replace(clip, motion=z_up_to_y_up(clip.motion), notes=(*clip.notes, TURNED_UP))

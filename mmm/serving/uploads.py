"""The files of a request as clips and music, read in a process with limits, not in the server."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmm.errors import FileError, MMMError, SpecError
from mmm.io.files import LARGEST_UPLOAD, MOTION_SUFFIXES, safe_name
from mmm.masks import Mask
from mmm.motion.clip import Clip, Music
from mmm.music.features import at_frame_rate, bpm_of_name, features_of, music_from
from mmm.serving import exchange, reader
from mmm.spec import parse_frames


@dataclass(frozen=True)
class Upload:
    """A file of a request."""

    name: str
    """The file name that the client sent."""
    content: bytes


@contextmanager
def with_client_names(folder: Path) -> Iterator[None]:
    """Errors raised inside name files as the client does, without the server's folder."""
    try:
        yield
    except MMMError as error:
        parts = (error.source, error.problem, error.expected, error.cure)
        # Clients must not learn where the server keeps its files.
        kept = re.compile(rf"{re.escape(str(folder))}/(?:\w+/)?")
        raise type(error)(*(kept.sub("", part) for part in parts)) from None


def read_clip(
    motion: Upload,
    options: Mapping[str, Any],
    report: Callable[[float], None],
    *,
    music: Upload | None = None,
    asf: Upload | None = None,
    frames: str = ":",
    fps: float | None = None,
) -> Clip:
    """An uploaded clip, read as the command line does: cropped at its own rate, then resampled.

    Args:
        motion: the motion file.
        options: of :func:`mmm.load_clip`; None stands for the default.
        report: called with the share done, 0 to 1; what it raises ends the reading.
        music, asf: the recording, and the skeleton of an AMC file.
        frames: a range such as ``0:300``.
        fps: the frame rate to resample to.

    Raises:
        MMMError: as :func:`mmm.load_clip`.
    """
    given = {key: value for key, value in options.items() if value is not None}
    sent = motion.name.endswith(exchange.SUFFIX)
    clip = _sent(motion, given) if sent else _of_file(motion, given, report, music=music, asf=asf)
    # Cropped first, because the range counts frames of the file.
    start, stop = parse_frames(frames, len(clip), f"frames {frames}")
    if (start, stop) != (0, len(clip)):
        clip = clip.crop(start, stop)
    return clip if fps is None else at_frame_rate(clip, fps)


def _sent(motion: Upload, options: Mapping[str, Any]) -> Clip:
    if options:
        raise SpecError(
            next(iter(options)), "for motion files alone", cure="leave it out with mmm.connect"
        )
    # Read in this process: the layout needs no decompression, and is checked as it is read.
    return exchange.clip_from_client(motion.content, motion.name)


def _of_file(
    motion: Upload,
    options: Mapping[str, Any],
    report: Callable[[float], None],
    *,
    music: Upload | None,
    asf: Upload | None,
) -> Clip:
    with tempfile.TemporaryDirectory(prefix=reader.PREFIX) as name:
        folder = Path(name)
        with with_client_names(folder):
            path = _stored(motion, folder / "motion")
            if path.suffix.lower() not in MOTION_SUFFIXES:
                raise FileError(
                    path.name,
                    f"unknown suffix {path.suffix!r}",
                    ", ".join(MOTION_SUFFIXES),
                    "convert it to one of these",
                )
            given = dict(options)
            for key, upload in (("music", music), ("asf", asf)):
                if upload is not None:
                    given[key] = str(_stored(upload, folder / key))
            return reader.read_clip(path, path.name, {**given, "largest": LARGEST_UPLOAD}, report)


def read_song(song: Upload, fps: float, start_s: float, report: Callable[[float], None]) -> Music:
    """An uploaded recording from ``start_s`` on, as ``mmm generate --music`` reads it.

    Features that the client sends, or those of a clip in .npz, are not computed again.
    """
    if song.name.lower().endswith((".npz", exchange.SUFFIX)):
        music = read_clip(song, {}, report).music
        if music is None:
            raise FileError(song.name, "no music in it", "a clip with music, or a recording")
        return music_from(music, start_s, song.name) if start_s else music
    with tempfile.TemporaryDirectory(prefix=reader.PREFIX) as name, with_client_names(Path(name)):
        path = _stored(song, Path(name) / "song")
        audio = reader.read_audio(path, path.name, report)
    music = features_of(audio, fps, start_bpm=bpm_of_name(Path(song.name).stem))
    return music_from(music, start_s, path.name) if start_s else music


def read_hidden(content: bytes, clip: Clip) -> Mask:
    """The mask of packed bits (``numpy.packbits`` of frames by joints, True is hidden).

    Raises:
        SpecError: the number of bits does not fit the clip.
    """
    shape = len(clip), len(clip.motion.skeleton)
    count = shape[0] * shape[1]
    # The clip gives the shape: a shape in the request could ask for any amount of memory.
    if len(content) != (count + 7) // 8:
        raise SpecError(
            "hidden",
            f"{len(content)} bytes",
            f"{(count + 7) // 8}, a bit for each of {shape[0]} frames and {shape[1]} joints",
            "pack it with numpy.packbits",
        )
    bits = np.unpackbits(np.frombuffer(content, np.uint8), count=count)
    return Mask(bits.astype(bool).reshape(shape), "hidden")


def _stored(upload: Upload, folder: Path) -> Path:
    # Each file gets a folder, because two files of one request may have the same name.
    folder.mkdir()
    path = folder / safe_name(upload.name)
    path.write_bytes(upload.content)
    return path

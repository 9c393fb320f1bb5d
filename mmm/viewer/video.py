"""Scenes as films: MP4 (H.264) with sound, and silent GIF or WebP loops."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmm.errors import FileError
from mmm.motion.clip import Audio
from mmm.music.audio import write_audio
from mmm.storage import write_atomically
from mmm.viewer.raster.film import Film, Layout, Theme
from mmm.viewer.raster.processes import pictures
from mmm.viewer.scene import Scene

Progress = Callable[[float], None]

FILM_SUFFIXES = (".mp4", ".gif", ".webp")
# Loops are smaller, because they go into documents and chats, and a GIF compresses each frame by
# itself.
LOOP_SIZE, LOOP_FPS = (640, 360), 25.0
"""Default size and rate of GIF and WebP."""


def write_film(
    scene: Scene,
    path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    layout: Layout = "side",
    theme: Theme = "light",
    progress: Progress | None = None,
    processes: int | None = None,
) -> None:
    """Draw a scene and write it as ``.mp4``, ``.gif`` or ``.webp``.

    The file appears under its name only when it is complete.

    Args:
        size: width and height in pixels, even; by default 1280 x 720 for MP4, 640 x 360 for loops.
        fps: pictures per second; by default the clip's rate for MP4, at most 25 for loops.
        layout: ``"side"`` (up to four bodies) or ``"overlay"``.
        theme: ``"light"`` or ``"dark"``.
        progress: called with the share done, 0 to 1. An exception from it ends the writing, and no
            file is left.
        processes: number of processes that draw; by default one per core, and one for short films.

    Raises:
        FileError: another suffix, the folder cannot be written, or the encoder failed.
        SpecError: the layout, size or rate cannot be shown.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FILM_SUFFIXES:
        raise FileError(
            str(path),
            f"unknown suffix {path.suffix!r}",
            " or ".join(FILM_SUFFIXES),
            "choose another name",
        )
    if not path.parent.is_dir():  # checked before minutes of drawing
        raise FileError(str(path), f"the folder {path.parent} does not exist", cure="make it first")
    loop = suffix != ".mp4"
    film = Film(
        scene,
        size or (LOOP_SIZE if loop else (1280, 720)),
        fps or (min(LOOP_FPS, scene.fps) if loop else scene.fps),
        layout,
        theme,
    )
    # The encoder needs a file in which it can seek. The complete file is copied to its final name.
    with tempfile.TemporaryDirectory(prefix="mmm-film-") as folder:
        encoded = Path(folder) / f"film{suffix}"
        with closing(pictures(film, processes)) as drawn:
            (_write_loop if loop else _write_mp4)(film, drawn, encoded, progress or _no_progress)
        with encoded.open("rb") as source:
            write_atomically(path, lambda file: shutil.copyfileobj(source, file))


def _no_progress(share: float) -> None:
    """The callback for callers without one."""


def _write_mp4(film: Film, drawn: Iterator[bytes], path: Path, progress: Progress) -> None:
    import imageio_ffmpeg  # slow, because it searches for the encoder; only films need it

    duration_s = len(film) / film.fps
    writer = imageio_ffmpeg.write_frames(
        str(path),
        film.size,
        # Films are drawn as 32-bit pixels; ffmpeg drops the fourth byte without a copy here.
        pix_fmt_in="rgb0",
        # The only chroma layout that every browser and phone decodes. It needs even sizes.
        pix_fmt_out="yuv420p",
        fps=film.fps,
        codec="libx264",
        quality=None,
        # The default of 16 would scale pictures whose sides are no multiple of it.
        macro_block_size=2,
        ffmpeg_log_level="error",
        output_params=[
            # For flat colours and slow motion, a slower preset gains little.
            *("-preset", "veryfast", "-crf", "20"),
            # faststart moves the index to the front, so that a browser plays while it downloads.
            *("-movflags", "+faststart"),
            # AAC comes in packets of 1024 samples. Without -t the last would outlast the pictures.
            *("-t", f"{duration_s:.6f}"),
        ],
        **_sound_options(film, path.with_name("sound.wav"), duration_s),
    )
    try:
        writer.send(None)  # starts the generator and its process
        for number, picture in enumerate(drawn):
            writer.send(picture)
            progress((number + 1) / len(film))
    except OSError as error:
        raise FileError(
            path.name,
            f"the video encoder stopped ({' '.join(str(error).split())[-200:]})",
            cure="try another size or rate",
        ) from None
    finally:
        writer.close()
    # An encoder that fails at the end closes its pipe without an error.
    if not path.is_file() or not path.stat().st_size:
        raise FileError(
            path.name, "the video encoder wrote nothing", cure="try another size or rate"
        )


def _sound_options(film: Film, path: Path, duration_s: float) -> dict[str, Any]:
    """Write the film's sound to a file, and return encoder options; empty without sound."""
    audio = film.scene.music.audio if film.scene.music else None
    if audio is None:
        return {}
    write_audio(_fitting(audio, duration_s), path)
    return {"audio_path": str(path), "audio_codec": "aac"}


def _fitting(audio: Audio, duration_s: float) -> Audio:
    """The sound cut to the film, with at most two channels."""
    cut = audio.crop_s(0.0, duration_s)
    # ffmpeg would have to guess which loudspeaker each further channel is for.
    return (
        cut
        if cut.samples.shape[1] <= 2
        else Audio(cut.samples.mean(axis=1, keepdims=True), cut.rate_hz)
    )


def _write_loop(film: Film, drawn: Iterator[bytes], path: Path, progress: Progress) -> None:
    """Write a loop. GIF counts in hundredths of a second, so times are rounded and not durations,
    whose errors would accumulate."""
    unit_ms = 10 if path.suffix == ".gif" else 1
    marks = np.round(np.arange(len(film) + 1) * 1000 / film.fps / unit_ms).astype(int) * unit_ms
    # Browsers show a GIF's pictures of less than 20 ms for 100 ms.
    durations = np.maximum(np.diff(marks), unit_ms * 2).tolist()

    def reduced() -> Iterator[Image.Image]:
        palette: Image.Image | None = None
        for number, data in enumerate(drawn):
            picture = Image.frombytes("RGBA", film.size, data).convert("RGB")
            if path.suffix == ".gif":
                # A palette for each picture would make colours shimmer.
                palette = palette or _palette(film)
                picture = picture.quantize(palette=palette, dither=Image.Dither.NONE)
            progress((number + 1) / len(film))
            yield picture

    rest = reduced()
    first = next(rest)
    options: dict[str, Any] = (
        {"quality": 82, "method": 2} if path.suffix == ".webp" else {"optimize": False}
    )
    first.save(
        path,
        save_all=True,
        append_images=rest,
        duration=durations if len(durations) > 1 else durations[0],
        loop=0,
        **options,
    )


def _palette(film: Film) -> Image.Image:
    """256 colours, chosen from six pictures spread over the film."""
    few = [
        film.frame(number)
        for number in np.unique(np.linspace(0, len(film) - 1, 6).astype(int)).tolist()
    ]
    return (
        Image.fromarray(np.concatenate(few)).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT)
    )

"""What commands share: their options, reading clips, checking and writing outputs, printing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mmm.cli.printing import table
from mmm.errors import FileError, SpecError
from mmm.io import load_clip
from mmm.io.body import UNIT_NAMES
from mmm.io.files import write_atomically
from mmm.motion.clip import Clip
from mmm.motion.facing import FACINGS
from mmm.motion.humanoid import ROLES
from mmm.music.features import at_frame_rate
from mmm.spec import HELP as SPEC_HELP

OUTPUT_SUFFIXES = (".bvh", ".npz", ".pkl", ".glb", ".mp4", ".gif", ".webp", ".html")
METRICS_SUFFIXES = (".json", ".csv")

ClipPath = Annotated[
    Path, typer.Argument(metavar="CLIP", help="a motion file: AIST++ .pkl, .bvh, .amc or .npz")
]
MusicPath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="recording that starts with the file's first frame; else it is looked for beside the motion",
    ),
]
MusicStart = Annotated[
    float,
    typer.Option(
        "--music-start",
        min=0,
        metavar="S",
        show_default=False,
        help="the moment of the recording, in seconds, that falls on the file's first frame",
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(
        metavar="U",
        help=f"unit of length of a .bvh or .amc, where the guess is wrong: {', '.join(UNIT_NAMES)}, or metres "
        "a unit",
    ),
]
Up = Annotated[
    str | None,
    typer.Option(
        metavar="AXIS", help="the axis that points up in the file, where the guess is wrong: y or z"
    ),
]
Facing = Annotated[
    str | None,
    typer.Option(
        metavar="AXIS",
        help="turn the movement about the vertical, so that the body faces this axis at the file's first "
        f"frame: {', '.join(FACINGS)}",
    ),
]
TrueFps = Annotated[
    float | None,
    typer.Option(
        "--true-fps",
        metavar="FPS",
        help="the file's true frame rate, where it gives none or a wrong one; --fps resamples",
    ),
]
Asf = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="the skeleton of an .amc, where it is not the obvious one beside it"
    ),
]
Body = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="which of several bodies of a .bvh, by its root's name or its number from 1",
    ),
]
Frames = Annotated[
    str,
    typer.Option(
        metavar="A:B",
        show_default=False,
        help="frames A to B (not included) of the file, counted at its own rate; A or B may be left out",
    ),
]
Fps = Annotated[
    float | None, typer.Option(min=1, max=1000, help="resample to this many frames a second")
]
CheckpointPath = Annotated[
    str,
    typer.Option(
        metavar="C",
        help="folder of a checkpoint, or the name of one in checkpoints/ or $MMM_CHECKPOINTS",
    ),
]
Hide = Annotated[str, typer.Option(metavar="SPEC", help=f"what to hide: {SPEC_HELP}; joined by +")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE=JOINT",
        show_default=False,
        help="where joints' names do not tell, name one by hand, e.g. left_hip=LThigh; may be repeated. Roles are "
        f"{', '.join(ROLES)}",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="of random SPECs")]


def load(
    path: Path,
    music: Path | None,
    frames: str,
    fps: float | None,
    unit: str | None = None,
    up: str | None = None,
    music_start: float = 0.0,
    facing: str | None = None,
    true_fps: float | None = None,
    asf: Path | None = None,
    body: str | None = None,
) -> Clip:
    """A clip as the options ask for it: cut at the file's rate, then resampled."""
    clip = load_clip(
        path,
        music=music,
        asf=asf,
        true_fps=true_fps,
        unit=unit,
        body=body,
        up=None if up is None else up.lower(),
        facing=facing,
        music_start_s=music_start,
    )
    start, colon, stop = frames.partition(":")
    try:
        low, high = int(start or 0), int(stop or len(clip))
    except ValueError:
        colon = ""
    if not colon:
        raise SpecError(f"--frames {frames}", "not a range", "A:B, for example 0:300", "correct it")
    if (low, high) != (0, len(clip)):
        clip = clip.crop(low, high)
    return clip if fps is None else at_frame_rate(clip, fps)


def check_output(path: Path | None, suffixes: Sequence[str]) -> None:
    """Refuse a bad output before the long work, not after it."""
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise FileError(
            str(path),
            f"unknown suffix {path.suffix!r}",
            " or ".join(suffixes),
            "choose another name",
        )
    if not path.parent.is_dir():
        raise FileError(str(path), f"the folder {path.parent} does not exist", cure="make it first")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Save what a command found out."""
    text = json.dumps(content, indent=1) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def write_text(path: Path, text: str) -> None:
    """Save text as it is."""
    write_atomically(path, lambda file: file.write(text.encode()))


def say_notes(*notes: str) -> None:
    """One line on stderr; said last, so that an error stands alone there."""
    if notes:
        typer.echo(f"note: {' '.join(' '.join(notes).split())}", err=True)


def print_table(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    """Rows under the columns' titles."""
    for line in table(rows, columns):
        typer.echo(line)

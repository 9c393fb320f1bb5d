"""Output that commands share: files, notes and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mmm.batches.run import Failure
from mmm.cli.tables import table
from mmm.errors import FileError, SpecError
from mmm.spec import parse_frames

# Motion files, then films and pages. Only recover also writes ".png", so it is not listed.
OUTPUT_SUFFIXES = (".bvh", ".npz", ".npy", ".pkl", ".glb", ".mp4", ".gif", ".webp", ".html")
METRICS_SUFFIXES = (".json", ".csv")
FILM_SUFFIXES = (".mp4", ".gif", ".webp")
FilmFrames = Annotated[
    str | None,
    typer.Option(
        "--film-frames",
        metavar="A:B",
        show_default=False,
        help="show only frames A to B (not included) of the result in a film (.mp4, .gif, .webp)",
    ),
]
MetricsJson = Annotated[Path | None, typer.Option(metavar="FILE", help="save the figures as JSON")]


def check_output(path: Path | None, suffixes: Sequence[str]) -> None:
    """Check the path of an output before the work that it is for.

    Raises:
        FileError: the suffix is none of ``suffixes``, or the folder does not exist.
    """
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


def check_film_frames(text: str | None, out: Path | None) -> None:
    """Refuse ``--film-frames`` that is no range, or without a film, before the long work.

    Raises:
        SpecError: so.
    """
    if text is None:
        return
    parse_frames(text, 0, f"--film-frames {text}")
    if out is None or out.suffix.lower() not in FILM_SUFFIXES:
        raise SpecError(
            "--film-frames",
            "given without a film",
            f"--out with {' or '.join(FILM_SUFFIXES)}",
            "name a film, or leave it out",
        )


def film_frames_of(text: str | None, length: int) -> tuple[int, int] | None:
    """The range of ``--film-frames`` in a result of so many frames; None where not given."""
    return None if text is None else parse_frames(text, length, f"--film-frames {text}")


def print_notes(*notes: str) -> None:
    """Print all notes as one line on stderr.

    Commands call this last, so that a failed command prints its error only.
    """
    # Notes may hold line breaks; scripts that read stderr expect one line.
    if notes:
        typer.echo(f"note: {' '.join(' '.join(notes).split())}", err=True)


def print_failures(failures: Sequence[Failure]) -> None:
    """Name the files that were left out, one a line on stderr."""
    for failure in failures:
        typer.echo(f"left out: {failure}", err=True)


def print_table(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    """Print rows under the columns' titles."""
    for line in table(rows, columns):
        typer.echo(line)

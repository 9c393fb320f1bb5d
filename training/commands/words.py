"""``python -m training words``: make the library that generation retrieves from."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands import options as c
from training.words.build import build


def words(
    out: Annotated[Path, typer.Option(help="file to write, library.safetensors in a checkpoint")],
    data: Annotated[
        Path, typer.Option(help="prepared set of joint roles; its train split is taken")
    ] = Path("data/processed/common"),
    dances: Annotated[
        Path | None, typer.Option(help="prepared dance set, whose train split is for music")
    ] = None,
) -> None:
    """Store the recordings of a train split as a library of movement."""
    with c.one_line_errors():
        library = build(data / "train", None if dances is None else dances / "train")
        library.save(out)
    size = out.stat().st_size / 1e6
    typer.echo(f"{len(library)} takes, {library.frames:,} frames, {size:.1f} MB in {out}")

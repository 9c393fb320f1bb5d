"""``python -m training.words``: make the library that generation retrieves from."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.errors import MMMError
from training.words.build import build


def main(
    out: Annotated[Path, typer.Option(help="file to write, library.safetensors in a checkpoint")],
    data: Annotated[
        Path, typer.Option(help="prepared set of joint roles; its train split is taken")
    ] = Path("data/processed/common"),
    dances: Annotated[
        Path | None, typer.Option(help="prepared dance set, whose train split is for music")
    ] = None,
) -> None:
    """Store the recordings of a train split as a library of movement."""
    try:
        library = build(data / "train", None if dances is None else dances / "train")
        library.save(out)
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    size = out.stat().st_size / 1e6
    typer.echo(f"{len(library)} takes, {library.frames:,} frames, {size:.1f} MB in {out}")


if __name__ == "__main__":
    typer.run(main)

"""Weights of a checkpoint in 8 bits, half of what they take: ``python -m training.pack --checkpoint DIR``.

For checkpoints that live in a repository. Measure it afterwards: what its card says was measured before.
"""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import describe, load_model, save_model
from mmm.errors import MMMError
from training.cards.card import write_card

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a checkpoint; its weights are rewritten")
    ],
) -> None:
    """Store a checkpoint's weights as 8-bit integers, each row of a matrix with a scale of its own."""
    try:
        info = describe(checkpoint)
        before = _bytes(info.path)
        save_model(load_model(info.path, "cpu"), info.path, info.metrics, bits=8)
        write_card(info.path)
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"{info.name}: {before / 1e6:.1f} MB of weights, now {_bytes(info.path) / 1e6:.1f} MB"
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("model*.safetensors"))


if __name__ == "__main__":
    app()

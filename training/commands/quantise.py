"""``python -m training quantise``: a checkpoint's weights as 8-bit integers.

This halves the size of a checkpoint that is kept in a repository. Evaluate it again afterwards: the
figures in its card were measured with the weights before quantisation.
"""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import describe, load_model, save_model
from training.cards.card import write_card
from training.commands import options as c


def quantise(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a checkpoint; its weights are rewritten")
    ],
) -> None:
    """Store a checkpoint's weights as 8-bit integers, each row of a matrix with a scale of its
    own."""
    with c.one_line_errors():
        info = describe(checkpoint)
        # The weights are replaced in place, so their size is taken first.
        before = _bytes(info.path)
        # One pass over the weights needs no GPU.
        save_model(load_model(info.path, "cpu"), info.path, info.metrics, bits=8)
        write_card(info.path)
    typer.echo(
        f"{info.name}: {before / 1e6:.1f} MB of weights, now {_bytes(info.path) / 1e6:.1f} MB"
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("model*.safetensors"))

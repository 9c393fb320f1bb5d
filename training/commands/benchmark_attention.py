"""``python -m training benchmark attention``: scores of explanations where the deciding music is
known."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import load_model
from mmm.errors import ModelError
from training.benchmark import attention
from training.benchmark.dance_truth import TruthTable
from training.cards.card import record
from training.cards.music import attention_lines
from training.commands import options as c
from training.data.dataset import MotionSet


def attention_command(
    checkpoint: Annotated[
        Path,
        typer.Option(
            help="folder of a network with music; its metrics.json and card are rewritten"
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="the prepared dance set; its test split is used")
    ] = Path("data/processed/dance"),
    clips: Annotated[int, typer.Option(min=1, help="how many, spread evenly over the split")] = 200,
    work: Annotated[
        Path | None, typer.Option(help="file of finished clips, from which a stopped run continues")
    ] = None,
) -> None:
    """Score attention, attributions and interventions against the dance set's known answer."""
    with c.one_line_errors():
        model = load_model(checkpoint)
        if not model.config.uses_music:
            raise ModelError(
                str(checkpoint), "a network without music", "one with music", "choose another"
            )
        # One folder for both: the truth table refers to clips by their position in this split.
        folder = data / "test"
        results = attention.summary(
            # A list, because the summary reads the entries several times.
            list(attention.clip_entries(model, MotionSet(folder), TruthTable(folder), clips, work))
        )
        record(checkpoint, "attention", {"data": data.resolve().name, "split": "test", **results})
    for line in attention_lines(results):
        typer.echo(line)

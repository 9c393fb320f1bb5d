"""Metrics of a checkpoint on a held-out split beside the baselines: ``python -m training.evaluate``."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from mmm.checkpoint import load_model
from mmm.errors import MMMError
from mmm.evaluation import evaluate
from mmm.inspection import EVALUATION_COLUMNS, table
from training.card import record
from training.dataset import MotionSet

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SPECS = ("random:0.15", "every:5", "every:10", "every:15", "every:20", "keep:5,hide:5", "span:135-164", "span:120-179",
         "span:105-194")
"""The last three are gaps of 30, 60 and 90 frames in the middle of 300."""


@app.command()
def main(
    checkpoint: Annotated[Path, typer.Option(help="folder of the checkpoint; its metrics.json and card are rewritten")],
    data: Annotated[Path, typer.Option(help="the prepared set; its test split is used")],
    clips: Annotated[int, typer.Option(help="how many, spread evenly over the split")] = 60,
    frames: int = 300,
    split: str = "test",
    hide: Annotated[list[str] | None, typer.Option(help="SPEC; repeat for several")] = None,
) -> None:
    """Evaluate a checkpoint and write the table into its metrics.json and card."""
    try:
        model = load_model(checkpoint)
        pool = MotionSet(data / split).cut_clips(clips, frames, model.config.skeleton, model.config.fps)
        with tqdm(total=1.0, desc="evaluate", bar_format="{l_bar}{bar}| {elapsed}") as bar:
            rows = evaluate(model, pool, hide or SPECS, progress=lambda done: bar.update(done - bar.n))
        results = {"split": split, "data": data.name, "clips": len(pool), "frames": frames, "rows": rows}
        record(checkpoint, "evaluation", results)
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    for line in table(rows, EVALUATION_COLUMNS):
        typer.echo(line)


if __name__ == "__main__":
    app()

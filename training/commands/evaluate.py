"""``python -m training evaluate``: errors of a checkpoint on a held-out split, beside the
baselines."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from mmm.checkpoints import describe, load_model
from mmm.cli.tables import EVALUATION_COLUMNS, table
from mmm.errors import ModelError, SpecError
from mmm.evaluation.evaluate import evaluate
from training.cards.card import record, trained_on
from training.commands import options as c
from training.commands.compatibility import body_of
from training.data.dataset import MotionSet

SPECS = ("random:0.15", "every:5", "every:10", "every:15", "every:20", "keep:5,hide:5")
"""The patterns that every set is evaluated with, before the gaps."""
GAPS = {60: (30, 60, 90), 30: (15, 30, 60, 90)}
"""Lengths of the gap in the middle, in frames, at 60 and at 30 frames a second."""
FRAMES = {60: 300, 30: 240}
"""Length of the clips, in frames, at 60 and at 30 frames a second."""
SECTIONS = ("evaluation", "parts", "unseen")


def default_frames(fps: float) -> int:
    """The length of clips at a frame rate, in frames."""
    # 45 lies halfway between the two rates that the patterns are defined for.
    return FRAMES[60 if fps > 45 else 30]


def specs_for(fps: float, frames: int) -> tuple[str, ...]:
    """The SPECs to evaluate with: patterns, and gaps in the middle that fit into the clips."""
    # A gap needs a known frame on either side.
    gaps = [gap for gap in GAPS[60 if fps > 45 else 30] if gap <= frames - 2]
    return *SPECS, *(f"span:{(frames - gap) // 2}-{(frames - gap) // 2 + gap - 1}" for gap in gaps)


def evaluate_checkpoint(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of the checkpoint; its metrics.json and card are rewritten")
    ],
    data: Annotated[Path, typer.Option(help="the prepared set")],
    clips: Annotated[int, typer.Option(min=1, help="how many, spread evenly over the split")] = 60,
    frames: Annotated[
        int, typer.Option(min=0, help="their length; 0: 300 at 60 frames a second, 240 at 30")
    ] = 0,
    split: str = "test",
    hide: Annotated[list[str] | None, typer.Option(help="SPEC; repeat for several")] = None,
    into: Annotated[
        str,
        typer.Option(
            help="evaluation; unseen, for sets it never saw; parts, for a part of the split"
        ),
    ] = "evaluation",
    only: Annotated[
        str, typer.Option(help="with --into parts: regular expression in the sources of its clips")
    ] = "",
) -> None:
    """Evaluate a checkpoint and write the table into its metrics.json and card."""
    with c.one_line_errors():
        model = load_model(checkpoint)
        # Before the evaluation, which takes minutes.
        _check_section(into, checkpoint, data.resolve().name, only)
        stored = MotionSet(data / split)
        # Filtered before clips are cut, so that they are spread evenly over the part itself.
        if only:
            stored.keep(only)
        skeleton, fps = body_of(stored, model.config)
        frames = frames or default_frames(fps)
        pool = stored.cut_clips(clips, frames, skeleton, fps)
        specs = hide or specs_for(fps, frames)
        with tqdm(total=1.0, desc="evaluate", bar_format="{l_bar}{bar}| {elapsed}") as bar:
            rows = evaluate(model, pool, specs, progress=lambda done: bar.update(done - bar.n))
        # Reported, because leaving short clips out favours some contents of a split over others.
        short = sum(clip["frames"] < frames for clip in stored.clips)
        results = {
            "split": split,
            "data": data.resolve().name,
            "clips": len(pool),
            # The card quotes the command with this number. The split may hold fewer clips.
            "asked": clips,
            "frames": frames,
            "left_out": short,
            "available": len(stored.clips),
            "only": only,
            "rows": rows,
        }
        name = {"evaluation": None, "unseen": data.resolve().name, "parts": only}[into]
        record(checkpoint, into, results, name)
    for line in table(rows, EVALUATION_COLUMNS):
        typer.echo(line)
    if short:
        typer.echo(
            f"{short} of the split's {len(stored.clips)} clips are shorter than {frames} frames: "
            f"left out"
        )


def _check_section(into: str, checkpoint: Path, data: str, only: str) -> None:
    """A set counts as unseen only if neither the network nor its parents were trained on it.

    Raises:
        SpecError: there is no such section, or parts without saying which part.
        ModelError: the network was trained on the set.
    """
    if into not in SECTIONS:
        raise SpecError(
            f"--into {into}", "no such section", " or ".join(SECTIONS), "choose one of them"
        )
    # The errors of a part must not replace those of the whole split.
    if bool(only) != (into == "parts"):
        raise SpecError(
            f"--into {into}",
            f"--only {only}" if only else "no --only",
            "--into parts together with --only",
            "give both or neither",
        )
    if into == "unseen" and data in trained_on(describe(checkpoint).metrics):
        raise ModelError(
            str(checkpoint),
            f"it, or a parent of it, was trained on {data}",
            "a set it has never seen",
            "leave --into unseen out",
        )

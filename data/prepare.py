"""``python -m data prepare``: our own dance set, AIST++, LAFAN1, any folder of BVH and AMC."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from data.command_line import guarded
from data.dance import dataset
from data.dance.samples import write_samples
from data.dance.truth import save_truths, truth_of
from data.sources.commands import aist, bvh, lafan1
from mmm.cli.options import Ray, with_groups

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    # Markup would drop words in square brackets, such as those of .[serve].
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Prepare data sets for training.",
)
Frames = Annotated[int, typer.Option(help="frames a clip, at 60 a second")]


def dance(
    out: Annotated[Path, typer.Option(help="folder to write into")] = Path("data/processed/dance"),
    train: Annotated[int, typer.Option(help="clips to train on")] = 1200,
    val: Annotated[int, typer.Option(help="clips to validate on")] = 60,
    test: Annotated[int, typer.Option(help="clips to test on")] = 240,
    frames: Frames = 600,
    seed: Annotated[
        int, typer.Option(help="random seed of the choice of dancers and stretches")
    ] = 0,
    jobs: Annotated[int, typer.Option(help="processes that render songs")] = 2,
    ray: Ray = None,
) -> None:
    """Our own dance set: music, motion, split."""
    # Splits of 0 clips are skipped, so that one split can be made alone.
    dataset.prepare(out, {"train": train, "val": val, "test": test}, frames, seed, jobs, ray)


def truth(
    clip: Annotated[str, typer.Argument(help="a name such as test004_dancer03_at0626")],
    out: Annotated[Path, typer.Option(help="the .npz to write")],
    frames: Frames = 600,
) -> None:
    """Which music frames decide which motion frames of a clip of the dance set."""
    song, dancer, start = dataset.parse_clip_name(clip)
    save_truths(out, [truth_of(song, dancer, start, frames)])


def samples(
    out: Annotated[Path, typer.Option(help="folder to write into")] = Path("data/samples"),
) -> None:
    """Write the twelve clips that ship with the project."""
    write_samples(out)


COMMANDS: dict[str, Callable[..., None]] = {
    "dance": dance,
    "truth": truth,
    "samples": samples,
    "aist": aist,
    "lafan1": lafan1,
    "bvh": bvh,
}
# Guarded here rather than by a decorator, so that callers in Python get the error itself.
for name, command in COMMANDS.items():
    app.command(name)(guarded(with_groups(command)))

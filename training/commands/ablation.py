"""Ablation studies: small networks that differ in one thing, in one table.

``python -m training ablation inbetween --data DIR`` and ``python -m training ablation dance --data
DIR``. Each variant is a recipe of ``training.plans.recipes`` at the study's small size, with the same
seed and number of steps. The variants are trained one after another, each in a folder of its own
under ``runs/ablation``. Finished variants are not trained again, Ctrl-C keeps them, and the table is
written after every variant.

Variants that change only the network or the loss see the same batches; those that change how batches
are drawn (augmentation, windows, gaps) cannot. One more row trains the full variant with another
seed: smaller differences than its own are not significant.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from tqdm import tqdm

from mmm.checkpoints import load_model, save_model
from mmm.cli.options import with_groups
from mmm.errors import ModelError
from mmm.evaluation.evaluate import evaluate
from mmm.models import MaskedMotionModel
from mmm.motion.clip import Clip
from training.benchmark.ablation import STUDIES, markdown, table
from training.benchmark.ablation_runs import (
    Settings,
    asked,
    first_difference,
    is_trained,
    stored,
    write,
)
from training.commands import options as c
from training.commands.pretrain import untrained
from training.data.dataset import MotionSet
from training.engine.loop import make_accelerator, train
from training.plans.plan import plan_to_dict

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    # Markup would drop words in square brackets, such as those of .[serve].
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Ablation studies: small networks that differ in one thing, in one table.",
)

RUNS = Path("runs") / "ablation"


# --- Training and evaluation ----------------------------------------------------------------------


def train_variant(settings: Settings, name: str, split: MotionSet, fresh: bool = False) -> None:
    """Train a variant, or continue its training; does nothing where it is finished.

    Raises:
        ModelError: its folder holds a variant with other settings.
    """
    folder, requested = settings.folder(name), asked(settings, name, split)
    before = stored(folder / "settings.json")
    if before is not None and before != requested and not fresh:
        raise ModelError(
            str(folder),
            f"trained otherwise ({first_difference(before, requested)})",
            "an equal variant",
            "train it anew with --fresh, or name another folder with --runs",
        )
    if not fresh and is_trained(settings, name, requested):
        return
    # With these files left in place, an interrupted retraining would count as finished and keep the
    # scores of the old weights.
    for stale in (folder / "net" / "metrics.json", folder / "evaluation.json"):
        stale.unlink(missing_ok=True)
    # Written before the training, so that a later call can tell whether it may continue this run.
    write(folder / "settings.json", json.dumps(requested, indent=1))
    recipe = settings.recipe(name)
    model = untrained(recipe, recipe.changes, recipe.plan, split, settings.data)
    average, curve = train(model, split, recipe.plan, folder, resume=not fresh)
    training = {
        "plan": plan_to_dict(recipe.plan),
        "curve": curve,
        "data": requested["data"],
        "clips": len(split.clips),
        "frames": requested["frames"],
        "command": f"python -m training ablation {settings.study.name}",
    }
    # float32, because rounded weights could hide the small differences between variants.
    save_model(average, folder / "net", {"training": training}, bits=32)


def evaluate_variant(settings: Settings, name: str, pool: Sequence[Clip]) -> list[dict[str, Any]]:
    """A finished variant's errors beside the baselines', as ``mmm.evaluation.evaluate.evaluate``
    gives them; kept on disk."""
    path, specs = settings.folder(name) / "evaluation.json", settings.study.specs(settings.frames)
    asked_for = {
        "split": settings.split,
        "data": settings.data.resolve().name,
        "frames": settings.frames,
        "specs": specs,
        "clips": [clip.name for clip in pool],
    }
    kept = stored(path)
    # `run` asks for the scores of all finished variants after each one, so they are kept on disk.
    if kept is None or kept["asked"] != asked_for:
        model = _named(load_model(settings.folder(name) / "net"), name)
        # `evaluate` reports the finished fraction, hence a bar from 0 to 1.
        with tqdm(total=1.0, desc=f"{name}: evaluate", bar_format="{l_bar}{bar}| {elapsed}") as bar:
            rows = evaluate(model, pool, specs, progress=lambda done: bar.update(done - bar.n))
        kept = {"asked": asked_for, "rows": rows}
        write(path, json.dumps(kept, indent=1))
    return kept["rows"]


def run(settings: Settings, only: Sequence[str], out: Path, fresh: bool = False) -> dict[str, Any]:
    """Train and evaluate the variants one after another; the table is written after each.

    Args:
        only: names of variants; none: all.
        out: the table goes to this name with ``.md`` and with ``.json``.

    Raises:
        ModelError: there is no such variant, or a folder holds one with other settings.
        KeyboardInterrupt: Ctrl-C; what is finished is in the table, and the same command continues.
    """
    study, names = settings.study, settings.study.variants()
    for name in only:
        if name not in names:
            raise ModelError(
                f"--only {name}", "no such variant", ", ".join(names), "choose one of them"
            )
    # In the study's order, whatever the order of --only: the full variant comes first, because the
    # others are compared with it.
    chosen = [name for name in names if name in only] or list(names)
    device = make_accelerator()
    split = c.load_split(settings.data, device)
    # Only the skeleton and the frame rate of this network are used. All variants of a study share
    # them, so one pool of clips serves all.
    first = untrained(
        settings.recipe(study.full),
        settings.recipe(study.full).changes,
        settings.recipe(study.full).plan,
        split,
        settings.data,
    )
    pool = MotionSet(settings.data / settings.split).cut_clips(
        settings.clips, settings.frames, first.config.skeleton, first.config.fps
    )
    result: dict[str, Any] = {}
    for number, name in enumerate(chosen, start=1):
        typer.echo(f"{number} of {len(chosen)}: {name}", err=True)
        train_variant(settings, name, split, fresh)
        evaluate_variant(settings, name, pool)
        # Variants that earlier calls finished belong in the table too, whatever --only names.
        done = {
            other: evaluate_variant(settings, other, pool)
            for other in names
            if is_trained(settings, other, asked(settings, other, split))
        }
        result = table(
            study,
            done,
            {
                "data": settings.data.resolve().name,
                "split": settings.split,
                "clips": len(pool),
                "frames": settings.frames,
                "steps": settings.steps,
                "seed": settings.seed,
            },
        )
        # Inside the loop, so that Ctrl-C leaves a table of everything that is finished.
        write(out.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
        write(out.with_suffix(".md"), markdown(result))
    return result


def _named(model: MaskedMotionModel, name: str) -> MaskedMotionModel:
    # The rows of an evaluation are named after the model.
    model.name_or_path = name
    return model


# --- The command ----------------------------------------------------------------------------------

Steps = Annotated[int, typer.Option(min=1, help="of each variant")]
Clips = Annotated[
    int, typer.Option(min=1, help="clips to evaluate on, spread evenly over the split")
]


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """The options of both studies."""

    data: c.Data
    steps: Steps
    clips: Clips
    frames: Annotated[int, typer.Option(min=0, help="their length; 0: the study's own")] = 0
    split: Annotated[str, typer.Option(help="val, or test")] = "val"
    only: Annotated[
        list[str] | None, typer.Option(help="a variant; repeat for several; none: all")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(help="the table, as .md and as .json; default runs/ablation/STUDY.md"),
    ] = None
    runs: Annotated[
        Path, typer.Option(help="folder of the variants, each in a folder of its own")
    ] = RUNS
    seed: int = 0
    threads: c.Threads = 0
    fresh: Annotated[bool, typer.Option(help="train finished variants again")] = False


@dataclass(frozen=True, kw_only=True)
class InbetweenOptions(StudyOptions):
    """Default sizes of the study of in-betweening."""

    steps: Steps = 500
    clips: Clips = 60


@dataclass(frozen=True, kw_only=True)
class DanceOptions(StudyOptions):
    """Default sizes of the study of dance."""

    steps: Steps = 400
    clips: Clips = 40


def inbetween(options: InbetweenOptions) -> None:
    """The network on joint roles: position errors as ratios to slerp's, in gaps of 5, 15, 30 and 45
    frames."""
    _command("inbetween", options)


def dance(options: DanceOptions) -> None:
    """The networks with music: rotation errors at every:5, every:15 and in gaps of 30 and 60
    frames."""
    _command("dance", options)


for _study in (inbetween, dance):
    app.command()(with_groups(_study))


def _command(study: str, options: StudyOptions) -> None:
    if options.threads:
        torch.set_num_threads(options.threads)
    chosen = STUDIES[study]
    settings = Settings(
        chosen,
        options.data,
        options.steps,
        options.clips,
        options.frames or chosen.frames,
        options.split,
        options.seed,
        options.runs,
    )
    out = options.out or options.runs / f"{study}.md"
    with c.one_line_errors():
        typer.echo(markdown(run(settings, options.only or [], out, options.fresh)))
        # On stderr, so that a redirected stdout holds the table alone.
        typer.echo(f"wrote {out.with_suffix('.md')} and {out.with_suffix('.json')}", err=True)

"""A checkpoint beside its baselines by a published protocol: ``python -m training.benchmark lafan1 | motion | set``.

``dance`` and ``continue`` go on from a seed, and write into the checkpoint's card.

``attention`` scores ways of saying which music decides a frame, on the dance set, where that is known.
"""

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from mmm.checkpoints import load_model
from mmm.errors import MMMError, ModelError, SpecError
from mmm.io.files import write_atomically
from training.benchmark import attention, report
from training.benchmark import clips as sources
from training.benchmark.continuation import Material, material, rows, varieties
from training.benchmark.dance_moves import Moves, bars_of
from training.benchmark.dance_truth import TruthTable
from training.benchmark.methods import BASELINES, network
from training.benchmark.protocol import (
    GAPS,
    PAST,
    TEST_CUT,
    Filler,
    Windows,
    benchmark,
    cut,
    statistics,
)
from training.cards.card import attention_lines, record
from training.cards.generation import generation_lines
from training.cards.protocol import summary
from training.data.dataset import MotionSet

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Published test protocols. Every figure stands beside its baselines.",
)

Checkpoint = Annotated[
    Path | None, typer.Option(help="folder of the network; without it the baselines alone")
]
Json = Annotated[Path | None, typer.Option("--json", help="file to write everything into")]
Workers = Annotated[int, typer.Option(min=1, help="processes that run the network")]
Limit = Annotated[
    int | None, typer.Option("--windows", min=1, help="at most so many, spread evenly")
]
Group = Annotated[
    str | None,
    typer.Option(
        help="regular expression on file names; what its group (or all of it) matches names the group of a window"
    ),
]
Record = Annotated[
    str | None,
    typer.Option(
        "--record",
        metavar="NAME",
        help="put the ratios into the checkpoint's metrics.json and card, under this name",
    ),
]
Clips = Annotated[int, typer.Option(min=2, help="how many, spread evenly over the split")]
SeedFrames = Annotated[
    int, typer.Option("--seed-frames", min=2, help="frames of real motion to go on from")
]
Seconds = Annotated[float, typer.Option(min=1, max=600, help="how long to go on")]
Variety = Annotated[
    float, typer.Option("--temperature", "--variety", min=0, max=3, help="of the table's row")
]
Number = Annotated[int, typer.Option("--seed", min=0, help="of chance")]
TryVariety = Annotated[
    list[float] | None,
    typer.Option(
        min=0,
        max=3,
        help="also say how far apart several futures of one seed are at this variety; may be repeated",
    ),
]
Seeds = Annotated[int, typer.Option(min=2, help="futures of each seed to compare for that")]


@app.command()
def lafan1(
    bvh: Annotated[Path, typer.Option(help="folder of LAFAN1's BVH files")],
    checkpoint: Checkpoint = None,
    json_file: Json = None,
    workers: Workers = 1,
    limit: Limit = None,
    group_by: Group = None,
    name: Record = None,
) -> None:
    """LAFAN1 in-betweening: the published split where all 77 takes are there, else whatever takes are."""
    _command(
        lambda: sources.lafan1(bvh),
        checkpoint,
        json_file,
        workers,
        limit,
        group_by,
        name,
        f"lafan1 --bvh {bvh.name}",
    )


@app.command()
def motion(
    bvh: Annotated[
        list[Path], typer.Option(help="folder, archive or file of BVH or AMC; repeat for several")
    ],
    checkpoint: Checkpoint = None,
    json_file: Json = None,
    workers: Workers = 1,
    limit: Limit = None,
    group_by: Group = None,
    name: Record = None,
    fps: Annotated[
        float | None, typer.Option(help="frame rate of the files, where they do not say it")
    ] = None,
    drop_first: Annotated[
        int, typer.Option(min=0, help="frames to leave out at the start of every file")
    ] = 0,
) -> None:
    """The same protocol on any motion files, such as Bandai-Namco's."""
    _command(
        lambda: sources.motion_files(bvh, fps, drop_first),
        checkpoint,
        json_file,
        workers,
        limit,
        group_by,
        name,
        "motion "
        + " ".join(f"--bvh {source.name}" for source in bvh)
        + (f" --fps {fps:g}" if fps else "")
        + (f" --drop-first {drop_first}" if drop_first else ""),
    )


@app.command("set")
def prepared_set(
    data: Annotated[
        Path,
        typer.Option(help="one split of a prepared set, for example data/processed/common/test"),
    ],
    checkpoint: Checkpoint = None,
    json_file: Json = None,
    workers: Workers = 1,
    limit: Limit = None,
    group_by: Group = None,
    name: Record = None,
) -> None:
    """The same protocol on a prepared set."""
    _command(
        lambda: sources.prepared(data),
        checkpoint,
        json_file,
        workers,
        limit,
        group_by,
        name,
        f"set --data data/processed/{data.resolve().parent.name}/{data.name}",
    )


@app.command("attention")
def attention_command(
    checkpoint: Annotated[
        Path,
        typer.Option(
            help="folder of a network that listens; its metrics.json and card are rewritten"
        ),
    ],
    data: Annotated[
        Path, typer.Option(help="the prepared dance set; its test split is used")
    ] = Path("data/processed/dance"),
    clips: Annotated[int, typer.Option(min=1, help="how many, spread evenly over the split")] = 200,
    work: Annotated[
        Path | None, typer.Option(help="file of finished clips: a stopped run goes on there")
    ] = None,
) -> None:
    """How far attention, attributions and interventions can be trusted, against the dance set's known answer."""
    try:
        model = load_model(checkpoint)
        if not model.config.uses_music:
            raise ModelError(
                str(checkpoint), "this network takes no music", "one that listens", "choose another"
            )
        folder = data / "test"
        found = attention.summary(
            list(attention.answers(model, MotionSet(folder), TruthTable(folder), clips, work))
        )
        record(checkpoint, "attention", {"data": data.resolve().name, "split": "test", **found})
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    for line in attention_lines(found):
        typer.echo(line)


@app.command()
def dance(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a network that hears; its card is rewritten")
    ],
    data: Annotated[Path, typer.Option(help="prepared dance set; its test split is danced")] = Path(
        "data/processed/dance-long"
    ),
    train: Annotated[
        Path, typer.Option(help="set whose train split says what moves look like")
    ] = Path("data/processed/dance"),
    clips: Clips = 40,
    prefix_frames: SeedFrames = 120,
    seconds: Seconds = 20.0,
    temperature: Variety = 1.0,
    seed: Number = 0,
    try_variety: TryVariety = None,
    seeds: Seeds = 3,
    json_file: Json = None,
) -> None:
    """Go on dancing to songs of the test split: alive, on the beat, the right move in every bar."""

    def measure() -> None:
        stored = MotionSet(data / "test")
        found = material(
            stored,
            load_model(checkpoint),
            clips,
            prefix_frames,
            seconds,
            bars_of(data / "test"),
            Moves.fit(train / "train"),
        )
        _generation(
            checkpoint,
            data,
            found,
            prefix_frames,
            seconds,
            temperature,
            seed,
            try_variety or [],
            seeds,
            json_file,
        )

    _guarded(measure)


@app.command("continue")
def go_on(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a network without music; its card is rewritten")
    ],
    data: Annotated[Path, typer.Option(help="prepared set; its test split is continued")] = Path(
        "data/processed/common"
    ),
    clips: Clips = 40,
    prefix_frames: SeedFrames = 60,
    seconds: Seconds = 10.0,
    temperature: Variety = 1.0,
    seed: Number = 0,
    try_variety: TryVariety = None,
    seeds: Seeds = 3,
    json_file: Json = None,
) -> None:
    """Go on with motion of the test split, without music."""

    def measure() -> None:
        found = material(
            MotionSet(data / "test"), load_model(checkpoint), clips, prefix_frames, seconds
        )
        _generation(
            checkpoint,
            data,
            found,
            prefix_frames,
            seconds,
            temperature,
            seed,
            try_variety or [],
            seeds,
            json_file,
        )

    _guarded(measure)


def _generation(
    checkpoint: Path,
    data: Path,
    found: Material,
    prefix_frames: int,
    seconds: float,
    temperature: float,
    seed: int,
    try_variety: list[float],
    seeds: int,
    json_file: Path | None,
) -> None:
    model, name = load_model(checkpoint), _name_of(checkpoint)
    runs = len(found.cases) * (1 + len(try_variety) * seeds)
    with tqdm(total=runs, desc="clips", disable=None) as bar:
        table = rows(model, found, name, temperature, seed, bar.update)
        tried = varieties(model, found, try_variety, seeds, bar.update)
    results = {
        "data": data.resolve().name,
        "split": "test",
        "clips": len(found.cases),
        "seed_frames": prefix_frames,
        "seconds": seconds,
        "fps": found.cases[0].truth.fps,
        "variety": temperature,
        "seed": seed,
        "reference_clips": found.reference_clips,
        "rows": table,
        "varieties": tried,
    }
    record(checkpoint, "generation", results, data.resolve().name)
    for line in generation_lines(results, name):
        typer.echo(line)
    if json_file is not None:
        text = json.dumps(results, indent=1) + "\n"
        write_atomically(json_file, lambda file: file.write(text.encode()))


def _guarded(measure: Callable[[], None]) -> None:
    try:
        measure()
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _command(
    find: Callable[[], sources.Material],
    checkpoint: Path | None,
    json_file: Path | None,
    workers: int,
    limit: int | None,
    group_by: str | None,
    name: str | None,
    told: str,
) -> None:
    def measure() -> None:
        if name is not None and checkpoint is None:
            raise SpecError(
                f"--record {name}",
                "no --checkpoint",
                "a checkpoint whose card it goes into",
                "name one",
            )
        scores, judged = _run(find(), checkpoint, json_file, workers, limit, group_by)
        if name is not None and checkpoint is not None:
            options = "".join(
                f" {option} {value}"
                for option, value in (
                    ("--windows", limit),
                    ("--group-by", None if group_by is None else f"'{group_by}'"),
                )
                if value
            )
            command = (
                f"python -m training.benchmark {told} --checkpoint checkpoints/{checkpoint.resolve().name}"
                + options
            )
            record(checkpoint, "protocol", summary(scores, judged, command), name)

    _guarded(measure)


def _run(
    found: sources.Material,
    checkpoint: Path | None,
    json_file: Path | None,
    workers: int,
    limit: int | None,
    group_by: str | None,
) -> tuple[list[dict[str, float | str]], str]:
    """The scores, and the name of the method that is judged."""
    windows = cut(found.clips, *TEST_CUT)
    against = found.against or statistics(
        windows, "these windows, for the published training takes are not at hand"
    )
    if limit is not None and limit < len(windows):
        windows = windows.take(np.unique(np.linspace(0, len(windows) - 1, limit).astype(int)))
    groups = _groups(windows, group_by)
    fillers: dict[str, Filler] = dict(BASELINES)
    judged = "spline" if checkpoint is None else _name_of(checkpoint)
    with ExitStack() as stack:
        if checkpoint is not None:
            fillers[judged] = network(checkpoint, workers, stack)
        bar = stack.enter_context(
            tqdm(total=len(windows) * len(GAPS) * len(fillers), desc="windows", disable=None)
        )
        scores = benchmark(windows, fillers, against, groups, progress=bar.update)
    count = len(windows)
    expected = f" (published: {sources.LAFAN1_WINDOWS:,})" if found.published else ""
    head = [
        found.title,
        f"{count:,} windows of {TEST_CUT[0]} frames{expected}; {PAST} past frames, one target",
        f"L2P is standardised by mean and deviation of {against.source}",
        *found.notes,
    ]
    for line in [
        *head,
        "",
        *report.lines(scores, found.published),
        *report.group_lines(scores, judged),
    ]:
        typer.echo(line)
    if json_file is not None:
        content = {
            "title": found.title,
            "published_split": found.published,
            "notes": found.notes,
            "windows": count,
            "clips": len(found.clips),
            "statistics": against.source,
            "rows": scores,
            "ratios_to_interpolation": report.ratios(scores),
            "judged": judged,
            "ratios_to_the_better_baseline": report.by_group(scores, judged),
            "published_l2p_ratios_on_the_full_lafan1_test_set": report.RATIOS_PUBLISHED,
        }
        text = json.dumps(content, indent=1) + "\n"
        write_atomically(json_file, lambda file: file.write(text.encode()))
    return scores, judged


def _name_of(checkpoint: Path) -> str:
    name = checkpoint.resolve().name
    return (
        f"{name} network" if name in BASELINES else name
    )  # rows go by name: it must not be taken for one


def _groups(windows: Windows, pattern: str | None) -> dict[str, np.ndarray]:
    if pattern is None:
        return {}
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise SpecError(
            "--group-by", f"{pattern!r}: {error}", "a regular expression", "correct it"
        ) from None
    found: dict[str, list[int]] = {}
    for at, label in enumerate(windows.labels):
        match = expression.search(label)
        name = (
            "no match"
            if match is None
            else match[1]
            if expression.groups and match[1]
            else match[0]
        )
        found.setdefault(name, []).append(at)
    return {name: np.array(places) for name, places in sorted(found.items())}


if __name__ == "__main__":
    app()

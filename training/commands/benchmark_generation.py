"""``python -m training benchmark dance`` and ``continue``: generation from a prefix, beside the
truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from mmm.checkpoints import load_model
from mmm.storage import write_json
from training.benchmark.continuation import Material, by_temperature, material, rows
from training.benchmark.dance_moves import Moves, bars_of
from training.benchmark.methods import row_name
from training.cards.card import record
from training.cards.generation import generation_lines
from training.commands import options as c
from training.data.dataset import MotionSet

# A velocity needs two frames.
PrefixFrames = Annotated[
    int, typer.Option("--seed-frames", min=2, help="recorded frames to continue from")
]
Seconds = Annotated[float, typer.Option(min=1, max=600, help="seconds to generate")]


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """The options that both benchmarks of generated motion share."""

    prefix_frames: PrefixFrames
    seconds: Seconds
    clips: Annotated[int, typer.Option(min=2, help="how many, spread evenly over the split")] = 40
    temperature: Annotated[
        # --variety is the older spelling, which keeps working.
        float, typer.Option("--temperature", "--variety", min=0, max=3, help="of the table's row")
    ] = 1.0
    seed: Annotated[int, typer.Option("--seed", min=0, help="random seed")] = 0
    try_temperature: Annotated[
        list[float] | None,
        typer.Option(
            # --try-variety is the older spelling, which keeps working.
            "--try-temperature",
            "--try-variety",
            min=0,
            max=3,
            help="also measure the diversity of several continuations of each seed at this "
            "temperature; may be repeated",
        ),
    ] = None
    seeds: Annotated[int, typer.Option(min=2, help="continuations of each seed for that")] = 3
    json_file: c.Json = None


@dataclass(frozen=True, kw_only=True)
class DanceOptions(GenerationOptions):
    """Default lengths of dances."""

    prefix_frames: PrefixFrames = 120
    seconds: Seconds = 20.0


@dataclass(frozen=True, kw_only=True)
class ContinuationOptions(GenerationOptions):
    """Default lengths of continuations without music."""

    prefix_frames: PrefixFrames = 60
    seconds: Seconds = 10.0


def dance(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a network with music; its card is rewritten")
    ],
    options: DanceOptions,
    data: Annotated[Path, typer.Option(help="prepared dance set; its test split is used")] = Path(
        "data/processed/dance-long"
    ),
    train: Annotated[Path, typer.Option(help="set whose train split defines the moves")] = Path(
        "data/processed/dance"
    ),
) -> None:
    """Continue dances of the test split: energy, beats, and the move that each bar calls for."""
    with c.one_line_errors():
        recordings = material(
            MotionSet(data / "test"),
            load_model(checkpoint),
            options.clips,
            options.prefix_frames,
            options.seconds,
            bars_of(data / "test"),
            # Prototypes of the train split, so that the test dances do not define their own
            # ceiling.
            Moves.fit(train / "train"),
        )
        _generation(checkpoint, data, recordings, options)


def continuation(
    checkpoint: Annotated[
        Path, typer.Option(help="folder of a network without music; its card is rewritten")
    ],
    options: ContinuationOptions,
    data: Annotated[Path, typer.Option(help="prepared set; its test split is continued")] = Path(
        "data/processed/common"
    ),
) -> None:
    """Continue motion of the test split, without music."""
    with c.one_line_errors():
        recordings = material(
            MotionSet(data / "test"),
            load_model(checkpoint),
            options.clips,
            options.prefix_frames,
            options.seconds,
        )
        _generation(checkpoint, data, recordings, options)


def _generation(
    checkpoint: Path, data: Path, recordings: Material, options: GenerationOptions
) -> None:
    model, name = load_model(checkpoint), row_name(checkpoint)
    seeds, try_temperature = options.seeds, options.try_temperature or []
    temperature, seed = options.temperature, options.seed
    # One continuation for the table, and `seeds` of them for every temperature that is tried.
    runs = len(recordings.cases) * (1 + len(try_temperature) * seeds)
    with tqdm(total=runs, desc="clips", disable=None) as bar:
        table = rows(model, recordings, name, temperature, seed, bar.update)
        tried = by_temperature(model, recordings, try_temperature, seeds, bar.update)
    results = {
        "data": data.resolve().name,
        "split": "test",
        "clips": len(recordings.cases),
        "seed_frames": options.prefix_frames,
        "seconds": options.seconds,
        # All cases come from one set and share its frame rate.
        "fps": recordings.cases[0].truth.fps,
        # JSON keys keep older names, because shipped metrics files hold them.
        "variety": temperature,
        "seed": seed,
        "reference_clips": recordings.reference_clips,
        "rows": table,
        "varieties": tried,
    }
    record(checkpoint, "generation", results, data.resolve().name)
    for line in generation_lines(results, name):
        typer.echo(line)
    if options.json_file is not None:
        write_json(options.json_file, results)

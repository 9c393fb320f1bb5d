"""``python -m training benchmark``: published test protocols, each figure beside its baselines."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from mmm.cli.options import with_groups
from mmm.errors import SpecError
from mmm.storage import write_json
from training.benchmark import clips as sources
from training.benchmark import report
from training.benchmark.methods import BASELINES, network, row_name
from training.benchmark.protocol import GAPS, Filler, benchmark, statistics
from training.benchmark.windows import PAST, TEST_CUT, Windows, cut
from training.cards.card import record
from training.cards.protocol import summary
from training.commands import options as c
from training.commands.benchmark_attention import attention_command
from training.commands.benchmark_generation import continuation, dance
from training.commands.benchmark_songs import songs
from training.commands.benchmark_strangers import strangers
from training.commands.benchmark_unseen import unseen

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    # Markup would drop words in square brackets, such as those of .[serve].
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Published test protocols. Every figure stands beside its baselines.",
)


@dataclass(frozen=True, kw_only=True)
class ProtocolOptions:
    """The options of the protocol on any data."""

    checkpoint: Annotated[
        Path | None, typer.Option(help="folder of the network; without it the baselines alone")
    ] = None
    json_file: c.Json = None
    workers: Annotated[int, typer.Option(min=1, help="processes that run the network")] = 1
    limit: Annotated[
        int | None, typer.Option("--windows", min=1, help="at most so many, spread evenly")
    ] = None
    group_by: Annotated[
        str | None,
        typer.Option(
            help="regular expression on file names; what its group (or all of it) matches names "
            "the group of a window"
        ),
    ] = None
    record_as: Annotated[
        str | None,
        typer.Option(
            "--record",
            metavar="NAME",
            help="put the ratios into the checkpoint's metrics.json and card, under this name",
        ),
    ] = None


def lafan1(
    bvh: Annotated[Path, typer.Option(help="folder of LAFAN1's BVH files")],
    options: ProtocolOptions,
) -> None:
    """LAFAN1 in-betweening: the published split if all 77 takes are there, otherwise all takes
    found."""
    # A card names the folder alone: it must not publish the paths of the machine that measured it.
    # Reading is deferred, so that `_command` reports an unreadable file as a one-line error.
    _command(lambda: sources.lafan1(bvh), f"lafan1 --bvh {bvh.name}", options)


def motion(
    bvh: Annotated[
        list[Path], typer.Option(help="folder, archive or file of BVH or AMC; repeat for several")
    ],
    options: ProtocolOptions,
    fps: Annotated[
        float | None, typer.Option(help="frame rate of the files, where they do not say it")
    ] = None,
    drop_first: Annotated[
        int, typer.Option(min=0, help="frames to leave out at the start of every file")
    ] = 0,
) -> None:
    """The same protocol on any motion files, such as Bandai-Namco's."""
    arguments = (
        "motion "
        + " ".join(f"--bvh {source.name}" for source in bvh)
        + (f" --fps {fps:g}" if fps else "")
        + (f" --drop-first {drop_first}" if drop_first else "")
    )
    _command(lambda: sources.motion_files(bvh, fps, drop_first), arguments, options)


def prepared_set(
    data: Annotated[
        Path,
        typer.Option(help="one split of a prepared set, for example data/processed/common/test"),
    ],
    options: ProtocolOptions,
) -> None:
    """The same protocol on a prepared set."""
    arguments = f"set --data data/processed/{data.resolve().parent.name}/{data.name}"
    _command(lambda: sources.prepared(data), arguments, options)


# The modules of the later commands do not import `app`, which would close a circle of imports.
COMMANDS: dict[str, Callable[..., None]] = {
    "lafan1": lafan1,
    "motion": motion,
    "set": prepared_set,
    "unseen": unseen,
    "strangers": strangers,
    "songs": songs,
    "attention": attention_command,
    "dance": dance,
    "continue": continuation,
}
for _name, _function in COMMANDS.items():
    app.command(_name)(with_groups(_function))


def _command(
    find: Callable[[], sources.Material], arguments: str, options: ProtocolOptions
) -> None:
    checkpoint, name = options.checkpoint, options.record_as
    with c.one_line_errors():
        # Checked before the run, because filling all windows takes long.
        if name is not None and checkpoint is None:
            raise SpecError(
                f"--record {name}",
                "no --checkpoint",
                "a checkpoint whose card it goes into",
                "name one",
            )
        scores, judged = _run(find(), options)
        if name is not None and checkpoint is not None:
            more = "".join(
                f" {option} {value}"
                for option, value in (
                    ("--windows", options.limit),
                    # Quoted, because a shell would expand the brackets and stars of an expression.
                    ("--group-by", None if options.group_by is None else f"'{options.group_by}'"),
                )
                if value
            )
            command = (
                f"python -m training benchmark {arguments} --checkpoint "
                f"checkpoints/{checkpoint.resolve().name}" + more
            )
            record(checkpoint, "protocol", summary(scores, judged, command), name)


def _run(
    material: sources.Material, options: ProtocolOptions
) -> tuple[list[dict[str, float | str]], str]:
    """Measure, print and write. Returns the scores, and the method of the table by group."""
    checkpoint, limit = options.checkpoint, options.limit
    # The published test windows (Harvey et al. 2020): 65 frames, 40 frames from one to the next.
    windows = cut(material.clips, *TEST_CUT)
    # The protocol standardises L2P by the training takes. Where these are missing, the windows' own
    # statistics stand in. L2P then compares the rows of this table, not published figures.
    against = material.against or statistics(
        windows, "these windows, for the published training takes are not at hand"
    )
    # After the statistics, so that they, and L2P with them, do not depend on --windows.
    if limit is not None and limit < len(windows):
        # Spread evenly, because neighbouring windows of a take show nearly the same motion.
        windows = windows.take(np.unique(np.linspace(0, len(windows) - 1, limit).astype(int)))
    groups = _groups(windows, options.group_by)
    fillers: dict[str, Filler] = dict(BASELINES)
    # The table by group is about one method. Without a network this is the most elaborate baseline.
    judged = "spline" if checkpoint is None else row_name(checkpoint)
    with ExitStack() as stack:
        if checkpoint is not None:
            fillers[judged] = network(checkpoint, options.workers, stack)
        bar = stack.enter_context(
            tqdm(total=len(windows) * len(GAPS) * len(fillers), desc="windows", disable=None)
        )
        scores = benchmark(windows, fillers, against, groups, progress=bar.update)
    _print(material, len(windows), against.source, scores, judged)
    if options.json_file is not None:
        content = {
            "title": material.title,
            "published_split": material.published,
            "notes": material.notes,
            "windows": len(windows),
            "clips": len(material.clips),
            "statistics": against.source,
            "rows": scores,
            "ratios_to_interpolation": report.ratios(scores),
            "judged": judged,
            "ratios_to_the_better_baseline": report.by_group(scores, judged),
            # The key names the test set, because a reader of the file may have measured other
            # recordings.
            "published_l2p_ratios_on_the_full_lafan1_test_set": report.RATIOS_PUBLISHED,
        }
        write_json(options.json_file, content)
    return scores, judged


def _print(
    material: sources.Material,
    windows: int,
    statistics_source: str,
    scores: list[dict[str, float | str]],
    judged: str,
) -> None:
    """Print the data that was measured, and the tables."""
    expected = f" (published: {sources.LAFAN1_WINDOWS:,})" if material.published else ""
    for line in [
        material.title,
        f"{windows:,} windows of {TEST_CUT[0]} frames{expected}; {PAST} past frames, one target",
        f"L2P is standardised by mean and deviation of {statistics_source}",
        *material.notes,
        "",
        *report.lines(scores, material.published),
        *report.group_lines(scores, judged),
    ]:
        typer.echo(line)


def _groups(windows: Windows, pattern: str | None) -> dict[str, np.ndarray]:
    if pattern is None:
        return {}
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise SpecError("--group-by", f"{pattern!r}: {error}", "a regular expression") from None
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(windows.labels):
        # An unused or empty group falls back to the whole match, so that a window has a named group
        # wherever the expression matches.
        match = expression.search(label)
        name = (
            "no match"
            if match is None
            else match[1]
            if expression.groups and match[1]
            else match[0]
        )
        groups.setdefault(name, []).append(index)
    return {name: np.array(places) for name, places in sorted(groups.items())}

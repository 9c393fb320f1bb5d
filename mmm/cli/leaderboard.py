"""``mmm leaderboard``: what the leaderboard page measures, shows and exports."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import describe, list_checkpoints
from mmm.cli.options import Ray, Seed, files_of
from mmm.cli.output import check_output, print_notes, print_table
from mmm.cli.tables import ERROR_COLUMNS
from mmm.errors import SpecError
from mmm.evaluation import leaderboard as board
from mmm.evaluation.measurements import ResultsFile
from mmm.evaluation.standings import METRICS, as_csv, markdown, rows, standings
from mmm.storage import write_text

COLUMNS = {
    "section": "section",
    "pattern": "hidden",
    "method": "method",
    **ERROR_COLUMNS,
    "elapsed_s": "time s",
    "clips": "clips",
    "hidden": "entries",
}
"""Keys of ``mmm.evaluation.standings.rows``, and their titles."""


def leaderboard(
    clips: Annotated[
        list[Path], typer.Option(metavar="PATH...", help="motion files, or folders of them")
    ],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="C",
            show_default=False,
            help="a checkpoint, may be repeated; else all that fill gaps",
        ),
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC...",
            show_default=False,
            help="patterns: SPECs, or gap:N for N frames in the middle; else "
            f"{' '.join(board.PATTERNS)}",
        ),
    ] = None,
    seed: Seed = 0,
    show: Annotated[
        bool, typer.Option("--show", help="measure nothing, show what is kept")
    ] = False,
    metric: Annotated[
        str, typer.Option(help=f"what the Markdown tables show: {', '.join(METRICS)}")
    ] = "position_cm",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="save as .csv or .md")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="where measurements are kept; else in the user's cache", show_default=False
        ),
    ] = None,
    ray: Ray = None,
) -> None:
    """Compare checkpoints and interpolations over many clips and patterns.

    Each network runs on the clips that fit it, over their first 300 frames. The interpolations
    beside it are over the same hidden entries. Measurements are kept; after a checkpoint or a clip
    has changed, it is measured anew.

    With --ray, each clip is a task. Errors are the same bits as without; times are not.
    """
    check_output(out, (".csv", ".md"))
    if metric not in METRICS:
        raise SpecError(f"--metric {metric}", "no such metric", ", ".join(METRICS), "choose one")
    cards = (
        [describe(name) for name in checkpoint]
        if checkpoint
        # Checkpoints that generate are trained for the end of a clip, not for gaps.
        else [card for card in list_checkpoints() if not card.can_generate]
    )
    patterns = tuple(hide or board.PATTERNS)
    benchmark = board.Benchmark(tuple(files_of(clips)), patterns, tuple(cards), seed)
    results = ResultsFile(folder)
    # measure() skips what is kept already, so a second run only adds what is new.
    notes: list[str] = [] if show else board.measure(benchmark, results, ray=ray)
    sections = standings(benchmark, results)
    lines = list(rows(sections))
    if out is not None and out.suffix.lower() == ".md":
        write_text(out, markdown(sections, benchmark.patterns, metric))
    elif out is not None:
        write_text(out, as_csv(sections))
    print_notes(*(notes or filter(None, [results.remark])))
    if not lines:
        typer.echo("nothing is measured yet" if show else "nothing could be measured")
    print_table(lines, COLUMNS)

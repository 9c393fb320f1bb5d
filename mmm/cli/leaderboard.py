"""``python -m mmm leaderboard``: what the leaderboard page measures, shows and exports."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.checkpoints import describe, list_checkpoints
from mmm.cli.options import Seed, check_output, print_table, say_notes, write_text
from mmm.cli.printing import LEADERBOARD_COLUMNS
from mmm.errors import SpecError
from mmm.evaluation import leaderboard as board
from mmm.evaluation.measurements import ResultsFile
from mmm.evaluation.standings import METRICS, as_csv, markdown, rows, standings
from mmm.paths import MEASURED

_SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def leaderboard(
    clips: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH...",
            show_default=False,
            help="motion files; else the sample dances, all of the test split",
        ),
    ] = None,
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
        str, typer.Option(help=f"of the Markdown tables: {', '.join(METRICS)}")
    ] = "position_cm",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="save as .csv or .md")] = None,
    folder: Annotated[
        Path, typer.Option(help="where measurements are kept", show_default=False)
    ] = MEASURED,
) -> None:
    """Checkpoints and interpolations over many clips and patterns; what was measured once is kept.

    Each network runs on the clips that fit it, over their first 300 frames; the interpolations beside it are over
    the same hidden entries. After a checkpoint or a clip has changed, it is measured anew.
    """
    check_output(out, (".csv", ".md"))
    if metric not in METRICS:
        raise SpecError(f"--metric {metric}", "no such metric", ", ".join(METRICS), "choose one")
    cards = (
        [describe(name) for name in checkpoint]
        if checkpoint
        else [card for card in list_checkpoints() if not card.can_generate]
    )
    paths = tuple(clips) if clips else tuple(sorted(_SAMPLES.glob("*.npz")))
    benchmark = board.Benchmark(paths, tuple(hide or board.PATTERNS), tuple(cards), seed)
    results = ResultsFile(folder)
    remarks: list[str] = [] if show else board.measure(benchmark, results)
    sections = standings(benchmark, results)
    lines = list(rows(sections))
    if out is not None and out.suffix.lower() == ".md":
        write_text(out, markdown(sections, benchmark.patterns, metric))
    elif out is not None:
        write_text(out, as_csv(sections))
    say_notes(*(remarks or filter(None, [results.remark])))
    if not lines:
        typer.echo("nothing is measured yet" if show else "nothing could be measured")
    print_table(lines, LEADERBOARD_COLUMNS)

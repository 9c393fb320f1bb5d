"""``python -m training benchmark unseen``: recovery of recordings of sets never trained on."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from tqdm import tqdm

from mmm.checkpoints import load_model
from mmm.errors import FileError
from mmm.storage import write_json, write_text
from training.benchmark.methods import row_name
from training.benchmark.unseen import GAPS, SETS, GapScores, clips_of, measure
from training.benchmark.unseen_report import lines, page, summary
from training.commands import options as c


def unseen(
    checkpoint: Annotated[Path, typer.Option(help="folder of a network on joint roles")],
    data: Annotated[
        Path,
        typer.Option(
            help="folder of the prepared sets lafan1-roles, bandai_namco and aist-roles; "
            "data/README.md names the commands that make them"
        ),
    ] = Path("data/processed"),
    gap: Annotated[
        list[int] | None, typer.Option(min=1, help="frames at 30 a second; repeat for several")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="gaps of each length and set")] = 60,
    page_file: Annotated[
        Path | None, typer.Option("--page", help="Markdown page to write, such as docs/unseen.md")
    ] = None,
    json_file: c.Json = None,
    threads: c.Threads = 0,
) -> None:
    """Gaps of 5 to 120 frames of LAFAN1, Bandai-Namco and AIST++: the network over the best
    curve."""
    if threads:
        torch.set_num_threads(threads)
    with c.one_line_errors():
        model, name = load_model(checkpoint), row_name(checkpoint)
        scores: list[GapScores] = []
        absent: dict[str, str] = {}
        lengths = sorted(set(gap or GAPS))
        # An upper bound: short clips give fewer windows, and a set may be absent.
        with tqdm(total=len(SETS) * len(lengths) * limit, desc="gaps", disable=None) as bar:
            for one_set in SETS:
                try:
                    clips = clips_of(one_set, data)
                # Skipped, because not everybody has or may use every set. The page names the missing
                # ones.
                except FileError as error:
                    absent[one_set.title] = str(error)
                    typer.echo(f"{one_set.title}: absent ({error})", err=True)
                    continue
                scores += measure(model, name, one_set, clips, lengths, limit, bar.update)
        if not scores:
            raise FileError(
                str(data),
                "none of the unseen sets",
                "lafan1-roles, bandai_namco or aist-roles",
                "prepare one, or name another folder with --data",
            )
        rows = summary(scores, name)
        for line in lines(rows):
            typer.echo(line)
        command = (
            f"python -m training benchmark unseen --checkpoint checkpoints/"
            f"{checkpoint.resolve().name} --limit {limit}"
        )
        if page_file is not None:
            write_text(page_file, page(rows, name, absent, f"{command} --page {page_file}"))
        if json_file is not None:
            content = {
                "network": name,
                "limit": limit,
                "absent": absent,
                "rows": rows,
                # Single gaps as well, so that another statistic needs no other run.
                "gaps": [asdict(each) for each in scores],
            }
            write_json(json_file, content)

"""``python -m training benchmark strangers``: continue recordings of sets never trained on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from mmm.checkpoints import find_checkpoint, load_model, read_json
from mmm.storage import write_text
from training.benchmark.methods import row_name
from training.benchmark.strangers import Method, matching, network, recordings, row
from training.commands import options as c

SETS = ("lafan1-roles", "aist-roles", "bandai_namco", "common")
COLUMNS = (
    "outside",
    "energy",
    "failed",
    "still_s",
    "floor_cm",
    "under_cm",
    "head",
    "skate_cm_s",
    "jerk",
    "top_m_s",
    "fid_kinetic",
    "fid_geometric",
    "apart_cm",
)


def strangers(
    checkpoint: Annotated[Path, typer.Option(help="a network on joint roles")],
    against: Annotated[
        list[Path] | None, typer.Option(help="another network to measure; repeat for several")
    ] = None,
    data: Annotated[
        Path, typer.Option(help=f"folder of the prepared sets {', '.join(SETS)}")
    ] = Path("data/processed"),
    each: Annotated[int, typer.Option(min=1, help="recordings of each set, at most")] = 15,
    seeds: Annotated[int, typer.Option(min=1, help="random seeds for each recording")] = 3,
    seconds: Annotated[float, typer.Option(min=5, help="to generate")] = 20.0,
    json_file: c.Json = None,
) -> None:
    """Continue recordings of sets never trained on, beside the recordings and motion matching."""
    with c.one_line_errors():
        cases = recordings([data / name for name in SETS], each)
        methods: dict[str, Method] = {}
        for path in (checkpoint, *(against or [])):
            model = load_model(path)
            methods[row_name(path)] = network(model)
            if model.config.library is not None and model.checkpoint_folder is not None:
                # Motion matching (Clavet 2016) searches the library that the network retrieves
                # from, so both know the same recordings.
                methods["motion matching"] = matching(
                    model.checkpoint_folder / model.config.library
                )
        rows: dict[str, Any] = {}
        with tqdm(total=len(methods) * len(cases), desc="recordings", disable=None) as bar:
            for name, method in methods.items():
                made = []
                for case in cases:
                    # The sets differ in frame rate, so equal durations are different numbers of
                    # frames.
                    frames = round(seconds * case.motion.fps)
                    made.append([method(case.seed, frames, k) for k in range(seeds)])
                    bar.update()
                rows[name] = row(made, cases, cases)
        truths = [(case, case.truth(round(seconds * case.motion.fps))) for case in cases]
        # A recording that ends less than a second after the seed is too short for the truth's
        # figures.
        lasting = [(case, truth) for case, truth in truths if truth.duration_s >= 1]
        rows["truth"] = row([[truth] for _, truth in lasting], [case for case, _ in lasting], cases)
        for line in table(rows):
            typer.echo(line)
        results = {"clips": len(cases), "seeds": seeds, "seconds": seconds, "rows": rows}
        _keep(find_checkpoint(checkpoint), results)
        if json_file is not None:
            text = json.dumps(results, indent=1) + "\n"
            write_text(json_file, text)


def _keep(folder: Path, results: dict[str, Any]) -> None:
    """Put the figures into the checkpoint's metrics.json."""
    # The card has no section on these figures, so `record`, which rewrites it, is not needed.
    path = folder / "metrics.json"
    metrics = read_json(path) if path.is_file() else {}
    text = json.dumps(metrics | {"strangers": results}, indent=1) + "\n"
    write_text(path, text)


def table(rows: dict[str, dict[str, Any]]) -> Sequence[str]:
    """A Markdown table, a figure a row and a method a column."""
    lines = [f"| | {' | '.join(rows)} |", "|---" * (len(rows) + 1) + "|"]
    for column in COLUMNS:
        values = (row.get(column) for row in rows.values())
        lines.append(f"| {column} | {' | '.join('-' if v is None else f'{v:g}' for v in values)} |")
    return lines

"""``python -m training benchmark songs``: dance to recorded songs, beside songs of our own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from mmm.checkpoints import find_checkpoint, load_model, read_json
from mmm.metrics.dance import energy
from mmm.models import MaskedMotionModel
from mmm.storage import write_json
from training.benchmark.methods import row_name
from training.benchmark.real_songs import (
    SEED_S,
    Run,
    Seed,
    Song,
    dances,
    row,
    runs,
    seeds_of,
    songs_in,
)
from training.commands import options as c


def songs(
    checkpoint: Annotated[Path, typer.Option(help="a network that dances")],
    music: Annotated[Path, typer.Option(help="folder of songs that nothing was made for")],
    against: Annotated[
        list[Path] | None, typer.Option(help="another network to measure; repeat for several")
    ] = None,
    data: Annotated[Path, typer.Option(help="prepared set of our own dances")] = Path(
        "data/processed/dance"
    ),
    seeds: Annotated[int, typer.Option(min=2, help="dances that are continued")] = 10,
    seconds: Annotated[float, typer.Option(min=10, help="to generate, at most")] = 60.0,
    json_file: c.Json = None,
) -> None:
    """Dance to recorded songs: energy, beats and sections, beside our songs and other songs."""
    with c.one_line_errors():
        results: dict[str, Any] = {"seeds": seeds, "seconds": seconds, "rows": {}}
        for path in [checkpoint, *(against or [])]:
            model = load_model(path)
            # Every network dances at its own frame rate.
            fps = model.config.fps
            # A song must outlast the seed by enough for its beats to be counted.
            material = songs_in(music, SEED_S + 20, fps)
            beginnings = seeds_of(data, seeds, fps)
            results["sections_s"] = {song.name: song.sections_s.tolist() for song in material}
            total = seeds * (1 + len(material))
            with tqdm(total=total, desc=row_name(path), disable=None) as bar:
                results["rows"][row_name(path)] = _rows(model, material, beginnings, seconds, bar)
        for line in table(results["rows"]):
            typer.echo(line)
        folder = find_checkpoint(checkpoint)
        metrics = read_json(folder / "metrics.json") if (folder / "metrics.json").is_file() else {}
        write_json(folder / "metrics.json", metrics | {"songs": results})
        if json_file is not None:
            write_json(json_file, results)


def _rows(
    model: MaskedMotionModel,
    material: Sequence[Song],
    beginnings: Sequence[Seed],
    seconds: float,
    bar: "tqdm[Any]",
) -> dict[str, Any]:
    """The figures of one network, by song and over all songs."""
    to_ours = dances(model, beginnings, [seed.ours for seed in beginnings], seconds, bar.update)
    ours = float(np.mean([energy(motion) for motion in to_ours]))
    recorded = float(np.mean([seed.recorded for seed in beginnings]))
    result: dict[str, Any] = {"ours": {"energy_of_recorded": round(ours / recorded, 3)}}
    every: list[Run] = []
    for song in material:
        motions = dances(model, beginnings, [song.music] * len(beginnings), seconds, bar.update)
        measured = runs(motions, song, [other for other in material if other is not song])
        result[song.name] = row(measured, ours)
        every += measured
    return result | {"all songs": row(every, ours)}


def table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A Markdown table, a song a row; differences with their 95 % intervals."""
    lines = [
        "| | energy | beats: own song | other songs | difference | change at its sections "
        "| at other songs' | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, songs_of_method in rows.items():
        for song, figures in songs_of_method.items():
            if "energy_share" not in figures:
                continue
            cells = [f"{name}, {song}", f"{figures['energy_share']:.2f}"]
            for kind in ("beats", "change"):
                value = figures[kind]
                if value is None:
                    cells += ["-"] * 3
                    continue
                mean, low, high = value["difference"]
                cells += [f"{value['own']:.2f}", f"{value['other']:.2f}"]
                cells += [f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append(
            f"\n{name} dances to our songs with {songs_of_method['ours']['energy_of_recorded']:.2f} "
            "times the energy of the recorded dances.\n"
        )
    return lines

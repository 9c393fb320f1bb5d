"""``python -m training speed``: the speed of training with our batches and with the original's."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from mmm.models import MaskedMotionConfig, make_model
from mmm.models.presets import PRESETS
from training.benchmark.throughput import (
    ORIGINAL,
    OURS,
    OriginalBatching,
    OurBatching,
    flops,
    measure,
    report,
)
from training.commands import options as c
from training.commands.compatibility import check_body, config_for
from training.data.dataset import MotionSet


def speed(
    preset: Annotated[str, typer.Option(help="ecm, 3bert, common, or one of these with -small")],
    data: Annotated[Path, typer.Option(help="a prepared set; its train split is used")],
    steps: Annotated[int, typer.Option(min=1, help="measured steps of each method")] = 20,
    batch: Annotated[
        int,
        typer.Option(min=0, help="windows a step; 0: 12 for small presets, else the original's"),
    ] = 0,
    compile: Annotated[bool, typer.Option("--compile", help="torch.compile the network")] = False,
    bfloat16: bool = True,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: all")] = 0,
) -> None:
    """Print samples per second with the original's batching and with ours, and the time outside the
    network."""
    if threads:
        torch.set_num_threads(threads)
    batch = batch or (12 if preset.endswith("-small") else 128 if preset == "common" else 32)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with c.one_line_errors():
        split = MotionSet(data / "train", device)
        config = _config(preset, split)
        # Standardised input for both ways, as in a training.
        split.fit_stats(config.max_frames)
    # Equal initial weights in every call, so that all measurements time the same numbers.
    torch.manual_seed(0)
    model = make_model(config).to(device)
    window = min(config.max_frames, int(split.lengths.max()))
    lengths = (max(window * 2 // 5, 1), window)  # 120 to 300 in the original's window
    ours = OurBatching(split, config, lengths, steps)
    # Counted before the network is compiled. Every length occurs once.
    operations = batch * flops(model, ours, ours.each)
    timings = measure(
        model,
        {ORIGINAL: OriginalBatching(split, lengths), OURS: ours},
        steps,
        batch,
        bfloat16=bfloat16,
        compiled=compile,
    )
    name = (
        torch.cuda.get_device_name()
        if device == "cuda"
        else f"CPU, {torch.get_num_threads()} threads"
    )
    typer.echo(
        f"{preset}: {steps} steps each of {batch} windows of {lengths[0]} to {lengths[1]} frames, "
        f"{'bfloat16' if bfloat16 else 'float32'}{', compiled' if compile else ''}"
    )
    for line in report(timings, operations, name):
        typer.echo(line)


def _config(preset: str, split: MotionSet) -> MaskedMotionConfig:
    """A preset's configuration for a set. Presets on joint roles also take sets of one skeleton."""
    on_joints = not split.are_roles and PRESETS.get(preset, {}).get("representation") == "roles"
    config = config_for(preset, {"representation": "joints"} if on_joints else {}, split)
    check_body(Path("prepared set"), split, config)
    return config

"""Would batches be worth it, and exact? ``python -m tests.benchmarks.batch_bits [CHECKPOINT...]``.

One window of each of several clips of equal length, as ``mmm.recover`` hands it to the network: all
in one forward pass, and one after another. Printed are the clips whose outputs differ in any bit,
the largest difference, and the time of the batch over that of the single passes (best of rounds by
turns). Torch runs with as many threads as OMP_NUM_THREADS says. Not a test.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import mmm

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "samples").glob("*.npz"))
FRAMES, SIZES, ROUNDS = 300, (2, 8), 5


class Captured(Exception):
    """Ends a recovery once its first window is known."""


def first_window(model: Any, number: int) -> dict[str, Any]:
    """The arguments with which ``model.predict`` is called for the first window of a sample."""
    windows: list[dict[str, Any]] = []

    def capture(filled: Any, hidden: torch.Tensor, **named: Any) -> None:
        windows.append({"filled": filled, "hidden": hidden, **named})
        raise Captured

    clip = mmm.load_clip(SAMPLES[number % len(SAMPLES)])
    # With more clips than samples, another stretch of the same ones.
    first = 40 * (number // len(SAMPLES))
    clip = clip.crop(first, first + FRAMES)
    model.predict = capture
    try:
        mmm.recover(model, clip, mmm.masks.parse("every:15", clip))
    except Captured:
        pass
    finally:
        del model.predict
    return windows[0]


def joined(values: list[Any]) -> Any:
    """Windows as one batch; what is no tensor is the same for all."""
    first = values[0]
    if torch.is_tensor(first):
        return torch.cat(values)
    if isinstance(first, dict):
        return {name: joined([value[name] for value in values]) for name in first}
    if dataclasses.is_dataclass(first):
        names = [field.name for field in dataclasses.fields(first)]
        return type(first)(**{n: joined([getattr(value, n) for value in values]) for n in names})
    return first


def tensors(value: Any) -> list[torch.Tensor]:
    """The tensors of a network's output, in order."""
    if torch.is_tensor(value):
        return [value]
    parts = value.values() if hasattr(value, "values") else value
    return [tensor for part in parts for tensor in tensors(part)] if parts is not None else []


def forward(model: Any, window: dict[str, Any]) -> list[torch.Tensor]:
    """The tensors that a network returns for a window."""
    with torch.inference_mode():
        return tensors(model.predict(**window))


def best(calls: list[Callable[[], object]]) -> list[float]:
    """The shortest time of each call, in seconds; calls by turns."""
    times = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, values in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            values.append(time.perf_counter() - start)
    return [min(values) for values in times]


def main(checkpoint: str) -> None:
    """Print a line for each size of batch."""
    model = mmm.load_model(checkpoint)
    windows = [first_window(model, number) for number in range(max(SIZES))]
    alone = [forward(model, window) for window in windows]
    for size in SIZES:
        batch = joined(windows[:size])
        together = forward(model, batch)
        different, largest = set(), 0.0
        for number in range(size):
            for one, many in zip(alone[number], together, strict=True):
                row = many[number : number + 1]
                if not torch.equal(one, row):
                    different.add(number)
                    largest = max(largest, float((one - row).abs().max()))
        batched, single = best(
            [
                lambda batch=batch: forward(model, batch),
                lambda size=size: [forward(model, window) for window in windows[:size]],
            ]
        )
        print(
            f"{checkpoint}, {torch.get_num_threads()} threads, batch of {size}: "
            f"{len(different)} of {size} differ, by {largest:.1e} at most; "
            f"time {batched / single:.2f} of single passes",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="*", default=["inbetween", "dance-3bert-small"])
    for name in parser.parse_args().checkpoints:
        main(name)

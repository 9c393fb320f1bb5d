"""Progress bar and TensorBoard of a run, and requests to stop it."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch
import typer
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from mmm.models import MaskedMotionModel
from training.engine.run import Run

Watch = Callable[[int, MaskedMotionModel, SummaryWriter], dict[str, float] | None]
"""Called at intervals with the step, the averaged network and the log; returns values for the
curve."""


class Log:
    """Progress bar and TensorBoard, on the main process only."""

    def __init__(self, run: Run, run_dir: Path, names: tuple[str, ...]) -> None:
        self.run, self.names = run, names
        main = run.accelerator.is_main_process
        self.writer = (
            # A run that continues from an older state must not keep the scalars of the steps that
            # are done again.
            SummaryWriter(str(run_dir / "tensorboard"), purge_step=run.step + 1) if main else None
        )
        self.bar = tqdm(
            total=run.plan.steps,
            initial=run.step,
            unit="step",
            desc=run_dir.name,
            # Log files of batch systems get one line for each refresh.
            mininterval=5,
            disable=not main,
        )
        self.seen = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, rows: list[list[float]]) -> None:
        """Write the means of the latest steps."""
        self.bar.update(len(rows))
        if self.writer is None:
            return
        now, step, plan = time.perf_counter(), self.run.step, self.run.plan
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        # The last column is the gradient norm, not a term of the loss.
        self.bar.set_postfix(loss=f"{sum(means[:-1]):.4f}", refresh=False)
        scalars = {
            "loss": sum(means[:-1]),
            **{f"term/{n}": m for n, m in zip(self.names, means, strict=False)},
            "rate": plan.rate(step - 1),
            "gradient": means[-1],
            "samples_per_s": len(rows) * plan.batch / (now - self.seen),
        }
        for name, value in scalars.items():
            self.writer.add_scalar(f"training/{name}", value, step)
        self.seen = now

    def watch(self, watch: Watch | None, average: MaskedMotionModel) -> None:
        """Call the watch, and restore the state of the random generators afterwards."""
        if self.writer is not None and watch is not None:
            device = self.run.accelerator.device
            # Otherwise a run with validation would train on other dropout masks than one without.
            with torch.random.fork_rng([device] if device.type == "cuda" else []):
                figures = watch(self.run.step, average, self.writer) or {}
            self.run.curve[-1] |= {name: float(value) for name, value in figures.items()}
            # The time of validation does not count into samples per second.
            self.seen = time.perf_counter()

    def say(self, text: str) -> None:
        """Print a line, on the main process."""
        # A live progress bar would overwrite the line, so it is closed first.
        self.close()
        if self.writer is not None:
            typer.echo(text, err=True)

    def close(self) -> None:
        """Close the bar and flush the log."""
        self.bar.close()
        if self.writer is not None:
            self.writer.close()


class Interrupts:
    """Stops the run after the current step on Ctrl-C or SIGTERM; a second signal stops it at
    once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Python allows signal handlers on the main thread only.
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._ask)
                for number in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        # The old handlers return at once: a second Ctrl-C must end a step that hangs.
        self.asked = True
        self.__exit__()

"""Options that the training commands share, and the run and its end."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from accelerate import Accelerator
from safetensors import SafetensorError

from mmm.checkpoints import save_model
from mmm.errors import FileError, MMMError, ModelError
from mmm.models import MaskedMotionModel
from training.cards.card import write_card
from training.data.dataset import MotionSet
from training.engine.loop import train
from training.engine.validation import Watch
from training.plans.plan import TrainingPlan, plan_to_dict

Data = Annotated[Path, typer.Option(help="a prepared set: a folder with train/, val/ and test/")]
Json = Annotated[Path | None, typer.Option("--json", help="file to write everything into")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0: all")]


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Options that change a recipe's plan. The defaults keep the recipe's values."""

    steps: Annotated[
        int,
        typer.Option(help="0: the preset's own; each stage of a schedule keeps its share of them"),
    ] = 0
    batch: Annotated[
        int,
        typer.Option("--batch", help="windows a step, over all processes; 0: the preset's own"),
    ] = 0
    max_frames: Annotated[
        int, typer.Option(help="longest training window; 0: the preset's own")
    ] = 0
    seed: Annotated[int, typer.Option(help="random seed of weights and batches")] = 0
    accumulation: Annotated[
        int, typer.Option(help="micro-batches that each process divides its windows into")
    ] = 1
    compile_: Annotated[
        bool, typer.Option("--compile/--no-compile", help="torch.compile the network")
    ] = False
    optimizer: Annotated[str, typer.Option(help="adamw, adam or muon; empty: the preset's own")] = (
        ""
    )
    precision: Annotated[str, typer.Option(help="bf16 or fp32; empty: the preset's own")] = ""
    rate: Annotated[
        float,
        typer.Option(help="first learning rate, later ones in proportion; 0: the preset's own"),
    ] = 0.0
    loss: Annotated[
        str,
        typer.Option(
            "--loss",
            help="pose, mse, or roles for networks on joint roles; empty: the preset's own",
        ),
    ] = ""
    window_stride: Annotated[
        int,
        typer.Option(
            help="windows start at multiples of it; 300 is the original's; 0: the preset's"
        ),
    ] = 0
    curriculum: Annotated[
        float,
        typer.Option(help="share of the steps in which gaps grow; negative: the preset's own"),
    ] = -1.0
    normalise_by_fill: Annotated[
        bool | None, typer.Option(help="divide each window's loss by that of its interpolation")
    ] = None
    balance: Annotated[
        float,
        typer.Option(help="1: all windows alike, 0: all groups of clips alike; negative: preset's"),
    ] = -1.0

    def change(self, plan: TrainingPlan) -> TrainingPlan:
        """A recipe's plan with the given options.

        Raises:
            ModelError: an option has an invalid value.
        """
        if self.precision not in ("", "bf16", "fp32"):
            raise ModelError("--precision", repr(self.precision), "bf16 or fp32")
        # Zero stands for the preset's own value, so only negative numbers are wrong.
        if (
            min(self.steps, self.batch, self.max_frames, self.window_stride) < 0
            or self.accumulation < 1
            or self.rate < 0
        ):
            raise ModelError(
                "options",
                "a negative number, or no micro-batch",
                "numbers of 1 or more",
            )
        plan = plan.scaled(self.steps or plan.steps)
        if self.rate:
            # The stages' rates were chosen in proportion to the first one.
            factor = self.rate / plan.learning_rate
            plan = replace(
                plan,
                learning_rate=self.rate,
                stages=tuple(
                    replace(stage, learning_rate=stage.learning_rate * factor)
                    for stage in plan.stages
                ),
            )
        longest = self.max_frames or plan.max_frames
        by_fill = self.normalise_by_fill
        return replace(
            plan,
            seed=self.seed,
            batch=self.batch or plan.batch,
            # A --max-frames below the preset's shortest window would leave no length to draw.
            min_frames=min(plan.min_frames, longest),
            max_frames=longest,
            accumulation=self.accumulation,
            compile=self.compile_,
            optimizer=self.optimizer or plan.optimizer,
            bfloat16=self.precision == "bf16" if self.precision else plan.bfloat16,
            loss=self.loss or plan.loss,
            window_stride=self.window_stride or plan.window_stride,
            gap_curriculum=plan.gap_curriculum if self.curriculum < 0 else self.curriculum,
            normalise_by_fill=plan.normalise_by_fill if by_fill is None else by_fill,
            balance=plan.balance if self.balance < 0 else self.balance,
        )


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Folders of a run, and its validation."""

    data: Data
    out: Annotated[Path, typer.Option(help="the checkpoint's folder")]
    run_dir: Annotated[
        Path | None,
        typer.Option(help="where the resumable state and the logs lie; default runs/NAME"),
    ] = None
    threads: Threads = 0
    fresh: Annotated[bool, typer.Option(help="ignore an unfinished run")] = False
    watch_every: Annotated[int, typer.Option(min=1, help="steps between validations")] = 1_000


def load_split(data: Path, accelerator: Accelerator) -> MotionSet:
    """The set's training split, on the device that trains."""
    return MotionSet(data / "train", accelerator.device)


def run_and_save(
    model: MaskedMotionModel,
    split: MotionSet,
    plan: TrainingPlan,
    accelerator: Accelerator,
    options: RunOptions,
    *,
    program: str,
    start: str = "",
    more: dict[str, Any] | None = None,
    bits: int = 16,
) -> None:
    """Train, and write the averaged network with its card.

    Args:
        model: the network.
        split: the training split.
        plan: the plan of the run.
        accelerator: of this process.
        options: folders and validation.
        program: the name of the command, for the card.
        start: see ``train``.
        more: further entries of the checkpoint's training section.
        bits: size of a stored weight: see ``save_model``.
    """
    data, out = options.data, options.out
    run_dir = options.run_dir or Path("runs") / out.name
    # One process validates. The others would measure the same clips again.
    watched = accelerator.is_main_process and (data / "val").is_dir()
    watch = Watch(data, model.config) if watched else None
    average, curve = train(
        model,
        split,
        plan,
        run_dir,
        resume=not options.fresh,
        start=start,
        watch=watch,
        watch_every=options.watch_every,
    )
    # Several processes that write one folder would corrupt its files.
    if accelerator.is_main_process:
        training = {
            "command": _command_line(program),
            "plan": plan_to_dict(plan),
            "clips": len(split.clips),
            "data": data.resolve().name,
            "frames": int(split.lengths.sum()),
            "curve": curve,
            **(more or {}),
        }
        try:
            save_model(average, out, {"training": training}, bits=bits)
            write_card(out)
        # safetensors reports input and output errors, such as a full disk, as an error of its own.
        except (OSError, SafetensorError) as error:
            raise FileError(
                str(out),
                f"cannot be written ({error})",
                "",
                f"make room and repeat the command: {run_dir} holds the finished run",
            ) from None
        typer.echo(
            f"wrote {out}; now: python -m training evaluate --checkpoint {out} --data {data}"
        )
    # Keeps the process group alive until the main process has written the checkpoint.
    accelerator.wait_for_everyone()


def _command_line(program: str) -> str:
    """The command as the user gave it, for the card."""
    # `python -m training.pretrain` has no command name among its arguments. Where there is one, the
    # comparison gives 1 as the start of the slice and drops it.
    arguments = sys.argv[1:]
    return shlex.join(
        ["python", "-m", "training", program, *arguments[arguments[:1] == [program] :]]
    )


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print errors that a user can act on in one line and exit with status 2, or 130 after Ctrl-C."""
    try:
        yield
    except MMMError as error:
        _fail(str(error))
    except torch.OutOfMemoryError as error:
        _fail(
            f"memory of the device: {str(error).splitlines()[0]} Lower --batch or raise "
            f"--accumulation"
        )
    except KeyboardInterrupt:
        # 128 + 2 (SIGINT), the status that shells give to an interrupted program.
        raise typer.Exit(130) from None


def _fail(text: str) -> None:
    # An Accelerator sets up devices, which a plain process need not do for an error message.
    state = Accelerator() if torch.distributed.is_initialized() else None
    # All processes meet the same error; one of them prints it.
    if state is None or state.is_local_main_process:
        typer.echo(f"error: {text}", err=True)
    raise typer.Exit(2) from None

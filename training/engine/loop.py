"""The training loop: draw windows, hide entries, predict, take a step.

It runs in one process or, under ``accelerate launch``, in several, with the whole network in each
(DDP) or sharded among them (FSDP version 2). Every process draws the same global batch and works on
its own rows.
"""

import math
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, broadcast_object_list
from torch import Tensor
from torch.distributed.tensor import DTensor

from mmm.errors import ModelError
from mmm.models import MaskedMotionModel
from training.data.batch import Batch, draw, forward
from training.data.dataset import MotionSet
from training.engine import state as disk
from training.engine.log import Interrupts, Log, Watch
from training.engine.rollout import roll_out
from training.engine.run import Run
from training.losses.base import Loss
from training.losses.registry import make_loss
from training.plans.plan import TrainingPlan, plan_to_dict

__all__ = ["TrainingPlan", "Watch", "make_accelerator", "plan_to_dict", "train"]

LOG_EVERY = 10
"""Steps between two fetches of the losses from the device. Fetching every one would make the device
wait."""


def make_accelerator() -> Accelerator:
    """The accelerator of this process. Precision is set by the plan, not here."""
    return Accelerator(
        # Without this flag accelerate would choose Apple's GPU, which has no float64; windows are
        # drawn in it.
        cpu=not torch.cuda.is_available(),
        mixed_precision="no",
        # Some weights get no gradient in some batches (the embedding of music, say). DDP fails in
        # the step after such a batch unless it looks for them.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def train(
    model: MaskedMotionModel,
    data: MotionSet,
    plan: TrainingPlan,
    run_dir: Path,
    *,
    resume: bool = True,
    start: str = "",
    watch: Watch | None = None,
    watch_every: int = 1_000,
) -> tuple[MaskedMotionModel, list[dict[str, float]]]:
    """Train a network.

    The state is written to ``run_dir/state.pt`` every ``plan.save_every`` steps; a run that finds
    one continues from it. Scalars for TensorBoard are written to ``run_dir/tensorboard``.

    Returns:
        The averaged (EMA) network, and the points of the loss curve.

    Args:
        model: the network, which is trained in place.
        data: on the device of :func:`make_accelerator`, with its statistics set.
        plan: steps, batches, masks, loss and optimiser.
        run_dir: folder of the state and the logs.
        resume: whether to continue from a state in ``run_dir``; otherwise it is deleted.
        start: identifies the initial weights, if they are not those of the plan's seed; a run
            continues only from a state with the same value.
        watch: called at the first save after every ``watch_every`` steps and at the end, on the
            main process.
        watch_every: steps between two calls of ``watch``.

    Raises:
        ModelError: the loss is not finite, the windows do not fit the network, the state belongs to
            another network, plan (except for its length) or data set, it is beyond the plan's last
            step, or BERT's corruption is combined with a fill other than zeros.
        FileError: the state cannot be written; the last good one is kept.
        KeyboardInterrupt: Ctrl-C or a request to end; the state was written first.
    """
    accelerator = make_accelerator()
    _check(accelerator, model, plan)
    loss = make_loss(plan, model.config)
    _freeze(model, plan)
    run = Run(accelerator, model, data, plan, start)
    run_dir.mkdir(parents=True, exist_ok=True)
    if resume:
        run.restore(run_dir)
    elif accelerator.is_main_process:
        disk.forget_state(run_dir)
    log = Log(run, run_dir, loss.names)
    # Only the main process has a watch, but all must take part in gathering a sharded network.
    watched = broadcast_object_list([watch is not None])[0]

    with log, Interrupts() as interrupts:
        # The loss terms and the gradient norm of each step since the last fetch.
        pending = list[Tensor]()

        while run.step < plan.steps:
            batch = draw(data, plan, model.config, run.generator, run.step)
            pending.append(_take_step(run, batch, loss))
            # Several processes stop only at a fetch, where all of them learn of the request.
            stop = interrupts.asked and accelerator.num_processes == 1

            save = run.step % plan.save_every == 0 or run.step == plan.steps
            if stop or save or run.step % LOG_EVERY == 0:
                rows, stop = _fetch(run, pending, interrupts.asked)
                log.write(rows)
                pending.clear()
            if save:
                # Before saving, so that the state contains the point.
                run.add_curve_point()
                # The intervals of saving and watching need not be multiples of each other.
                if watched and (run.step % watch_every < plan.save_every or run.step == plan.steps):
                    log.watch(watch, run.averaged())
            if save or stop:
                run.save(run_dir)
            if stop and run.step < plan.steps:
                log.say(
                    f"stopped at step {run.step} of {plan.steps}; the same command continues from "
                    f"there"
                )
                raise KeyboardInterrupt
    return run.averaged(), run.curve


def _check(accelerator: Accelerator, model: MaskedMotionModel, plan: TrainingPlan) -> None:
    """Check that plan, network and processes fit together."""
    if not 1 <= plan.min_frames <= plan.max_frames <= model.config.max_frames:
        raise ModelError(
            "training windows",
            f"{plan.min_frames} to {plan.max_frames} frames",
            f"at most the network's {model.config.max_frames}",
            "change --max-frames",
        )
    if model.config.uses_music and plan.augment is not None and plan.augment.breaks_music:
        raise ModelError(
            "training plan",
            "music beside windows that are mirrored, combined or played at another speed",
            "augmentation of proportions only",
            "choose a preset for music, such as inbetween-music",
        )
    # With 10 % of the hidden frames shown as they are, a residual network would see the answer.
    if plan.corruption and model.config.fill != "zero":
        raise ModelError(
            "training plan",
            f"BERT's corruption beside fill {model.config.fill!r}",
            "fill 'zero'",
            "choose a preset for that fill, such as ecm-slerp",
        )
    shares = accelerator.num_processes * plan.accumulation
    if plan.samples > 1 and plan.batch % (plan.samples * shares):
        raise ModelError(
            f"batch of {plan.batch}",
            f"{plan.samples} samples of each window in {shares} shares",
            f"a multiple of {plan.samples * shares}",
            "change --batch",
        )
    if plan.batch < shares:
        raise ModelError(
            f"batch of {plan.batch}",
            f"{shares} shares to divide it into",
            "at least one window a process and micro-batch",
            "raise --batch or lower --accumulation",
        )
    if accelerator.distributed_type == DistributedType.FSDP and not accelerator.is_fsdp2:
        raise ModelError(
            "accelerate", "FSDP version 1", "version 2", "launch with --fsdp_version 2"
        )


def _freeze(model: MaskedMotionModel, plan: TrainingPlan) -> None:
    """Freeze the weights that the plan does not train.

    Raises:
        ModelError: it would train none.
    """
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(plan.only))
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(
            "training plan",
            f"no weights of {model.config.model_type} begin with {plan.only!r}",
            "the name of a part of the network",
            "choose another preset",
        )


def _take_step(run: Run, batch: Batch, loss: Loss) -> Tensor:
    """One optimiser step on this process's share of the batch, and the update of the average.

    The terms are sums divided by counts over the whole batch, so that the shares add up. Wrapped
    networks average gradients over the processes; the factor ``processes`` undoes that.

    Returns:
        This share's part of each loss term, and the gradient norm.
    """
    accelerator, plan = run.accelerator, run.plan
    processes, micro = accelerator.num_processes, plan.accumulation
    # Every process holds the whole batch, so the counts need no exchange.
    counts = loss.counts(batch.hidden)
    total = torch.zeros_like(counts)
    for group in run.optimizer.param_groups:
        # Set by hand rather than by a scheduler, because the rate is a function of the step alone
        # and needs no state of its own.
        group["lr"] = plan.rate(run.step) * group["share"]
    run.optimizer.zero_grad(set_to_none=True)
    for number in range(micro):
        part = batch.share(accelerator.process_index * micro + number, processes * micro)
        part = roll_out(run.wrapped, part, plan, run.model.config)
        # Gradients are exchanged once a step, with the last micro-batch.
        with accelerator.no_sync(run.wrapped) if number < micro - 1 else nullcontext():
            terms = loss.terms(forward(run.wrapped, part, plan.bfloat16), part, counts)
            accelerator.backward(terms.sum() * processes)
        total += terms.detach()
    # An infinite limit measures the norm without clipping.
    norm = accelerator.clip_grad_norm_(run.wrapped.parameters(), plan.clip_norm or math.inf)
    run.optimizer.step()
    run.step += 1
    # The usual warm-up of an EMA: the first weights are random, and must not stay in the average
    # for a thousand steps.
    run.update_average(min(plan.ema, (1 + run.step) / (10 + run.step)))
    return torch.cat([total, (norm.full_tensor() if isinstance(norm, DTensor) else norm)[None]])


def _fetch(run: Run, pending: list[Tensor], asked: bool) -> tuple[list[list[float]], bool]:
    """The loss terms of the latest steps over all processes, and whether any was asked to stop.

    Raises:
        ModelError: one of the losses or gradients is not finite.
    """
    rows = torch.stack(pending)
    # The request to stop travels with the losses, which saves a second exchange.
    flag = torch.full_like(rows[:1], float(asked))
    # The norm is the same in all processes, so it must not be summed with the rest.
    norms = rows[:, -1:].clone()
    summed = run.accelerator.reduce(torch.cat([rows, flag]), "sum")
    values = torch.cat([summed[:-1, :-1], norms], dim=1).tolist()
    for number, row in enumerate(values):
        total = sum(row[:-1])
        if not (math.isfinite(total) and math.isfinite(row[-1])):
            problem = f"a gradient of {row[-1]}" if math.isfinite(total) else f"loss {total}"
            raise ModelError(
                f"step {run.step - len(values) + number}",
                problem,
                "a finite loss and gradient",
                "lower the learning rate; the last good state is kept",
            )
        run.recent.append(total)
    return values, bool(summed[-1, 0] > 0)

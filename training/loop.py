"""A plain training loop: draw windows, hide, predict, step; readable from top to bottom."""

import copy
import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mmm.errors import ModelError
from mmm.models import MaskedMotionModel
from training.dataset import MotionSet
from training.losses import PoseLoss, hidden_mse
from training.masking import MaskMix, corrupt, draw_masks


@dataclass(frozen=True)
class TrainingPlan:
    """Everything a run depends on besides data and network."""

    steps: int = 6_000
    batch: int = 12
    learning_rate: float = 3e-4
    head_rate: float = 0.15
    """Learning rate of the head as a share of the others': Adam moves every weight alike, and a head that starts at
    zero sums 256 of them, so at the full rate each step throws the output far off."""
    warmup: int = 200
    decay: bool = True
    """Cosine to a hundredth of the learning rate; else constant, as the original."""
    min_frames: int = 112
    max_frames: int = 160
    """Window lengths; one is drawn a batch, so that nothing is ever padded."""
    loss: str = "pose"
    """``pose`` (distances, forward kinematics, velocity) or ``mse`` (the original's)."""
    corruption: bool = False
    """BERT's 80/10/10 on hidden frames (the original's); only with ``fill="zero"``."""
    shift_positions: bool = True
    """Start windows shorter than the network's own at any position id, so that all ids are learned."""
    wrong_song: float = 0.0
    """Share of the windows that get another window's music: leaves some use for motion alone."""
    ema: float = 0.999
    clip_norm: float = 1.0
    seed: int = 0
    save_every: int = 100
    bfloat16: bool = True
    masks: MaskMix = field(default_factory=MaskMix)

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        if not self.decay:
            return self.learning_rate
        share = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def train(
    model: MaskedMotionModel, data: MotionSet, plan: TrainingPlan, run_dir: Path, *, resume: bool = True
) -> tuple[MaskedMotionModel, list[dict[str, float]]]:
    """Train, and return the averaged (EMA) network and the curve.

    The state is written every ``plan.save_every`` steps to ``run_dir/state.pt``; a run that finds one goes on there.

    Raises:
        ModelError: the loss is not finite, the windows do not fit the network, or the state is another network's or
            that of a run with another plan (but for its length) or other data.
    """
    if not 1 <= plan.min_frames <= plan.max_frames <= model.config.max_frames:
        raise ModelError("training windows", f"{plan.min_frames} to {plan.max_frames} frames",
                         f"at most the network's {model.config.max_frames}", "change --max-frames")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).train()
    average = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = _optimizer(model, plan)
    generator = torch.Generator(device=device)
    generator.manual_seed(plan.seed)
    torch.manual_seed(plan.seed)
    run_dir.mkdir(parents=True, exist_ok=True)
    state_file, curve = run_dir / "state.pt", list[dict[str, float]]()
    step = 0
    if resume and state_file.exists():
        step, curve = _restore(state_file, model, average, optimizer, generator, _same_run(model, plan))
    pose_loss = PoseLoss(model.config.skeleton, model.config.fitted_stats)
    limbs = [g for name, g in model.config.skeleton.groups.items() if name not in ("all", "root")]

    bar = tqdm(total=plan.steps, initial=step, unit="step", desc=run_dir.name, mininterval=5)
    recent, since = list[float](), time.perf_counter()
    while step < plan.steps:
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step) * group["share"]
        motion, music = _batch(data, plan, generator)
        hidden = draw_masks(plan.masks, len(motion), motion.shape[1], limbs, model.config.joints, generator)
        loss = _loss(model, plan, pose_loss, motion, music, hidden, generator)
        if not torch.isfinite(loss):
            raise ModelError(f"{run_dir.name} step {step}", f"loss {loss.item()}", "a finite loss",
                             "lower the learning rate; the last good state is kept")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip_norm)
        optimizer.step()
        step += 1
        _follow(average, model, min(plan.ema, (1 + step) / (10 + step)))
        recent.append(loss.item())
        bar.update()
        if step % plan.save_every == 0 or step == plan.steps:
            mean = sum(recent) / len(recent)
            curve.append({"step": step, "loss": mean, "seconds": time.perf_counter() - since})
            bar.set_postfix(loss=f"{mean:.4f}")
            recent.clear()
            _save(state_file, {"model": model.state_dict(), "average": average.state_dict(), "step": step,
                               "optimizer": optimizer.state_dict(), "generator": generator.get_state(),
                               "dropout": _dropout_state(device), "curve": curve, "run": _same_run(model, plan)})
    bar.close()
    return average, curve


def _optimizer(model: MaskedMotionModel, plan: TrainingPlan) -> torch.optim.AdamW:
    head = {id(p) for name, p in model.named_parameters() if name.startswith("head.")}
    share = plan.head_rate if model.config.output == "residual" else 1.0
    groups = [{"params": [p for p in model.parameters() if id(p) not in head], "share": 1.0},
              {"params": [p for p in model.parameters() if id(p) in head], "share": share}]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.999), weight_decay=0.01)


def _restore(
    path: Path, model: MaskedMotionModel, average: MaskedMotionModel, optimizer: torch.optim.Optimizer,
    generator: torch.Generator, run: str,
) -> tuple[int, list[dict[str, float]]]:
    """Put everything where it was when the state was written; returns the step and the curve so far."""
    device = generator.device
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if state.get("run", run) != run:
            raise ValueError("another plan or other data")
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"].cpu())
    except (RuntimeError, KeyError, ValueError) as error:
        raise ModelError(str(path), f"not the state of this network ({str(error).splitlines()[0]})",
                         "an unfinished run of the same command", "start afresh with --fresh") from None
    if "dropout" in state:
        set_state = torch.cuda.set_rng_state if device.type == "cuda" else torch.set_rng_state
        set_state(state["dropout"].cpu())
    return state["step"], state["curve"]


def _same_run(model: MaskedMotionModel, plan: TrainingPlan) -> str:
    """What must be equal for a run to go on: the plan but for its length, and what was fitted on the data."""
    kept = {name: value for name, value in asdict(plan).items() if name not in ("steps", "save_every")}
    return json.dumps([kept, model.config.stats, model.config.standard], sort_keys=True)


def _dropout_state(device: torch.device) -> Tensor:
    """Dropout draws from the device's own generator, not from ours."""
    return torch.cuda.get_rng_state() if device.type == "cuda" else torch.get_rng_state()


def _batch(data: MotionSet, plan: TrainingPlan, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    bounds = plan.min_frames, plan.max_frames + 1
    frames = int(torch.randint(*bounds, (1,), generator=generator, device=generator.device))
    motion, music = data.windows(plan.batch, frames, generator)
    if music is not None and plan.wrong_song:
        wrong = torch.rand(len(music), generator=generator, device=music.device) < plan.wrong_song
        music = torch.where(wrong[:, None, None], music.roll(1, 0), music)
    return motion, music


def _loss(
    model: MaskedMotionModel, plan: TrainingPlan, pose_loss: PoseLoss, motion: Tensor, music: Tensor | None,
    hidden: Tensor, generator: torch.Generator,
) -> Tensor:
    shown = corrupt(motion, hidden, generator)[0] if plan.corruption else None
    room = model.config.max_frames - motion.shape[1] + 1
    first = int(torch.randint(0, room, (1,), generator=generator, device=motion.device)) if plan.shift_positions else 0
    with torch.autocast(motion.device.type, torch.bfloat16, enabled=plan.bfloat16):
        prediction = model(motion, hidden, music, shown, first_position=first).prediction
    prediction = prediction.float()
    return pose_loss(prediction, motion, hidden) if plan.loss == "pose" else hidden_mse(prediction, motion, hidden)


@torch.no_grad()
def _follow(average: MaskedMotionModel, model: MaskedMotionModel, decay: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


def _save(path: Path, state: dict[str, Any]) -> None:
    beside = path.with_suffix(".partial")
    torch.save(state, beside)
    beside.replace(path)  # a run killed while writing leaves the last good state


def plan_to_dict(plan: TrainingPlan) -> dict[str, Any]:
    """For the checkpoint's card and metrics."""
    return asdict(plan)

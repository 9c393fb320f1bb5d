"""The mutable state of a run: network, average, optimiser, random generators and curve."""

import copy
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, gather_object
from torch import Tensor, nn

from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from training.data.dataset import MotionSet
from training.engine import state as disk
from training.engine.optimisers import make_optimizer
from training.plans.plan import TrainingPlan


class Run:
    """Everything that changes while training, with saving and restoring."""

    def __init__(
        self,
        accelerator: Accelerator,
        model: MaskedMotionModel,
        data: MotionSet,
        plan: TrainingPlan,
        start: str = "",
    ) -> None:
        self.accelerator = accelerator
        self.identity = _identity(model, plan, start)
        self.material = _material(model, data)
        self.plan = plan
        # Copied before compiling and wrapping, because the average must be a plain network.
        self._average_model = copy.deepcopy(model).eval().requires_grad_(False)
        if plan.compile:
            model.compile(dynamic=True)  # in place: names and attributes stay; window lengths vary
        self.wrapped = _distributed(accelerator, model.train())
        self.model = accelerator.unwrap_model(self.wrapped)
        # Created after sharding, because FSDP replaces the parameters by their shards.
        self.optimizer = accelerator.prepare_optimizer(make_optimizer(self.model, plan))
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.generator = torch.Generator(device=accelerator.device).manual_seed(plan.seed)
        # Each process draws its own dropout.
        torch.manual_seed(plan.seed + 1_000_003 * accelerator.process_index)

        self.step = 0
        self.curve = list[dict[str, float]]()
        self.recent = list[float]()
        """Losses since the curve's last point."""
        self._since = time.perf_counter()

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Update the exponential moving average of the weights."""
        torch._foreach_lerp_(
            # An elementwise update needs no communication: each process averages its own shards.
            [disk.local(p) for p in self.average.values()],
            [disk.local(p) for p in self.model.parameters()],
            1 - decay,
        )

    def averaged(self) -> MaskedMotionModel:
        """The averaged network, gathered; every process must call this together."""
        disk.copy_into(dict(self._average_model.named_parameters()), disk.gathered(self.average))
        return self._average_model.to(self.accelerator.device)

    def add_curve_point(self) -> None:
        """Add the mean of the recent losses to the curve."""
        mean, seconds = sum(self.recent) / len(self.recent), time.perf_counter() - self._since
        self.curve.append({"step": self.step, "loss": mean, "seconds": seconds})
        self.recent.clear()

    def save(self, run_dir: Path) -> None:
        """Write the state; every process must call this together."""
        state = {
            "model": disk.gathered(self.model.state_dict()),
            "average": disk.gathered(self.average),
            "optimizer": disk.gathered(self.optimizer.state_dict()),
            "generator": self.generator.get_state(),
            "dropout": gather_object([_dropout_state(self.accelerator.device)]),
            "step": self.step,
            "curve": self.curve,
            "recent": self.recent,
            "run": self.identity,
            "material": self.material,
        }
        if self.accelerator.is_main_process:
            disk.write_state(run_dir, state)

    def restore(self, run_dir: Path) -> None:
        """Restore the run from its state, if the folder has one."""
        saved, note = disk.read_state(run_dir)
        if note:
            self.accelerator.print(note)
        if saved is None:
            return
        path = str(run_dir / disk.NAME)
        try:
            if saved["run"] != self.identity:
                raise ValueError("another plan or other data")
            # States of older versions do not have this entry.
            if saved.get("material", self.material) != self.material:
                raise ValueError("a network with other options, or other data")
            disk.copy_into(dict(self.model.state_dict()), saved["model"])
            disk.copy_into(self.average, saved["average"])
            disk.restore_optimizer(self.optimizer.optimizer, saved["optimizer"])
            self.generator.set_state(saved["generator"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(
                path,
                f"not the state of this network ({str(error).splitlines()[0]})",
                "an unfinished run of the same command",
                "start afresh with --fresh",
            ) from None
        if saved["step"] > self.plan.steps:
            raise ModelError(
                path,
                f"already at step {saved['step']}",
                f"at most the {self.plan.steps} asked for",
                "ask for more steps, or start afresh with --fresh",
            )
        self.step, self.curve, self.recent = saved["step"], saved["curve"], saved["recent"]
        self._since -= self.curve[-1]["seconds"] if self.curve else 0.0
        # With another number of processes, each starts a new dropout sequence.
        if len(saved["dropout"]) == self.accelerator.num_processes:
            cuda = self.accelerator.device.type == "cuda"
            mine = saved["dropout"][self.accelerator.process_index]
            (torch.cuda.set_rng_state if cuda else torch.set_rng_state)(mine)


def _distributed(accelerator: Accelerator, model: MaskedMotionModel) -> nn.Module:
    """The network on its device, wrapped or sharded where several processes train it."""
    if accelerator.distributed_type != DistributedType.FSDP:
        return accelerator.prepare(model)
    # accelerate shards a network only together with an optimiser. The real one is created from the
    # shards afterwards, so this one is discarded.
    return accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.0))[0]


def _identity(model: MaskedMotionModel, plan: TrainingPlan, start: str) -> str:
    """What must be equal for a run to continue: the plan except for its length, the statistics, and
    the initial weights."""
    kept = {
        # Neither the length of a run nor the times of its saves change its weights.
        name: value
        for name, value in asdict(plan).items()
        if name not in ("steps", "save_every")
    }
    return json.dumps([kept, model.config.stats, model.config.standard, start], sort_keys=True)


def _material(model: MaskedMotionModel, data: MotionSet) -> str:
    """A digest of the network's options and the clips, which need not show in the weights' shapes."""
    fields = {
        name: getattr(model.config, name)
        for name in MaskedMotionConfig.__annotations__
        if name != "trained_masks"
    }
    clips = [[clip["name"], clip["frames"], clip.get("source")] for clip in data.clips]
    return hashlib.sha256(
        json.dumps([model.config.model_type, fields, clips], sort_keys=True).encode()
    ).hexdigest()


def _dropout_state(device: torch.device) -> Tensor:
    """The state of the device's default generator, which dropout draws from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()

"""The training commands at toy size, as programs of their own: ``python tests/training/toy.py pretrain --preset ...``.

The networks' topology, the recipes and the commands are the real ones; only sizes, warm-up and the steps between two
states are smaller, so that a run takes seconds and can be killed in the middle.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from mmm.models import PRESETS
from training.commands import pretrain
from training.commands.app import app
from training.engine import loop
from training.plans.recipes import FINETUNING, PRETRAINING

SIZES = {
    "hidden_size": 256,
    "intermediate_size": 32,
    "encoder_layers": 1,
    "cross_layers": 1,
    "max_frames": 40,
}
EVERY = 3
"""Steps between states."""


def shrink() -> None:
    """Make all small presets tiny, in this process."""
    for recipes in (PRETRAINING, FINETUNING):
        for name, recipe in recipes.items():
            if "-small" in name:
                PRESETS[recipe.network] = PRESETS[recipe.network] | SIZES
                recipes[name] = replace(
                    recipe, plan=replace(recipe.plan, save_every=EVERY, warmup=5)
                )


def arguments(data: Path, folder: Path, steps: int, *more: str) -> list[str]:
    """Options of a toy run that leaves everything in ``folder``."""
    return [
        "--preset",
        "ecm-small",
        "--data",
        str(data),
        "--out",
        str(folder / "net"),
        "--run-dir",
        str(folder / "run"),
        "--steps",
        str(steps),
        "--batch",
        "4",
        "--max-frames",
        "24",
        "--threads",
        "1",
        *more,
    ]


def shard_on_cpu() -> None:
    """FSDP between processes without GPUs: accelerate offers it on GPUs alone, torch does everywhere."""
    plain = loop.make_accelerator

    def make_accelerator() -> Accelerator:
        accelerator = plain()
        accelerator.state.distributed_type = DistributedType.FSDP
        accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2,
            auto_wrap_policy="transformer_based_wrap",
            transformer_cls_names_to_wrap=["ConvBertLayer"],
            cpu_ram_efficient_loading=False,
        )
        return accelerator

    loop.make_accelerator = pretrain.make_accelerator = make_accelerator


if __name__ == "__main__":
    shrink()
    if "--shard" in sys.argv:
        sys.argv.remove("--shard")
        shard_on_cpu()
    app()

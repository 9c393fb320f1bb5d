"""Checkpoints: folders with config.json, safetensors, metrics.json and a model card (README.md).

Listing and describing checkpoints and checking clips against them imports no torch, so pages and
commands start fast. ``load_model`` and ``save_model`` import torch when they are first used.
"""

from typing import TYPE_CHECKING, Any

from mmm.checkpoints.files import read_json
from mmm.checkpoints.fit import Requirements, check_fit
from mmm.checkpoints.info import (
    CheckpointInfo,
    describe,
    find_checkpoint,
    list_checkpoints,
)
from mmm.paths import checkpoint_root

if TYPE_CHECKING:
    from mmm.checkpoints.weights import load_model, save_model

__all__ = [
    "CheckpointInfo",
    "Requirements",
    "check_fit",
    "checkpoint_root",
    "describe",
    "find_checkpoint",
    "list_checkpoints",
    "load_model",
    "read_json",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name in ("load_model", "save_model"):
        # Importing torch takes seconds.
        from mmm.checkpoints import weights

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

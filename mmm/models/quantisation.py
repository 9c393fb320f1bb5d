"""Weights stored as 8-bit integers: half of float16, for checkpoints that live in a repository.

A matrix NAME becomes int8, and ``NAME.row_scale`` (rows, 1) says what a step of each row is worth:
the largest weight of a row is 127 steps. What is small, or has one dimension, stays float16.
Measured on ``inbetween``: no error of a recovery changes by more than 0.2 %, where an 8-bit float
costs 1.5 %.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

SCALE = ".row_scale"
STEPS = 127
LEAST = 4_096
"""Entries of a matrix that is worth packing."""


def packed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored in 8 bits."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point() or tensor.ndim < 2 or tensor.numel() < LEAST:
            stored[name] = tensor.half() if tensor.is_floating_point() else tensor
            continue
        rows = tensor.float().reshape(len(tensor), -1)
        scale = (rows.abs().amax(dim=1, keepdim=True) / STEPS).clamp_min(
            torch.finfo(torch.float32).tiny
        )
        stored[name] = (rows / scale).round().to(torch.int8).reshape(tensor.shape)
        stored[name + SCALE] = scale
    return stored


def unpacked(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights again: what was packed as float32, the rest as it is stored.

    Raises:
        KeyError: the scale of a matrix lacks.
        RuntimeError: it is of another size.
    """
    return {
        name: tensor.float() * stored[name + SCALE].reshape(-1, *[1] * (tensor.ndim - 1))
        if tensor.dtype == torch.int8
        else tensor
        for name, tensor in stored.items()
        if not name.endswith(SCALE)
    }


def is_packed(files: Iterable[Path]) -> bool:
    """Whether one of these safetensors holds packed weights; reads the heads alone."""
    for path in files:
        with safe_open(path, "pt") as file:
            if any(name.endswith(SCALE) for name in file.keys()):  # noqa: SIM118 -- no mapping
                return True
    return False


def read_packed(files: Iterable[Path]) -> dict[str, Tensor]:
    """The weights of all these files."""
    return unpacked({name: tensor for path in files for name, tensor in load_file(path).items()})

"""The state of a run on disk, from which it continues to exactly the same weights.

``state.pt`` is written under another name, flushed to the disk and renamed; the state before it is
kept as ``state.previous.pt``. A run that is killed at any moment has at least one complete state.
Sharded networks (FSDP) are gathered, so that a state fits any number of processes.
"""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

from mmm.errors import FileError, ModelError

NAME, PREVIOUS = "state.pt", "state.previous.pt"


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state atomically; the one before it becomes the previous one.

    Raises:
        FileError: the disk is full, or the folder cannot be written; the last state is kept.
    """
    beside = folder / "state.partial"
    try:
        with beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())  # the rename must not reach the disk before the content
        if (folder / NAME).exists():
            (folder / NAME).replace(folder / PREVIOUS)
        beside.replace(folder / NAME)
    except (OSError, RuntimeError) as error:
        # A half-written file would take the room that the next attempt needs.
        beside.unlink(missing_ok=True)
        # ``torch.save`` reports a full disk as a RuntimeError raised while the OSError is handled.
        cause = error if isinstance(error, OSError) else error.__context__
        reason = (
            cause.strerror
            if isinstance(cause, OSError) and cause.strerror
            else str(error).splitlines()[0]
        )
        raise FileError(
            str(folder / NAME),
            f"cannot be written ({reason})",
            "",
            "the last good state is kept: make room, and the same command continues from it",
        ) from None


def read_state(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """The last complete state with a note for the user, or None where the run has no state yet.

    Raises:
        ModelError: there are states, and none is complete.
    """
    broken = []
    for name in (NAME, PREVIOUS):
        path = folder / name
        if not path.exists():
            continue
        try:
            # A state from elsewhere must not run code: only tensors and plain values are unpickled.
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (
            RuntimeError,
            EOFError,
            OSError,
            ValueError,
            KeyError,
            pickle.UnpicklingError,
        ) as error:
            broken.append(
                f"{path}: cannot be read ({type(error).__name__}, {path.stat().st_size} bytes)"
            )
            continue
        if not isinstance(state, dict) or "step" not in state:
            broken.append(f"{path}: not a state of this program")
            continue
        return (
            state,
            f"{broken[0]}; continuing from {PREVIOUS}, step {state['step']}" if broken else "",
        )
    if broken:
        raise ModelError(
            str(folder), "; ".join(broken), "a whole state", "start afresh with --fresh"
        )
    return None, ""


def forget_state(folder: Path) -> None:
    """Remove the states of an earlier run."""
    for name in (NAME, PREVIOUS):
        (folder / name).unlink(missing_ok=True)


def gathered(value: Any) -> Any:
    """Nested dicts and lists with all tensors copied to the CPU.

    Shards are gathered, so every process must call this together.
    """
    if isinstance(value, DTensor):
        value = value.full_tensor()
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        # Gathering is a collective operation: all processes must visit the keys in one
        # order.
        return {key: gathered(value[key]) for key in sorted(value)}

    return [gathered(item) for item in value] if isinstance(value, list) else value


def local(value: Tensor) -> Tensor:
    """This process's shard of a tensor, sharing its memory."""
    return value.to_local() if isinstance(value, DTensor) else value


def sharded_like(value: Tensor, like: Tensor) -> Tensor:
    """A tensor, sharded among the processes like another one of its shape."""
    value = value.to(like.device)
    return (
        distribute_tensor(value, like.device_mesh, like.placements)
        if isinstance(like, DTensor)
        else value
    )


@torch.no_grad()
def copy_into(targets: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Copy tensors into those of the same names.

    Raises:
        ValueError: names or shapes differ.
    """
    for name in {*targets, *values}:
        if name not in targets or name not in values or targets[name].shape != values[name].shape:
            raise ValueError(f"{name} is not in both, or of another shape")
    for name, target in targets.items():
        local(target).copy_(local(sharded_like(values[name], target)))


def restore_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Load an optimiser's gathered state, sharded like its parameters.

    Raises:
        ValueError: the state belongs to other parameters.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    entries = {}
    for index, entry in saved["state"].items():
        if index >= len(parameters):
            raise ValueError("the optimizer's state is that of another network")
        like = parameters[index]
        entries[index] = {
            name: sharded_like(value, like)
            if isinstance(value, Tensor) and value.shape == like.shape
            else value
            for name, value in entry.items()
        }
    # The groups keep the saved options; the loop sets the learning rates before the next step.
    optimizer.load_state_dict({"state": entries, "param_groups": saved["param_groups"]})

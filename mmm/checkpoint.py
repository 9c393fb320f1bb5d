"""Checkpoints: a folder with config.json, safetensors, metrics.json and a card (README.md)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging as hf_logging

from mmm.checkpoints import find_checkpoint, read_json
from mmm.errors import ModelError
from mmm.models import MaskedMotionConfig, MaskedMotionModel, network_of
from mmm.models.quantisation import packed

MAX_SHARD = "15MB"
"""Sharded so that no file of a repository grows large."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What can be said of a checkpoint without loading its weights."""

    name: str
    path: Path
    config: MaskedMotionConfig
    metrics: dict[str, Any]
    card: str


def describe(path: str | Path) -> CheckpointInfo:
    """Read configuration, metrics and card.

    Raises:
        ModelError: the folder is no checkpoint of this project, or a file in it is broken.
    """
    folder = find_checkpoint(path)
    raw = read_json(folder / "config.json")
    network = network_of(raw.get("model_type"))
    try:
        config = network.config_class.from_dict(raw)
        config.check()
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(
            str(folder / "config.json"),
            f"a value of the wrong kind or size ({error})",
            "a configuration written by save_model",
            "restore or retrain it",
        ) from None
    metrics = read_json(folder / "metrics.json") if (folder / "metrics.json").is_file() else {}
    card = folder / "README.md"
    return CheckpointInfo(
        folder.name, folder, config, metrics, card.read_text() if card.is_file() else ""
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The library's progress bars and reports have no place on a page or in a script's output: we say it in a line."""
    bar, level = hf_logging.is_progress_bar_enabled(), hf_logging.get_verbosity()
    hf_logging.disable_progress_bar()
    hf_logging.set_verbosity_error()
    try:
        yield
    finally:
        hf_logging.set_verbosity(level)
        if bar:
            hf_logging.enable_progress_bar()


def save_model(
    model: MaskedMotionModel, folder: Path, metrics: dict[str, Any], *, bits: int = 16
) -> None:
    """Write a checkpoint.

    Args:
        bits: of a weight as it is stored: 32, 16, or 8 (``mmm.models.quantisation``); they are read back as float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = model.state_dict()
    if bits < 32:
        state = (
            packed(state) if bits == 8 else {name: tensor.half() for name, tensor in state.items()}
        )
    for old in folder.glob("model*.safetensors*"):
        old.unlink()
    with _quiet():
        model.save_pretrained(folder, state_dict=state, max_shard_size=MAX_SHARD)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")


def load_model(path: str | Path, device: str | None = None) -> MaskedMotionModel:
    """A network ready to recover: evaluation mode, float32, on ``cuda`` if there, else ``cpu``.

    Args:
        path: a folder, or the name of one under the checkpoint root.

    Raises:
        ModelError: it is no checkpoint, or its weights are missing, cut short or of another shape.
    """
    info = describe(path)
    network = network_of(info.config.model_type)
    try:
        with _quiet():
            model, report = network.from_pretrained(
                info.path,
                config=info.config,
                dtype=torch.float32,
                output_loading_info=True,
                use_safetensors=True,  # never a pickle
                ignore_mismatched_sizes=True,
            )  # they are reported below
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            str(info.path),
            f"weights cannot be read ({reason})",
            "complete safetensors of this network",
            "fetch or train the checkpoint again",
        ) from None
    misshapen = (key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"])
    wrong = sorted({*report["missing_keys"], *report["unexpected_keys"], *misshapen})
    if wrong:
        raise ModelError(
            str(info.path),
            f"{len(wrong)} weights missing, unknown or misshapen ({wrong[0]}, ...)",
            "weights that fit config.json",
            "fetch or train the checkpoint again",
        )
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    model.name_or_path = info.name
    return model

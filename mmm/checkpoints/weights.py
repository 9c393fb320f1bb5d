"""Reading and writing the networks of checkpoints."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging as hf_logging

from mmm.checkpoints.info import describe
from mmm.checkpoints.transaction import replacing
from mmm.errors import FileError, ModelError
from mmm.models import MaskedMotionModel, network_of
from mmm.models.quantisation import packed

MAX_SHARD = "15MB"
"""Weights are split into files of at most this size, so that no file of a repository grows
large."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Turn off transformers' progress bars and reports; errors say what matters in one line."""
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
    """Write a checkpoint; an older one in the folder is replaced at once, or stays if writing
    fails.

    Args:
        model: the network.
        folder: made if it is missing; its card and other files stay.
        metrics: what metrics.json shall hold.
        bits: size of a stored weight, 32, 16 or 8 (``mmm.models.quantisation``). Weights are read
            back as float32.

    Raises:
        FileError: the folder cannot be written, e.g. because the disk is full.
    """
    state = model.state_dict()
    if bits < 32:
        half = {name: tensor.half() for name, tensor in state.items()}
        state = packed(state) if bits == 8 else half
    try:
        with replacing(Path(folder), stale="model*.safetensors*") as draft, _quiet():
            model.save_pretrained(draft, state_dict=state, max_shard_size=MAX_SHARD)
            (draft / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    except (OSError, SafetensorError) as error:
        raise FileError(
            str(folder),
            f"the checkpoint cannot be written ({error})",
            "a writable folder on a disk with room",
            "make room and save again; what was in the folder is as it was",
        ) from None
    model.checkpoint_folder = Path(folder)


def load_model(path: str | Path, device: str | None = None) -> MaskedMotionModel:
    """A network ready to recover: in evaluation mode, with float32 weights.

    Args:
        path: a folder, the name of one under the checkpoint folder (``mmm.paths.checkpoint_root``),
            or ``owner/name`` of a model on the Hugging Face Hub.
        device: where it shall run; None: ``cuda`` where there is one, else ``cpu``.

    Raises:
        ModelError: there is no such checkpoint, or its weights are missing, cut short or of another
            shape.
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
                ignore_mismatched_sizes=True,  # they are reported below, in one line
            )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
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
    model.name_or_path, model.checkpoint_folder = info.name, info.path
    return model

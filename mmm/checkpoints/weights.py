"""Reading and writing the weights of checkpoints."""

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
"""Size of one file of weights. Small files keep a repository below the limits of its host."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Turn off the progress bars and reports of transformers; this module reports errors itself."""
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
    """Write a checkpoint; an older one in the folder is replaced atomically.

    Args:
        model: the network.
        folder: made if it is missing; its card and other files stay.
        metrics: the contents of metrics.json.
        bits: size of a stored weight, 32, 16 or 8 (``mmm.models.quantisation``). Loading converts
            to float32.

    Raises:
        FileError: the folder cannot be written, e.g. because the disk is full.
    """
    # Weights are stored at reduced precision; computation is in float32.
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
            "make room and save again; the old files are unchanged",
        ) from None
    model.checkpoint_folder = Path(folder)


def load_model(path: str | Path, device: str | None = None) -> MaskedMotionModel:
    """Load a network in evaluation mode, with float32 weights.

    Args:
        path: a folder, the name of one under the checkpoint folder (``mmm.paths.checkpoint_root``),
            or ``owner/name`` of a model on the Hugging Face Hub.
        device: a torch device; None: ``cuda`` if there is one, else ``cpu``.

    Raises:
        ModelError: there is no such checkpoint, or its weights are missing, truncated or of another
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
                # Loading a pickle runs code.
                use_safetensors=True,
                # Mismatches are reported below, in one line.
                ignore_mismatched_sizes=True,
            )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            str(info.path),
            f"weights cannot be read ({reason})",
            "complete safetensors of this network",
            "restore the checkpoint, or train the network again",
        ) from None
    # transformers initialises such weights at random, so they must be an error.
    misshapen = (key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"])
    wrong = sorted({*report["missing_keys"], *report["unexpected_keys"], *misshapen})
    if wrong:
        raise ModelError(
            str(info.path),
            f"{len(wrong)} weights missing, unknown or misshapen ({wrong[0]}, ...)",
            "weights that fit config.json",
            "restore the checkpoint, or train the network again",
        )
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    model.name_or_path, model.checkpoint_folder = info.name, info.path
    return model

"""Uploading a network to the Hugging Face Hub."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

COMPANIONS = ("README.md", "metrics.json")
"""Files of a checkpoint beside its weights: the card and the metrics."""


def upload(
    model: PreTrainedModel,
    repo_id: str,
    card_folder: Path | None,
    *,
    api: Any = None,
    private: bool | None = None,
    max_shard_size: int | str = "5GB",
    **options: Any,
) -> str:
    """Upload a network, its card and its metrics in one commit.

    Args:
        model: the network; its weights are written as they are now.
        repo_id: ``owner/name``; the repository is made if there is none.
        card_folder: the folder that holds the card and the metrics, if the network has any.
        api: a ``huggingface_hub.HfApi``; None: one with the user's token.
        private: whether a new repository is private.
        max_shard_size: as ``save_pretrained`` takes it.
        options: as ``HfApi.upload_folder`` takes them: ``commit_message``, ``revision``, ...

    Returns:
        The address of the commit.
    """
    # Made only when it is needed, because it reads the user's token.
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    with tempfile.TemporaryDirectory() as folder:
        # The network may have changed since its files in ``card_folder`` were written.
        model.save_pretrained(folder, max_shard_size=max_shard_size)
        for name in COMPANIONS:
            if card_folder is not None and (card_folder / name).is_file():
                shutil.copyfile(card_folder / name, Path(folder) / name)
        name = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        options.setdefault("commit_message", f"Upload {type(model).__name__}")
        return str(api.upload_folder(repo_id=name, folder_path=folder, **options))

"""Checkpoints on the Hugging Face Hub."""

import re
from pathlib import Path

from mmm.errors import ModelError

FILES = ("*.json", "*.safetensors", "README.md")
"""The files of a checkpoint; nothing else is downloaded, above all no pickles."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_name(path: str | Path) -> bool:
    """Whether a path has the form ``owner/name`` of a model on the Hub, and no folder has that
    path.

    ``checkpoints/NAME`` always means a checkpoint of this machine.
    """
    text = str(path)
    return (
        _NAME.fullmatch(text) is not None
        and not text.startswith("checkpoints/")
        and not Path(path).exists()
    )


def download(name: str) -> Path:
    """The folder of a model's files in the cache of ``huggingface_hub``, downloaded where missing.

    Args:
        name: ``owner/name``. ``HF_HOME`` and ``HF_HUB_OFFLINE`` count as for other libraries.

    Raises:
        ModelError: there is no such model, or the Hub cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            name,
            f"no checkpoint here, and none on the Hugging Face Hub ({reason})",
            "a folder, a name under the checkpoint folder, or owner/name",
            "check the name and the connection",
        ) from None

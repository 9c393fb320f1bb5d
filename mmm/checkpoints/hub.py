"""Checkpoints on the Hugging Face Hub."""

import re
from pathlib import Path

from mmm.errors import ModelError

FILES = ("*.json", "*.safetensors", "README.md")
"""Patterns of the files that are downloaded; pickles are not, because loading one runs code."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_name(path: str | Path) -> bool:
    """Whether a path is ``owner/name`` of a model on the Hub, and not a folder.

    ``checkpoints/NAME`` always means a local checkpoint.
    """
    text = str(path)
    return (
        _NAME.fullmatch(text) is not None
        and not text.startswith("checkpoints/")
        and not Path(path).exists()
    )


def download(name: str) -> Path:
    """Download a model, unless it is in the cache of ``huggingface_hub``.

    Args:
        name: ``owner/name``. The environment variables ``HF_HOME`` and ``HF_HUB_OFFLINE`` apply.

    Returns:
        The folder with its files.

    Raises:
        ModelError: there is no such model, or the Hub cannot be reached.
    """
    # Imported here, because local checkpoints do not need it and it takes half a second.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        # Messages of the Hub have several lines; the first states the cause.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            name,
            f"no checkpoint of this name, locally or on the Hugging Face Hub ({reason})",
            "a folder, a name under the checkpoint folder, or owner/name",
            "check the name and the connection",
        ) from None

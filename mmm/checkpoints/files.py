"""Reading the text files of checkpoints."""

import json
from pathlib import Path
from typing import Any

from mmm.errors import ModelError

MAX_TEXT_BYTES = 20_000_000
"""Guards against reading a file of another kind into memory; metrics take about 100 KB."""


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        OSError, ValueError: the file cannot be read, is too large, or is no UTF-8 text.
    """
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValueError(f"larger than {MAX_TEXT_BYTES:,} bytes")
    return path.read_text(encoding="utf-8")


def wrong_value(config_file: Path, error: Exception) -> ModelError:
    """The error of a configuration that is JSON, but holds a value that no network takes."""
    return ModelError(
        str(config_file),
        f"a value of the wrong kind or size ({error})",
        "a configuration written by save_model",
        "restore the file, or train the network again",
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: the file cannot be read, or holds something else.
    """
    try:
        value = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        # A RecursionError comes from JSON that nests too deeply.
        raise ModelError(
            str(path),
            f"not readable as JSON ({error})",
            "a JSON object",
            "restore the file, or train the network again",
        ) from None
    # Callers read fields by name.
    if not isinstance(value, dict):
        raise ModelError(
            str(path),
            f"a {type(value).__name__}",
            "a JSON object",
            "restore the file, or train the network again",
        )
    return value

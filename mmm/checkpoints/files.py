"""Reading the text files of a checkpoint."""

import json
from pathlib import Path
from typing import Any

from mmm.errors import ModelError

MAX_TEXT_BYTES = 20_000_000
"""Guards against reading a file of another kind into memory; the largest of ours has 100 KB."""


def read_text(path: Path) -> str:
    """A text file of a checkpoint.

    Raises:
        OSError, ValueError: it cannot be read, or is no UTF-8 text.
    """
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValueError(f"larger than {MAX_TEXT_BYTES:,} bytes")
    return path.read_text(encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint's folder.

    Raises:
        ModelError: there is no such file, or it holds something else.
    """
    try:
        value = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        # A RecursionError comes from JSON that nests too deeply.
        raise ModelError(
            str(path), f"not readable as JSON ({error})", "", "restore or retrain it"
        ) from None
    if not isinstance(value, dict):
        raise ModelError(
            str(path), f"a {type(value).__name__}", "a JSON object", "restore the checkpoint"
        )
    return value

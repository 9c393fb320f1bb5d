"""Text and JSON files that are replaced at once, so that no reader meets half of one."""

import json
from pathlib import Path
from typing import Any

from mmm.io.files import write_atomically


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text, as UTF-8.

    Raises:
        FileError: the folder does not exist or cannot be written.
    """
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Replace a file by a value as JSON.

    Raises:
        FileError: as ``write_text``.
    """
    write_text(path, json.dumps(content, indent=1) + "\n")

"""Results that are kept, so that a second run does only what is missing."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mmm.paths import user_cache


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Append lines to a file, which is made with its folder for the first one."""
    text = "".join(f"{line}\n" for line in lines)
    if not text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Appended in one write, so that two runs at once do not mix their lines.
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, 2)
            # A run that was cut short in the middle of a line must not spoil the next one.
            if file.read(1) != b"\n":
                text = "\n" + text
        file.write(text.encode())


def key_of(*parts: object) -> str:
    """A name for all that decides a result: plain values, whose ``repr`` tells them apart."""
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


class Kept:
    """Results of one command by their keys, as lines of JSON in the user's cache.

    Lines are only ever added, so a run that is cut short loses nothing that was done.
    """

    def __init__(self, name: str) -> None:
        self.file = user_cache() / "batches" / f"{name}.jsonl"

    def read(self) -> dict[str, Any]:
        """The latest result of each key. Damaged lines are passed over: they are made again."""
        results: dict[str, Any] = {}
        try:
            lines = self.file.read_bytes().split(b"\n")
        except OSError:
            return results
        for line in filter(bytes.strip, lines):
            try:
                key, value = json.loads(line)
            except (ValueError, TypeError, RecursionError):
                continue
            if isinstance(key, str):
                results[key] = value
        return results

    def add(self, key: str, value: Any) -> None:
        """Keep one result, which JSON can hold; its floats come back with the same bits."""
        append_lines(self.file, [json.dumps([key, value])])

"""What was measured for the leaderboard, kept on disk as a line of JSON a measurement."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mmm import paths
from mmm.checkpoints import CheckpointInfo

Version = str


@dataclass(frozen=True)
class Measurement:
    """One method on one clip with one pattern."""

    method: str
    version: Version
    """Of the checkpoint's bytes; of an interpolation empty."""
    clip: str
    digest: str
    """Of the bytes of the clip's file."""
    pattern: str
    seed: int
    frames: int
    hidden: int
    """Entries (frames times joints)."""
    sums: dict[str, float]
    """Of each error over hidden entries."""
    counts: dict[str, int]
    """Over how many."""
    elapsed_s: float

    @property
    def key(self) -> tuple[str, Version, str, str, int, int]:
        """What makes it the same measurement."""
        return self.method, self.version, self.digest, self.pattern, self.seed, self.frames


def digest_of(path: Path) -> str:
    """Of a file's bytes."""
    stat = path.stat()
    return _digest(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8192)
def _digest(path: str, changed_ns: int, size: int) -> str:
    return blake2b(Path(path).read_bytes(), digest_size=12).hexdigest()


def version_of(card: CheckpointInfo) -> Version:
    """Of the bytes of a checkpoint's weights and configuration."""
    files = [card.path / "config.json", *sorted(card.path.glob("*.safetensors"))]
    return blake2b("".join(map(digest_of, files)).encode(), digest_size=8).hexdigest()


class ResultsFile:
    """Measurements on disk: lines are only ever added, so that a run cut short has lost nothing that was measured."""

    def __init__(self, folder: Path | None = None) -> None:
        self.file = (folder or paths.MEASURED) / "measurements.jsonl"

    def read(self) -> dict[tuple[Any, ...], Measurement]:
        """By key, the latest of each; lines that make no sense (a disk that was full) are passed over."""
        found = {}
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        for line in lines:
            try:
                one = Measurement(**json.loads(line))
                found[one.key] = one
            except (ValueError, TypeError):
                continue
        return found

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Write them down."""
        text = "".join(json.dumps(asdict(one)) + "\n" for one in measurements)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":  # a run that was cut short in the middle of a line
                    text = "\n" + text
            file.write(text.encode())

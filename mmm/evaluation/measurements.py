"""Measurements of the leaderboard, kept on disk as one line of JSON each.

A measurement belongs to the bytes of a checkpoint and of a clip's file. Once either has changed, it
is not shown any more. It also records the version of the code that made it. Measurements by an
earlier version are marked as outdated until they are made again.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mmm import paths
from mmm.batches.kept import append_lines
from mmm.checkpoints import CheckpointInfo
from mmm.metrics.errors import KINDS

MEASURED_CODE = (
    *("interpolation", "io", "metrics", "models", "motion", "music", "recovery"),
    "masks.py",
)
"""Parts of the package whose code affects measurements."""

Version = str
Key = tuple[str, Version, str, str, int, int]


@dataclass(frozen=True)
class Measurement:
    """One method on one clip with one pattern, as sums, so that any clips can be pooled."""

    method: str
    version: Version
    """Digest of the checkpoint's bytes; empty for an interpolation."""
    clip: str
    digest: str
    """Digest of the bytes of the clip's file."""
    pattern: str
    seed: int
    frames: int
    hidden: int
    """Hidden entries (frames times joints)."""
    sums: dict[str, float]
    """The sum of each error over hidden entries."""
    counts: dict[str, int]
    """How many entries each sum is over."""
    elapsed_s: float
    code: Version = ""
    """:func:`code_version` of the program that measured; empty: before versions were noted."""

    @property
    def key(self) -> Key:
        """Two measurements with equal keys measure the same thing; the later one counts."""
        # Without the clip's name, so that a renamed file keeps its measurements. Without the code's
        # version, so that a later version's measurement replaces the earlier one.
        return self.method, self.version, self.digest, self.pattern, self.seed, self.frames

    @staticmethod
    def from_line(line: bytes) -> "Measurement":
        """The measurement in a line of the file.

        Raises:
            ValueError: it is not the JSON of a measurement.
        """
        try:
            values = json.loads(line.decode("utf-8"))
        # Python's parser recurses; a line of brackets must not break the reading of the others.
        except RecursionError:
            raise ValueError("nested too deeply") from None
        # Checked field by field: a wrong type would fail much later, in the middle of a table.
        if isinstance(values, dict):
            values.setdefault("code", "")  # files of earlier versions have none
        if not isinstance(values, dict) or values.keys() != _CHECKS.keys():
            raise ValueError("not the fields of a measurement")
        for name, is_right in _CHECKS.items():
            if not is_right(values[name]):
                raise ValueError(f"{name} is of the wrong type or range")
        return Measurement(**values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    """Whether a value is a whole number, 0 or more. JSON's ``true`` is an int in Python."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: Any) -> bool:
    """Whether a value is a finite number, 0 or more."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # ``isfinite`` overflows for whole numbers beyond the range of floats.
    return number and 0 <= value <= 1e300 and math.isfinite(value)


_CHECKS = {
    **dict.fromkeys(("method", "version", "clip", "digest", "pattern", "code"), _is_text),
    **dict.fromkeys(("seed", "frames", "hidden"), _is_count),
    "sums": lambda value: _by_kind(value, _is_amount),
    "counts": lambda value: _by_kind(value, _is_count),
    "elapsed_s": _is_amount,
}


def _by_kind(value: Any, is_right: Callable[[Any], bool]) -> bool:
    """Whether a value has one valid number for each kind of error."""
    return (
        isinstance(value, dict)
        and value.keys() == set(KINDS)
        and all(map(is_right, value.values()))
    )


def digest_of(path: Path) -> str:
    """Digest of a file's bytes, 24 hexadecimal digits."""
    stat = path.stat()
    return _digest(str(path), stat.st_mtime_ns, stat.st_size)


# Time and size are arguments so that a changed file misses the cache.
@lru_cache(maxsize=8192)
def _digest(path: str, changed_ns: int, size: int) -> str:
    return blake2b(Path(path).read_bytes(), digest_size=12).hexdigest()


def version_of(checkpoint: CheckpointInfo) -> Version:
    """Digest of the bytes of a checkpoint's weights and configuration."""
    files = [checkpoint.path / "config.json", *sorted(checkpoint.path.glob("*.safetensors"))]
    return blake2b("".join(map(digest_of, files)).encode(), digest_size=8).hexdigest()


@cache
def code_version(parts: tuple[str, ...] = MEASURED_CODE) -> Version:
    """Digest of the source files that affect measurements."""
    package = Path(__file__).parents[1]
    # A pattern without a wildcard finds the one file.
    patterns = [part if part.endswith(".py") else f"{part}/**/*.py" for part in parts]
    files = sorted(file for pattern in patterns for file in package.glob(pattern))
    return blake2b("".join(map(digest_of, files)).encode(), digest_size=6).hexdigest()


class ResultsFile:
    """Measurements on disk.

    Lines are only appended, so an interrupted run loses nothing that was measured.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open the measurements in a folder; None: the user's own (``mmm.paths``).

        The folder is created when something is measured.
        """
        self.file = (folder or paths.leaderboard_folder()) / "measurements.jsonl"
        self.damaged_lines = 0
        """Damaged lines that the last :meth:`read` skipped."""

    def read(self) -> dict[Key, Measurement]:
        """The latest measurement of each key. Damaged lines, e.g. of a full disk, are skipped."""
        latest: dict[Key, Measurement] = {}
        damaged = 0
        try:
            lines = self.file.read_bytes().split(b"\n")
        except OSError:
            lines = []
        for line in filter(bytes.strip, lines):
            try:
                measurement = Measurement.from_line(line)
            except ValueError:
                damaged += 1
            else:
                latest[measurement.key] = measurement
        self.damaged_lines = damaged
        return latest

    @property
    def remark(self) -> str:
        """One sentence on the damaged lines that the last :meth:`read` skipped; empty if none."""
        if not self.damaged_lines:
            return ""
        lines = "line is" if self.damaged_lines == 1 else "lines are"
        return (
            f"{self.file.name}: {self.damaged_lines} {lines} damaged and passed over; "
            "measure again what is missing"
        )

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Append measurements."""
        append_lines(self.file, (json.dumps(asdict(measurement)) for measurement in measurements))

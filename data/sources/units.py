"""Units of files and their splits: a unit (a subject, a scene, a pair) is never divided."""

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmm.errors import FileError, SpecError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitRule:
    """The assignment of units to splits.

    Units that are named for a split go there, and all others to train. If none is named, a hash of
    its name assigns each unit, so that new files never move existing ones.
    """

    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, val and test, summing to 1; used only if no unit is named."""
    val: frozenset[str] = frozenset()
    test: frozenset[str] = frozenset()
    seed: int = 0
    """Seed of the hash."""

    def split_of(self, unit: str) -> str:
        """``train``, ``val`` or ``test``."""
        if self.val or self.test:
            return "val" if unit in self.val else "test" if unit in self.test else "train"
        # Python's own ``hash`` of a string changes from process to process.
        digest = hashlib.blake2b(f"{self.seed} {unit}".encode(), digest_size=8).digest()
        # Uniform in [0, 1).
        place = int.from_bytes(digest) / 2**64
        return (
            "train"
            if place < self.shares[0]
            else "val"
            if place < self.shares[0] + self.shares[1]
            else "test"
        )

    def check(self, units: Iterable[str]) -> None:
        """Check that every named unit exists.

        Raises:
            SpecError: a named unit does not exist, or is named for two splits.
        """
        known = sorted(set(units))
        if both := sorted(self.val & self.test):
            raise SpecError(
                "--val and --test",
                f"{both[0]} stands in both",
                "each unit in one",
                "take it out of one",
            )
        for option, named in (("--val", self.val), ("--test", self.test)):
            if lost := sorted(named - set(known)):
                some = ", ".join(known[:8]) + (" ..." if len(known) > 8 else "")
                raise SpecError(option, f"no unit {lost[0]}", f"some of {some}" if known else "")


def parse_shares(text: str) -> tuple[float, float, float]:
    """``80/10/10`` as shares of 1.

    Raises:
        SpecError: not three numbers, a negative one, or none above zero.
    """
    try:
        train, val, test = (float(word) for word in text.split("/"))
    except ValueError:
        # Fails the check below, so that there is one message for all wrong input.
        train = val = test = -1.0
    total = train + val + test
    if min(train, val, test) < 0 or not 0 < total < float("inf"):
        raise SpecError("--shares", text, "three numbers such as 80/10/10")
    return train / total, val / total, test / total


def parse_names(text: str) -> frozenset[str]:
    """Names separated by commas; ``@FILE`` reads such lines from a file, where ``#`` starts a
    comment.

    Raises:
        FileError: the file cannot be read.
    """
    if text.startswith("@"):
        try:
            lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                text[1:],
                f"cannot be read ({getattr(error, 'strerror', None) or error})",
                "a list of units",
            ) from None
        # Lines become commas: both forms are read by the same code.
        text = ",".join(line.partition("#")[0] for line in lines)
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def compile_pattern(text: str, option: str = "--split-by") -> re.Pattern[str]:
    """The regular expression of ``--split-by`` or ``--group-by``.

    Raises:
        SpecError: it is no regular expression, or has no group.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise SpecError(option, f"{text!r}: {error}", "a regular expression") from None
    if not pattern.groups:
        raise SpecError(
            option,
            f"{text!r} has no group",
            "round brackets about what names it",
            r"for example '(\d+)_\d+'",
        )
    return pattern


def unit_by_pattern(label: str, pattern: re.Pattern[str]) -> str:
    """The text of the first group that matched; empty if the pattern is not in the label."""
    match = pattern.search(label)
    return next((group for group in match.groups() if group), "") if match else ""


def group_by_pattern(label: str, pattern: re.Pattern[str]) -> str:
    """The texts of all groups that matched, separated by spaces; empty if the pattern is not in the
    label."""
    match = pattern.search(label)
    return " ".join(group for group in match.groups() if group) if match else ""


def read_units(path: Path, labels: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Read a table of lines ``file,unit``.

    A file is named by its label, the end of its label, or its name without suffix.

    Returns:
        The unit of each label, and the files of the table that do not exist.

    Raises:
        FileError: a line is not such a pair, names several files, or gives a file a second unit.
    """
    try:
        # "utf-8-sig" drops the byte order mark that spreadsheets write.
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            str(path), f"cannot be read ({error})", "a table of lines file,unit"
        ) from None
    known = _by_every_name(labels)
    units: dict[str, str] = {}
    missing: list[str] = []
    for number, row in enumerate(rows, start=1):
        words = [word.strip() for word in row]
        if (
            not any(words)
            or words[0].startswith("#")
            # A heading, if there is one.
            or (number == 1 and words == ["file", "unit"])
        ):
            continue
        if len(words) != 2 or not all(words):
            raise FileError(
                f"{path} line {number}", ",".join(row)[:60], "file,unit", "correct the line"
            )
        matches = known.get(words[0], [])
        if len(matches) > 1:
            raise FileError(
                f"{path} line {number}",
                f"{words[0]} may be {matches[0]} or {matches[1]}",
                "one file",
                "write more of its path",
            )
        if not matches:
            missing.append(words[0])
        elif units.setdefault(matches[0], words[1]) != words[1]:
            raise FileError(
                f"{path} line {number}",
                f"a second unit for {words[0]}",
                f"{units[matches[0]]} alone",
                "take one out",
            )
    return units, missing


def _by_every_name(labels: Sequence[str]) -> Mapping[str, list[str]]:
    names: dict[str, list[str]] = {}
    for label in labels:
        parts = label.split("/")
        # All endings are indexed, so that tables of thousands of lines are read quickly.
        endings = {"/".join(parts[k:]) for k in range(len(parts))} | {Path(label).stem}
        for name in endings:
            names.setdefault(name, []).append(label)
    return names

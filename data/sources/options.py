"""The options of the commands that convert recordings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmm.errors import SpecError


@dataclass(frozen=True)
class Options:
    """What all commands that convert recordings have in common."""

    command: str
    out: Path
    fps: float
    min_frames: int
    min_travel_m: float
    skeleton: str
    jobs: int


@dataclass(frozen=True)
class AistOptions(Options):
    """See the command ``aist``."""

    motions: Path
    splits: Path
    music: Path | None
    all_to: str | None


@dataclass(frozen=True)
class Lafan1Options(Options):
    """See the command ``lafan1``."""

    bvh: Path
    unknown_to: str | None
    val: str
    all_to: str | None


@dataclass(frozen=True)
class BvhOptions(Options):
    """See the command ``bvh``."""

    bvh: list[Path]
    split_by: str | None
    group_by: str | None
    units: Path | None
    shares: str
    val: str
    test: str
    seed: int
    skeleton_of: Path | None
    unit_m: float | None
    file_fps: float | None
    keep_first: bool


def check_numbers(options: Options) -> None:
    """Check that numbers are in their ranges.

    Raises:
        SpecError: one is not.
    """
    for name, low, high in (
        # Wide bounds, which catch a confusion of units rather than judge.
        ("fps", 6, 1000),
        ("file_fps", 1, 10_000),
        ("unit_m", 1e-6, 1000),
        ("jobs", 1, 1000),
        ("min_frames", 2, 10**9),
        ("min_travel_m", 0, 1000),
    ):
        value = getattr(options, name, None)
        if value is not None and not low <= value <= high:
            raise SpecError(
                "--" + name.replace("_", "-"), f"{value:g}", f"{low:g} to {high:g}", "correct it"
            )


def reported_options(options: Options) -> dict[str, Any]:
    """The options as ``report.json`` holds them."""
    return {
        name: [str(v) for v in value]
        if isinstance(value, list)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in vars(options).items()
        if name != "command"
    }

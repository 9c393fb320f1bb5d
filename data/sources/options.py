"""The options of the commands that convert recordings.

Each class is a group of options of ``mmm.cli.options``; its fields are the options.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from mmm.cli import options as c
from mmm.errors import SpecError

Split = Literal["train", "val", "test"]
# Shared by several commands.
Out = Annotated[Path, typer.Option(help="folder to write into")]
Fps = Annotated[float, typer.Option(help="frame rate of the set")]
AllTo = Annotated[
    Split | None,
    typer.Option(help="put everything into this split, for example to test on it"),
]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of all commands that convert recordings."""

    command: ClassVar[str]
    out: Out
    fps: Fps = 30.0
    min_frames: Annotated[int, typer.Option(help="shorter clips are left out")] = 60
    min_travel_m: Annotated[
        float, typer.Option(help="clips in which no joint moves this far are left out as well")
    ] = 0.02
    skeleton: Annotated[
        Literal["own", "roles"],
        typer.Option(
            help="roles: the 22 joint roles that every humanoid has, so that files of all "
            "skeletons make one set",
        ),
    ] = "own"
    jobs: Annotated[int, typer.Option(help="processes that convert files")] = 1
    ray: c.Ray = None


@dataclass(frozen=True, kw_only=True)
class AistOptions(Options):
    """Options of ``aist``."""

    command: ClassVar[str] = "aist"
    motions: Annotated[Path, typer.Option(help="folder of .pkl files, or an archive of them")]
    splits: Annotated[
        Path,
        typer.Option(
            help="folder of crossmodal_train.txt, _val and _test; ignore_list.txt there or beside "
            "it"
        ),
    ]
    music: Annotated[
        Path | None,
        typer.Option(help="folder of recordings such as mBR0.wav; without it: motion alone"),
    ] = None
    all_to: AllTo = None
    out: Out = Path("data/processed/aist")
    fps: Fps = 60.0


@dataclass(frozen=True, kw_only=True)
class Lafan1Options(Options):
    """Options of ``lafan1``."""

    command: ClassVar[str] = "lafan1"
    bvh: Annotated[Path, typer.Option(help="folder of BVH files, or an archive of them")]
    unknown_to: Annotated[
        Split | None,
        typer.Option(help="split for takes of unknown subjects; by default they are left out"),
    ] = None
    val: Annotated[str, typer.Option(help="subjects to validate on, such as subject4")] = ""
    all_to: AllTo = None
    out: Out = Path("data/processed/lafan1")


@dataclass(frozen=True, kw_only=True)
class BvhOptions(Options):
    """Options of ``bvh``."""

    command: ClassVar[str] = "bvh"
    bvh: Annotated[
        list[Path], typer.Option(help="folder, archive or file; several may follow one another")
    ]
    split_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="its first group names the unit (subject, scene, pair) of a file, searched in its "
            "path from the named folder on; a unit is in one split",
        ),
    ] = None
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="its groups name the source and content of a file, which training balances by",
        ),
    ] = None
    units: Annotated[
        Path | None,
        typer.Option(help="table of lines file,unit; takes precedence over --split-by"),
    ] = None
    shares: Annotated[
        str, typer.Option(help="of the units in train, val and test, by a hash of names")
    ] = "80/10/10"
    val: Annotated[
        str,
        typer.Option(
            help="units to validate on, separated by commas or as @FILE; all others are train"
        ),
    ] = ""
    test: Annotated[str, typer.Option(help="units to test on, separated by commas or as @FILE")] = (
        ""
    )
    seed: Annotated[int, typer.Option(help="seed of the hash")] = 0
    skeleton_of: Annotated[
        Path | None,
        typer.Option(help="keep this file's skeleton, not the one with most frames"),
    ] = None
    unit: c.Unit = None
    true_fps: c.TrueFps = None
    keep_first: Annotated[
        bool,
        typer.Option("--keep-first", help="keep a first frame that is a pose before the movement"),
    ] = False
    out: Out = Path("data/processed/bvh")


def check_numbers(options: Options) -> None:
    """Check that numbers are in their ranges.

    Raises:
        SpecError: one is not.
    """
    for name, low, high in (
        # Wide bounds, which only catch confusions of units.
        ("fps", 6, 1000),
        ("true_fps", 1, 10_000),
        ("jobs", 1, 1000),
        ("min_frames", 2, 10**9),
        ("min_travel_m", 0, 1000),
    ):
        value = getattr(options, name, None)
        if value is not None and not low <= value <= high:
            raise SpecError("--" + name.replace("_", "-"), f"{value:g}", f"{low:g} to {high:g}")


def reported_options(options: Options) -> dict[str, Any]:
    """The options as ``report.json`` holds them."""
    return {
        name: [str(v) for v in value]
        if isinstance(value, list)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in vars(options).items()
    }

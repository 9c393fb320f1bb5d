"""``python -m data prepare aist | lafan1 | bvh``: recordings of others, made ready for training."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from data.sources.jobs import run
from data.sources.options import AistOptions, BvhOptions, Lafan1Options

Split = Literal["train", "val", "test"]
# Options that several commands share are declared once, so that their help cannot differ.
Out = Annotated[Path, typer.Option(help="folder to write into")]
Fps = Annotated[float, typer.Option(help="frame rate of the set")]
MinFrames = Annotated[int, typer.Option(help="shorter clips are left out")]
MinTravel = Annotated[
    float, typer.Option(help="clips in which no joint moves this far are left out, too")
]
SkeletonKind = Annotated[
    Literal["own", "roles"],
    typer.Option(
        help="roles: the 22 joint roles that every humanoid has, so that files of all skeletons "
        "make one set",
    ),
]
Jobs = Annotated[int, typer.Option(help="processes that convert files")]
AllTo = Annotated[
    Split | None,
    typer.Option(
        help="put everything into this split, for example to test on it",
    ),
]


def aist(
    motions: Annotated[Path, typer.Option(help="folder of .pkl files, or an archive of them")],
    splits: Annotated[
        Path,
        typer.Option(
            help="folder of crossmodal_train.txt, _val and _test; ignore_list.txt there or beside "
            "it"
        ),
    ],
    music: Annotated[
        Path | None,
        typer.Option(help="folder of mBR0.wav and its like; left out: motion alone"),
    ] = None,
    all_to: AllTo = None,
    out: Out = Path("data/processed/aist"),
    fps: Fps = 60.0,
    min_frames: MinFrames = 60,
    min_travel_m: MinTravel = 0.02,
    skeleton: SkeletonKind = "own",
    jobs: Jobs = 1,
) -> None:
    """AIST++ motions with their music, by the published splits."""
    # In the order of the fields of ``Options``.
    common = ("aist", out, fps, min_frames, min_travel_m, skeleton, jobs)
    run(AistOptions(*common, motions, splits, music, all_to))


def lafan1(
    bvh: Annotated[Path, typer.Option(help="folder of BVH files, or an archive of them")],
    unknown_to: Annotated[
        Split | None,
        typer.Option(
            help="where takes of an unknown subject go; else they are left out",
        ),
    ] = None,
    val: Annotated[str, typer.Option(help="subjects to validate on, such as subject4")] = "",
    all_to: AllTo = None,
    out: Out = Path("data/processed/lafan1"),
    fps: Fps = 30.0,
    min_frames: MinFrames = 60,
    min_travel_m: MinTravel = 0.02,
    skeleton: SkeletonKind = "own",
    jobs: Jobs = 1,
) -> None:
    """LAFAN1: train on subjects 1 to 4, test on 5."""
    common = ("lafan1", out, fps, min_frames, min_travel_m, skeleton, jobs)
    run(Lafan1Options(*common, bvh, unknown_to, val, all_to))


def bvh(
    bvh: Annotated[
        list[Path], typer.Option(help="folder, archive or file; several may follow one another")
    ],
    # A shell expands ``--bvh *.bvh`` to one value and many arguments, which are taken in here.
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    split_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="its first group names the unit (subject, scene, pair) of a file, searched in its "
            "path from the named folder on; a unit is in one split",
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="its groups name the source and content of a file, which training balances by",
        ),
    ] = None,
    units_table: Annotated[
        Path | None,
        typer.Option("--units", help="table of lines file,unit; goes before --split-by"),
    ] = None,
    shares: Annotated[
        str, typer.Option(help="of the units in train, val and test, by a hash of names")
    ] = "80/10/10",
    val: Annotated[
        str,
        typer.Option(
            help="units to validate on, by commas or as @FILE; all unnamed ones are train then"
        ),
    ] = "",
    test: Annotated[str, typer.Option(help="units to test on, by commas or as @FILE")] = "",
    seed: Annotated[int, typer.Option(help="of the hash")] = 0,
    skeleton_of: Annotated[
        Path | None,
        typer.Option(help="keep this file's skeleton, not the one with most frames"),
    ] = None,
    unit_m: Annotated[
        float | None,
        typer.Option(help="metres in one unit of length, where the guess is wrong"),
    ] = None,
    file_fps: Annotated[
        float | None,
        typer.Option(help="frame rate of the files, where they state none or a wrong one"),
    ] = None,
    keep_first: Annotated[
        bool,
        typer.Option("--keep-first", help="keep a first frame that is a pose before the movement"),
    ] = False,
    out: Out = Path("data/processed/bvh"),
    fps: Fps = 30.0,
    min_frames: MinFrames = 60,
    min_travel_m: MinTravel = 0.02,
    skeleton: SkeletonKind = "own",
    jobs: Jobs = 1,
) -> None:
    """Any folders, archives and files of BVH and AMC."""
    run(
        BvhOptions(
            "bvh",
            out,
            fps,
            min_frames,
            min_travel_m,
            skeleton,
            jobs,
            # By name from here on: many of these fields have the same type.
            bvh=[*bvh, *(more or [])],
            split_by=split_by,
            group_by=group_by,
            units=units_table,
            shares=shares,
            val=val,
            test=test,
            seed=seed,
            skeleton_of=skeleton_of,
            unit_m=unit_m,
            file_fps=file_fps,
            keep_first=keep_first,
        )
    )

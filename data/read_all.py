"""``python -m data read-all``: read every motion file of archives and folders, and report failures.

Every BVH and AMC is also written as BVH and read again. Differences of 0.01 degrees in a rotation
or 0.1 mm in a joint count as a failure. The table has one row for each folder or archive.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mmm.errors import MMMError
from mmm.io import load_clip, save_clip
from mmm.io.body import body_height
from mmm.motion.rotations import geodesic_angle
from mmm.storage import unpack

SUFFIXES = (".pkl", ".bvh", ".amc", ".npz")
ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tgz")
WORST_DEG, WORST_MM = 0.01, 0.1
"""Tolerances of a round trip through BVH, degrees and millimetres."""


@dataclass(frozen=True)
class Report:
    """The result for one file."""

    path: str
    frames: int = 0
    error: str = ""
    height_m: float = 0.0
    floor_m: float = 0.0
    degrees: float = 0.0
    millimetres: float = 0.0
    notes: tuple[str, ...] = ()


def check(path: Path) -> Report:
    """Read one file, and test the round trip through BVH."""
    try:
        clip = load_clip(path)
        degrees, millimetres = 0.0, 0.0
        if path.suffix.lower() in (".bvh", ".amc"):
            with tempfile.TemporaryDirectory() as folder:
                again = Path(folder) / "again.bvh"
                save_clip(clip, again)
                back = load_clip(again).motion
            degrees = float(np.degrees(geodesic_angle(clip.motion.rotations, back.rotations).max()))
            millimetres = 1000 * float(np.abs(clip.motion.positions() - back.positions()).max())
        # Not an exception: the report shows by how much.
        lost = degrees > WORST_DEG or millimetres > WORST_MM
        error = f"comes back {degrees:.3f} degrees, {millimetres:.2f} mm off" if lost else ""
        return Report(
            str(path),
            len(clip),
            error,
            body_height(clip.motion.skeleton),
            clip.motion.floor_m(),
            degrees,
            millimetres,
            clip.notes,
        )
    except MMMError as error:
        return Report(str(path), error=str(error))
    # A bug of ours; one file must not prevent the report on the others.
    except Exception as error:
        return Report(str(path), error=f"BUG {type(error).__name__}: {error}")


def sources(given: Sequence[Path]) -> Iterator[Path]:
    """Archives, and folders that directly contain motion files, below the given paths."""
    for path in given:
        if path.is_file():
            yield path
            continue
        for folder, inside, names in os.walk(path):
            # ``os.walk`` visits folders in the order of this list, which differs between file
            # systems.
            inside.sort()
            here = Path(folder)
            yield from (here / name for name in sorted(names) if name.endswith(ARCHIVES))
            if any(name.lower().endswith(SUFFIXES) for name in names):
                yield here


def _files(source: Path, stack: ExitStack) -> list[Path]:
    if source.is_dir():
        return sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
    if source.name.endswith(ARCHIVES):
        # The archive's name may tell the frame rate (..._60fps), so it stays in the path.
        folder = (
            Path(stack.enter_context(tempfile.TemporaryDirectory())) / source.name.partition(".")[0]
        )
        folder.mkdir()
        unpack(source, folder)
        return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return [source]


def row(source: Path, reports: Sequence[Report]) -> str:
    """One line of the table."""
    read = [report for report in reports if not report.error]
    frames, failed = sum(report.frames for report in read), len(reports) - len(read)
    line = f"{source.name:<34}{len(reports):>6}{frames:>9}{len(read):>6}{failed:>7}"
    if not read:
        return line
    heights = np.array([report.height_m for report in read])
    # Percentiles, because a few takes on stairs or with errors would dominate the extremes.
    floors = np.percentile([report.floor_m for report in read], [5, 50, 95])
    return (
        f"{line}  {heights.min():.2f} - {heights.max():.2f}  {floors[0]:+.2f} {floors[1]:+.2f} "
        f"{floors[2]:+.2f}"
        f"  {max(r.degrees for r in read):.5f}  {max(r.millimetres for r in read):.5f}"
    )


def read_all(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="folders or archives")],
    processes: Annotated[int, typer.Option(min=1, help="processes that read files")] = 2,
    notes: Annotated[
        bool, typer.Option("--notes", help="also list what the readers corrected")
    ] = False,
) -> None:
    """Read every motion file of folders and archives; print a table, the failures and the notes."""
    typer.echo(
        f"{'source':<34}{'files':>6}{'frames':>9}{'ok':>6}{'failed':>7}"
        "  height m     floor m 5/50/95%   worst deg, mm"
    )
    every: list[Report] = []
    with ProcessPoolExecutor(processes) as pool:
        for source in sources(paths):
            # An archive is unpacked, read and deleted before the next, so that a large collection
            # does not fill the disk.
            with ExitStack() as stack:
                # Chunks of eight, because a short file takes less time than its transfer to another
                # process.
                reports = list(pool.map(check, _files(source, stack), chunksize=8))
            typer.echo(row(source, reports))
            every.extend(reports)
    failed = [report for report in every if report.error]
    typer.echo(f"{len(every)} files, {sum(r.frames for r in every)} frames, {len(failed)} failed")
    for report in failed:
        typer.echo(f"FAILED {report.error}")
    counts = Counter(note for report in every if notes for note in report.notes)
    for note, number in counts.items():
        typer.echo(f"NOTE ({number} files) {note}")

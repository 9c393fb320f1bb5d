"""Motion files of folders and archives, each under a name that stays the same from run to run."""

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mmm.archives import unpack
from mmm.errors import FileError

# What the readers of damaged archives raise: the packages document only some of it.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
)
ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True)
class SourceFile:
    """One motion file to prepare."""

    path: Path
    """Where it lies during this run; inside a temporary folder where it came out of an archive."""
    label: str
    """The name of the folder or archive it was found in, and its way from there:
    ``subjects/02/02_01.amc``."""
    stamp: str
    """Changes whenever the file does, or moves: its place, size and time, or those of its archive.
    """


@dataclass(frozen=True)
class Skip:
    """A file that does not become part of the set."""

    label: str
    reason: str
    """The same words for every file left out for the same cause."""
    detail: str = ""
    """What is said of this file alone."""


def gather(
    sources: Sequence[Path], suffixes: Sequence[str], stack: ExitStack
) -> tuple[list[SourceFile], list[Skip]]:
    """Every motion file of the sources: folders, archives (in folders, too) and single files, in
    the order of names.

    Args:
        sources: what was named by the user.
        suffixes: lower-case suffixes of motion files.
        stack: holds the folders that archives are unpacked into, until it is closed.

    Returns:
        The files, and the archives that cannot be read.

    Raises:
        FileError: a source does not exist, or none holds such a file.
    """
    files: list[SourceFile] = []
    skipped: list[Skip] = []
    taken: set[str] = set()
    for source in sources:
        if not source.exists():
            raise FileError(str(source), "no such file or folder", cure="check the spelling")
        # Two folders of one name must not give two files the same label.
        base = _free_name(_bare_name(source), taken)
        for path, inside in _inside(source):
            label = f"{base}/{inside}" if inside else base
            if path.name.lower().endswith(ARCHIVES):
                # The archive's suffix is no part of the label: packing a folder must not move its
                # files to other splits.
                label = label if not inside else f"{base}/{Path(inside).parent / _bare_name(path)}"
                try:
                    files += _unpacked(path, label, suffixes, stack)
                except _BROKEN as error:
                    skipped.append(
                        Skip(
                            label, "the archive cannot be read", f"{type(error).__name__}: {error}"
                        )
                    )
            elif path.suffix.lower() in suffixes:
                files.append(
                    SourceFile(path, label if inside else f"{base}{path.suffix}", _stamp(path))
                )
    if not files and not skipped:
        names = ", ".join(str(source) for source in sources)
        raise FileError(
            names,
            f"no {' or '.join(suffixes)} file",
            "at least one, or an archive of them",
            "choose another folder",
        )
    return files, skipped


def _bare_name(path: Path) -> str:
    # ``.`` and ``..`` have names only once they are resolved.
    name = path.resolve().name if path.name in ("", "..") else path.name
    ending = next(
        (e for e in sorted(ARCHIVES, key=len, reverse=True) if name.lower().endswith(e)), None
    )
    if ending is not None and path.is_file():
        return name[: -len(ending)]
    return path.stem if path.is_file() else name


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}~{number}", number + 1
    taken.add(free)
    return free


def _inside(source: Path) -> Iterator[tuple[Path, str]]:
    """Every visible file, with its way from the source; the source itself, without one, where it is
    a file."""
    if source.is_file():
        yield source, ""
        return
    for folder, inside, names in os.walk(source):
        # In place, which is how ``os.walk`` learns where to go. ``__MACOSX`` holds copies of
        # metadata.
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith("."):
                yield path, path.relative_to(source).as_posix()


def _unpacked(
    archive: Path, label: str, suffixes: Sequence[str], stack: ExitStack
) -> list[SourceFile]:
    # The archive's name may tell the frame rate (..._60fps), so it stays in the path.
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="prepare-"))) / _bare_name(archive)
    folder.mkdir()
    unpack(archive, folder)
    # Unpacked files are new in every run, so the archive's time counts instead of theirs.
    outer = _stamp(archive)
    return [
        SourceFile(path, f"{label}/{inside}", f"{outer} {inside} {path.stat().st_size}")
        for path, inside in _inside(folder)
        if path.suffix.lower() in suffixes
    ]


def _stamp(path: Path) -> str:
    """Place, size and time of a file; for AMC those of the skeletons that may be its own, too."""
    parts = [str(path.absolute())]
    try:
        beside: list[Path] = []
        if path.suffix.lower() == ".amc":
            # As far up as the reader of AMC looks for a skeleton.
            folders = list(path.resolve().parents)[:3]
            beside = [
                file
                for folder in folders
                for file in sorted(folder.iterdir())
                if file.suffix.lower() == ".asf"
            ]
        for file in [path, *beside]:
            facts = file.stat()
            parts.append(f"{file.name} {facts.st_size} {facts.st_mtime_ns}")
    except OSError:  # a dangling link, say: reading it will tell
        pass
    return " ".join(parts)

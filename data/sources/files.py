"""Find the motion files of folders and archives, with labels that are the same in every run."""

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

from mmm.errors import FileError
from mmm.storage import unpack

# Errors of the readers of damaged archives, of which the packages document only some.
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
    """Its path during this run; inside a temporary folder if it comes from an archive."""
    label: str
    """The name of its folder or archive, and the path from there: ``subjects/02/02_01.amc``."""
    stamp: str
    """Path, size and time of the file or of its archive, which change if the file changes or moves.
    """


@dataclass(frozen=True)
class Skip:
    """A file that is left out of the set."""

    label: str
    reason: str
    """The cause, in the same words for all files."""
    detail: str = ""
    """Details of this file."""


def gather(
    sources: Sequence[Path],
    suffixes: Sequence[str],
    stack: ExitStack,
    unpack_into: Path | None = None,
) -> tuple[list[SourceFile], list[Skip]]:
    """All motion files of the sources, ordered by name.

    Args:
        sources: folders, archives (also inside folders) and single files.
        suffixes: lower-case suffixes of motion files.
        stack: owns the folders that archives are unpacked into, until it is closed.
        unpack_into: where these folders are made; None: the machine's temporary folder.

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
                # Without the archive's suffix, so that packing a folder does not move its files to
                # other splits.
                label = label if not inside else f"{base}/{Path(inside).parent / _bare_name(path)}"
                try:
                    files += _unpacked(path, label, suffixes, stack, unpack_into)
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
    """Every visible file with its path relative to the source; for a source that is a file, the file
    with an empty path."""
    if source.is_file():
        yield source, ""
        return
    for folder, inside, names in os.walk(source):
        # In place, because ``os.walk`` visits the folders of this list. ``__MACOSX`` holds copies of
        # metadata.
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith("."):
                yield path, path.relative_to(source).as_posix()


def _unpacked(
    archive: Path,
    label: str,
    suffixes: Sequence[str],
    stack: ExitStack,
    into: Path | None,
) -> list[SourceFile]:
    # The archive's name may tell the frame rate (..._60fps), so it stays in the path.
    # Hidden, so that a later run finds no motion in what a killed one left.
    temporary = TemporaryDirectory(prefix=".prepare-", dir=into)
    folder = Path(stack.enter_context(temporary)).absolute() / _bare_name(archive)
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
    """Path, size and time of a file; for AMC also those of the skeletons that may belong to it."""
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
    # A dangling link, say. Reading the file will report it.
    except OSError:
        pass
    return " ".join(parts)

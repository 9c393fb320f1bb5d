"""Files on disk: written whole or not at all, and unpacked from archives."""

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from mmm.errors import FileError


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name and rename it, so that ``path`` is never half a file.

    Args:
        path: the file's final name.
        write: called with the temporary file, opened for writing and reading bytes.

    Raises:
        FileError: the folder does not exist or cannot be written, or the disk is full.
    """
    if path.is_dir():
        raise FileError(str(path), "a folder", "a file name", "add one")
    if not path.parent.is_dir():
        raise FileError(str(path), f"the folder {path.parent} does not exist", cure="make it first")
    # In the same folder, since a rename is atomic within one file system only.
    try:
        handle, temporary = tempfile.mkstemp(
            prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise FileError(
            str(path),
            f"cannot be written ({error.strerror or error})",
            cure="choose another folder",
        ) from None
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)  # mkstemp makes it readable by its owner alone
        Path(temporary).replace(path)
    except OSError as error:
        raise FileError(
            str(path), f"cannot be written ({error.strerror or error})", cure="check the disk"
        ) from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    # Python reads the mask only by setting it.
    current = os.umask(0o022)
    os.umask(current)
    return current


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Raises:
        FileError: as :func:`write_atomically`.
    """
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Write a value as JSON, whole or not at all.

    Raises:
        FileError: as :func:`write_atomically`.
    """
    write_text(path, json.dumps(content, indent=1) + "\n")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file into a folder that exists. Nothing is written outside it.

    Raises:
        tarfile.TarError, shutil.ReadError, zipfile.BadZipFile, EOFError, OSError: it is damaged, or
            a member would lie outside the folder.
    """
    if archive.suffix.lower() == ".zip":
        # ``unpack_archive`` drops ``..`` and absolute paths of zip members.
        shutil.unpack_archive(archive, folder)
        return
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(folder, filter="data")
            return
        # Python before 3.11.4 has no filters. Motions need files and folders only, and without
        # links the name of a member decides where it is written.
        for member in packed:
            path = folder / member.name
            if not (member.isfile() or member.isdir()):
                raise tarfile.ExtractError(f"{member.name!r} is a link or a device")
            if not path.resolve().is_relative_to(folder.resolve()):
                raise tarfile.ExtractError(f"{member.name!r} lies outside the archive's folder")
            content = packed.extractfile(member)  # None for a folder
            (path.parent if content else path).mkdir(parents=True, exist_ok=True)
            if content is not None:
                with content, path.open("wb") as file:
                    shutil.copyfileobj(content, file)

"""Unpacks archives of motion files."""

import shutil
import tarfile
from pathlib import Path


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

"""What every reader and writer shares: opening with plain errors, and writing without ever leaving half a file."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mmm.errors import FileError
from mmm.io.encoding import decode, is_text

# First bytes of files that people rename by mistake, so that the message can say what the file really is.
_SIGNATURES = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"OggS", "an Ogg recording"),
    (b"RIFF", "a WAV or AVI recording"),
    (b"fLaC", "a FLAC recording"),
    (b"ID3", "an MP3 recording"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"Kaydara FBX", "an FBX scene"),
    (b"\x80", "a Python pickle"),
    (b"\x93NUMPY", "a single NumPy array"),
)


MOTION_SUFFIXES = (".pkl", ".bvh", ".amc", ".npz", ".npy")
"""Of the files that hold a motion."""
MOST_JOINTS = 2_000
"""Of one body; a whole rig with fingers and face has some hundreds."""
LARGEST = 1 << 27
"""Joints times frames of a file that is read: 4.8 GB of rotations, about a day of a 24-joint body at 60 a second."""
LARGEST_UPLOAD = 1 << 23
"""The same for what comes from somebody else: 300 MB of rotations, an hour and a half."""


_LARGEST_FILE = 2 << 30


def check_size(where: str, joints: int, frames: int, largest: int) -> None:
    """Refuse a file whose rotations would fill the memory: few bytes can ask for many.

    Raises:
        FileError: more than ``MOST_JOINTS`` joints, or ``largest`` joints times frames.
    """
    if joints > MOST_JOINTS:
        raise FileError(
            where, f"{joints:,} joints", f"at most {MOST_JOINTS:,}", "export the body alone"
        )
    if joints * frames > largest:
        raise FileError(
            where,
            f"{frames:,} frames of {joints:,} joints",
            f"at most {largest // joints:,} frames of so many joints",
            "cut it into pieces",
        )


def looks_like(data: bytes) -> str:
    """What the first bytes say a file is (``"a JPEG picture"``), or an empty string where they say nothing."""
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), "")


def motion_files(folder: Path) -> list[Path]:
    """Every motion file of a folder and of those in it, by name."""
    return sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in MOTION_SUFFIXES and p.is_file()
    )


def read_bytes(path: Path) -> bytes:
    """The whole file.

    Raises:
        FileError: there is no such file, it is a folder, a pipe or a device, empty, too large, or
            may not be read.
    """
    if path.is_dir():
        raise FileError(str(path), "a folder", "a motion file", "name one file in it")
    try:
        # Opening a pipe waits for its other end, and a device may never end.
        if path.exists() and not path.is_file():
            raise FileError(
                str(path), "a pipe or a device", "a motion file", "name a file on a disk"
            )
        if path.stat().st_size > _LARGEST_FILE:
            raise FileError(
                str(path), "more than 2 GiB", "a single motion", "cut it into several files"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError(
            str(path), "no such file", cure="check the spelling and the folder"
        ) from None
    except OSError as error:
        raise FileError(
            str(path), f"cannot be read ({error.strerror or error})", cure="check its permissions"
        ) from None
    if not data:
        raise FileError(str(path), "the file is empty", cure="download or export it again")
    return data


def read_text(path: Path, kind: str) -> tuple[str, str]:
    """The whole file as text.

    Args:
        path: the file.
        kind: what it should be, with its article (``"a BVH file"``), for the message.

    Returns:
        The text, its line ends made ``\\n``, and the name of its encoding.

    Raises:
        FileError: as :func:`read_bytes`, or the file is not text.
    """
    data = read_bytes(path)
    real = looks_like(data)
    if real or not is_text(data):
        raise FileError(
            str(path), real or "not text", kind, "rename it to what it is, or export it again"
        )
    return decode(data)


def safe_name(text: str) -> str:
    """A file name made of any text: letters, digits, ``. _ -`` and spaces, no folder, no leading dot, not too long."""
    plain = re.sub(r"[^\w. -]+", "_", text.replace("\\", "/").rsplit("/", 1)[-1])
    return plain.strip(" ._")[:100] or "motion"


def csv_cell(value: object) -> object:
    """A cell of a CSV file: text that a spreadsheet would take for a formula gets an apostrophe before it.

    Args:
        value: numbers stay as they are.
    """
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` on a new file beside ``path``, then give it that name: never half a file, even when it fails.

    Raises:
        FileError: the folder does not exist or cannot be written, or the disk is full.
    """
    if path.is_dir():
        raise FileError(str(path), "a folder", "a file name", "add one")
    if not path.parent.is_dir():
        raise FileError(str(path), f"the folder {path.parent} does not exist", cure="make it first")
    try:
        handle, beside = tempfile.mkstemp(
            prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise FileError(
            str(path),
            f"cannot be written ({error.strerror or error})",
            cure="choose another folder",
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        Path(beside).chmod(mode)  # mkstemp makes it private
        Path(beside).replace(path)
    except OSError as error:
        raise FileError(
            str(path), f"cannot be written ({error.strerror or error})", cure="check the disk"
        ) from None
    finally:
        Path(beside).unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current

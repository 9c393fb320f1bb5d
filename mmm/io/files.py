"""Reading files with one-line errors, and limits of size, for all formats."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmm.errors import FileError
from mmm.io.encoding import decode, is_text, looks_like
from mmm.motion.clip import Clip

MOTION_SUFFIXES = (".pkl", ".bvh", ".amc", ".npz", ".npy", ".fbx", ".glb", ".gltf")
"""Suffixes of the files that hold a motion."""
MOST_JOINTS = 2_000
"""Joints of one body; a rig with fingers and face has some hundreds."""
LARGEST = 1 << 27
"""Joints times frames of a file that is read.

They are 4.8 GB of rotations, or a day of a 24-joint body at 60 frames a second."""
LARGEST_UPLOAD = 1 << 23
"""The same for uploads: 300 MB of rotations, or an hour and a half."""


FPS_RANGE = (0.5, 10_000.0)
"""Frame rates that a clip may have, from time-lapse to the fastest cameras, Hz."""
# Metres. At this distance float32 still resolves a centimetre.
_FARTHEST_M = 100_000.0
# Characters. Pages and films draw joints' names.
_LONGEST_NAME = 1_000
# Bytes. An hour of BVH at 60 frames a second has about 160 MB; this stops disk images and films.
_LARGEST_FILE = 2 << 30


def check_size(source: str, joints: int, frames: int, largest: int) -> None:
    """Refuse a file whose rotations would fill the memory.

    A compressed file of a few kilobytes can ask for gigabytes.

    Raises:
        FileError: more than ``MOST_JOINTS`` joints, or ``largest`` joints times frames.
    """
    if joints > MOST_JOINTS:
        raise FileError(
            source, f"{joints:,} joints", f"at most {MOST_JOINTS:,}", "export the body alone"
        )
    if joints * frames > largest:
        raise FileError(
            source,
            f"{frames:,} frames of {joints:,} joints",
            f"at most {largest // joints:,} frames of so many joints",
            "cut it into pieces",
        )


def check_usable(clip: Clip, path: Path) -> None:
    """Refuse finite values that the viewer and the writers cannot handle.

    Raises:
        FileError: a frame rate, a distance or a joint's name out of bounds.
    """
    motion = clip.motion
    if not FPS_RANGE[0] <= motion.fps <= FPS_RANGE[1]:
        raise FileError(
            str(path),
            f"{motion.fps:g} frames a second",
            f"{FPS_RANGE[0]:g} to {FPS_RANGE[1]:,.0f}",
            "give the true frame rate",
        )
    longest = max(motion.skeleton.names, key=len)
    if len(longest) > _LONGEST_NAME:
        raise FileError(
            str(path),
            f"a joint's name of {len(longest)} characters ({longest[:30]} ...)",
            f"at most {_LONGEST_NAME}",
            "rename the joint",
        )
    far = _farthest_m(clip)
    # False for NaN, too.
    if not far <= _FARTHEST_M:
        raise FileError(
            str(path),
            f"a joint or an end {far:.3g} m away",
            f"at most {_FARTHEST_M:,.0f} m",
            "export it again, or give the true unit",
        )


def _farthest_m(clip: Clip) -> float:
    """An upper bound of any joint's or tip's distance from the origin, without kinematics."""
    # By the triangle inequality: the root's distance plus the length of the longest chain of bones.
    skeleton = clip.motion.skeleton
    lengths = np.linalg.norm(skeleton.offsets_m.astype(np.float64), axis=1)
    reach = np.zeros(len(skeleton))
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        reach[j] = reach[parent] + lengths[j]
    tips = [reach[j] + np.linalg.norm(np.array(tip)) for j, tip in skeleton.end_sites]
    root = np.linalg.norm(clip.motion.root_m.astype(np.float64), axis=1).max()
    return float(max(root, lengths[0]) + max(reach.max(), *tips, 0.0))


def motion_files(folder: Path) -> list[Path]:
    """Every motion file in a folder and its subfolders, sorted by path."""
    return sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in MOTION_SUFFIXES and p.is_file()
    )


def stamp(path: Path) -> tuple[str, ...]:
    """Place, time and size of a file, and of what it takes from beside it; changes when they do.

    A digest would read whole folders of large files, which takes minutes.
    """
    stat = path.stat()
    mark = [str(path.resolve()), str(stat.st_mtime_ns), str(stat.st_size)]
    # These formats take a skeleton or a song from beside the file, which may come and go.
    if path.suffix.lower() in (".amc", ".pkl"):
        mark.append(str(path.parent.stat().st_mtime_ns))
    return tuple(mark)


def read_bytes(path: Path) -> bytes:
    """The whole file.

    Raises:
        FileError: there is no such file, it is a folder, a pipe or a device, empty, too large, or
            may not be read.
    """
    if path.is_dir():
        raise FileError(str(path), "a folder", "a motion file", "name one file in it")
    try:
        # Opening a pipe waits for its writer, and reading a device may never end.
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
    """A file name made of any text.

    Returns:
        At most 100 letters, digits, ``. _ -`` and spaces, without folders and without a leading
        dot; ``motion`` where nothing is left.
    """
    # A browser on Windows may send backslashes, which are ordinary characters on Linux.
    plain = re.sub(r"[^\w. -]+", "_", text.replace("\\", "/").rsplit("/", 1)[-1])
    return plain.strip(" ._")[:100] or "motion"


def csv_cell(value: object) -> object:
    """A cell of a CSV file that no spreadsheet evaluates as a formula.

    Args:
        value: text that begins like a formula gets an apostrophe before it; other values stay.
    """
    # CSV injection (OWASP): names of uploaded files end up in tables that people open in a
    # spreadsheet. Some programs skip tabs and carriage returns before a formula.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def npz_keys(path: Path) -> set[str]:
    """The names of the arrays in an ``.npz``; none where it is no such file."""
    if not path.is_file():  # opening a pipe would wait for its other end
        return set()
    # The names are in the zip's directory, so nothing is decompressed.
    try:
        with zipfile.ZipFile(path) as packed:
            return {name.removesuffix(".npy") for name in packed.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError):
        return set()


def npz_arrays(
    path: Path, keys: Sequence[str], largest: int, skip_pickled: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz``, read without unpickling; those that it lacks are left out.

    Args:
        path: the file.
        keys: names of arrays.
        largest: joints times frames of the longest file that is read.
        skip_pickled: names of arrays that are left out if they would have to be unpickled.

    Raises:
        FileError: it is damaged or too large.
    """
    data, arrays = read_bytes(path), {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            sizes = {info.filename: info.file_size for info in packed.infolist()}
        present = [key for key in keys if f"{key}.npy" in sizes]
        # A joint takes 24 bytes per frame as float64, and the zip's directory states unpacked sizes.
        if sum(sizes[f"{key}.npy"] for key in present) > 32 * largest:
            raise FileError(str(path), "unpacks to too much", cure="cut the file into pieces")
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            for key in present:
                try:
                    arrays[key] = np.asarray(loaded[key])
                except ValueError:
                    if key not in skip_pickled:
                        raise
    except FileError:
        raise
    except Exception as error:  # zip, zlib and numpy each have errors of their own
        problem = f"a damaged npz file ({type(error).__name__}: {error})"
        raise FileError(str(path), problem, cure="copy it again") from None
    return arrays

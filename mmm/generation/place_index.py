"""Search features of all places of a library, cached between runs.

A place is a frame at which a take can be entered. Computing the features decodes the whole library,
which takes seconds. The features and the decoded coefficients are therefore stored in the user's
cache, under the digest of the library file. The coefficients are memory-mapped, so that only the
takes that are played are read.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import minimum_filter1d

from mmm.generation import codec
from mmm.generation.library import FPS, Library
from mmm.generation.state import States, ankle_heights, head_height, states
from mmm.paths import user_cache

Array = np.ndarray

STRIDE = 6
"""Frames between two places at which a take can be entered; 0.2 s."""
SEGMENT_S = 1.5
"""Length of a retrieved piece."""
FLOOR_TOLERANCE = 0.08
"""Distance from the floor, leg lengths. If no foot comes this near within a second, the person is
on stairs or a slope, or the recorded height is wrong."""
_LEAD = 12
"""Frames of a take before the first place at which it can be entered."""
_LAYOUT = 1
"""Part of the cache's name; raised whenever a feature changes."""


@dataclass(frozen=True, eq=False)
class PlaceIndex:
    """One row for each place, in the order of the takes."""

    pose: Float[Array, "n D"]
    take: Int[Array, "n"]
    frame: Int[Array, "n"]
    next: Float[Array, "n"]
    """Energy of the piece that begins at the place."""
    past: Float[Array, "n"]
    """Energy of the second before."""
    speed: Float[Array, "n 2"]
    """Mean velocity of the hips in the second before, in the body's heading."""
    height: Float[Array, "n"]
    """Mean height of the head over the next piece, leg lengths."""
    level: Bool[Array, "n"]
    """Whether a foot is on the floor near the place."""

    @staticmethod
    def of(library: Library) -> "PlaceIndex":
        """Compute the features of a library."""
        parts = [
            part
            for number in range(len(library))
            if (part := _places_of(library, number)) is not None
        ]
        return PlaceIndex(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _places_of(library: Library, number: int) -> tuple[Array, ...] | None:
    """The columns of one take; None if it is too short to be entered."""
    places = np.arange(_LEAD, library.takes[number].frames - 1, STRIDE)
    if not len(places):
        return None
    # Places are whole frames, so nothing needs to be interpolated.
    poses = codec.poses_of(library.channels(number)[np.concatenate([places, places - 2])])
    features: States = states(
        poses.part(slice(0, len(places))), poses.part(slice(len(places), 2 * len(places)))
    )
    steps = round(SEGMENT_S * FPS / STRIDE)
    speed = np.stack([moving_mean(features.speed[:, k], -5, 0) for k in range(2)], axis=1)
    return (
        features.pose,
        np.full(len(places), number),
        places,
        moving_mean(features.energy, 1, steps),
        moving_mean(features.energy, -steps + 2, 0),
        speed.astype(np.float32),
        moving_mean(head_height(features.pose), 1, steps).astype(np.float32),
        _level(features.pose),
    )


def moving_mean(values: Array, first: int, last: int) -> Array:
    """Mean of the values ``first`` to ``last`` places away, cut at both ends."""
    # Differences of cumulative sums give moving means in linear time.
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low = np.clip(places + first, 0, len(values) - 1)
    high = np.clip(places + last + 1, low + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _level(pose: Float[Array, "n D"]) -> Bool[Array, "n"]:
    """Whether a foot comes to the floor within a second before or after."""
    lowest = ankle_heights(pose).min(axis=1)
    around = 2 * round(FPS / STRIDE) + 1
    return np.asarray(np.abs(minimum_filter1d(lowest, around, mode="nearest")) < FLOOR_TOLERANCE)


def load_indexed(path: Path, cache_dir: Path | None = None) -> tuple[Library, PlaceIndex]:
    """A library file and its features, from the cache where the file was seen before.

    Args:
        path: a file written by :meth:`Library.save`.
        cache_dir: another folder than the user's.

    Raises:
        ModelError: the file is missing or is not a library.
    """
    folder = cache_dir if cache_dir is not None else user_cache() / "search"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        # Library.load raises the error that describes the problem.
        library = Library.load(path)
        return library, PlaceIndex.of(library)
    stored = folder / f"{digest}-{_LAYOUT}"
    cached = _read(stored, path)
    if cached is not None:
        return cached
    library = Library.load(path)
    index = PlaceIndex.of(library)
    _write(stored, library, index)
    return library, index


def _read(stored: Path, path: Path) -> tuple[Library, PlaceIndex] | None:
    """The library and its features; None if there is no cache or it is damaged."""
    # Whatever is wrong with the cache, its contents can be computed again.
    try:
        values = np.load(stored / "values.npy", mmap_mode="r")
        index = PlaceIndex(*(np.load(stored / f"{field.name}.npy") for field in fields(PlaceIndex)))
        library = Library.with_values(path, values)
    except (OSError, ValueError, EOFError):
        return None
    count = len(index.pose)
    complete = all(len(getattr(index, field.name)) == count for field in fields(PlaceIndex))
    inside = complete and index.take.min() >= 0 and index.take.max() < len(library)
    return (library, index) if inside and np.isfinite(index.pose).all() else None


def _write(stored: Path, library: Library, index: PlaceIndex) -> None:
    """Store everything or nothing. A folder that cannot be written is no error."""
    draft = ""
    try:
        stored.parent.mkdir(parents=True, exist_ok=True)
        draft = tempfile.mkdtemp(dir=stored.parent, prefix=".")
        np.save(Path(draft) / "values.npy", library.values)
        for field in fields(PlaceIndex):
            np.save(Path(draft) / f"{field.name}.npy", getattr(index, field.name))
        # A damaged folder is removed first, because renaming replaces only an empty folder.
        shutil.rmtree(stored, ignore_errors=True)
        Path(draft).rename(stored)
    # A full or read-only disk costs the time to compute the features again, not the result. The
    # same holds where another process has just stored them.
    except OSError:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)

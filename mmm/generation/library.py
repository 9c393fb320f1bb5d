"""A library of recorded motion: takes as compressed poses in one file."""

import json
import lzma
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mmm.errors import ModelError
from mmm.generation import codec
from mmm.generation.canonical import Poses
from mmm.motion.roles import ROLES

Array = np.ndarray

FPS = 30.0
"""Frames a second of every take."""
_CACHED = 8
"""Decoded takes kept in memory; a generation moves back and forth between a few."""
_READ_ERRORS = (OSError, ValueError, KeyError, TypeError, EOFError, lzma.LZMAError, SafetensorError)
_MIRROR = np.array([-1.0, 1.0, 1.0])
_MIRROR_ROLES = [
    ROLES.index(role.replace("left", "right") if "left" in role else role.replace("right", "left"))
    for role in ROLES
]


@dataclass(frozen=True)
class Take:
    """One recording without cuts."""

    source: str
    """The file that it comes from."""
    frames: int
    rows: int
    """Stored rows of coefficients; the higher frequencies after them are zero."""
    tempo_bpm: float = 0.0
    """Tempo of the music that it was danced to; 0 without music."""
    beat: float = 0.0
    """Frame of one beat of that music."""


@dataclass(eq=False)
class Library:
    """Takes whose poses can be read at any time, also between frames."""

    takes: list[Take]
    values: Int[Array, "N C"]
    """Coefficients of all takes, one after another."""
    licence: str = ""
    _cache: OrderedDict[int, Array] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        ends = np.cumsum([take.rows for take in self.takes])
        self._first = np.concatenate([[0], ends])

    def __len__(self) -> int:
        return len(self.takes)

    @property
    def frames(self) -> int:
        """Number of frames of all takes."""
        return sum(take.frames for take in self.takes)

    def channels(self, take: int) -> Float[Array, "T C"]:
        """A whole take, decoded."""
        if take in self._cache:
            self._cache.move_to_end(take)
            return self._cache[take]
        part = self.values[self._first[take] : self._first[take + 1]]
        # Kept because the next search often stays in the same take.
        channels = codec.decode(part, self.takes[take].frames)
        self._cache[take] = channels
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return channels

    def poses(self, take: int, frames: Shaped[Array, "n"], mirrored: bool = False) -> Poses:
        """Poses of a take at any times; beyond its ends the first or last pose is held.

        Between frames, Catmull-Rom interpolation keeps velocities continuous at any frame rate.

        Args:
            take: index of the take.
            frames: times in frames, which need not be whole.
            mirrored: swap left and right.
        """
        channels = self.channels(take)
        last = len(channels) - 1
        times = np.clip(frames, 0, last)
        # At the last frame u is 1, so that there is a frame on each side of every time.
        low = np.minimum(times.astype(int), max(last - 1, 0))
        u = (times - low)[:, None].astype(np.float32)
        a, b, c, d = (channels[np.clip(low + k, 0, last)] for k in (-1, 0, 1, 2))
        between = b + 0.5 * u * (
            c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a))
        )
        poses = codec.poses_of(between)
        return mirror(poses) if mirrored else poses

    def save(self, path: Path) -> None:
        """Write the library to one safetensors file."""
        about = {"takes": [vars(take) for take in self.takes], "licence": self.licence}
        data = np.frombuffer(codec.pack(self.values), np.uint8)
        save_file({"data": data}, path, metadata={"library": json.dumps(about)})

    @staticmethod
    def load(path: Path) -> "Library":
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: the file is missing or is not a library.
        """
        return Library._read(path, None)

    @staticmethod
    def with_values(path: Path, values: Int[Array, "N C"]) -> "Library":
        """Read the takes of a file whose coefficients were decoded before.

        Raises:
            ModelError: the file is missing or is not a library.
            ValueError: the coefficients are not those of the file.
        """
        library = Library._read(path, values)
        if values.shape != (library._first[-1], codec.CHANNELS):
            raise ValueError(f"{values.shape} coefficients for {library._first[-1]} rows")
        return library

    @staticmethod
    def _read(path: Path, values: Int[Array, "N C"] | None) -> "Library":
        # A damaged file can fail in each layer of the format; all become the same error.
        try:
            with safe_open(path, framework="numpy") as stored:
                about = json.loads(stored.metadata()["library"])
                takes = [Take(**entry) for entry in about["takes"]]
                rows = sum(take.rows for take in takes)
                if values is None:
                    values = codec.unpack(stored.get_tensor("data").tobytes(), rows)
        except _READ_ERRORS as error:
            raise ModelError(
                str(path),
                f"not readable as a library of movement ({error})",
                "a file written by python -m training words",
                "fetch the checkpoint again",
            ) from None
        return Library(takes, values, about.get("licence", ""))


def library_of(takes: Sequence[tuple[Poses, dict[str, object]]], licence: str = "") -> Library:
    """Build a library from poses at 30 frames a second.

    Args:
        takes: poses, and the fields of :class:`Take` except ``frames`` and ``rows``.
        licence: licence of the recordings, with the acknowledgements that they ask for.
    """
    entries, values = [], []
    for poses, about in takes:
        rounded = codec.coefficients(codec.channels_of(poses))
        used = np.flatnonzero((rounded != 0).any(axis=1))
        # A take of zeros still needs one row for the decoder.
        rows = int(used[-1]) + 1 if len(used) else 1
        entries.append(Take(frames=len(poses), rows=rows, **about))  # type: ignore[arg-type]
        values.append(rounded[:rows])
    return Library(entries, np.concatenate(values), licence)


def mirror(poses: Poses) -> Poses:
    """Mirrored poses: left and right change places."""
    # Reflecting a rotation on both sides keeps it a rotation.
    world = poses.world[:, _MIRROR_ROLES] * _MIRROR[:, None] * _MIRROR
    return Poses(world, poses.hips * _MIRROR)

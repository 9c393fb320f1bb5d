"""A cache of music features, as compressed NumPy archives in a folder."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mmm.errors import FileError
from mmm.storage import write_atomically

Array = np.ndarray


def read(path: Path, columns: int) -> tuple[Float[Array, "T 35"], Int[Array, "B"], float] | None:
    """The features, beat frames and tempo (bpm) of an archive.

    Returns:
        None if there is no archive or it is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            features, beats, tempo_bpm = (
                stored["features"],
                stored["beats"],
                float(stored["tempo_bpm"]),
            )
    # A damaged archive can fail in any of these ways. Its features are then computed again.
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    # A readable archive may still hold something else.
    valid = (
        features.ndim == 2
        and features.shape[1] == columns
        and features.dtype == np.float32
        and beats.ndim == 1
        and beats.dtype == np.int64
        and np.isfinite(features).all()
    )
    return (features, beats, tempo_bpm) if valid else None


def write(path: Path, features: Array, beats: Array, tempo_bpm: float) -> None:
    """Store features atomically. A folder that cannot be written is no error."""
    content: dict[str, Any] = {
        "features": features,
        "beats": beats,
        "tempo_bpm": np.float64(tempo_bpm),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes may store the same song at once. Each replaces the file as a whole.
        write_atomically(path, lambda file: np.savez_compressed(file, **content))
    # On a full or read-only disk, features are computed again each time.
    except (OSError, FileError):
        pass

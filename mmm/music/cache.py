"""Features of recordings seen before, kept in a folder as compressed NumPy archives."""

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


def read(path: Path, columns: int) -> tuple[Float[Array, "T 35"], Int[Array, "B"], float] | None:
    """What is stored there; None where nothing is, or where it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            features, beats, tempo_bpm = (
                stored["features"],
                stored["beats"],
                float(stored["tempo_bpm"]),
            )
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    whole = (
        features.ndim == 2
        and features.shape[1] == columns
        and features.dtype == np.float32
        and beats.ndim == 1
        and beats.dtype == np.int64
        and np.isfinite(features).all()
    )
    return (features, beats, tempo_bpm) if whole else None


def write(path: Path, features: Array, beats: Array, tempo_bpm: float) -> None:
    """Stores them whole or not at all; a folder that cannot be written costs time, not the result."""
    beside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".npz")
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file, features=features, beats=beats, tempo_bpm=np.float64(tempo_bpm)
            )
        Path(beside).replace(path)
    except OSError:
        if beside:
            Path(beside).unlink(missing_ok=True)

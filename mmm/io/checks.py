"""Checks of a clip's rotations and music, for those from files and those from clients of a server."""

import numpy as np

from mmm.errors import FileError
from mmm.motion.clip import Music
from mmm.music.features import FEATURE_NAMES

# In magnitude, the largest common value is the first MFCC of silence, -1,131.
_LARGEST_FEATURE = 1e6
_FASTEST_BPM = 2_000.0
_CURE = "write it again with save_clip"


def check_rotations(rotations: np.ndarray, source: str) -> None:
    """Refuse matrices that are no rotations.

    Args:
        rotations: (..., 3, 3), finite.
        source: the file, for the message.

    Raises:
        FileError: one of them is not orthonormal, or is a reflection.
    """
    # Each entry of all matrices is a contiguous array. NumPy's products of many small matrices, and
    # ``np.cross``, take six times as long.
    rows = np.moveaxis(rotations.reshape(-1, 9), 0, 1).astype(np.float64, order="C")
    a, b, c = rows.reshape(3, 3, -1)
    pairs = ((a, a), (b, b), (c, c), (a, b), (a, c), (b, c))
    off = [np.abs((x * y).sum(0) - (x is y)).max(initial=0) for x, y in pairs]
    determinants = (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        + a[1] * (b[2] * c[0] - b[0] * c[2])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
    # Rounding to float32 leaves errors of 1e-6. A reflection is orthonormal too, with determinant
    # -1.
    if not max(off) < 1e-3 or determinants.min(initial=1) < 0:
        raise FileError(
            source,
            "rotations holds matrices that are no rotations",
            "orthonormal ones of determinant 1",
            _CURE,
        )


def check_music(music: Music, source: str) -> None:
    """Refuse features, beats and tempi outside the range of real music.

    Args:
        music: features of whatever shape.
        source: the file, for the message.

    Raises:
        FileError: one of them is out of bounds.
    """
    features, beats = music.features, music.beats
    largest = float(np.abs(features).max(initial=0))
    if features.shape[1] != len(FEATURE_NAMES) or not largest < _LARGEST_FEATURE:
        raise FileError(
            source,
            f"music_features of shape {features.shape} up to {largest:.3g}",
            f"{len(FEATURE_NAMES)} numbers per frame, below {_LARGEST_FEATURE:g}",
            _CURE,
        )
    if not 0 <= music.tempo_bpm <= _FASTEST_BPM:
        raise FileError(
            source,
            f"music_tempo_bpm is {music.tempo_bpm:g}",
            f"0 to {_FASTEST_BPM:,.0f} beats per minute",
            _CURE,
        )
    if len(beats) and not (
        beats[0] >= 0 and beats[-1] < len(features) and (np.diff(beats) >= 0).all()
    ):
        raise FileError(source, "music_beats are not ascending frames of the clip", cure=_CURE)

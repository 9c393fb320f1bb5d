"""Mel spectrum and chroma of a recording, one column per motion frame, in bounded memory."""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mmm.music.compiled import librosa_module

Array = np.ndarray


HOP = 512
"""Samples of sound per motion frame."""
WINDOW = 2048  # samples per spectrum, librosa's default
_CHROMA_LOWEST_HZ = 32.703  # C1, librosa's default; its chroma covers seven octaves from there
# The chroma depends on 1.1 s and 20 frames to either side, the mel spectrum on less.
_PIECE_S, _CONTEXT_S = 180.0, 5.0


def rate_hz(fps: float) -> float:
    """The sample rate at which features are computed for a frame rate, Hz."""
    return float(fps * HOP)


def in_pieces(mono: Array, rate: float, function: Callable[[Array], Array]) -> Float[Array, "F T"]:
    """Apply a function to the sound piece by piece, so that memory does not grow with its length.

    A piece is three minutes, with some seconds of context on either side.
    """
    rows, piece, context = (
        1 + len(mono) // HOP,
        int(_PIECE_S * rate / HOP),
        int(_CONTEXT_S * rate / HOP),
    )
    parts = []
    for start in range(0, rows, piece):
        stop, before = min(rows, start + piece), max(0, start - context)
        columns = function(mono[before * HOP : (stop + context) * HOP])
        parts.append(columns[:, start - before : stop - before])
    return np.concatenate(parts, axis=1)


def chroma(mono: Float[Array, "N"], rate: float) -> Float[Array, "12 T"]:
    """CENS chroma (Müller and Ewert 2011), one column per frame.

    Frame rates below 20 leave out the octaves that their sample rate cannot hold.
    """
    librosa = librosa_module()

    # The highest filter must be below half the sample rate; 0.85 leaves room for its slope.
    octaves = int(np.clip(np.log2(0.85 * rate / 2 / _CHROMA_LOWEST_HZ), 1, 7))
    with warnings.catch_warnings():
        # Noise has no pitch. librosa then correctly assumes standard tuning, but warns.
        warnings.filterwarnings(
            "ignore", message="Trying to estimate tuning from empty frequency set"
        )
        # One tuning for all pieces: a new estimate would shift the chroma at their borders.
        tuning = librosa.estimate_tuning(
            y=mono[: int(_PIECE_S * rate)], sr=rate, bins_per_octave=36
        )
    return in_pieces(
        mono,
        rate,
        lambda sound: librosa.feature.chroma_cens(
            y=sound, sr=rate, hop_length=HOP, n_octaves=octaves, bins_per_octave=36, tuning=tuning
        ),
    )

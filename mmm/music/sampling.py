"""Music features at other moments than those of the clip's frames."""

import numpy as np
from jaxtyping import Float

from mmm.music.features import FEATURE_SLICES

Array = np.ndarray

_EVENTS = [
    FEATURE_SLICES[name].start for name in ("onset_strength", "onset_peak", "beat")
]  # of one column each


def features_at(features: Float[Array, "T M"], frames: Float[Array, "n"]) -> Float[Array, "n M"]:
    """Music features at fractional frames.

    Timbre and harmony are interpolated. Onsets and beats last a single frame, so each of them goes
    to the nearest moment instead: interpolation would halve it, and skipped frames would lose it.

    Args:
        features: the 35 features of ``mmm.music.features``.
        frames: positions among the frames, ascending.

    Returns:
        Float32. The onset strength of a moment is the largest one near it.
    """
    low = np.clip(frames.astype(int), 0, max(len(features) - 2, 0))
    high = np.minimum(low + 1, len(features) - 1)
    share = np.clip(frames - low, 0, 1)[:, None].astype(np.float32)
    sampled = (features[low] * (1 - share) + features[high] * share).astype(np.float32)
    # For each frame, the nearest moment.
    nearest = np.rint(np.interp(np.arange(len(features)), frames, np.arange(len(frames)))).astype(
        int
    )
    # Where moments are closer together than frames, strengths between two frames stay interpolated.
    sampled[:, _EVENTS[1:]] = 0
    events = sampled[:, _EVENTS]
    # Frames beyond the first and the last moment belong to none.
    inside = (np.arange(len(features)) > frames[0] - 1) & (
        np.arange(len(features)) < frames[-1] + 1
    )
    np.maximum.at(events, nearest[inside], features[inside][:, _EVENTS])
    sampled[:, _EVENTS] = events
    return sampled

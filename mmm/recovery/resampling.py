"""Resampling a clip to the frame rate of a network."""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion

Array = np.ndarray

MIN_ANCHOR_SPACING = 4
"""Anchors are at least this many of the network's frames apart, so that rounding the steps between
them to a whole number changes the network's rate by a quarter at most."""


def moments(known: Bool[Array, "T"], fps: float, network_fps: float) -> Float[Array, "n"]:
    """Choose the times at which a network of another frame rate samples a clip.

    A sample between a known and a hidden frame would blend both. The known frames at the ends of
    gaps are therefore anchors that are sampled exactly, where they are at least
    ``MIN_ANCHOR_SPACING`` apart. The steps between anchors are equal, and as many as keep the
    samples within half a step of the network's own rate.

    Args:
        known: frames in which nothing is hidden.
        fps: the clip's frames a second.
        network_fps: the network's.

    Returns:
        Positions among the clip's frames, fractional, ascending from 0.
    """
    frame, last = np.arange(len(known)), len(known) - 1
    # Known frames with a hidden neighbour.
    beside = known & ~(known[np.maximum(frame - 1, 0)] & known[np.minimum(frame + 1, last)])
    anchors = [0]
    for end in np.flatnonzero(beside).tolist():
        if (end - anchors[-1]) / fps * network_fps >= MIN_ANCHOR_SPACING:
            anchors.append(end)
    parts = [
        np.linspace(
            a, b, round(b / fps * network_fps) - round(a / fps * network_fps), endpoint=False
        )
        for a, b in pairwise(anchors)
    ]
    # Without the small number, rounding can lose the last frame of clips that end on a full step.
    remaining = int(np.floor((last - anchors[-1]) / fps * network_fps + 1e-6))
    tail = anchors[-1] + np.arange(remaining + 1) * fps / network_fps
    if len(anchors) == 1 and remaining == 0:
        tail = np.array([0.0, last])
    return np.concatenate([*parts, np.minimum(tail, last)])


def distances_between(
    before_s: Float[Array, "T R"],
    after_s: Float[Array, "T R"],
    frames: Float[Array, "n"],
    fps: float,
) -> tuple[Float[Array, "n R"], Float[Array, "n R"]]:
    """Sample the distances to the known frames.

    Distances jump where a gap begins or ends, so linear interpolation would be wrong there.

    Args:
        before_s: seconds since the last known frame, at each frame; zero in known frames.
        after_s: seconds to the next known frame.
        frames: positions among the frames, fractional.
        fps: frames a second.
    """
    low, high, fraction = _neighbouring(frames, len(before_s))
    fraction = fraction[:, None]
    before, after = values_between(before_s, frames), values_between(after_s, frames)
    # A sample on a frame takes its value; rounding leaves it within the small number.
    inside = (fraction > 1e-6) & (fraction < 1 - 1e-6)
    # In a step from known to hidden, the distance back grows from zero but the one ahead jumps.
    known = np.minimum(before_s, after_s) == 0
    begins, ends = inside & known[low] & ~known[high], inside & ~known[low] & known[high]
    return (
        np.where(ends, before_s[low] + fraction / fps, before),
        np.where(begins, after_s[high] + (1 - fraction) / fps, after),
    )


def values_between(values: Float[Array, "n *k"], frames: Float[Array, "m"]) -> Float[Array, "m *k"]:
    """Interpolate values linearly at fractional frames."""
    low, high, fraction = _neighbouring(frames, len(values))
    weight = fraction.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return values[low] * (1 - weight) + values[high] * weight


def motion_between(motion: Motion, frames: Float[Array, "n"], fps: float) -> Motion:
    """Sample a motion at fractional frames; ``fps`` is the rate of the result."""
    low, high, fraction = _neighbouring(frames, len(motion))
    weight = np.broadcast_to(
        fraction[:, None].astype(np.float32), (len(frames), motion.rotations.shape[1])
    )
    return Motion(
        motion.skeleton,
        rot.slerp(motion.rotations[low], motion.rotations[high], weight),
        values_between(motion.root_m, frames).astype(np.float32),
        fps,
    )


def _neighbouring(
    frames: Float[Array, "m"], count: int
) -> tuple[Int[Array, "m"], Int[Array, "m"], Float[Array, "m"]]:
    """The frames around each fractional frame, and the fraction between them."""
    # The last frame has no successor, so it counts as the end of the step before it.
    low = np.clip(frames.astype(int), 0, max(count - 2, 0))
    return low, np.minimum(low + 1, count - 1), np.clip(frames - low, 0, 1)

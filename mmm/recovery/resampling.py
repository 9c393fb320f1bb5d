"""Reading a clip at another frame rate than its own: moments, and values between frames."""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion

Array = np.ndarray

MIN_ANCHOR_SPACING = 4
"""Ends of gaps that a network of another rate reads exactly are at least this many of its frames
apart. Its clock then runs slow or fast by a quarter at most."""


def moments(known: Bool[Array, "T"], fps: float, network_fps: float) -> Float[Array, "n"]:
    """When a network of another frame rate reads a clip.

    A network knows known frames, not moments near them. The ends of gaps are therefore read exactly
    where they are ``MIN_ANCHOR_SPACING`` apart or more. Between these anchors lie equal steps, as
    many as keep the clock within half a step of the network's own.

    Args:
        known: frames in which nothing is hidden.
        fps: the clip's frames a second.
        network_fps: the network's.

    Returns:
        Places among the clip's frames, ascending, the first one 0.
    """
    frame, last = np.arange(len(known)), len(known) - 1
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
    # The small number keeps rounding from losing the last frame of clips that end on a full step.
    left = int(np.floor((last - anchors[-1]) / fps * network_fps + 1e-6))
    tail = anchors[-1] + np.arange(left + 1) * fps / network_fps
    if len(anchors) == 1 and left == 0:
        tail = np.array([0.0, last])
    return np.concatenate([*parts, np.minimum(tail, last)])


def distances_between(
    before_s: Float[Array, "T R"],
    after_s: Float[Array, "T R"],
    frames: Float[Array, "n"],
    fps: float,
) -> tuple[Float[Array, "n R"], Float[Array, "n R"]]:
    """Seconds to known frames at places between frames.

    They jump where a gap begins or ends, so a straight line between two frames is wrong there.

    Args:
        before_s: at each frame, seconds from the last known one; zero in known frames.
        after_s: at each frame, seconds to the next known one.
        frames: places among the frames.
        fps: frames a second.
    """
    low, high, passed = _neighbouring(frames, len(before_s))
    passed = passed[:, None]
    before, after = values_between(before_s, frames), values_between(after_s, frames)
    inside = (passed > 1e-6) & (passed < 1 - 1e-6)
    known = np.minimum(before_s, after_s) == 0
    begins, ends = inside & known[low] & ~known[high], inside & ~known[low] & known[high]
    return (
        np.where(ends, before_s[low] + passed / fps, before),
        np.where(begins, after_s[high] + (1 - passed) / fps, after),
    )


def values_between(values: Float[Array, "n *k"], frames: Float[Array, "m"]) -> Float[Array, "m *k"]:
    """Values at places between frames, along straight lines."""
    low, high, passed = _neighbouring(frames, len(values))
    share = passed.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return values[low] * (1 - share) + values[high] * share


def motion_between(motion: Motion, frames: Float[Array, "n"], fps: float) -> Motion:
    """A motion at places between its frames, which are then said to be ``1 / fps`` seconds
    apart."""
    low, high, passed = _neighbouring(frames, len(motion))
    weight = np.broadcast_to(
        passed[:, None].astype(np.float32), (len(frames), motion.rotations.shape[1])
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
    """The frames below and above each place, and the share of the way passed between them."""
    low = np.clip(frames.astype(int), 0, max(count - 2, 0))
    return low, np.minimum(low + 1, count - 1), np.clip(frames - low, 0, 1)

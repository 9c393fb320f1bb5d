"""Interpolation that leaves and reaches known frames at their own speed;
``mmm.interpolation.torch_fill`` has it in torch.

Between two known frames a length ``L`` apart, ``t`` frames after the first, with ``v`` the slope
from one known frame to the next (of rotations a rotation vector in the first one's frame) and
``v-``, ``v+`` those of the pairs beside it::

    straight(t) = v t
    bend(t) = a (v- - v) w(t) - b (v+ - v) w(L - t)        w(s) = s (1 - s / L) (1 - k s / L) exp(-s / inertia)

``k`` is 1, and ``w`` ends without a slope, but at a far end that has no known frame beyond it: see
``Inertia.free``. ``a`` and ``b`` weight the slopes as in a non-uniform Catmull-Rom spline, ``L / (L
+ L-)`` and ``L / (L + L+)``: the speed at a known frame is that of the parabola through it and its
known neighbours. With one more known frame beyond, it is that of the cubic through all four
(Newton's divided differences): where frames are known densely, the speed that the movement has *at*
the last of them, not half a frame before. The whole is a cubic Hermite curve whose tangents die
away, so that in long gaps nothing overshoots. The idea of decaying offsets is inertialization
(David Bollo, "Inertialization: High-Performance Animation Transitions in Gears of War", GDC 2018).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

Array = np.ndarray


@dataclass(frozen=True)
class Inertia:
    """What the curve is made with; chosen by trying some values on several sets of recordings."""

    rotation_s: float = 0.8
    """How long a joint's turn outlasts the last known frame, seconds."""
    root_s: float = 1.6
    """The same for the root's drift."""
    cubic: float = 1.0
    """How much of the cubic's correction counts: 1 all, 0 the parabola's speed."""
    coast_s: float = 0.0
    """Of networks that generate: how long a turn outlasts the last known frame where none follows,
    seconds; 0: the pose is held. The interpolations hold."""
    root_coast_s: float = 0.0
    """The same for the root."""
    rotation_by_gap: float = 0.0
    """In long gaps turns die away sooner: ``rotation_s`` is divided by (seconds of the gap) to this
    power."""
    close_s: float = 0.0
    """And only where the known frames beside a gap are at most so far apart, for frames far apart
    tell a speed badly; 0: everywhere."""
    rise_s: float = 0.0
    """``root_s`` of the root's height alone, for whoever leaps comes down again soon; 0:
    ``root_s``."""
    rise_by_gap: float = 0.0
    """In long gaps it dies away sooner: ``rise_s`` is divided by (seconds of the gap) to this
    power."""
    rise_coast_s: float = 0.0
    """``root_coast_s`` of the root's height alone; 0: ``root_coast_s``."""
    free: float = 0.0
    """How freely a far end is reached whose speed nobody knows, for no known frame lies beyond it:
    0 at the speed of the straight way, 1 as a natural cubic spline ends, with no bend left."""


INERTIA = Inertia()


def inertial_rotations(
    known: Int[Array, "K"], keys: Float[Array, "K *c 3 3"], wanted: Int[Array, "N"], fps: float
) -> Float[Array, "N *c 3 3"]:
    """Rotations at the wanted frames; beyond the first and last known frame the nearest is held.

    Args:
        known: frames, ascending.
        keys: rotation matrices in these frames, of any number of joints that are known in the same
            ones.
        wanted: frames.
        fps: frames a second.

    Returns:
        float64.
    """
    keys = keys.astype(np.float64)

    def turn(first: Array) -> Array:
        return _rotvecs(np.swapaxes(keys[first], -1, -2) @ keys[first + 1])

    start, straight, bend = _curve(
        known,
        turn,
        wanted,
        INERTIA.rotation_s * fps,
        keys.shape[1:-1],
        fps,
        INERTIA.rotation_by_gap,
        INERTIA.close_s * fps,
    )
    return np.asarray(keys[start] @ _matrices(straight) @ _matrices(bend))


def inertial_positions(
    known: Int[Array, "K"], keys: Float[Array, "K *c 3"], wanted: Int[Array, "N"], fps: float
) -> Float[Array, "N *c 3"]:
    """The same for places of the root, metres."""
    keys = keys.astype(np.float64)
    start, straight, bend = _curve(
        known,
        lambda first: keys[first + 1] - keys[first],
        wanted,
        INERTIA.root_s * fps,
        keys.shape[1:],
    )
    if INERTIA.rise_s:
        heights = keys[..., 1]
        bend[..., 1] = _curve(
            known,
            lambda first: heights[first + 1] - heights[first],
            wanted,
            INERTIA.rise_s * fps,
            heights.shape[1:],
            fps,
            INERTIA.rise_by_gap,
        )[2]
    return np.asarray(keys[start] + straight + bend)


def _curve(
    known: Array,
    step: Callable[[Array], Array],
    wanted: Array,
    inertia: float,
    shape: tuple[int, ...],
    fps: float = 1.0,
    by_gap: float = 0.0,
    close: float = 0.0,
) -> tuple[Array, Array, Array]:
    """Where each wanted frame starts from (an index into ``known``), its straight way from there,
    and the bend.

    Args:
        step: the ways from known frames, by index, to the following ones, (n, *shape).
        inertia: frames.
        by_gap: it is divided by the gap's length in seconds to this power,
        close: where the known frames beside it are at most so many frames apart; 0: everywhere.
    """
    nearest = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 1)
    inside = (known[0] <= wanted) & (wanted < known[-1])
    straight, bend = np.zeros((len(wanted), *shape)), np.zeros((len(wanted), *shape))
    if not inside.any():
        return nearest, straight, bend
    gaps, which = np.unique(nearest[inside], return_inverse=True)
    lengths, last = np.diff(known), len(known) - 2

    def slope(at: Array) -> Array:
        return step(at) / _as_factor(lengths[at], len(shape))

    own = slope(gaps)
    passed = wanted[inside] - known[nearest[inside]]
    straight[inside] = own[which] * _as_factor(passed, len(shape))
    length = lengths[gaps[which]]
    for side, since in ((-1, passed), (1, length - passed)):
        there = (gaps + side >= 0) & (gaps + side <= last)
        beyond = np.clip(gaps + side, 0, last)
        share = np.where(there, lengths[gaps] / (lengths[gaps] + lengths[beyond]), 0)
        offset = (slope(beyond) - own) * _as_factor(share, len(shape))
        further = np.clip(gaps + 2 * side, 0, last)
        third = _third(lengths, gaps, beyond, further) * (
            there & (gaps + 2 * side >= 0) & (gaps + 2 * side <= last)
        )
        near, far = (
            _as_factor(value, len(shape))
            for value in (lengths[gaps] + lengths[beyond], lengths[beyond] + lengths[further])
        )
        second, other = (own - slope(beyond)) / near, (slope(beyond) - slope(further)) / far
        offset -= INERTIA.cubic * (second - other) * _as_factor(third, len(shape))
        told = (lengths[beyond] <= close)[which] | (not close)
        lasting = inertia * np.where(told, (fps / length) ** by_gap, 1.0)
        across = ((gaps - side >= 0) & (gaps - side <= last))[which]
        passing = since / length
        weight = (
            since
            * (1 - passing)
            * (1 - np.where(across, 1, 1 - INERTIA.free / 2) * passing)
            * np.exp(-since / lasting)
        )
        bend[inside] -= side * offset[which] * _as_factor(weight, len(shape))
    return nearest, straight, bend


def _third(lengths: Array, gap: Array, beyond: Array, further: Array) -> Array:
    """What the difference of the second divided differences counts in the speed at a known
    frame."""
    return lengths[beyond] * lengths[gap] / (lengths[gap] + lengths[beyond] + lengths[further])


def _as_factor(values: Array, axes: int) -> Array:
    return values.reshape(-1, *[1] * axes)


def _rotvecs(matrices: Array) -> Array:
    return (
        Rotation.from_matrix(matrices.reshape(-1, 3, 3), assume_valid=True)
        .as_rotvec()
        .reshape(matrices.shape[:-1])
    )


def _matrices(rotvecs: Array) -> Array:
    return Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix().reshape(*rotvecs.shape, 3)

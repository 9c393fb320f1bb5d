"""Interpolation that leaves and reaches known frames at their own velocity, in numpy.

``mmm.interpolation.gap_curve`` defines the curve, and ``mmm.interpolation.inertial_torch`` applies
it in torch.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from mmm.interpolation.gap_curve import INERTIA, Decay, Inertia, Pair, falloff, velocity_offset

Array = np.ndarray


def inertial_rotations(
    known: Int[Array, "K"],
    keys: Float[Array, "K *c 3 3"],
    frames: Int[Array, "N"],
    fps: float,
    inertia: Inertia = INERTIA,
) -> Float[Array, "N *c 3 3"]:
    """Rotations at given frames; outside the known frames the nearest known one is held.

    Args:
        known: frames, ascending.
        keys: rotation matrices at these frames, of one joint or of several that are known at the
            same frames.
        frames: where to evaluate the curve; known frames are allowed.
        fps: frames a second.
        inertia: settings of the curve.

    Returns:
        Rotation matrices, float64.
    """
    # Angles between neighbouring frames are small, and float32 would lose their digits.
    keys = keys.astype(np.float64)

    def change(first: Array) -> Array:
        # In the axes of the first frame, so that the curve is composed on its right.
        return _rotvecs(np.swapaxes(keys[first], -1, -2) @ keys[first + 1])

    start, line, bend = _curve(
        known, change, frames, keys.shape[1:-1], inertia.rotation_decay(fps), inertia
    )
    return np.asarray(keys[start] @ _matrices(line) @ _matrices(bend))


def inertial_positions(
    known: Int[Array, "K"],
    keys: Float[Array, "K *c 3"],
    frames: Int[Array, "N"],
    fps: float,
    inertia: Inertia = INERTIA,
) -> Float[Array, "N *c 3"]:
    """Root positions at given frames, metres, float64; arguments as :func:`inertial_rotations`."""
    keys = keys.astype(np.float64)

    def change(first: Array) -> Array:
        return keys[first + 1] - keys[first]

    shape = keys.shape[1:]
    start, line, bend = _curve(known, change, frames, shape, inertia.root_decay(fps), inertia)
    if inertia.rise_s:
        # Heights have a time constant of their own; the other axes are computed again and dropped.
        vertical = _curve(known, change, frames, shape, inertia.height_decay(fps), inertia)[2]
        bend[..., 1] = vertical[..., 1]
    return np.asarray(keys[start] + line + bend)


def _curve(
    known: Array,
    change: Callable[[Array], Array],
    frames: Array,
    shape: tuple[int, ...],
    decay: Decay,
    inertia: Inertia,
) -> tuple[Array, Array, Array]:
    """The parts of the curve at given frames.

    Args:
        known: frames, ascending.
        change: maps indices into ``known`` to the change from each to the next, (n, *shape).
        frames: where to evaluate the curve.
        shape: of one value.
        decay: time constant of the velocities.
        inertia: the other settings.

    Returns:
        The index into ``known`` that each frame starts from, (N,), and the line and the bend from
        there, (N, *shape). Both are zero outside the known frames.
    """
    start = np.clip(np.searchsorted(known, frames, side="right") - 1, 0, len(known) - 1)
    inside = (known[0] <= frames) & (frames < known[-1])
    line, bend = np.zeros((len(frames), *shape)), np.zeros((len(frames), *shape))
    if not inside.any():
        return start, line, bend
    # Slopes are computed once for each gap, of which there are far fewer than frames.
    gaps, gap_of = np.unique(start[inside], return_inverse=True)
    lengths = np.diff(known)

    def pair(first: Array) -> Pair:
        clipped = np.clip(first, 0, len(lengths) - 1)
        length = _as_factor(lengths[clipped], len(shape))
        exists = _as_factor(clipped == first, len(shape))
        return Pair(change(clipped) / length, length, exists)

    gap = pair(gaps)
    elapsed = _as_factor(frames[inside] - known[start[inside]], len(shape))
    length = gap.length[gap_of]
    line[inside] = gap.slope[gap_of] * elapsed
    for side, from_end in ((-1, elapsed), (1, length - elapsed)):
        beside, beyond = pair(gaps + side), pair(gaps + 2 * side)
        offset = velocity_offset(gap, beside, beyond, inertia.cubic, np)
        lasting = decay.lasting(gap.length, beside.length, np)[gap_of]
        far_end_known = pair(gaps - side).exists[gap_of]
        weight = falloff(from_end, length, lasting, far_end_known, inertia.free, np)
        # Time runs backwards from the far end, so its offset counts with the opposite sign.
        bend[inside] -= side * offset[gap_of] * weight
    return start, line, bend


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

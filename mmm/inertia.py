"""Interpolation that leaves and reaches known frames at their own speed; ``mmm.models.prefill`` has it in torch.

Between two known frames a length ``L`` apart, ``t`` frames after the first, with ``v`` the slope from one known frame
to the next (of rotations a rotation vector in the first one's frame) and ``v-``, ``v+`` those of the pairs beside it::

    straight(t) = v t
    bend(t) = a (v- - v) w(t) - b (v+ - v) w(L - t)        w(s) = s (1 - s / L)^2 exp(-s / inertia)

``a`` and ``b`` weight the slopes as in a non-uniform Catmull-Rom spline: ``L / (L + L-)`` and ``L / (L + L+)``. That is
a cubic Hermite curve whose tangents die away, so that in long gaps nothing overshoots. The idea of decaying offsets is
inertialization (David Bollo, "Inertialization: High-Performance Animation Transitions in Gears of War", GDC 2018).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

Array = np.ndarray

ROTATION_INERTIA_S, ROOT_INERTIA_S = 0.25, 0.8
"""How long a joint's turn and the root's drift outlast the last known frame, seconds; chosen on training motion."""


def inertial_rotations(
    known: Int[Array, "K"], keys: Float[Array, "K *c 3 3"], wanted: Int[Array, "N"], fps: float
) -> Float[Array, "N *c 3 3"]:
    """Rotations at the wanted frames; beyond the first and last known frame the nearest is held.

    Args:
        known: frames, ascending.
        keys: rotation matrices in these frames, of any number of joints that are known in the same ones.
        wanted: frames.
        fps: frames a second.

    Returns:
        float64.
    """
    keys = keys.astype(np.float64)

    def turn(first: Array) -> Array:
        return _rotvecs(np.swapaxes(keys[first], -1, -2) @ keys[first + 1])

    start, straight, bend = _curve(known, turn, wanted, ROTATION_INERTIA_S * fps, keys.shape[1:-1])
    return np.asarray(keys[start] @ _matrices(straight) @ _matrices(bend))


def inertial_positions(
    known: Int[Array, "K"], keys: Float[Array, "K *c 3"], wanted: Int[Array, "N"], fps: float
) -> Float[Array, "N *c 3"]:
    """The same for places of the root, metres."""
    keys = keys.astype(np.float64)
    start, straight, bend = _curve(known, lambda first: keys[first + 1] - keys[first], wanted, ROOT_INERTIA_S * fps,
                                   keys.shape[1:])
    return np.asarray(keys[start] + straight + bend)


def _curve(
    known: Array, step: Callable[[Array], Array], wanted: Array, inertia: float, shape: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """Where each wanted frame starts from (an index into ``known``), its straight way from there, and the bend.

    Args:
        step: the ways from known frames, by index, to the following ones, (n, *shape).
        inertia: frames.
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
        weight = since * (1 - since / length) ** 2 * np.exp(-since / inertia)
        bend[inside] -= side * offset[which] * _as_factor(weight, len(shape))
    return nearest, straight, bend


def _as_factor(values: Array, axes: int) -> Array:
    return values.reshape(-1, *[1] * axes)


def _rotvecs(matrices: Array) -> Array:
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3), assume_valid=True).as_rotvec().reshape(matrices.shape[:-1])


def _matrices(rotvecs: Array) -> Array:
    return Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix().reshape(*rotvecs.shape, 3)

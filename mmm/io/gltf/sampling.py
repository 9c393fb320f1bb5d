"""The values of glTF's animation samplers between their keys (specification, appendix C)."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Array = np.ndarray

# Rates that programs write, the slowest first, because key times that fit a rate also fit its
# multiples.
_RATES = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0, 200.0, 240.0)
# Rounding error of a float32 time of one hour, seconds.
_ROUNDING_S = 2.5e-4
DEFAULT_FPS = 30.0
"""The frame rate if key times fit none."""


def sampled(
    times: Float[Array, "K"],
    values: Float[Array, "N n"],
    interpolation: str,
    is_rotation: bool,
    query: Float[Array, "T"],
) -> Float[Array, "T n"]:
    """A sampler's values at given times; outside its keys the first or last value.

    Args:
        times: ascending key times, seconds.
        values: one row per key; for ``CUBICSPLINE`` three (in-tangent, value, out-tangent).
        interpolation: ``LINEAR``, ``STEP`` or ``CUBICSPLINE``.
        is_rotation: whether the values are quaternions, which need slerp and normalisation.
        query: times to sample, seconds.

    Raises:
        ValueError: the interpolation is unknown, or the number of values does not fit the keys.
    """
    cubic = interpolation == "CUBICSPLINE"
    if interpolation not in ("LINEAR", "STEP", "CUBICSPLINE") or len(values) != len(times) * (
        1 + 2 * cubic
    ):
        raise ValueError("a sampler of another kind")
    keys = values[1::3] if cubic else values
    if len(times) == 1:
        result = np.repeat(keys, len(query), axis=0)
        return unit_quats(result) if is_rotation else result
    # A time that rounding puts just before a key counts as on it; otherwise STEP would lag.
    low = np.clip(
        np.searchsorted(times, query + _rounding(query), side="right") - 1, 0, len(times) - 1
    )
    high = np.minimum(low + 1, len(times) - 1)
    span = np.maximum(times[high] - times[low], 1e-12)
    weight = np.clip((query - times[low]) / span, 0.0, 1.0)[:, None]
    if interpolation == "STEP":
        result = keys[low]
    elif cubic:
        result = _hermite(keys, values[0::3], values[2::3], low, high, span[:, None], weight)
    elif is_rotation:
        # Spherical linear interpolation along the shorter arc (Shoemake 1985).
        start, end = (Rotation.from_quat(unit_quats(keys[index])) for index in (low, high))
        turn = Rotation.from_rotvec(weight * (start.inv() * end).as_rotvec())
        result = (start * turn).as_quat()
    else:
        result = keys[low] + weight * (keys[high] - keys[low])
    return unit_quats(result) if is_rotation else result


def _rounding(times: Array) -> Array:
    return 1e-7 * np.maximum(np.abs(times), 1.0)


def _hermite(
    keys: Array, ins: Array, outs: Array, low: Array, high: Array, span: Array, weight: Array
) -> Array:
    """Cubic Hermite splines; tangents are per second, so they are scaled by the span."""
    t, t2, t3 = weight, weight**2, weight**3
    return np.asarray(
        (2 * t3 - 3 * t2 + 1) * keys[low]
        + span * (t3 - 2 * t2 + t) * outs[low]
        + (-2 * t3 + 3 * t2) * keys[high]
        + span * (t3 - t2) * ins[high]
    )


def unit_quats(quats_xyzw: Array) -> Array:
    """Quaternions of length 1. Zeros, as in files cut from longer ones, become the identity."""
    lengths = np.linalg.norm(quats_xyzw, axis=1, keepdims=True)
    identity = np.array([0.0, 0.0, 0.0, 1.0])
    return np.where(lengths > 1e-9, quats_xyzw / np.maximum(lengths, 1e-9), identity)


def guess_rate(times: Float[Array, "K"]) -> float | None:
    """Frames per second on which all key times lie; None if there is no such rate.

    Args:
        times: key times from the first one on, seconds, of all samplers.
    """
    steps = np.diff(np.unique(times))
    steps = steps[steps > _ROUNDING_S]
    if not len(steps):
        return None
    # The spacing of dense keys gives the rate, whether it is a common one or not.
    dense = 1 / float(np.median(steps))
    if dense > 5 and float(np.abs(steps * dense - 1).max()) < 0.02:
        nearest = round(dense)
        return float(nearest) if abs(dense / nearest - 1) < 2e-3 else dense
    return next(
        (
            rate
            for rate in _RATES
            if np.abs(times * rate - np.round(times * rate)).max() < rate * _ROUNDING_S
        ),
        None,
    )

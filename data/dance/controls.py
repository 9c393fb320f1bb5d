"""Control channels of a pose, by name, and the smooth curves that moves write into them.

A pose is a row of numbers, one for each channel: angles in radians, lengths in metres. Moves write
channels, the rule adds and blends them, and ``rig`` turns the sum into joint rotations. All curves
have two continuous derivatives, so their sums are smooth.

Signs, for a dancer who faces +z with the left hand towards +x: ``pitch`` bends forward, ``roll``
lifts the left side, ``yaw`` turns to the left.
"""

import numpy as np
from jaxtyping import Float

Array = np.ndarray
Channels = dict[str, Array | float]

_BODY = (
    "sway_x",
    "sway_z",
    "lift",
    "pelvis_yaw",
    "pelvis_roll",
    "pelvis_pitch",
    *(f"spine{k}_{way}" for k in (1, 2, 3) for way in ("yaw", "roll", "pitch")),
    "head_yaw",
    "head_roll",
    "head_pitch",
)
_ARM = ("raise", "reach", "swing", "fwd", "down", "twist", "elbow", "wrist")
_FOOT = ("x", "z", "y", "yaw", "tip", "orbit", "step_x", "step_z")
ARMS = tuple(f"{side}_{part}" for side in "lr" for part in _ARM)
"""Per arm: collar raised and reaching forward; upper arm swung forward about the side axis, turned
forward about the vertical, lowered from the horizontal, twisted; elbow bent; wrist bent."""
FEET = tuple(f"{side}f_{part}" for side in "lr" for part in _FOOT)
"""For each foot: offset of the ball of the foot from its rest place (x, z) and height above the floor
(y), yaw, heel lifted about the ball (tip), rotation about the dancer's place (orbit), and the
distance that the body's weight travels with its steps."""
NAMES = (*_BODY, *ARMS, *FEET)
INDEX = {name: k for k, name in enumerate(NAMES)}
UPPER = np.array([name not in FEET for name in NAMES])
"""Channels that blend across a bar line. Feet do not blend, since they are in their rest places
there."""


def _mirrored(name: str) -> str:
    return {"l": "r", "r": "l"}[name[0]] + name[1:] if name in ARMS or name in FEET else name


# Channels that change sign in a mirror. Those of the arms are written outwards for both sides.
_SIDEWAYS = ("sway_x", "_yaw", "_roll", "f_x", "f_orbit", "step_x")
MIRROR_FROM = np.array([INDEX[_mirrored(name)] for name in NAMES])
MIRROR_SIGN = np.array(
    [-1.0 if any(name.endswith(word) for word in _SIDEWAYS) else 1.0 for name in NAMES]
)


def pack(channels: Channels, frames: int) -> Float[Array, "T C"]:
    """Channels by name as an array; the others are zero."""
    values = np.zeros((frames, len(NAMES)))
    for name, value in channels.items():
        values[:, INDEX[name]] = value
    return values


def mirror(values: Float[Array, "T C"]) -> Float[Array, "T C"]:
    """The mirror image of a pose, with left and right exchanged."""
    return values[:, MIRROR_FROM] * MIRROR_SIGN


def ramp(x: Array, start: float, stop: float) -> Array:
    """From 0 at ``start`` to 1 at ``stop``, at rest at both ends (minimum jerk)."""
    u = np.clip((x - start) / (stop - start), 0, 1)
    # Flash and Hogan (1985): velocity and acceleration are zero at both ends.
    return u**3 * (10 - 15 * u + 6 * u**2)


def bump(x: Array, start: float, stop: float) -> Array:
    """0 at both ends, 1 in the middle."""
    u = np.clip((x - start) / (stop - start), 0, 1)
    # 64 brings the peak of (1/4)**3 to 1; the cube makes two derivatives vanish at the ends.
    return 64 * (u * (1 - u)) ** 3


def hold(x: Array, peak: float, rise: float, stay: float, fall: float) -> Array:
    """Rises to 1 at ``peak``, stays there, falls again."""
    return ramp(x, peak - rise, peak) - ramp(x, peak + stay, peak + stay + fall)


def pulse(x: Array, rise: float, fall: float) -> Array:
    """1 at zero; 0 before ``-rise`` and after ``fall``."""
    return ramp(x, -rise, 0) * (1 - ramp(x, 0, fall))

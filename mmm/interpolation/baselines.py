"""Gap fills without a network, in numpy: hold, slerp, inertial interpolation and spline.

These are the baselines that networks are compared with. Each joint is filled from its own known
frames; outside them the nearest known pose is held. Known entries come back bit for bit, and values
in hidden entries are never read.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline

from mmm.errors import SpecError
from mmm.interpolation.inertial import inertial_positions, inertial_rotations
from mmm.masks import Mask
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion

Array = np.ndarray

METHODS = ("hold", "slerp", "inertial", "spline")
"""Names that :func:`fill` takes, simplest first."""


def hold(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """Repeat the last known pose in hidden entries; before the first known one, repeat the
    first."""
    return _filled(clip, hidden, "hold")


def slerp(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """Interpolate local rotations along the shorter arc (slerp, Shoemake 1985) and the root along a
    line."""
    return _filled(clip, hidden, "slerp")


def inertial(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """``slerp`` with continuous velocities at the known frames; networks fill gaps with it.

    Offsets from the shorter arc carry the velocities at both ends into the gap and decay there, as
    in inertialization (Bollo, GDC 2018). ``mmm.interpolation.gap_curve`` has the formula.
    """
    return _filled(clip, hidden, "inertial")


def spline(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """Fit a rotation spline with continuous angular acceleration (SciPy's ``RotationSpline``) and,
    for the root, a natural cubic spline."""
    return _filled(clip, hidden, "spline")


BASELINES: dict[str, Callable[[Clip | Motion, Mask | Bool[Array, "T J"]], Motion]] = {
    "hold": hold,
    "slerp": slerp,
    "inertial": inertial,
    "spline": spline,
}
"""The methods by name, simplest first."""


def _filled(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"], method: str) -> Motion:
    motion = clip.motion if isinstance(clip, Clip) else clip
    pattern = hidden.hidden if isinstance(hidden, Mask) else hidden
    rotations, root_m = fill(
        motion.rotations, motion.root_m, pattern, method, motion.fps, names=motion.skeleton.names
    )
    return Motion(motion.skeleton, rotations, root_m, motion.fps)


def fill(
    rotations: Float[Array, "T J 3 3"],
    root_m: Float[Array, "T 3"],
    hidden: Bool[Array, "_ _"],
    method: str,
    fps: float,
    names: tuple[str, ...] | None = None,
) -> tuple[Float[Array, "T J 3 3"], Float[Array, "T 3"]]:
    """Fill the hidden entries of arrays.

    Args:
        rotations: local rotation matrices; hidden ones may hold anything, NaN included.
        root_m: root positions, metres.
        hidden: (T, J), True = to be filled. The root is hidden where joint 0 is.
        method: ``hold``, ``slerp``, ``inertial`` or ``spline``.
        fps: frames a second; only ``inertial`` uses it.
        names: joint names for the error message.

    Returns:
        Copies of ``rotations`` and ``root_m``, float32, with the hidden entries filled.

    Raises:
        SpecError: the method is unknown, the pattern has another shape than the motion, or a joint
            has no known frame.
    """
    if method not in METHODS:
        raise SpecError(
            f"baseline {method!r}", "no such method", ", ".join(METHODS), "choose one of these"
        )
    if hidden.shape != rotations.shape[:2]:
        raise SpecError(
            "mask",
            f"made for {hidden.shape[0]} frames of {hidden.shape[1]} joints",
            f"{rotations.shape[0]} frames of {rotations.shape[1]} joints",
            "make the mask from this clip",
        )
    # astype copies, so the caller's arrays stay as they are.
    rotations, root_m = rotations.astype(np.float32), root_m.astype(np.float32)
    for joints, gaps in _columns(hidden):
        known = np.flatnonzero(~gaps)
        if not len(known):
            name = names[joints[0]] if names else str(joints[0])
            raise SpecError(
                f"joint {name}",
                "hidden in every frame, so there is nothing to fill it from",
                "at least one known frame",
                "hide fewer frames of it",
            )
        frames = np.flatnonzero(gaps)
        if not len(frames):
            continue
        keys = rotations[np.ix_(known, joints)]
        rotations[np.ix_(frames, joints)] = _rotations_at(known, keys, frames, method, fps)
        # Groups list their joints in order, so joint 0 leads the group that it belongs to.
        if joints[0] == 0:
            root_m[frames] = _positions_at(known, root_m[known], frames, method, fps)
    return rotations, root_m


def _columns(hidden: Bool[Array, "T J"]) -> Iterator[tuple[Array, Array]]:
    """Groups of joints that are hidden in the same frames: joint indices, and the (T,) pattern."""
    # Most patterns hide whole frames; all joints are then one group and computed together.
    patterns, group = np.unique(hidden, axis=1, return_inverse=True)
    for g in range(patterns.shape[1]):
        yield np.flatnonzero(group.ravel() == g), patterns[:, g]


def _neighbours(known: Array, frames: Array) -> tuple[Array, Array, Array]:
    """Indices into ``known`` of the keys before and after each frame, and the fraction of the
    distance between them.

    Outside the known frames both are the nearest one, and the fraction is below 0 or above 1.
    """
    after = np.searchsorted(known, frames)
    low, high = np.maximum(after - 1, 0), np.minimum(after, len(known) - 1)
    return low, high, (frames - known[low]) / np.maximum(known[high] - known[low], 1)


def _rotations_at(known: Array, keys: Array, frames: Array, method: str, fps: float) -> Array:
    low, high, fraction = _neighbours(known, frames)
    if method == "hold":
        return keys[low]
    if method == "slerp":
        weight = np.broadcast_to(np.clip(fraction, 0, 1)[:, None], (len(frames), keys.shape[1]))
        return rot.slerp(keys[low], keys[high], weight)
    if method == "inertial":
        return inertial_rotations(known, keys, frames, fps)
    # SciPy's rotation spline takes one joint at a time.
    times, query = known.astype(float), frames.astype(float)
    return np.stack(
        [rot.rotation_spline(times, keys[:, j], query) for j in range(keys.shape[1])], axis=1
    )


def _positions_at(known: Array, keys: Array, frames: Array, method: str, fps: float) -> Array:
    low, high, fraction = _neighbours(known, frames)
    # A spline needs two points; with one known frame every method holds it.
    if method == "hold":
        return keys[low]
    if method == "slerp" or len(known) == 1:
        return keys[low] + np.clip(fraction, 0, 1)[:, None] * (keys[high] - keys[low])
    if method == "inertial":
        return inertial_positions(known, keys, frames, fps)
    # A cubic extrapolates without bound, so frames outside the known ones are held at the ends.
    inside = np.clip(frames, known[0], known[-1])
    return CubicSpline(known, keys.astype(np.float64), bc_type="natural")(inside)

"""Four ways of filling a gap without a network: hold the last pose, interpolate straight or at
speed, spline.

Every figure a network gets is shown beside these. Each joint is filled from its own known frames;
outside them the nearest known pose is held. Known entries come back bit for bit, and what stands in
a hidden entry is never read.
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
"""The names ``fill`` knows, plainest first."""


def hold(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """Hidden entries repeat the last known pose before them; before the first known one, the
    first."""
    return _filled(clip, hidden, "hold")


def slerp(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """Local rotations along the shorter arc between their known neighbours, the root along a
    straight line."""
    return _filled(clip, hidden, "slerp")


def inertial(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """``slerp`` that leaves and reaches known frames at their own speed; what networks on joint
    roles fill gaps with.

    To the shorter arc comes what the speeds at both ends of a gap differ from its own, times
    ``t (1 - t / L)^2 exp(-t / inertia)``, ``t`` frames from that end of a gap of ``L``. Decaying
    offsets are Bollo's inertialization (GDC 2018), slopes those of a non-uniform Catmull-Rom
    spline; see ``mmm.interpolation.inertial``.
    """
    return _filled(clip, hidden, "inertial")


def spline(clip: Clip | Motion, hidden: Mask | Bool[Array, "T J"]) -> Motion:
    """SciPy's ``RotationSpline`` (continuous angular acceleration) and a natural cubic spline for
    the root."""
    return _filled(clip, hidden, "spline")


BASELINES: dict[str, Callable[[Clip | Motion, Mask | Bool[Array, "T J"]], Motion]] = {
    "hold": hold,
    "slerp": slerp,
    "inertial": inertial,
    "spline": spline,
}
"""The four, by name, plainest first."""


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
    """Copies of the arrays (float32) with the hidden entries filled; the root's position is hidden
    where joint 0 is.

    Args:
        rotations: local rotation matrices; hidden ones may hold anything, NaN included.
        root_m: root positions, metres.
        hidden: (T, J), True = to be filled.
        method: ``hold``, ``slerp``, ``inertial`` or ``spline``.
        fps: frames a second, which ``inertial`` asks for.
        names: joint names for the error message.

    Raises:
        SpecError: the pattern has another shape than the motion, a joint has no known frame, or the
            method is unknown.
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
        wanted = np.flatnonzero(gaps)
        if not len(wanted):
            continue
        keys = rotations[np.ix_(known, joints)]
        rotations[np.ix_(wanted, joints)] = _rotations_at(known, keys, wanted, method, fps)
        if joints[0] == 0:
            root_m[wanted] = _positions_at(known, root_m[known], wanted, method, fps)
    return rotations, root_m


def _columns(hidden: Bool[Array, "T J"]) -> Iterator[tuple[Array, Array]]:
    """Joints that share their hidden frames, with these frames: most patterns hide whole frames, so
    one group."""
    patterns, group = np.unique(hidden, axis=1, return_inverse=True)
    for g in range(patterns.shape[1]):
        yield np.flatnonzero(group.ravel() == g), patterns[:, g]


def _neighbours(known: Array, wanted: Array) -> tuple[Array, Array, Array]:
    """Indices into ``known`` of the key before and after each wanted frame, and the share of the
    way between them.

    Outside the known frames both are the nearest one.
    """
    after = np.searchsorted(known, wanted)
    low, high = np.maximum(after - 1, 0), np.minimum(after, len(known) - 1)
    return low, high, (wanted - known[low]) / np.maximum(known[high] - known[low], 1)


def _rotations_at(known: Array, keys: Array, wanted: Array, method: str, fps: float) -> Array:
    low, high, share = _neighbours(known, wanted)
    if method == "hold":
        return keys[low]
    if method == "slerp":
        weight = np.broadcast_to(np.clip(share, 0, 1)[:, None], (len(wanted), keys.shape[1]))
        return rot.slerp(keys[low], keys[high], weight)
    if method == "inertial":
        return inertial_rotations(known, keys, wanted, fps)
    times, query = known.astype(float), wanted.astype(float)
    return np.stack(
        [rot.rotation_spline(times, keys[:, j], query) for j in range(keys.shape[1])], axis=1
    )


def _positions_at(known: Array, keys: Array, wanted: Array, method: str, fps: float) -> Array:
    low, high, share = _neighbours(known, wanted)
    if method == "hold":
        return keys[low]
    if method == "slerp" or len(known) == 1:
        return keys[low] + np.clip(share, 0, 1)[:, None] * (keys[high] - keys[low])
    if method == "inertial":
        return inertial_positions(known, keys, wanted, fps)
    inside = np.clip(wanted, known[0], known[-1])
    return CubicSpline(known, keys.astype(np.float64), bc_type="natural")(inside)

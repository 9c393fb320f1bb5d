"""The 32 geometric dance features of Müller et al. 2005 that AIST++ selected.

Each is a question about the body in one frame, such as whether a hand is above the neck.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from mmm.arrays import unit_vectors
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLE_PARENTS, ROLES

Array = np.ndarray
Question = Callable[["_Frames"], Bool[Array, "T"]]

_UP = np.array([0.0, 1.0, 0.0])


class _Frames:
    """Positions by role, and the lengths of the body that thresholds are relative to."""

    def __init__(self, motion: Motion) -> None:
        joints = match_roles(motion.skeleton).joints.tolist()
        points = motion.positions().astype(np.float64)
        self.fps = motion.fps
        self._positions: dict[str, Array] = {}
        for role, joint in enumerate(joints):
            nearest = role
            while joint < 0:  # a role that this body lacks is where its parent is
                nearest = ROLE_PARENTS[nearest]
                joint = joints[nearest]
            self._positions[ROLES[role]] = points[:, joint]
        self.floor = np.minimum(self["left_ankle"][:, 1], self["right_ankle"][:, 1]).min()
        self.arm = self._length("left_shoulder", "left_elbow")
        self.shoulders = self._length("left_shoulder", "right_shoulder")
        self.hips = self._length("left_hip", "right_hip")

    def __getitem__(self, role: str) -> Float[Array, "T 3"]:
        return self._positions[role]

    def _length(self, a: str, b: str) -> float:
        return float(np.linalg.norm(self[a][0] - self[b][0]))

    def velocity(self, role: str) -> Float[Array, "T 3"]:
        """Velocity in metres per second; the first frame has that of the second one."""
        step = np.diff(self[role], axis=0, prepend=self[role][:1]) * self.fps
        if len(step) > 1:
            step[0] = step[1]
        return step


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(-1)


def _beyond(
    direction: Callable[[_Frames], Array],
    origin: str,
    point: str,
    limit: Callable[[_Frames], float],
) -> Question:
    """Whether a point lies further than a limit along a direction from an origin."""
    return lambda f: _dot(f[point] - f[origin], unit_vectors(direction(f))) > limit(f)


def _between(a: str, b: str) -> Callable[[_Frames], Array]:
    """The vector from joint a to joint b."""
    return lambda f: f[b] - f[a]


def _plane(a: str, b: str, c: str) -> Callable[[_Frames], Array]:
    """The normal of the plane through three joints."""
    return lambda f: np.cross(f[b] - f[a], f[c] - f[a])


def _above(point: str, factor: float) -> Question:
    """Whether a joint is higher above the lowest ankle than ``factor`` upper arms."""
    return lambda f: f[point][:, 1] - f.floor > factor * f.arm


def _moves(a: str, b: str, base: str, point: str, factor: float) -> Question:
    """Whether ``point`` moves along a to b, relative to ``base``, faster than a limit.

    The limit is ``factor`` upper arms per second.
    """
    return lambda f: (
        _dot(f.velocity(point) - f.velocity(base), unit_vectors(f[b] - f[a])) > factor * f.arm
    )


def _moves_off(a: str, b: str, c: str, point: str, factor: float) -> Question:
    """Whether ``point`` moves along the normal of the plane a b c, relative to ``a``."""
    return lambda f: (
        _dot(f.velocity(point) - f.velocity(a), unit_vectors(_plane(a, b, c)(f))) > factor * f.arm
    )


def _fast(point: str, factor: float) -> Question:
    """Whether a joint is faster than ``factor`` upper arms per second."""
    return lambda f: np.linalg.norm(f.velocity(point), axis=-1) > factor * f.arm


def _angle(
    first: Callable[[_Frames], Array], second: Callable[[_Frames], Array], low: int, high: int
) -> Question:
    """Whether the angle between two directions lies in a range, degrees."""

    def ask(f: _Frames) -> Array:
        angle = np.degrees(
            np.arccos(np.clip(_dot(unit_vectors(first(f)), unit_vectors(second(f))), -1, 1))
        )
        return (angle >= low) & (angle <= high)

    return ask


def _both(make: Callable[[str, str], Question]) -> list[Question]:
    """A feature for the right side and one for the left; ``make`` takes a side and its opposite."""
    return [make("right", "left"), make("left", "right")]


def _up(f: _Frames) -> Array:
    return np.broadcast_to(_UP, f["pelvis"].shape)


_spine, _chest, _belly = _between("pelvis", "neck"), "spine3", "spine1"

# Limits are relative to the body: upper arms, or widths of shoulders and hips. Each feature is a
# question about a frame; "both" means one for each side.
QUESTIONS: list[Question] = [
    # Hand moving forward (both).
    *_both(lambda s, o: _moves_off("neck", f"{s}_hip", f"{o}_hip", f"{s}_wrist", 1.8)),
    # Hand above the neck (both).
    *_both(
        lambda s, o: _beyond(_between(_chest, "neck"), "neck", f"{s}_wrist", lambda f: 0.2 * f.arm)
    ),
    # Hand moving upwards (both).
    *_both(lambda s, o: _moves(_belly, _chest, _chest, f"{s}_wrist", 1.8)),
    # Elbow bent (both).
    *_both(
        lambda s, o: _angle(
            _between(f"{s}_elbow", f"{s}_shoulder"), _between(f"{s}_elbow", f"{s}_wrist"), 0, 110
        )
    ),
    # Hands apart sideways.
    _beyond(
        _between("left_shoulder", "right_shoulder"),
        "left_wrist",
        "right_wrist",
        lambda f: 2.5 * f.shoulders,
    ),
    # Hands approaching or parting.
    _moves("left_wrist", "right_wrist", "left_wrist", "right_wrist", 1.4),
    # Hand moving towards the pelvis (both).
    *_both(lambda s, o: _moves(f"{s}_wrist", "pelvis", f"{o}_wrist", f"{s}_wrist", 1.4)),
    # Hand fast (both).
    *_both(lambda s, o: _fast(f"{s}_wrist", 2.5)),
    # Foot behind the other leg (both).
    *_both(
        lambda s, o: _beyond(
            _plane("pelvis", f"{o}_hip", f"{o}_toe"), "pelvis", f"{s}_ankle", lambda f: 0.38 * f.arm
        )
    ),
    # Foot raised (both).
    *_both(lambda s, o: _above(f"{s}_ankle", 1.2)),
    # Feet apart sideways.
    _beyond(_between("left_hip", "right_hip"), "left_ankle", "right_ankle", lambda f: 2.1 * f.hips),
    # Knee bent (both).
    *_both(
        lambda s, o: _angle(
            _between(f"{s}_knee", f"{s}_hip"), _between(f"{s}_knee", f"{s}_ankle"), 0, 110
        )
    ),
    # Foot fast (both).
    *_both(lambda s, o: _fast(f"{s}_ankle", 2.5)),
    # Upper arm away from the trunk (both).
    *_both(
        lambda s, o: _angle(
            _between("neck", "pelvis"), _between(f"{s}_shoulder", f"{s}_elbow"), 25, 180
        )
    ),
    # Thigh away from the trunk (both).
    *_both(
        lambda s, o: _angle(_between("neck", "pelvis"), _between(f"{s}_hip", f"{s}_knee"), 50, 180)
    ),
    # Pelvis behind the feet.
    _beyond(
        _plane("right_ankle", "neck", "left_ankle"), "right_ankle", "pelvis", lambda f: 0.5 * f.arm
    ),
    # Trunk level.
    _angle(_spine, _up, 70, 110),
    # Hand near the floor (both).
    *_both(lambda s, o: lambda f: f[f"{s}_wrist"][:, 1] - f.floor < 1.2 * f.arm),
    # Pelvis fast.
    _fast("pelvis", 2.3),
]
"""The 32 geometric features, each as a question about every frame."""


def geometric_features(motion: Motion) -> Float[Array, "32"]:
    """Geometric features (Müller et al. 2005): shares of frames, 0 to 1.

    Raises:
        ModelError: the joints are not those of a humanoid.
    """
    frames = _Frames(motion)
    return np.array([float(np.mean(ask(frames))) for ask in QUESTIONS])

"""Dance features and how sets of dances differ by them.

Kinetic features follow Onuma et al. 2008. The 32 geometric features follow Müller et al. 2005 in
the choice that AIST++ made customary. The questions of the geometric features are the published
ones, but the figures are not those of the published code: compare only what was computed here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLE_PARENTS, ROLES

Array = np.ndarray
Question = Callable[["_Frames"], Bool[Array, "T"]]

_LEAST_SPREAD = 0.01
"""Features that spread less than this in the reference (m²/s², m/s², shares) are not blown up further."""


def kinetic_features(motion: Motion) -> Float[Array, "K"]:
    """Three a joint (72 on SMPL-24): horizontal energy, vertical energy, energy expenditure (Onuma et al. 2008).

    Means over frames of the squared horizontal and vertical velocity (m²/s²) and of the size of the acceleration
    (m/s²), each velocity and acceleration being a mean over five frames. The place of the root plays no part.
    """
    points = motion.positions().astype(np.float64)
    velocity = np.diff(points, axis=0) * motion.fps
    acceleration = np.diff(velocity, axis=0) * motion.fps
    if not len(acceleration):
        return np.zeros(3 * points.shape[1])
    smooth, push = _mean_of_five(velocity), _mean_of_five(acceleration)
    return np.stack(
        [
            (smooth[..., [0, 2]] ** 2).sum(-1).mean(0),
            (smooth[..., 1] ** 2).mean(0),
            np.linalg.norm(push, axis=-1).mean(0),
        ],
        axis=1,
    ).ravel()


def _mean_of_five(values: Float[Array, "T *k"]) -> Float[Array, "T *k"]:
    """Each row with the two on either side, as far as there are."""
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    rows = np.arange(len(values))
    first, stop = np.maximum(rows - 2, 0), np.minimum(rows + 3, len(values))
    return (sums[stop] - sums[first]) / (stop - first).reshape(-1, *[1] * (values.ndim - 1))


@dataclass(frozen=True)
class Reference:
    """A set of features to compare others with, standardised by its own mean and spread."""

    mean: Float[Array, "K"]
    spread: Float[Array, "K"]
    rows: Float[Array, "N K"]

    @staticmethod
    def of(features: Sequence[Float[Array, "K"]]) -> "Reference":
        """Of the truth: one row a clip."""
        values = np.stack(features).astype(np.float64)
        mean, spread = values.mean(0), np.maximum(values.std(0), _LEAST_SPREAD)
        return Reference(mean, spread, (values - mean) / spread)

    def distance(self, features: Sequence[Float[Array, "K"]]) -> float:
        """FID: the Frechet distance between two normal distributions fitted to standardised features."""
        return frechet(self.rows, (np.stack(features) - self.mean) / self.spread)

    def diversity(self, features: Sequence[Float[Array, "K"]]) -> float:
        """Mean distance between the standardised features of two clips."""
        return mean_distance((np.stack(features) - self.mean) / self.spread)


def frechet(a: Float[Array, "N K"], b: Float[Array, "M K"]) -> float:
    """``|mean_a - mean_b|² + tr(A + B - 2 (A B)^½)`` of two samples with covariances A and B.

    The trace of the root is the sum of singular values of one centred sample times the other: no root of a singular
    matrix is taken, however few the samples.
    """
    centred = [
        (x - x.mean(0)) / np.sqrt(max(1, len(x) - 1))
        for x in (a.astype(np.float64), b.astype(np.float64))
    ]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    spread = sum(float((x**2).sum()) for x in centred)
    return max(0.0, float(((a.mean(0) - b.mean(0)) ** 2).sum() + spread - 2 * root))


def mean_distance(rows: Float[Array, "N K"]) -> float:
    """Mean Euclidean distance between two different rows; 0 for a single one."""
    if len(rows) < 2:
        return 0.0
    apart = np.linalg.norm(rows[:, None].astype(np.float64) - rows[None], axis=-1)
    return float(apart.sum() / (len(rows) * (len(rows) - 1)))


def joint_distance_cm(motions: Sequence[Motion]) -> float:
    """How different motions of one length are: mean joint distance over pairs, frames and joints, centimetres."""
    points = np.stack([motion.positions() for motion in motions]).astype(np.float64)
    pairs = [
        np.linalg.norm(points[i] - points[j], axis=-1).mean()
        for i in range(len(points))
        for j in range(i)
    ]
    return float(np.mean(pairs) * 100) if pairs else 0.0


# --- Geometric features ---

_UP = np.array([0.0, 1.0, 0.0])


class _Frames:
    """Positions by role, and the three lengths."""

    def __init__(self, motion: Motion) -> None:
        joints = match_roles(motion.skeleton).joints.tolist()
        points = motion.positions().astype(np.float64)
        self.fps = motion.fps
        self._place: dict[str, Array] = {}
        for role, joint in enumerate(joints):
            there = role
            while joint < 0:  # a role that this body lacks lies where the one above it does
                there = ROLE_PARENTS[there]
                joint = joints[there]
            self._place[ROLES[role]] = points[:, joint]
        self.floor = np.minimum(self["left_ankle"][:, 1], self["right_ankle"][:, 1]).min()
        self.arm = self._length("left_shoulder", "left_elbow")
        self.shoulders = self._length("left_shoulder", "right_shoulder")
        self.hips = self._length("left_hip", "right_hip")

    def __getitem__(self, role: str) -> Float[Array, "T 3"]:
        return self._place[role]

    def _length(self, a: str, b: str) -> float:
        return float(np.linalg.norm(self[a][0] - self[b][0]))

    def velocity(self, role: str) -> Float[Array, "T 3"]:
        """Metres a second; the first frame has that of the second."""
        step = np.diff(self[role], axis=0, prepend=self[role][:1]) * self.fps
        if len(step) > 1:
            step[0] = step[1]
        return step


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(-1)


def _beyond(
    direction: Callable[[_Frames], Array],
    origin: str,
    point: str,
    limit: Callable[[_Frames], float],
) -> Question:
    """Whether a point lies further than a limit along a direction from an origin."""
    return lambda f: _dot(f[point] - f[origin], _unit(direction(f))) > limit(f)


def _between(a: str, b: str) -> Callable[[_Frames], Array]:
    return lambda f: f[b] - f[a]


def _plane(a: str, b: str, c: str) -> Callable[[_Frames], Array]:
    """The normal of the plane through three joints."""
    return lambda f: np.cross(f[b] - f[a], f[c] - f[a])


def _above(point: str, factor: float) -> Question:
    """Whether a joint is higher above the lowest ankle than so many upper arms."""
    return lambda f: f[point][:, 1] - f.floor > factor * f.arm


def _moves(a: str, b: str, base: str, point: str, factor: float) -> Question:
    """Whether a joint moves, against another, along the direction from a to b, at so many upper arms a second."""
    return lambda f: _dot(f.velocity(point) - f.velocity(base), _unit(f[b] - f[a])) > factor * f.arm


def _moves_off(a: str, b: str, c: str, point: str, factor: float) -> Question:
    """Whether a joint moves out of the plane of three others, against the first of them."""
    return lambda f: (
        _dot(f.velocity(point) - f.velocity(a), _unit(_plane(a, b, c)(f))) > factor * f.arm
    )


def _fast(point: str, factor: float) -> Question:
    return lambda f: np.linalg.norm(f.velocity(point), axis=-1) > factor * f.arm


def _angle(
    one: Callable[[_Frames], Array], other: Callable[[_Frames], Array], low: int, high: int
) -> Question:
    """Whether the angle between two directions lies in a range, degrees."""

    def ask(f: _Frames) -> Array:
        angle = np.degrees(np.arccos(np.clip(_dot(_unit(one(f)), _unit(other(f))), -1, 1)))
        return (angle >= low) & (angle <= high)

    return ask


def _both(make: Callable[[str, str], Question]) -> list[Question]:
    return [make("right", "left"), make("left", "right")]


def _up(f: _Frames) -> Array:
    return np.broadcast_to(_UP, f["pelvis"].shape)


_spine, _chest, _belly = _between("pelvis", "neck"), "spine3", "spine1"

QUESTIONS: list[Question] = [
    *_both(lambda s, o: _moves_off("neck", f"{s}_hip", f"{o}_hip", f"{s}_wrist", 1.8)),
    *_both(
        lambda s, o: _beyond(_between(_chest, "neck"), "neck", f"{s}_wrist", lambda f: 0.2 * f.arm)
    ),
    *_both(lambda s, o: _moves(_belly, _chest, _chest, f"{s}_wrist", 1.8)),
    *_both(
        lambda s, o: _angle(
            _between(f"{s}_elbow", f"{s}_shoulder"), _between(f"{s}_elbow", f"{s}_wrist"), 0, 110
        )
    ),
    _beyond(
        _between("left_shoulder", "right_shoulder"),
        "left_wrist",
        "right_wrist",
        lambda f: 2.5 * f.shoulders,
    ),
    _moves("left_wrist", "right_wrist", "left_wrist", "right_wrist", 1.4),
    *_both(lambda s, o: _moves(f"{s}_wrist", "pelvis", f"{o}_wrist", f"{s}_wrist", 1.4)),
    *_both(lambda s, o: _fast(f"{s}_wrist", 2.5)),
    *_both(
        lambda s, o: _beyond(
            _plane("pelvis", f"{o}_hip", f"{o}_toe"), "pelvis", f"{s}_ankle", lambda f: 0.38 * f.arm
        )
    ),
    *_both(lambda s, o: _above(f"{s}_ankle", 1.2)),
    _beyond(_between("left_hip", "right_hip"), "left_ankle", "right_ankle", lambda f: 2.1 * f.hips),
    *_both(
        lambda s, o: _angle(
            _between(f"{s}_knee", f"{s}_hip"), _between(f"{s}_knee", f"{s}_ankle"), 0, 110
        )
    ),
    *_both(lambda s, o: _fast(f"{s}_ankle", 2.5)),
    *_both(
        lambda s, o: _angle(
            _between("neck", "pelvis"), _between(f"{s}_shoulder", f"{s}_elbow"), 25, 180
        )
    ),
    *_both(
        lambda s, o: _angle(_between("neck", "pelvis"), _between(f"{s}_hip", f"{s}_knee"), 50, 180)
    ),
    _beyond(
        _plane("right_ankle", "neck", "left_ankle"), "right_ankle", "pelvis", lambda f: 0.5 * f.arm
    ),
    _angle(_spine, _up, 70, 110),
    *_both(lambda s, o: lambda f: f[f"{s}_wrist"][:, 1] - f.floor < 1.2 * f.arm),
    _fast("pelvis", 2.3),
]
"""One a feature."""


def geometric_features(motion: Motion) -> Float[Array, "32"]:
    """Shares of frames, 0 to 1.

    Raises:
        ModelError: the joints are not those of a humanoid.
    """
    frames = _Frames(motion)
    return np.array([float(np.mean(ask(frames))) for ask in QUESTIONS])

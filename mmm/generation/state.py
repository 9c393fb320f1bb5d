"""What motion matching compares: the state of a body at a moment, on one standard body.

Joint places and velocities in the heading of the hips, in leg lengths, and how much the body moved
in the last second. After Clavet (2016), "Motion Matching and the Road to Next-Gen Animation".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.generation.canonical import Poses, heading, turn_y
from mmm.motion.roles import ROLE_PARENTS, ROLES

Array = np.ndarray

_AT = {role: index for index, role in enumerate(ROLES)}
_OFFSETS = {
    "spine1": (0, 0.14, 0),
    "spine2": (0, 0.15, 0),
    "spine3": (0, 0.16, 0),
    "neck": (0, 0.20, 0),
    "head": (0, 0.12, 0),
    "left_collar": (0.08, 0.12, 0),
    "left_shoulder": (0.13, 0, 0),
    "left_elbow": (0.33, 0, 0),
    "left_wrist": (0.29, 0, 0),
    "left_hip": (0.11, 0, 0),
    "left_knee": (0, -0.51, 0),
    "left_ankle": (0, -0.49, 0),
    "left_toe": (0, -0.06, 0.16),
}
"""A standard body, in leg lengths; the right side is the left's mirror image."""
_BODY = np.zeros((len(ROLES), 3))
for _role, _offset in _OFFSETS.items():
    _BODY[_AT[_role]] = _offset
    if _role.startswith("left"):
        _BODY[_AT[_role.replace("left", "right")]] = np.array(_offset) * [-1, 1, 1]
POINTS = (
    "head",
    "neck",
    *tuple(
        f"{side}_{joint}"
        for joint in ("wrist", "elbow", "knee", "ankle", "toe")
        for side in ("left", "right")
    ),
)
"""Roles whose places and velocities are compared."""
_COLUMNS = [_AT[point] for point in POINTS]
VELOCITY_S = 0.18
"""Velocities count as the way that they would go in this time."""
_BACK = 2
"""Frames of 30 a second over which a velocity is taken, backwards."""
STILL = 0.05
"""Added to energies before their logarithm, leg lengths squared a second squared."""


def standard_points(poses: Poses) -> Float[Array, "T 22 3"]:
    """World places of the roles on the standard body, leg lengths; an ankle at rest has height 0."""
    points = np.zeros((len(poses), len(ROLES), 3))
    points[:, 0] = poses.hips
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        points[:, r] = points[:, parent] + poses.world[:, parent] @ _BODY[r]
    return points


@dataclass(frozen=True, eq=False)
class States:
    """States of many moments."""

    pose: Float[Array, "n D"]
    """Weighted so that squared distances can be added up."""
    energy: Float[Array, "n"]
    """Mean squared joint speed against the hips at that moment, leg lengths squared a second squared."""
    speed: Float[Array, "n 2"]
    """Of the hips over the floor, in the body's heading, leg lengths a second."""


def states(now: Poses, before: Poses, seconds: float = _BACK / 30) -> States:
    """States at moments, of poses then and a moment earlier.

    Args:
        now: poses.
        before: the same bodies ``seconds`` earlier.
    """
    points, earlier = standard_points(now), standard_points(before)
    back = turn_y(-heading(now.world[:, 0]))
    velocity = (points - earlier) / seconds
    ground = points[:, :1] * np.array([1.0, 0.0, 1.0])
    place = (points - ground)[:, [0, *_COLUMNS]] @ np.swapaxes(back, -1, -2)
    moved = velocity[:, [0, *_COLUMNS]] @ np.swapaxes(back, -1, -2)
    own = velocity - velocity[:, :1]
    # The hips' own place is their height alone.
    pose = np.concatenate(
        [
            place[:, 0, 1:2] * 2,
            place[:, 1:].reshape(len(points), -1),
            moved.reshape(len(points), -1) * VELOCITY_S,
        ],
        axis=1,
    )
    return States(pose.astype(np.float32), (own**2).sum(-1).mean(-1), moved[:, 0][:, [0, 2]])


def log_energy(energy: "float | Array") -> Array:
    """Logarithm of energies in which one stillness equals another."""
    return np.asarray(np.log(np.asarray(energy) + STILL))


def head_height(pose: Float[Array, "n D"]) -> Float[Array, "n"]:
    """The head's height in states, leg lengths: low where somebody crouches or bends over."""
    return pose[:, 2 + 3 * POINTS.index("head")]


def ankle_heights(pose: Float[Array, "n D"]) -> Float[Array, "n 2"]:
    """Heights of both ankles over where they rest, in states, leg lengths."""
    return pose[:, [2 + 3 * POINTS.index(f"{side}_ankle") for side in ("left", "right")]]

"""The features of motion matching: the state of a body at a moment, on one standard body.

A state holds joint positions and velocities in the heading of the hips, in leg lengths, and how
much the body moves. After Clavet (2016), "Motion Matching and the Road to Next-Gen Animation".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.generation.canonical import Poses, heading, turn_y
from mmm.motion.roles import ROLE_PARENTS, ROLES

Array = np.ndarray

_INDEX = {role: index for index, role in enumerate(ROLES)}
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
"""Bones of a standard body in leg lengths; the right side mirrors the left."""
# All motions use the same body, so that distances between states compare poses and not people.
_BODY = np.zeros((len(ROLES), 3))
for _role, _offset in _OFFSETS.items():
    _BODY[_INDEX[_role]] = _offset
    if _role.startswith("left"):
        _BODY[_INDEX[_role.replace("left", "right")]] = np.array(_offset) * [-1, 1, 1]
POINTS = (
    "head",
    "neck",
    *tuple(
        f"{side}_{joint}"
        for joint in ("wrist", "elbow", "knee", "ankle", "toe")
        for side in ("left", "right")
    ),
)
"""Roles whose positions and velocities are compared."""
_COLUMNS = [_INDEX[point] for point in POINTS]
VELOCITY_S = 0.18
"""Velocities are multiplied by this time, so that they have the unit of positions."""
_BACK = 2
"""Frames at 30 per second over which backward differences are taken."""
STILL = 0.05
"""Added to energies before the logarithm, squared leg lengths per squared second."""


def standard_points(poses: Poses) -> Float[Array, "T 22 3"]:
    """World positions of the roles on the standard body in leg lengths; ankles rest at 0."""
    points = np.zeros((len(poses), len(ROLES), 3))
    points[:, 0] = poses.hips
    for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
        points[:, r] = points[:, parent] + poses.world[:, parent] @ _BODY[r]
    return points


@dataclass(frozen=True, eq=False)
class States:
    """States of many moments."""

    pose: Float[Array, "n D"]
    """Features, weighted so that squared differences can be summed."""
    energy: Float[Array, "n"]
    """Mean squared joint speed relative to the hips, squared leg lengths per squared second."""
    speed: Float[Array, "n 2"]
    """Velocity of the hips over the floor, in the body's heading, leg lengths per second."""


def states(now: Poses, before: Poses, seconds: float = _BACK / 30) -> States:
    """States of poses.

    Args:
        now: the poses.
        before: the poses ``seconds`` earlier. Differences are backward, because the future of the
            current state is not known.
        seconds: time between both.
    """
    points, earlier = standard_points(now), standard_points(before)
    back = turn_y(-heading(now.world[:, 0]))
    velocity = (points - earlier) / seconds
    # Positions are relative to the point on the floor below the hips.
    ground = points[:, :1] * np.array([1.0, 0.0, 1.0])
    positions = (points - ground)[:, [0, *_COLUMNS]] @ np.swapaxes(back, -1, -2)
    velocities = velocity[:, [0, *_COLUMNS]] @ np.swapaxes(back, -1, -2)
    relative = velocity - velocity[:, :1]
    # For the hips only the height is left. It is doubled, because it alone shows crouching.
    pose = np.concatenate(
        [
            positions[:, 0, 1:2] * 2,
            positions[:, 1:].reshape(len(points), -1),
            velocities.reshape(len(points), -1) * VELOCITY_S,
        ],
        axis=1,
    )
    energy = (relative**2).sum(-1).mean(-1)
    return States(pose.astype(np.float32), energy, velocities[:, 0][:, [0, 2]])


def log_energy(energy: "float | Array") -> Array:
    """Logarithm of energies plus ``STILL``, so that the energies of all still poses are alike."""
    return np.asarray(np.log(np.asarray(energy) + STILL))


def head_height(pose: Float[Array, "n D"]) -> Float[Array, "n"]:
    """Height of the head in leg lengths; low where somebody crouches or bends over."""
    # Column 0 is the height of the hips; three columns a point follow, y in their middle.
    return pose[:, 2 + 3 * POINTS.index("head")]


def ankle_heights(pose: Float[Array, "n D"]) -> Float[Array, "n 2"]:
    """Heights of both ankles above their rest height, leg lengths."""
    return pose[:, [2 + 3 * POINTS.index(f"{side}_ankle") for side in ("left", "right")]]

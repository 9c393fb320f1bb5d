"""Two-bone inverse kinematics: turn thigh and shin so that the ankle reaches a target.

The knee angle follows from the law of cosines, and the whole leg is then swung to the target along
the shortest arc. All frames are solved at once, in closed form.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.motion.rotations import rotvec_to_matrix

Array = np.ndarray

_STRAIGHT = 0.999
"""The largest share of a leg's length that it is stretched to, so that the knee stays bent."""
# Sines of the knee angle between which its own bending axis gains the upper hand over the mean one.
_AXIS_UNKNOWN, _AXIS_KNOWN = 0.02, 0.10


@dataclass(frozen=True)
class Leg:
    """Joint indices of one leg; ``toe`` is -1 where the skeleton has none."""

    hip: int
    knee: int
    ankle: int
    toe: int
    stiff: bool = False
    """Whether the ankle never bends. The foot then follows the shin, and only the ankle is held."""


def bend_leg(
    hip: Float[Array, "T 3"],
    knee: Float[Array, "T 3"],
    ankle: Float[Array, "T 3"],
    target: Float[Array, "T 3"],
    hip_world: Float[Array, "T 3 3"],
) -> tuple[Float[Array, "T 3 3"], Float[Array, "T 3 3"]] | None:
    """World rotations that bring the ankle to a target.

    Args:
        hip, knee, ankle: world positions before, metres.
        target: where the ankle is to be, metres. A target out of reach is approached as far as
            the leg allows.
        hip_world: world rotations of the hip joint.

    Returns:
        The rotation of the thigh, and that of the shin relative to the thigh, both to be applied
        from the left in world axes. None for a leg that is straight in every frame, which does not
        tell in which plane its knee bends.
    """
    up, down = hip - knee, ankle - knee
    upper, lower = np.linalg.norm(up, axis=1), np.linalg.norm(down, axis=1)
    axis = _knee_axis(up, down, hip_world)
    if axis is None:
        return None
    distance = np.linalg.norm(ankle - hip, axis=1)
    # A leg can neither fold onto itself nor stretch beyond its length; one that was recorded
    # straighter than the limit may stay as straight as it was.
    reach = np.clip(
        np.linalg.norm(target - hip, axis=1),
        np.abs(upper - lower) * 1.01 + 1e-6,
        np.maximum(_STRAIGHT * (upper + lower), distance),
    )
    before, after = (
        np.arccos(np.clip((upper**2 + lower**2 - d**2) / (2 * upper * lower), -1, 1))
        for d in (distance, reach)
    )
    shin = rotvec_to_matrix(axis * (after - before)[:, None])
    bent_ankle = knee + np.einsum("tij,tj->ti", shin, down)
    return shortest_arc(bent_ankle - hip, target - hip), shin


def _knee_axis(
    up: Float[Array, "T 3"], down: Float[Array, "T 3"], hip_world: Float[Array, "T 3 3"]
) -> Float[Array, "T 3"] | None:
    """Unit axis about which the knee bends, in world axes; None where no frame tells it."""
    axis = np.cross(up, down)
    size = np.linalg.norm(axis, axis=1, keepdims=True)
    # The cross product grows with the bend, so the sum weighs frames by how well they tell the
    # axis. It is taken in the thigh's own frame, in which a knee is a hinge with a fixed axis.
    mean_axis = np.einsum("tji,tj->ti", hip_world, axis).sum(axis=0)
    if np.linalg.norm(mean_axis) < 1e-9:
        return None
    hinge = hip_world @ (mean_axis / np.linalg.norm(mean_axis))
    # In a nearly straight leg the frame's own cross product is noise: blend towards the hinge.
    lengths = np.linalg.norm(up, axis=1) * np.linalg.norm(down, axis=1)
    sine = size / lengths[:, None]
    certainty = np.clip((sine - _AXIS_UNKNOWN) / (_AXIS_KNOWN - _AXIS_UNKNOWN), 0, 1)
    axis = certainty * axis / np.maximum(size, 1e-12) + (1 - certainty) * hinge
    return np.asarray(axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9))


def shortest_arc(start: Float[Array, "T 3"], end: Float[Array, "T 3"]) -> Float[Array, "T 3 3"]:
    """The smallest rotations that bring each direction ``start`` to the direction ``end``."""
    start, end = (
        v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (start, end)
    )
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    # atan2 keeps its precision at small angles, where the arc cosine of the dot product loses half.
    angle = np.arctan2(sine, (start * end).sum(axis=1, keepdims=True))
    return rotvec_to_matrix(axis / np.maximum(sine, 1e-12) * angle)

"""Two-bone inverse kinematics: rotate thigh and shin so that the ankle reaches a target.

The knee angle follows from the law of cosines, and the whole leg is then swung to the target along
the shortest arc. All frames are solved at once, in closed form.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mmm.motion.rotations import rotvec_to_matrix

Array = np.ndarray

_STRAIGHT = 0.999
"""The largest share of its length to which a leg is stretched, so that the knee stays bent."""
# Sines of the knee angle between which the axis blends from the mean one to the frame's own.
_AXIS_UNKNOWN, _AXIS_KNOWN = 0.02, 0.10


@dataclass(frozen=True)
class Leg:
    """Joint indices of one leg; ``toe`` is -1 if the skeleton has none."""

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
        target: target position of the ankle, metres. A target out of reach is approached as far as
            the leg allows.
        hip_world: world rotations of the hip joint.

    Returns:
        The rotation of the thigh, and that of the shin relative to the thigh, both to be applied
        from the left in world axes. None for a leg that is straight in every frame, because the
        plane in which its knee bends is then unknown.
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


def turn_limb(
    leg: Leg,
    parents: tuple[int, ...],
    points: Float[Array, "T J 3"],
    world: Float[Array, "T J 3 3"],
    free: Bool[Array, "T"],
    ankle_target: Float[Array, "T 3"],
    foot_turn: Float[Array, "T 3 3"] | None,
    out: Float[Array, "T J 3 3"],
) -> None:
    """Write the local rotations of hip, knee and ankle that reach the target into ``out``.

    Args:
        leg: its joints.
        parents: parent of each joint of the skeleton.
        points: world positions of all joints before, metres.
        world: their world rotations before.
        free: frames in which the limb may be rotated.
        ankle_target: target position of the ankle, metres.
        foot_turn: rotation of the foot, in world axes; None if it keeps its orientation.
        out: local rotations of all joints, which are written to.
    """
    hip, knee, ankle = (points[:, j] for j in (leg.hip, leg.knee, leg.ankle))
    bent = bend_leg(hip, knee, ankle, ankle_target, world[:, leg.hip])
    if bent is None:
        return
    thigh, shin = bent
    above_hip = (
        world[:, parents[leg.hip]]
        if parents[leg.hip] >= 0
        else np.broadcast_to(np.eye(3), world[:, 0].shape)
    )
    foot_world = world[:, leg.ankle] if foot_turn is None else foot_turn @ world[:, leg.ankle]
    # Joints between hip and knee (twist bones) keep their local rotation and turn with the thigh.
    # So ``thigh`` cancels at the knee, whose parent in ``world`` is the one before the change.
    for joint, parent_world, new_world in (
        (leg.hip, above_hip, thigh @ world[:, leg.hip]),
        (leg.knee, world[:, parents[leg.knee]], shin @ world[:, leg.knee]),
        (leg.ankle, thigh @ shin @ world[:, parents[leg.ankle]], foot_world),
    ):
        if joint != leg.ankle or not leg.stiff:
            out[free, joint] = (np.swapaxes(parent_world, -1, -2) @ new_world)[free]


def reach_hand(
    arm: tuple[int, int, int],
    parents: tuple[int, ...],
    points: Float[Array, "T J 3"],
    world: Float[Array, "T J 3 3"],
    target: Float[Array, "T 3"],
    out: Float[Array, "T J 3 3"],
) -> None:
    """Write the local rotations of shoulder, elbow and wrist that bring the wrist to a target.

    The elbow moves as little as possible: of the circle of positions from which the wrist reaches
    the target, it takes the nearest. Swinging the whole arm, as :func:`bend_leg` does, would move
    the elbow far when the hand is close to the shoulder. The hand keeps its orientation. Arguments
    that are not listed are those of :func:`turn_limb`.

    Args:
        arm: shoulder, elbow and wrist.
    """
    shoulder, elbow, wrist = arm
    bones = points[:, elbow] - points[:, shoulder], points[:, wrist] - points[:, elbow]
    upper, lower = (np.linalg.norm(bone, axis=1, keepdims=True) for bone in bones)
    reach = target - points[:, shoulder]
    size = np.linalg.norm(reach, axis=1, keepdims=True)
    axis = reach / np.maximum(size, 1e-9)
    size = np.clip(size, np.abs(upper - lower) + 1e-6, upper + lower - 1e-6)
    cosine = np.clip((upper**2 + size**2 - lower**2) / (2 * upper * size), -1, 1)
    aside = bones[0] - (bones[0] * axis).sum(axis=1, keepdims=True) * axis
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    new = upper * (cosine * axis + np.sqrt(1 - cosine**2) * aside)
    turn, lower_turn = shortest_arc(bones[0], new), shortest_arc(bones[1], size * axis - new)
    above = world[:, parents[shoulder]]
    # Joints between shoulder and elbow, and between elbow and wrist, rotate with the bone above.
    for joint, parent_world, new_world in (
        (shoulder, above, turn @ world[:, shoulder]),
        (elbow, turn @ world[:, parents[elbow]], lower_turn @ world[:, elbow]),
        (wrist, lower_turn @ world[:, parents[wrist]], world[:, wrist]),
    ):
        out[:, joint] = np.swapaxes(parent_world, -1, -2) @ new_world


def _knee_axis(
    up: Float[Array, "T 3"], down: Float[Array, "T 3"], hip_world: Float[Array, "T 3 3"]
) -> Float[Array, "T 3"] | None:
    """Unit axis about which the knee bends, in world axes; None if the leg is always straight."""
    axis = np.cross(up, down)
    size = np.linalg.norm(axis, axis=1, keepdims=True)
    # The cross product grows with the bend, so the sum gives more weight to frames that determine
    # the axis well. It is taken in the thigh's frame, in which a knee is a hinge with a fixed axis.
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

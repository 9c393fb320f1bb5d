"""Axes of a body in poses and motions: its trunk, its heading, and the hinges of knees and elbows.

Joints are given by role. All functions take the positions of many frames.
"""

import numpy as np
from jaxtyping import Float

from mmm.motion.clip import Motion
from mmm.motion.humanoid import RoleMap
from mmm.motion.roles import ROLES
from mmm.motion.rotations import about_vertical

Array = np.ndarray

SIDES = ("left", "right")
_MIN_SINE = 0.1
"""Smallest mean sine of the angle at a knee or elbow that determines its axis."""


def joint_of(role_map: RoleMap, role: str) -> int:
    """The joint of a role; -1 if the skeleton has none."""
    return int(role_map.joints[ROLES.index(role)])


def middle(points: Float[Array, "T J 3"], role_map: RoleMap, role: str) -> Float[Array, "T 3"]:
    """The point between the left and the right joint of a role, metres."""
    return np.asarray(
        points[:, [joint_of(role_map, f"{side}_{role}") for side in SIDES]].mean(axis=1)
    )


def across(points: Float[Array, "T J 3"], role_map: RoleMap, role: str) -> Float[Array, "T 3"]:
    """The vector from the right to the left joint of a role, metres."""
    left, right = (points[:, joint_of(role_map, f"{side}_{role}")] for side in SIDES)
    return np.asarray(left - right)


def least_upright(points: Float[Array, "T J 3"], role_map: RoleMap) -> Float[Array, "T"]:
    """The smallest cosine between the vertical and the trunk or a leg."""
    vectors = [middle(points, role_map, "shoulder") - middle(points, role_map, "hip")]
    for side in SIDES:
        hip, ankle = (points[:, joint_of(role_map, f"{side}_{role}")] for role in ("hip", "ankle"))
        vectors.append(hip - ankle)
    return np.min([v[:, 1] / np.maximum(np.linalg.norm(v, axis=1), 1e-9) for v in vectors], axis=0)


def headings(points: Float[Array, "T J 3"], role_map: RoleMap) -> Float[Array, "T 3 3"]:
    """The rotations about Y from +Z to where the body faces, which is *left x up*."""
    lines = across(points, role_map, "hip") + across(points, role_map, "shoulder")
    return about_vertical(np.arctan2(-lines[:, 2], lines[:, 0]))


def hinges(
    motion: Motion, role_map: RoleMap, limb: tuple[str, str, str]
) -> tuple[Float[Array, "3"], Float[Array, "3"]] | None:
    """The axis about which the middle joint of a limb bends, in the upper and the middle joint.

    The axis is that of the rotation from the upper to the lower bone, averaged over the frames. The
    cross product of both bones grows with the bend, so the mean gives more weight to frames that
    determine the axis well.

    Returns:
        Unit vectors in the frames of the first and the second joint; None for a limb that is
        straight throughout.
    """
    upper, knee, lower = (joint_of(role_map, role) for role in limb)
    points, world = motion.positions(), motion.world_rotations()
    bones = points[:, knee] - points[:, upper], points[:, lower] - points[:, knee]
    axes = np.cross(*bones)
    lengths = np.linalg.norm(bones[0], axis=1) * np.linalg.norm(bones[1], axis=1)
    first, second = (
        np.einsum("tji,tj->ti", world[:, joint], axes).mean(axis=0) for joint in (upper, knee)
    )
    size = np.linalg.norm(first)
    if size < _MIN_SINE * max(float(lengths.mean()), 1e-9):
        return None
    return first / size, second / max(float(np.linalg.norm(second)), 1e-9)


def basis(primary: Float[Array, "3"], secondary: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Orthonormal axes as columns: ``primary``, the part of ``secondary`` orthogonal to it, and
    their cross product."""
    x = primary / max(float(np.linalg.norm(primary)), 1e-9)
    y = secondary - (x @ secondary) * x
    y /= max(float(np.linalg.norm(y)), 1e-9)
    return np.stack([x, y, np.cross(x, y)], axis=1)

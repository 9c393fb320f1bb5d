"""The direction in which a body faces, and rotations of a motion about the vertical axis."""

import numpy as np
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.motion.clip import Motion
from mmm.motion.joint_names import joint_side
from mmm.motion.role_finding import find_roles
from mmm.motion.rotations import about_vertical
from mmm.motion.skeleton import Skeleton, forward_kinematics

Array = np.ndarray

FACINGS = {"z": 0.0, "x": 90.0, "-z": 180.0, "-x": -90.0}
"""Horizontal axes, and the angle about Y from +Z to each, degrees."""
_TOGETHER_M = 0.02  # joints that are closer than this give no direction
# Smallest horizontal share of the lines from right to left joints. A body that lies on its side has
# vertical lines, and so no facing.
_LEAST_ACROSS = 0.3


def parse_facing(text: str) -> str:
    """One of ``FACINGS`` from ``x``, ``+x`` or ``-x``, and likewise for z.

    Raises:
        SpecError: another text.
    """
    name = text.strip().lower().removeprefix("+")
    if name not in FACINGS:
        raise SpecError(f"facing {text}", "no horizontal axis", ", ".join(FACINGS))
    return name


def facing_deg(motion: Motion, frame: int = 0) -> float | None:
    """The facing of a body at a frame: degrees about Y, 0 = +Z, 90 = +X, from -180 to 180.

    Forward is *left x up*. Left is the horizontal part of the sum of two lines: from the right hip
    to the left one, and from the right shoulder (or collar) to the left one. The result is None if
    the names do not tell left from right, or if these lines are steep because the body lies on its
    side.
    """
    skeleton = motion.skeleton
    pairs = _sided_pairs(skeleton)
    positions, _ = forward_kinematics(
        skeleton, motion.rotations[frame : frame + 1], motion.root_m[frame : frame + 1]
    )
    across, length = np.zeros(3), 0.0
    for joints in pairs:
        for left, right in joints:
            line = positions[0, left].astype(np.float64) - positions[0, right]
            apart = float(np.linalg.norm(line))
            # Some skeletons begin both legs in one place; the next pair down the limb counts then.
            if apart > _TOGETHER_M:
                across, length = across + line, length + apart
                break
    if length <= 0 or np.hypot(across[0], across[2]) < _LEAST_ACROSS * length:
        return None
    return float(np.degrees(np.arctan2(-across[2], across[0])))


def _sided_pairs(skeleton: Skeleton) -> list[list[tuple[int, int]]]:
    """Left and right joints of legs and of arms, from the trunk outwards, in pairs."""
    limbs = []
    for limb in ("leg", "arm"):
        left, right = (
            [
                j
                for j, name in enumerate(skeleton.names)
                if skeleton.limbs[j] == f"{side}_{limb}" and joint_side(name) == side
            ]
            for side in ("left", "right")
        )
        limbs.append(list(zip(left, right, strict=False)))
    if any(limbs):
        return limbs
    # Names in other languages or spellings are known to the role finder alone.
    roles = find_roles(skeleton, {})
    return [
        [
            (roles[f"left_{role}"], roles[f"right_{role}"])
            for role in group
            if f"left_{role}" in roles and f"right_{role}" in roles
        ]
        for group in (("hip", "knee"), ("collar", "shoulder"))
    ]


def nearest_axis(degrees: float) -> tuple[str, float]:
    """The nearest axis of ``FACINGS``, and the angle from it, -45 to 45 degrees."""
    off = {name: (degrees - angle + 180) % 360 - 180 for name, angle in FACINGS.items()}
    name = min(off, key=lambda axis: abs(off[axis]))
    return name, off[name]


def turned_to_face(motion: Motion, facing: str) -> Motion:
    """The motion turned about the vertical through the origin so that its first frame faces an
    axis.

    Raises:
        SpecError: the facing cannot be determined.
    """
    now = facing_deg(motion)
    if now is None:
        raise SpecError(
            f"facing {facing}",
            "which way the body faces at the first frame cannot be told: no left and "
            "right by name, or lying on its side",
            "a body that stands",
            "leave it out",
        )
    turn = np.radians(FACINGS[facing] - now)
    return turned(motion, about_vertical(turn).astype(np.float32))


def turned(motion: Motion, turn: Float[Array, "3 3"]) -> Motion:
    """The motion rotated about the origin by a matrix."""
    rotations = motion.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    return Motion(motion.skeleton, rotations, motion.root_m @ turn.T, motion.fps)

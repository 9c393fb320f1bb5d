"""Control channels to SMPL-24: spine and arms by angles, legs by analytic two-bone inverse
kinematics."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data.dance.controls import INDEX
from data.dance.style import Dancer
from mmm.motion.skeleton import SMPL24

Array = np.ndarray

BALL_HEIGHT_M = 0.025
"""Height of SMPL's foot joint (ball of the foot) above the floor y = 0 when the sole is on it."""
UPRIGHT_M = 0.965
"""Height of the pelvis of an upright dancer whose knees are nearly straight."""
_REACH = 0.992
"""Largest share of a leg's full length; beyond it the pelvis is lowered."""
_ELBOW_RAD = (0.04, 2.4)
"""Limits of the elbow's bend."""
_OFFSETS = SMPL24.offsets_m.astype(float)


@dataclass(frozen=True)
class Pose:
    """Rotations and root of every frame, in float64."""

    rotations: Float[Array, "T 24 3 3"]
    root_m: Float[Array, "T 3"]


def rotation(axis: str, angle_rad: Array) -> Float[Array, "T 3 3"]:
    """Rotation matrices about ``x``, ``y`` or ``z``, one angle for each frame."""
    k = "xyz".index(axis)
    i, j = (k + 1) % 3, (k + 2) % 3
    matrices = np.zeros((*np.shape(angle_rad), 3, 3))
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    # Right-handed: a positive angle about y turns +z towards +x.
    matrices[..., k, k] = 1
    matrices[..., i, i], matrices[..., j, j] = c, c
    matrices[..., j, i], matrices[..., i, j] = s, -s
    return matrices


def pose(values: Float[Array, "T C"], dancer: Dancer) -> Pose:
    """The pose of each frame from its channels, which include the dancer's posture."""
    channels = {name: values[:, k] for name, k in INDEX.items()}
    # Hands and everything unnamed keep the rest pose.
    rotations = np.tile(np.eye(3), (len(values), 24, 1, 1))
    # SMPL's joints 3, 6 and 9 are spine1 to spine3.
    for k, joint in ((1, 3), (2, 6), (3, 9)):
        rotations[:, joint] = _bend(channels, f"spine{k}")
    # Neck and head take half of the rotation each.
    for joint in (12, 15):
        rotations[:, joint] = _bend(channels, "head", 0.5)
    for side, sign, first in (("l", 1, 13), ("r", -1, 14)):
        _arm(rotations, channels, side, sign, first)
    # Each foot orbits the dancer's spot by itself; the body faces the mean of both.
    heading = (channels["lf_orbit"] + channels["rf_orbit"]) / 2
    facing = heading + channels["pelvis_yaw"]
    pelvis = (
        rotation("y", facing)
        @ rotation("z", channels["pelvis_roll"])
        @ rotation("x", channels["pelvis_pitch"])
    )
    rotations[:, 0] = pelvis
    feet = {side: _foot(channels, side, sign, dancer) for side, sign in (("l", 1), ("r", -1))}
    root = _root(
        channels, heading, pelvis, {side: ankle for side, (ankle, _, _) in feet.items()}, dancer
    )
    for side, sign, hip in (("l", 1, 1), ("r", -1, 2)):
        ankle, foot, yaw = feet[side]
        # A knee points between foot and pelvis, slightly outwards.
        knee_facing = 0.5 * (yaw + facing) + 0.06 * sign
        _leg(rotations, pelvis, root, ankle, foot, knee_facing, hip)
        # Toes stay on the floor.
        rotations[:, hip + 9] = rotation("x", -0.8 * np.maximum(channels[f"{side}f_tip"], 0))
    return Pose(rotations, root)


def _bend(channels: dict[str, Array], name: str, share: float = 1.0) -> Array:
    yaw, roll, pitch = (share * channels[f"{name}_{way}"] for way in ("yaw", "roll", "pitch"))
    # Yaw is outermost, so that a bend happens in the turned body's own plane.
    return rotation("y", yaw) @ rotation("z", roll) @ rotation("x", pitch)


def _arm(rotations: Array, channels: dict[str, Array], side: str, sign: int, first: int) -> None:
    """Collar, shoulder, elbow, wrist; the rest pose holds the arm out sideways, ``sign`` is its
    x."""
    get = {
        part: channels[f"{side}_{part}"]
        for part in ("raise", "reach", "swing", "fwd", "down", "twist", "elbow", "wrist")
    }
    rotations[:, first] = rotation("y", -sign * get["reach"]) @ rotation("z", sign * get["raise"])
    rotations[:, first + 3] = (
        rotation("x", -get["swing"])
        @ rotation("y", -sign * get["fwd"])
        @ rotation("z", -sign * get["down"])
        @ rotation("x", -get["twist"])
    )
    # Two soft minima clamp from both sides; a hard limit would show as a jump of speed.
    bend = -_soft_min(-_soft_min(get["elbow"], _ELBOW_RAD[1], 0.15), -_ELBOW_RAD[0], 0.15)
    rotations[:, first + 5] = rotation("y", -sign * bend)
    rotations[:, first + 7] = rotation("z", -sign * get["wrist"])


def _foot(
    channels: dict[str, Array], side: str, sign: int, dancer: Dancer
) -> tuple[Array, Array, Array]:
    """The ankle's position, the foot's rotation, and its yaw. Moves place the ball of the foot."""
    get = {part: channels[f"{side}f_{part}"] for part in ("x", "z", "y", "yaw", "tip", "orbit")}
    local = np.stack(
        [sign * dancer.stance_m + get["x"], BALL_HEIGHT_M + get["y"], 0.06 + get["z"]], axis=-1
    )
    ball = np.einsum("tij,tj->ti", rotation("y", get["orbit"]), local)
    yaw = get["orbit"] + sign * dancer.turnout_rad + get["yaw"]
    # The bone from ankle to ball points a little outwards; turn the foot so that yaw says where the
    # toes point.
    foot = rotation("y", yaw - sign * 0.25) @ rotation("x", get["tip"])
    joint = 10 if side == "l" else 11
    return ball - foot @ _OFFSETS[joint], foot, yaw


def _root(
    channels: dict[str, Array],
    heading: Array,
    pelvis: Array,
    ankles: dict[str, Array],
    dancer: Dancer,
) -> Array:
    """The position of the pelvis above the feet, no higher than both legs reach."""
    ground = np.stack(
        [
            (channels["lf_step_x"] + channels["rf_step_x"]) / 2 + channels["sway_x"],
            np.zeros_like(heading),
            (channels["lf_step_z"] + channels["rf_step_z"]) / 2 + channels["sway_z"],
        ],
        axis=-1,
    )
    # Sway and steps are written in the dancer's own directions.
    root = np.einsum("tij,tj->ti", rotation("y", heading), ground)
    height = UPRIGHT_M - dancer.crouch_m + channels["lift"]
    for side, hip in (("l", 1), ("r", 2)):
        arm = pelvis @ _OFFSETS[hip]
        away = ankles[side] - root - arm
        flat = away[:, 0] ** 2 + away[:, 2] ** 2
        reach = _REACH * (np.linalg.norm(_OFFSETS[hip + 3]) + np.linalg.norm(_OFFSETS[hip + 6]))
        # Pythagoras on hip and ankle. The floor of 0.04 is for a foot out of reach, whose root
        # would be imaginary.
        highest = ankles[side][:, 1] + np.sqrt(np.maximum(reach**2 - flat, 0.04)) - arm[:, 1]
        height = _soft_min(height, highest)
    root[:, 1] = height
    return root


def _soft_min(a: Array, b: Array | float, width: float = 0.012) -> Array:
    """A smooth minimum: rounded where both differ by less than ``width``, never above either."""
    return 0.5 * (a + b - np.sqrt((a - b) ** 2 + width**2))


def _leg(
    rotations: Array, pelvis: Array, root: Array, ankle: Array, foot: Array, facing: Array, hip: int
) -> None:
    """Set the hip, knee and ankle rotations that reach the ankle's target; the knee is a hinge about
    its x axis."""
    thigh, shin = _OFFSETS[hip + 3], _OFFSETS[hip + 6]
    target = ankle - (root + pelvis @ _OFFSETS[hip])
    # |thigh + Rx(bend) shin| = distance, solved for bend: A cos + B sin = C, the larger root (knee
    # forward).
    a = thigh[1] * shin[1] + thigh[2] * shin[2]
    b = thigh[2] * shin[1] - thigh[1] * shin[2]
    c = (np.sum(target**2, axis=-1) - thigh @ thigh - shin @ shin) / 2 - thigh[0] * shin[0]
    bend = np.arctan2(b, a) + np.arccos(np.clip(c / np.hypot(a, b), -1, 1))
    knee = rotation("x", bend)
    local = thigh + knee @ shin
    hinge = np.stack([np.cos(facing), np.zeros_like(facing), -np.sin(facing)], axis=-1)
    # The rotation from the bent leg's direction and knee axis to the target ones.
    world = _frame(target, hinge) @ np.swapaxes(_frame(local, np.array([1.0, 0, 0])), -1, -2)
    rotations[:, hip] = np.swapaxes(pelvis, -1, -2) @ world
    rotations[:, hip + 3] = knee
    # The foot's rotation is a world rotation, so those of leg and knee are removed.
    rotations[:, hip + 6] = np.swapaxes(world @ knee, -1, -2) @ foot


def _frame(along: Array, side: Array) -> Array:
    """Columns: the direction ``along``, ``side`` orthogonalised to it, and their cross product."""
    x = along / np.linalg.norm(along, axis=-1, keepdims=True)
    y = side - np.sum(side * x, axis=-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)

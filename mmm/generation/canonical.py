"""Poses that do not depend on a file's rest pose, so that movement fits another person's body.

Joint roles keep the rest pose of the file that they come from. Here each role gets an anatomical
frame: one axis is the direction of the bone, another the hinge of the elbow or knee. In these
frames the T-pose that faces +z is the identity for everybody. A constant rotation for each role
leads from one description to the other; a calibration fits it on a stretch of motion. This is
motion retargeting by rest-pose alignment, with a fitted alignment.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mmm.arrays import unit_vectors
from mmm.motion.clip import Motion
from mmm.motion.humanoid import RoleMap
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.rotations import matrix_to_rotvec, project_to_so3, rotvec_to_matrix

Array = np.ndarray

_INDEX = {role: index for index, role in enumerate(ROLES)}
_AIMS = {
    **{
        f"left_{joint}": (f"left_{child}", (1.0, 0.0, 0.0))
        for joint, child in (("shoulder", "elbow"), ("elbow", "wrist"))
    },
    **{
        f"right_{joint}": (f"right_{child}", (-1.0, 0.0, 0.0))
        for joint, child in (("shoulder", "elbow"), ("elbow", "wrist"))
    },
    **{
        f"{side}_{joint}": (f"{side}_{child}", (0.0, -1.0, 0.0))
        for side in ("left", "right")
        for joint, child in (("hip", "knee"), ("knee", "ankle"))
    },
}
"""Roles whose bone direction is kept exactly, with the role at its end and its T-pose direction."""
_SAME_REST_AS = {
    "spine1": "pelvis",
    "spine2": "spine3",
    "neck": "spine3",
    "head": "spine3",
    "left_collar": "spine3",
    "right_collar": "spine3",
    "left_wrist": "left_elbow",
    "right_wrist": "right_elbow",
    "left_toe": "left_ankle",
    "right_toe": "right_ankle",
}
"""Roles that share the orientation of another role in nearly every rest pose."""
_REST_TOLERANCE = np.radians(45)
"""A larger angle to the other role means that the file's rest pose is no standing figure."""
_PRIOR = 0.02
"""Weight of the parent's frame, which decides only where a straight limb shows no hinge axis."""
_STANDS_M_S = 0.4
"""Feet slower than this, metres per second, count as flat on the floor."""


def heading(rotation: Float[Array, "*b 3 3"]) -> Float[Array, "*b"]:
    """Heading of an anatomical pelvis frame: radians about +y, 0 towards +z."""
    # The axis across the hips stays level when somebody bends forward; the forward axis does not.
    across = rotation[..., 0]
    return np.asarray(np.arctan2(-across[..., 2], across[..., 0]))


def turn_y(angle: Float[Array, "*b"]) -> Float[Array, "*b 3 3"]:
    """Rotations about +y by angles in radians."""
    c, s = np.cos(angle), np.sin(angle)
    zero, unit = np.zeros_like(c), np.ones_like(c)
    rows = [c, zero, s, zero, unit, zero, -s, zero, c]
    return np.stack(rows, -1).reshape(*np.shape(angle), 3, 3)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Rotations from one body's roles to anatomical frames, and the sizes of that body."""

    local: Float[Array, "22 3 3"]
    """The anatomical frame of a role is its world rotation @ local."""
    leg_m: float
    """Length of thigh and shin together."""
    ankle_m: float
    """Height of an ankle over the floor when its foot is down."""
    hips_local_m: Float[Array, "3"]
    """From the pelvis joint to the middle between the hips, in the pelvis role's axes."""

    @staticmethod
    def of(roles: RoleMap, motion: Motion) -> "Calibration":
        """Fit a calibration on half a second or more of this skeleton's motion.

        Args:
            roles: which joint plays which role.
            motion: any movement; bent elbows and knees make the fit more certain.
        """
        role_motion = roles.to_roles(motion)
        world = role_motion.world_rotations().astype(np.float64)
        points = role_motion.positions().astype(np.float64)
        # to_roles puts roles without a joint where the parent role is.
        frames, weights = anatomical_frames(points, motion.fps)
        # Orthogonal Procrustes: the projection of the weighted sum is the least-squares rotation.
        moment = np.einsum("tr,trji,trjk->rik", weights, world, frames)
        local = project_to_so3(moment)[0].astype(np.float64)
        local = _same_rest(local, roles)
        offsets = role_motion.skeleton.offsets_m.astype(np.float64)
        _aim(local, offsets, roles)
        hips = (offsets[_INDEX["left_hip"]] + offsets[_INDEX["right_hip"]]) / 2
        bones = [offsets[_INDEX[f"{s}_{j}"]] for s in ("left", "right") for j in ("knee", "ankle")]
        leg = 2 * np.mean([np.linalg.norm(bone) for bone in bones])
        # A low percentile instead of the minimum, so that one bad frame does not set the floor.
        ankles = points[:, [_INDEX["left_ankle"], _INDEX["right_ankle"]], 1].min(axis=1)
        return Calibration(local, float(max(leg, 1e-3)), float(np.percentile(ankles, 5)), hips)

    def anatomical(self, roles: RoleMap, motion: Motion) -> "Poses":
        """Poses of a motion of this body, independent of its rest pose and size."""
        role_motion = roles.to_roles(motion)
        world = role_motion.world_rotations().astype(np.float64)
        hips = role_motion.root_m + np.einsum("tij,j->ti", world[:, 0], self.hips_local_m)
        hips = (hips - np.array([0.0, self.ankle_m, 0.0])) / self.leg_m
        return Poses(world @ self.local, hips)

    def roles_of(self, poses: "Poses", roles: RoleMap, fps: float) -> Motion:
        """Motion of this body's roles in given poses, with the pelvis at a height at which the
        ankles rest on the floor."""
        world = poses.world @ np.swapaxes(self.local, -1, -2)
        hips = poses.hips * self.leg_m + np.array([0.0, self.ankle_m, 0.0])
        root = hips - np.einsum("tij,j->ti", world[:, 0], self.hips_local_m)
        local = world.copy()
        for r, parent in enumerate(ROLE_PARENTS[1:], start=1):
            # The inverse of a rotation is its transpose.
            local[:, r] = np.swapaxes(world[:, parent], -1, -2) @ world[:, r]
        return Motion(roles.role_skeleton, project_to_so3(local)[0], root, fps)


@dataclass(frozen=True, eq=False)
class Poses:
    """Anatomical world frames, and positions of the hips in leg lengths; an ankle at rest has
    height 0."""

    world: Float[Array, "T 22 3 3"]
    hips: Float[Array, "T 3"]

    def __len__(self) -> int:
        return len(self.hips)

    def moved(self, angle: float, shift: Float[Array, "3"]) -> "Poses":
        """These poses turned about the vertical through the origin, then shifted."""
        turn = turn_y(np.array(angle))
        return Poses(turn @ self.world, self.hips @ turn.T + shift)

    def part(self, part: slice) -> "Poses":
        """Some of the frames."""
        return Poses(self.world[part], self.hips[part])


def anatomical_frames(
    points: Float[Array, "T 22 3"], fps: float
) -> tuple[Float[Array, "T 22 3 3"], Float[Array, "T 22"]]:
    """Frames of all roles from joint positions alone, and the certainty of each.

    Args:
        points: world positions of the roles, metres.
        fps: frames a second.
    """
    count = len(points)
    frames = np.tile(np.eye(3), (count, len(ROLES), 1, 1))
    weights = np.full((count, len(ROLES)), _PRIOR)
    positions = {role: points[:, index] for role, index in _INDEX.items()}
    hips = (positions["left_hip"] + positions["right_hip"]) / 2
    up = (positions["left_shoulder"] + positions["right_shoulder"]) / 2 - hips
    pelvis = _frame_x(positions["left_hip"] - positions["right_hip"], up)
    chest = _frame_x(positions["left_shoulder"] - positions["right_shoulder"], up)
    # Positions of spine and neck do not determine twist, so they take the frame of the hips or of
    # the shoulders.
    for role in ("pelvis", "spine1"):
        frames[:, _INDEX[role]], weights[:, _INDEX[role]] = pelvis, 1
    for role in ("spine2", "spine3", "neck", "head", "left_collar", "right_collar"):
        frames[:, _INDEX[role]], weights[:, _INDEX[role]] = chest, 1
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _arm(positions, side, sign, chest, frames, weights)
        _leg(positions, side, pelvis, fps, frames, weights)
    return frames, weights


def _arm(
    positions: dict[str, Array], side: str, sign: float, chest: Array, frames: Array, weights: Array
) -> None:
    upper = unit_vectors(positions[f"{side}_elbow"] - positions[f"{side}_shoulder"])
    forearm = unit_vectors(positions[f"{side}_wrist"] - positions[f"{side}_elbow"])
    hinge = np.cross(upper, forearm)
    # The sine of the elbow's angle. Positions of a straight arm do not determine the hinge axis.
    bend = np.linalg.norm(hinge, axis=-1)
    # In the T-pose the forearm bends forward: about -y on the left, +y on the right.
    rest = _swung(chest, np.array([sign, 0.0, 0.0]), upper)
    axis = unit_vectors(-sign * hinge * bend[:, None] ** 2 + _PRIOR * rest[..., 1])
    for role, bone in (("shoulder", upper), ("elbow", forearm), ("wrist", forearm)):
        index = _INDEX[f"{side}_{role}"]
        frames[:, index] = _frame_x(sign * bone, axis)
        weights[:, index] = bend**2 + _PRIOR


def _leg(
    positions: dict[str, Array], side: str, pelvis: Array, fps: float, frames: Array, weights: Array
) -> None:
    thigh = unit_vectors(positions[f"{side}_knee"] - positions[f"{side}_hip"])
    shin = unit_vectors(positions[f"{side}_ankle"] - positions[f"{side}_knee"])
    hinge = np.cross(thigh, shin)
    bend = np.linalg.norm(hinge, axis=-1)
    rest = _swung(pelvis, np.array([0.0, -1.0, 0.0]), thigh)
    axis = unit_vectors(hinge * bend[:, None] ** 2 + _PRIOR * rest[..., 0])
    for role, bone in (("hip", thigh), ("knee", shin)):
        frames[:, _INDEX[f"{side}_{role}"]] = _frame_y(-bone, axis)
        weights[:, _INDEX[f"{side}_{role}"]] = bend**2 + _PRIOR
    # A standing foot is level, and its toes give its direction. For a foot in the air, ankle and
    # toe do not determine the roll, so the foot takes the frame of the shin.
    foot = positions[f"{side}_toe"] - positions[f"{side}_ankle"]
    forward = np.linalg.norm(foot, axis=-1) > 0.02
    level = foot * np.array([1.0, 0.0, 1.0])
    flat = _frame_y(np.broadcast_to([0.0, 1.0, 0.0], foot.shape), np.cross([0.0, 1.0, 0.0], level))
    speed = np.maximum(
        _speed(positions[f"{side}_ankle"], fps), _speed(positions[f"{side}_toe"], fps)
    )
    low = (
        positions[f"{side}_ankle"][:, 1] < np.percentile(positions[f"{side}_ankle"][:, 1], 5) + 0.05
    )
    stands = forward & low & (speed < _STANDS_M_S)
    above = _frame_y(-shin, axis)
    for role in ("ankle", "toe"):
        index = _INDEX[f"{side}_{role}"]
        frames[:, index] = np.where(stands[:, None, None], flat, above)
        weights[:, index] = np.where(stands, 1.0, _PRIOR)


def _same_rest(local: Array, roles: RoleMap) -> Array:
    """Give roles the calibration of the role with the same rest orientation, unless data contradicts
    it."""
    # The fit alone is not reliable: a person may look aside during the whole seed, and the fit
    # would take that for the rest pose.
    result = local.copy()
    for role, other in _SAME_REST_AS.items():
        r, o = _INDEX[role], _INDEX[other]
        angle = np.linalg.norm(matrix_to_rotvec((local[o].T @ local[r])[None])[0])
        if not roles.present[r] or angle < _REST_TOLERANCE:
            result[r] = result[o]
    return result


def _aim(local: Array, offsets: Array, roles: RoleMap) -> None:
    """Rotate calibrations by the smallest angle that aligns each limb with its frame, in place."""
    for role, (child, direction) in _AIMS.items():
        r, c = _INDEX[role], _INDEX[child]
        size = np.linalg.norm(offsets[c])
        if not (roles.present[r] and roles.present[c]) or size < 1e-6:
            continue
        now, target = local[r] @ np.array(direction), offsets[c] / size
        local[r] = _shortest_arc(now[None], target[None])[0] @ local[r]


def _swung(frame: Array, rest: Float[Array, "3"], bone: Float[Array, "T 3"]) -> Array:
    """The parent's frame after the smallest rotation that brings its rest direction onto a bone."""
    return _shortest_arc(frame @ rest, bone) @ frame


def _shortest_arc(a: Float[Array, "T 3"], b: Float[Array, "T 3"]) -> Float[Array, "T 3 3"]:
    """The rotations by the smallest angle from one unit vector to another."""
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (a * b).sum(-1, keepdims=True))
    return rotvec_to_matrix(axis / np.maximum(sine, 1e-9) * angle).astype(np.float64)


def _speed(points: Float[Array, "T 3"], fps: float) -> Float[Array, "T"]:
    return (
        np.linalg.norm(np.gradient(points, axis=0), axis=-1) * fps
        if len(points) > 1
        else (np.zeros(len(points)))
    )


def _frame_x(x: Array, near_y: Array) -> Array:
    """Frames with exactly this x axis, and y as near as possible (Gram-Schmidt)."""
    x = unit_vectors(x)
    y = unit_vectors(near_y - (near_y * x).sum(-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _frame_y(y: Array, near_x: Array) -> Array:
    y = unit_vectors(y)
    x = unit_vectors(near_x - (near_x * y).sum(-1, keepdims=True) * y)
    return np.stack([x, y, np.cross(x, y)], axis=-1)

"""Posing a body in one frame: joints as three angles, hands and feet brought to a place.

The angles of a joint are those of its local rotation, in its parent's frame: intrinsic turns about
X, the new Y and the new Z, in degrees. The root's parent is the world.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mmm.errors import ModelError, SpecError
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.facing import facing_deg
from mmm.motion.humanoid import match_roles
from mmm.motion.leg_ik import reach_hand
from mmm.motion.skeleton import Skeleton

Array = np.ndarray
Limb = tuple[int, int, int]

EULER_ORDER = "XYZ"
"""Order of the three angles of a joint."""
FARTHEST_M = 1_000.0
"""No place is farther from the origin than this, metres; what is, is a typo or a wrong unit."""
_LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
_STRAIGHT_M = 1e-3
"""A limb is too straight to tell where it bends if its middle joint is nearer to the line from its
first joint to the place, metres."""


def angles_deg(rotations: Float[Array, "*b 3 3"]) -> Float[Array, "*b 3"]:
    """The three angles of local rotations, degrees, rounded to a hundredth."""
    # Adding zero turns a negative zero into zero, which is what a SPEC should say.
    return np.round(np.degrees(rot.matrix_to_euler(rotations, EULER_ORDER)), 2) + 0.0


def limbs_of(skeleton: Skeleton) -> dict[int, Limb]:
    """The arms and legs of a skeleton by their last joint: first, middle and last joint of each.

    Wrists and ankles are last joints. Empty where the limbs cannot be identified.
    """
    try:
        names = match_roles(skeleton).joint_names
    except ModelError:
        return {}
    limbs = {}
    for side in ("left", "right"):
        for roles in _LIMBS:
            limb = [skeleton.names.index(names[f"{side}_{role}"]) for role in roles]
            limbs[limb[2]] = (limb[0], limb[1], limb[2])
    return limbs


def reach(
    motion: Motion, frame: int, joint: int, target_m: Float[Array, "3"]
) -> dict[int, Float[Array, "3 3"]]:
    """Bend an arm or a leg in one frame so that its wrist or ankle reaches a position.

    The elbow or knee moves as little as possible; the hand or foot keeps its orientation. A target
    out of reach is approached as far as the limb allows.

    Args:
        motion: the motion; it does not change.
        joint: a wrist or an ankle, see :func:`limbs_of`.
        target_m: world position, metres.

    Returns:
        New local rotations of the limb's three joints, by joint.

    Raises:
        SpecError: the joint is no wrist or ankle, or the position is not finite or too far away.
    """
    name, limbs = motion.skeleton.names[joint], limbs_of(motion.skeleton)
    if joint not in limbs:
        ends = ", ".join(motion.skeleton.names[end] for end in limbs) or "a known humanoid"
        raise SpecError(f"joint {name!r}", "no hand or foot", ends, "turn the joint instead")
    target = np.asarray(target_m, dtype=np.float64)
    check_place(f"place of {name!r}", target.tolist())
    limb, solved = limbs[joint], motion.crop(frame, frame + 1)
    # The second pass removes what a bend out of a straight limb leaves.
    for _ in range(2):
        points, world = (
            values.astype(np.float64) for values in (solved.positions(), solved.world_rotations())
        )
        points[0, limb[1]] += _bend(solved, limb, target)
        rotations = solved.rotations.copy()
        reach_hand(limb, motion.skeleton.parents, points, world, target[None], rotations)
        solved = Motion(motion.skeleton, rotations, solved.root_m, motion.fps)
    return {j: solved.rotations[0, j] for j in limb}


def check_place(source: str, place_m: Sequence[float]) -> None:
    """Check that a position can be meant.

    Raises:
        SpecError: it is not finite or too far away.
    """
    if not all(abs(value) <= FARTHEST_M for value in place_m):  # NaN is not either
        raise SpecError(
            source,
            f"{list(place_m)} m",
            f"finite numbers within {FARTHEST_M:g} m",
            "choose a place in the room",
        )


def _bend(motion: Motion, limb: Limb, target: Float[Array, "3"]) -> Float[Array, "3"]:
    """How far the middle joint of a straight limb is moved, so that it knows where to bend.

    Knees bend to the front and elbows to the back. Zero for a limb that is bent.

    Args:
        motion: of a single frame.
    """
    points = motion.positions()[0].astype(np.float64)
    upper, axis = points[limb[1]] - points[limb[0]], target - points[limb[0]]
    axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
    if np.linalg.norm(upper - (upper @ axis) * axis) >= _STRAIGHT_M:
        return np.zeros(3)
    front = rot.about_vertical(np.radians(facing_deg(motion) or 0.0))[:, 2]
    sign = 1 if motion.skeleton.limbs[limb[2]].endswith("leg") else -1
    # A limb that points to the front or the back bends up or down instead.
    for direction in (sign * front, np.array([0.0, sign, 0.0])):
        across = direction - (direction @ axis) * axis
        if np.linalg.norm(across) > 0.1:
            break
    return np.asarray(2 * _STRAIGHT_M * across / np.linalg.norm(across))

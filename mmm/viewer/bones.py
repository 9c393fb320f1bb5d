"""Which joints of a skeleton are drawn, and from where to where their bones go.

Rigs hold joints that are no part of the body: dummies, twist bones, targets of inverse kinematics,
props, a root on the floor. A body drawn with them has balls and long lines where nobody has limbs.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mmm.motion.joint_names import is_accessory, is_end, is_helper
from mmm.motion.skeleton import Skeleton, ancestors

Array = np.ndarray

START, UNDRAWN = -1, -2
"""In place of the joint where a bone begins: the body begins here; no bone is drawn."""
_FARTHEST_TIP = 0.37  # farthest tip of a head, hand or foot, as a share of a leg's length
_NO_LENGTH_M = 1e-3


def bone_starts(skeleton: Skeleton, leg_m: float) -> tuple[int, ...]:
    """For each joint the joint where its bone begins, or ``START`` or ``UNDRAWN``.

    Helpers and joints that lie on their parent are passed over where the body goes on behind them,
    and are not drawn where it does not. Above the joint from which all limbs branch off, nothing is
    drawn. End joints count as tips while they are near. Without known limbs all joints are drawn.

    Args:
        leg_m: length of a leg, by which tips are judged.
    """
    names, parents = skeleton.names, skeleton.parents
    if len(_limb_roots(skeleton)) < 2:
        return parents
    lengths_m = np.linalg.norm(skeleton.offsets_m, axis=1)
    outside = _outside(skeleton, lengths_m, leg_m)
    inner = {parents[j] for j in range(1, len(names)) if not outside[j]}
    first = trunk_root(skeleton)
    starts = [UNDRAWN] * len(names)
    starts[first] = START
    begins = [j == first for j in range(len(names))]  # joints at which other bones may begin
    for j in range(first + 1, len(names)):
        begin = parents[j]
        while begin > first and not begins[begin]:
            begin = parents[begin]
        # Joints that hang on a root above the trunk, such as props, are no part of the body.
        if outside[j] or begin < first or not begins[begin]:
            continue
        # A bone of no length shows nothing, but the next one begins there, and may be thinner.
        begins[j] = lengths_m[j] < _NO_LENGTH_M or j not in inner or not is_helper(names[j])
        if j not in inner or (lengths_m[j] >= _NO_LENGTH_M and not is_helper(names[j])):
            starts[j] = begin
    return tuple(starts)


def _outside(skeleton: Skeleton, lengths_m: Float[Array, "J"], leg_m: float) -> list[bool]:
    """Joints that are no part of the body, and have no part of it behind them."""
    names, parents, limbs = skeleton.names, skeleton.parents, skeleton.limbs
    outside = [False] * len(names)
    body_behind = [False] * len(names)
    below_accessory = [False] * len(names)
    for j in range(1, len(names)):
        below_accessory[j] = below_accessory[parents[j]] or is_accessory(names[j])
    for j in range(len(names) - 1, 0, -1):
        tip = is_end(names[j]) and not body_behind[j] and lengths_m[j] < _FARTHEST_TIP * leg_m
        helper = is_helper(names[j]) and not tip
        # No bone of a trunk or a head is longer than a leg. That of a prop or a camera may be.
        far = lengths_m[j] > leg_m and limbs[j] in ("torso", "head")
        outside[j] = not body_behind[j] and (helper or far or below_accessory[j])
        body_behind[parents[j]] |= not outside[j]
    return outside


def helper_ends(skeleton: Skeleton) -> set[int]:
    """The helpers that have nothing but helpers behind them."""
    ends = {j for j, name in enumerate(skeleton.names) if is_helper(name)}
    for j in range(len(skeleton) - 1, 0, -1):
        if j not in ends:
            ends.discard(skeleton.parents[j])
    return ends


def trunk_root(skeleton: Skeleton) -> int:
    """The joint from which all arms and legs branch off; 0 where fewer than two are known."""
    roots = _limb_roots(skeleton)
    if len(roots) < 2:
        return 0
    paths = [ancestors(skeleton.parents, joint) for joint in roots]
    # A limb's own first joint is never the trunk, whatever hangs on it.
    return max(set(paths[0]).intersection(*paths[1:]) - set(roots), default=0)


def _limb_roots(skeleton: Skeleton) -> list[int]:
    """The first joint of each arm and leg."""
    roots: dict[str, int] = {}
    for j, limb in enumerate(skeleton.limbs):
        if limb.endswith(("_arm", "_leg")) and not is_helper(skeleton.names[j]):
            roots.setdefault(limb, j)
    return list(roots.values())


def tip_starts(
    tip_parents: Sequence[int],
    lengths_m: Float[Array, "E"],
    starts: tuple[int, ...],
    leg_m: float,
) -> tuple[int, ...]:
    """For each tip the joint where its bone begins, or ``UNDRAWN`` if it is far or off the body."""
    return tuple(
        joint if starts[joint] != UNDRAWN and length_m < _FARTHEST_TIP * leg_m else UNDRAWN
        for joint, length_m in zip(tip_parents, lengths_m, strict=True)
    )

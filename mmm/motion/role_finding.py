"""Assigns joints of a skeleton to roles of a humanoid, by names and by position in the tree.

Limbs are found by name. Along the path from the root to each tip, the four roles of an arm or leg
are assigned to joints in order so that the names fit best (dynamic programming). The trunk needs no
names. The pelvis is where the paths to both hips and both shoulders diverge, and the spine leads
from there to where the paths to the shoulders diverge.
"""

from collections.abc import Collection, Mapping, Sequence

from mmm.motion.joint_names import is_head, is_helper, is_neck, joint_side, role_fits
from mmm.motion.skeleton import Skeleton, ancestors

ARM = ("collar", "shoulder", "elbow", "wrist")
LEG = ("hip", "knee", "ankle", "toe")

_CHOSEN_BY_USER = 1000
"""Score of a joint for a role that the user gave it; larger than the sum of all names' scores."""

# The best assignment of the first k roles of a limb to joints of a path: score, and joints by role.
_Best = tuple[int, dict[int, int]]


def find_roles(skeleton: Skeleton, chosen: Mapping[str, int]) -> dict[str, int]:
    """Joints by role; roles that cannot be identified are left out.

    Args:
        skeleton: any tree of joints.
        chosen: joints by role as a user gave them; they keep these roles.
    """
    sides = _sides(skeleton)
    joints: dict[str, int] = {}
    for side in ("left", "right"):
        for limb in (ARM, LEG):
            joints |= _limb(skeleton, sides, side, limb, chosen)
    joints |= chosen
    # The trunk is found from the limbs, so it comes last and must not displace them.
    return {**_trunk(skeleton, sides, joints, set(chosen.values())), **joints}


def _sides(skeleton: Skeleton) -> list[str]:
    """For each joint ``left``, ``right`` or an empty text: by its name, else as its parent."""
    sides: list[str] = []
    for j, name in enumerate(skeleton.names):
        sides.append(joint_side(name) or (sides[skeleton.parents[j]] if j else ""))
    return sides


def _limb(
    skeleton: Skeleton,
    sides: Sequence[str],
    side: str,
    limb: Sequence[str],
    chosen: Mapping[str, int],
) -> dict[str, int]:
    """Roles of one arm or leg."""
    role_of = {joint: role for role, joint in chosen.items()}
    sided = [f"{side}_{role}" for role in limb]

    def fits(joint: int) -> list[int]:
        if joint in role_of:
            return [_CHOSEN_BY_USER if role_of[joint] == role else 0 for role in sided]
        if sides[joint] != side:
            return [0] * len(limb)
        by_name = role_fits(skeleton.names[joint])
        return [
            0 if name in chosen else by_name.get(role, 0)
            for role, name in zip(limb, sided, strict=True)
        ]

    # Paths share their beginnings, so the best assignment up to a joint is computed once for all.
    best_at: list[list[_Best]] = []
    start: list[_Best] = [(0, {})] * (len(limb) + 1)
    for joint, parent in enumerate(skeleton.parents):
        before = best_at[parent] if joint else start
        values = fits(joint)
        best_at.append(_with_joint(before, joint, values) if any(values) else before)
    inner = set(skeleton.parents)
    best: _Best = (0, {})
    for joint, assignments in enumerate(best_at):
        if joint not in inner and assignments[-1][0] > best[0]:
            best = assignments[-1]
    return {sided[k]: joint for k, joint in best[1].items()}


def _with_joint(before: Sequence[_Best], joint: int, fits: Sequence[int]) -> list[_Best]:
    """The best assignments once a path has one more joint; the earliest joints win ties."""
    best = list(before)
    for k in range(len(fits), 0, -1):  # downwards, so that no joint gets two roles
        score, joints = best[k - 1]
        if fits[k - 1] and score + fits[k - 1] > best[k][0]:
            best[k] = score + fits[k - 1], {**joints, k - 1: joint}
    # A role may stay empty: leaving it out is better than a worse assignment with it.
    for k in range(1, len(best)):
        if best[k - 1][0] > best[k][0]:
            best[k] = best[k - 1]
    return best


def _trunk(
    skeleton: Skeleton, sides: Sequence[str], limbs: Mapping[str, int], chosen: set[int]
) -> dict[str, int]:
    """Pelvis, spine, neck and head, as far as limbs and names tell."""
    hips = [limbs[role] for role in ("left_hip", "right_hip") if role in limbs]
    shoulders = [limbs[role] for role in ("left_shoulder", "right_shoulder") if role in limbs]
    if len(hips) < 2:
        return {}
    trunk = {"pelvis": limbs.get("pelvis", _last_common(skeleton, hips + shoulders))}
    if len(shoulders) < 2:
        return trunk
    chest = _chest(skeleton, limbs, trunk["pelvis"], shoulders)
    taken = chosen | set(limbs.values())
    free = {j for j, name in enumerate(skeleton.names) if j not in taken and not is_helper(name)}
    above = ancestors(skeleton.parents, chest)
    if trunk["pelvis"] in above and chest != trunk["pelvis"]:
        chain = above[: above.index(trunk["pelvis"])][::-1]
        chain = [j for j in chain if j == chest or j in free]
        # The chest carries the arms and is the last of the three spine roles. The second is the
        # middle one of the joints from the first to the last.
        trunk["spine3"] = chest
        if len(chain) > 1:
            trunk["spine1"] = chain[0]
        if len(chain) > 2:
            trunk["spine2"] = chain[(len(chain) - 1) // 2]
    free = {j for j in free if j not in trunk.values() and not sides[j]}
    return trunk | _neck_and_head(skeleton, free, limbs, chest)


def _chest(
    skeleton: Skeleton, known: Mapping[str, int], pelvis: int, shoulders: Sequence[int]
) -> int:
    """The joint that carries the arms.

    If a neck carries them (3ds Max, SNU), it is the joint below, because such a neck hardly rotates
    the arms.
    """
    if "spine3" in known:
        return known["spine3"]
    chest = _last_common(skeleton, shoulders)
    above = skeleton.parents[chest]
    on_neck = chest != 0 and above not in (pelvis, 0) and is_neck(skeleton.names[chest])
    return above if on_neck else chest


def _neck_and_head(
    skeleton: Skeleton, free: Collection[int], known: Mapping[str, int], chest: int
) -> dict[str, int]:
    """Neck and head by name, or as the chain that continues above the chest."""
    ordered, names = sorted(free), skeleton.names
    head = known.get("head", next((j for j in ordered if is_head(names[j])), None))
    if head is None:
        neck = next((j for j in ordered if is_neck(names[j])), None)
        return {"neck": neck} if neck is not None else _nameless_neck(skeleton, ordered, chest)
    between = sorted(
        set(ancestors(skeleton.parents, head)[1:]) - set(ancestors(skeleton.parents, chest))
    )
    # Character Creator's necks are called twists, so they are helpers by name.
    necks = [j for j in between if j in free] or [j for j in between if is_neck(names[j])]
    return {"head": head} | ({"neck": necks[0]} if necks else {})


def _nameless_neck(skeleton: Skeleton, free: Sequence[int], chest: int) -> dict[str, int]:
    """For a spine that is numbered up to the head (Rigify): the one chain above the chest."""
    children: dict[int, list[int]] = {}
    for j in free:
        children.setdefault(skeleton.parents[j], []).append(j)
    chain = [chest]
    while len(above := children.get(chain[-1], [])) == 1:
        chain.append(above[0])
    return {"neck": chain[1], "head": chain[-1]} if len(chain) > 2 else {}


def _last_common(skeleton: Skeleton, joints: Sequence[int]) -> int:
    """The lowest common ancestor of some joints."""
    paths = [ancestors(skeleton.parents, joint) for joint in joints]
    # Joints are in topological order, so the highest index is the one furthest from the root.
    return max(set(paths[0]).intersection(*paths[1:]))

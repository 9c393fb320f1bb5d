"""Which joint of a skeleton plays which part of a body: by the words of its name and its place in the tree.

Limbs are found by name, one path from the root to a tip at a time: of all ways to give a path's joints the four roles
of an arm or leg in their order, the one whose names fit best. The trunk needs no names: the pelvis is where the ways
to both hips and both shoulders part, and the spine leads from there to where the ways to the shoulders part.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from mmm.motion.skeleton import Skeleton, joint_side

SPINE = ("spine1", "spine2", "spine3")
ARM = ("collar", "shoulder", "elbow", "wrist")
LEG = ("hip", "knee", "ankle", "toe")

# What a name may be, the first line that is found in it: roles, with how well the word fits. A shoulder is the collar
# where an arm follows (LAFAN1, CMU, Mixamo), else the upper arm's joint (SMPL); a foot turns the toes where an ankle
# comes before it (SMPL); a hip joint turns the thigh only where nothing below it does (CMU has both).
_WORDS: tuple[tuple[re.Pattern[str], Mapping[str, int]], ...] = tuple(
    (re.compile(words), roles)
    for words, roles in (
        (
            r"thumb|index|ring|pinky|pinkie|little|finger|digit|carpal|palm|mid(?:dle)?\d*(?:$|[._ -])|eye|jaw|hair",
            {},
        ),
        (r"u(?:p(?:per)?)?[._ -]?leg|leg[._ -]?up|thigh|femur", {"hip": 6}),
        (r"low(?:er)?[._ -]?leg|leg[._ -]?low|knee|shin|calf|tibia", {"knee": 6}),
        (r"hip[._ -]?joint|buttock", {"hip": 2}),
        (r"hip", {"hip": 4}),
        (r"ankle", {"ankle": 6}),
        (r"toe|ball", {"toe": 6}),
        (r"foot", {"ankle": 4, "toe": 2}),
        (r"leg", {"knee": 4, "hip": 2}),
        (r"collar|clav|scapula", {"collar": 6}),
        (r"fore[._ -]?arm|farm|low(?:er)?[._ -]?arm|arm[._ -]?low|elbow|radius", {"elbow": 6}),
        (r"u(?:p(?:per)?)?[._ -]?arm|arm[._ -]?up|humerus|shldr", {"shoulder": 6}),
        (r"shoulder", {"shoulder": 4, "collar": 3}),
        (r"wrist", {"wrist": 6}),
        (r"hand", {"wrist": 4}),
        (r"arm", {"shoulder": 4, "elbow": 2}),
    )
)
# Helpers of a rig stand for no part of the body.
_HELPERS = (
    re.compile(
        r"dummy|twist|roll|nub|effector|helper|(?:^|[._ -])(?:ik|end|tip|top|site|null|prop|weapon)"
        r"(?:$|[._ -])",
        re.IGNORECASE,
    ),
    re.compile(r"[a-z0-9](?:End|Tip|Top|Site|IK)(?:$|[^a-z])"),
)
_CAPITAL_SIDE = re.compile(r"^(?:L|(R))(?=[A-Z]{2}[a-z])")  # LUArm, but not ROOT
_NAMED = 1000


def find_roles(skeleton: Skeleton, named: Mapping[str, int]) -> dict[str, int]:
    """Joint of every role that can be told; roles that cannot are left out.

    Args:
        skeleton: any tree of joints.
        named: joints already given roles by hand; they keep them.
    """
    sides = _sides(skeleton)
    found: dict[str, int] = {}
    for side in ("left", "right"):
        for limb in (ARM, LEG):
            found |= _limb(skeleton, sides, side, limb, named)
    found |= named
    return {**_trunk(skeleton, sides, found, set(named.values())), **found}


def ancestors(skeleton: Skeleton, joint: int) -> list[int]:
    """The joint itself, its parent, and so on to the root."""
    chain = [joint]
    while chain[-1] != 0:
        chain.append(skeleton.parents[chain[-1]])
    return chain


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _is_helper(name: str) -> bool:
    return any(pattern.search(_bare(name)) for pattern in _HELPERS)


def _sides(skeleton: Skeleton) -> list[str]:
    """``left``, ``right`` or nothing for each joint: by its name, else as its parent."""
    sides: list[str] = []
    for j, name in enumerate(skeleton.names):
        side = joint_side(name)
        if not side and (match := _CAPITAL_SIDE.search(_bare(name))):
            side = "right" if match[1] else "left"
        sides.append(side or (sides[skeleton.parents[j]] if j else ""))
    return sides


@lru_cache(maxsize=4096)  # every recovery asks anew
def _fits(name: str) -> Mapping[str, int]:
    """Roles of a limb that a name may mean."""
    if _is_helper(name):
        return {}
    bare = _bare(name).lower()
    return next((roles for pattern, roles in _WORDS if pattern.search(bare)), {})


def _limb(
    skeleton: Skeleton,
    sides: Sequence[str],
    side: str,
    limb: Sequence[str],
    named: Mapping[str, int],
) -> dict[str, int]:
    """Roles of one arm or leg."""
    taken = {joint: role for role, joint in named.items()}

    def fit(joint: int, role: str) -> int:
        if joint in taken:
            return _NAMED if taken[joint] == f"{side}_{role}" else 0
        if sides[joint] != side or f"{side}_{role}" in named:
            return 0
        return _fits(skeleton.names[joint]).get(role, 0)

    best: tuple[int, dict[str, int]] = (0, {})
    for path in _paths(skeleton):
        table = [[fit(joint, role) for role in limb] for joint in path]
        if (score := _best_assignment(table))[0] > best[0]:
            best = score[0], {f"{side}_{limb[k]}": path[i] for k, i in score[1].items()}
    return best[1]


def _paths(skeleton: Skeleton) -> Iterator[list[int]]:
    """Every way from the root to a tip."""
    inner = set(skeleton.parents)
    for joint in range(len(skeleton)):
        if joint not in inner:
            yield ancestors(skeleton, joint)[::-1]


def _best_assignment(fits: Sequence[Sequence[int]]) -> tuple[int, dict[int, int]]:
    """Roles (columns) to joints (rows), both in their order, with the greatest sum; of equals, the earliest rows."""
    count = len(fits[0])
    best: list[tuple[int, dict[int, int]]] = [(0, {})] * (count + 1)  # over roles before this one
    for row, values in enumerate(fits):
        for k in range(count, 0, -1):  # downwards, so that no joint gets two roles
            if values[k - 1] and best[k - 1][0] + values[k - 1] > best[k][0]:
                best[k] = best[k - 1][0] + values[k - 1], {**best[k - 1][1], k - 1: row}
        for k in range(1, count + 1):
            if best[k - 1][0] > best[k][0]:
                best[k] = best[k - 1]
    return best[count]


def _trunk(
    skeleton: Skeleton, sides: Sequence[str], found: Mapping[str, int], named: set[int]
) -> dict[str, int]:
    """Pelvis, spine, neck and head, as far as the limbs and names tell."""
    hips = [found[role] for role in ("left_hip", "right_hip") if role in found]
    shoulders = [found[role] for role in ("left_shoulder", "right_shoulder") if role in found]
    if len(hips) < 2:
        return {}
    trunk = {"pelvis": found.get("pelvis", _parting(skeleton, hips + shoulders))}
    if len(shoulders) < 2:
        return trunk
    chest = _chest(skeleton, found, trunk["pelvis"], shoulders)
    free = [j for j in range(len(skeleton)) if j not in named and j not in found.values()]
    above = ancestors(skeleton, chest)
    if trunk["pelvis"] in above and chest != trunk["pelvis"]:
        chain = above[: above.index(trunk["pelvis"])][::-1]
        chain = [
            j for j in chain if j == chest or (j in free and not _is_helper(skeleton.names[j]))
        ]
        # The chest bears the arms and is the last of three; what lies between first and last is the second.
        trunk["spine3"] = chest
        if len(chain) > 1:
            trunk["spine1"] = chain[0]
        if len(chain) > 2:
            trunk["spine2"] = chain[(len(chain) - 1) // 2]
    free = [
        j
        for j in free
        if j not in trunk.values() and not sides[j] and not _is_helper(skeleton.names[j])
    ]
    return trunk | _neck_and_head(skeleton, free, found, chest)


def _chest(
    skeleton: Skeleton, found: Mapping[str, int], pelvis: int, shoulders: Sequence[int]
) -> int:
    """The joint that bears the arms; below a neck that bears them (3ds Max, SNU), which turns them little if at all."""
    if "spine3" in found:
        return found["spine3"]
    chest = _parting(skeleton, shoulders)
    above = skeleton.parents[chest]
    return (
        above
        if chest != 0 and above not in (pelvis, 0) and _says(skeleton, chest, "neck")
        else chest
    )


def _neck_and_head(
    skeleton: Skeleton, free: Sequence[int], found: Mapping[str, int], chest: int
) -> dict[str, int]:
    head = found.get("head", next((j for j in free if _says(skeleton, j, "head")), None))
    if head is None:
        neck = next((j for j in free if _says(skeleton, j, "neck")), None)
        return {"neck": neck} if neck is not None else _nameless_neck(skeleton, free, chest)
    between = sorted(set(ancestors(skeleton, head)[1:]) - set(ancestors(skeleton, chest)))
    # Character Creator's necks are called twists.
    necks = [j for j in between if j in free] or [j for j in between if _says(skeleton, j, "neck")]
    return {"head": head} | ({"neck": necks[0]} if necks else {})


def _says(skeleton: Skeleton, joint: int, word: str) -> bool:
    return word in _bare(skeleton.names[joint]).lower()


def _nameless_neck(skeleton: Skeleton, free: Sequence[int], chest: int) -> dict[str, int]:
    """Where the spine is numbered to its end (Rigify): the only chain that goes on above the chest."""
    chain = [chest]
    while len(above := [j for j in free if skeleton.parents[j] == chain[-1]]) == 1:
        chain.append(above[0])
    return dict(zip(("neck", "head"), (chain[1], chain[-1]), strict=True)) if len(chain) > 2 else {}


def _parting(skeleton: Skeleton, joints: Sequence[int]) -> int:
    """The last joint that the ways from the root to all of these have in common."""
    ways = [ancestors(skeleton, joint) for joint in joints]
    return max(set(ways[0]).intersection(*ways[1:]))

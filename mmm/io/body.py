"""Guessing the unit of length and the up axis of a file from the body in it."""

import re
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.motion.clip import Clip, Motion
from mmm.motion.facing import turned
from mmm.motion.role_finding import find_roles
from mmm.motion.skeleton import Skeleton, ancestors, forward_kinematics

Array = np.ndarray

UNITS_M = {
    "metres": 1.0,
    "centimetres": 0.01,
    "inches": 0.0254,
    "millimetres": 0.001,
    "CMU's 0.45 inch": 0.0254 / 0.45,
}
"""Units of length found in motion files, in metres."""
UNIT_NAMES = {
    "m": "metres",
    "cm": "centimetres",
    "inch": "inches",
    "mm": "millimetres",
    "cmu": "CMU's 0.45 inch",
}
"""Short names of the units, as the command line and the page's address write them."""
TURNED_UP = "The file has Z up; it is turned to Y up here."
"""The note of a file with Z up."""
UP_AXES = ("y", "z")
"""Axes that may point up in a file; clips have Y up."""
# An adult of mean height, measured as `body_height` does: without heels and the top of the head.
_ADULT_M = 1.65
# Limit of the extra cost of bodies taller than an adult, in units of log height. Recordings of
# children are common and giants are not: 103 means 1.03 m in centimetres, not 2.61 m in inches.
_TALL_COST = 0.42
# Joints on all paths from root to tip. A rig with fingers and face has 5,000; the search for roles
# compares paths, so a hostile tree of 2,000 joints would take minutes.
_MOST_STEPS = 100_000
# Longest distance from the head joint to its tip, as a share of the height below the head. Tips of
# hats and hair may be farther away and do not count.
_HEAD_ABOVE = 0.2
NATURAL_M = (1.2, 2.2)
"""The range of natural heights; outside it, readers add a note."""
# Names in lower case; "先" is "tip" in the Japanese bodies of MikuMikuDance.
_ANKLE = re.compile(r"foot|ankle")
_HEAD_TIP = re.compile(r"head|end|top|tip|nub|site|tail|先")


@lru_cache(maxsize=256)
def _roles(names: tuple[str, ...], parents: tuple[int, ...]) -> dict[str, int]:
    """Joints by their role in a humanoid; empty for trees too large to search."""
    skeleton = Skeleton(names, parents, np.zeros((len(names), 3), dtype=np.float32))
    steps, depth = 0, [0] * len(names)
    inner = set(parents)
    for j, parent in enumerate(parents[1:], start=1):
        # Parents stand before their children in every Skeleton.
        depth[j] = depth[parent] + 1
        steps += depth[j] if j not in inner else 0
    return find_roles(skeleton, {}) if steps < _MOST_STEPS else {}


def _head_and_feet(skeleton: Skeleton) -> tuple[int | None, list[int]]:
    """The joint of the head (or the highest known one of the trunk), and those of the ankles."""
    roles = _roles(skeleton.names, skeleton.parents)
    feet = [roles[f"{side}_ankle"] for side in ("left", "right") if f"{side}_ankle" in roles]
    head = next((roles[role] for role in ("head", "neck", "spine3") if role in roles), None)
    # Joints of bodies with unknown naming schemes are found by the limbs of the tree.
    if head is None:
        heads = [j for j, limb in enumerate(skeleton.limbs) if limb == "head"]
        named = [j for j in heads if "head" in skeleton.names[j].lower()]
        head = next(iter(named or heads), None)
    if not feet:
        legs = [j for j, limb in enumerate(skeleton.limbs) if limb.endswith("_leg")]
        # The upper of two joints called foot is the ankle; the other one is the toe.
        feet = [
            j
            for j in legs
            if _ANKLE.search(skeleton.names[j].lower())
            and not _ANKLE.search(skeleton.names[skeleton.parents[j]].lower())
        ] or [j for j in legs if j not in skeleton.parents]
    return head, feet


def body_height(skeleton: Skeleton) -> float:
    """Height of the body in the unit of the offsets: bones from an ankle up to the head's top.

    It is measured along the bones, so that it needs no rest pose (in some files all bones point
    along X). It is about a tenth less than the body's height, because it lacks the heels and often
    the top of the head. Joints off this path do not count: a root on the floor, hair, hats, props.
    A body without a recognised head or feet is measured by its longest path between two tips.
    """
    lengths = np.linalg.norm(skeleton.offsets_m.astype(np.float64), axis=1)
    head, feet = _head_and_feet(skeleton)
    # The longest path is from hand to foot, about five quarters of the height.
    if head is None or not feet:
        return 0.8 * _longest_path(skeleton, lengths)
    below = max(_path_length(skeleton, lengths, foot, head) for foot in feet)
    tips = [tip for j, tip in skeleton.end_sites if j == head]
    children = [
        skeleton.offsets_m[j]
        for j, parent in enumerate(skeleton.parents)
        if parent == head and _HEAD_TIP.search(skeleton.names[j].lower())
    ]
    above = [float(np.linalg.norm(tip)) for tip in (*tips, *children)]
    return below + max((length for length in above if length < _HEAD_ABOVE * below), default=0.0)


def _path_length(skeleton: Skeleton, lengths: Float[Array, "J"], start: int, end: int) -> float:
    """The total length of the bones between two joints."""
    length, above = 0.0, set(ancestors(skeleton.parents, start))
    while end not in above:
        length, end = length + float(lengths[end]), skeleton.parents[end]
    while start != end:
        length, start = length + float(lengths[start]), skeleton.parents[start]
    return length


def _longest_path(skeleton: Skeleton, lengths: Float[Array, "J"]) -> float:
    """The length of the longest path between two tips of the tree."""
    # One pass from the leaves up, as for the diameter of a tree: `below` is the longest path down
    # from each joint, and the two longest arms of one joint make a candidate.
    below = np.zeros(len(skeleton))
    for j, tip in skeleton.end_sites:
        below[j] = max(below[j], float(np.linalg.norm(tip)))
    longest = float(below.max())
    for j in range(len(skeleton) - 1, 0, -1):
        parent, arm = skeleton.parents[j], below[j] + lengths[j]
        longest = max(longest, float(below[parent] + arm))
        below[parent] = max(below[parent], arm)
    return longest


def guess_unit(height: float) -> tuple[float, str]:
    """The most natural unit for a body of this height.

    Returns:
        Metres per unit, and the unit's name.
    """
    if height <= 0:
        return 0.01, "centimetres"

    def cost(name: str) -> float:
        # A logarithm, so that half and double the height are equally wrong. Being too tall costs
        # 2.6 times as much, up to the limit above.
        error = float(np.log(height * UNITS_M[name] / _ADULT_M))
        return error + min(1.6 * error, _TALL_COST) if error > 0 else -error

    name = min(UNITS_M, key=cost)
    return UNITS_M[name], name


def parse_unit(text: str) -> float:
    """Metres per unit, from a short name of ``UNIT_NAMES`` or a number of metres.

    Raises:
        SpecError: neither.
    """
    if text.lower() in UNIT_NAMES:
        return UNITS_M[UNIT_NAMES[text.lower()]]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise SpecError(
            f"unit {text}",
            "neither a unit nor a length above zero",
            f"{', '.join(UNIT_NAMES)}, or metres per unit",
        )
    return value


def short_unit(unit_m: float) -> str:
    """The shortest text that :func:`parse_unit` reads as this unit."""
    return next(
        (short for short, name in UNIT_NAMES.items() if abs(UNITS_M[name] / unit_m - 1) < 1e-6),
        f"{unit_m:g}",
    )


def unit_name(unit_m: float) -> str:
    """The name of a unit of this many metres; a text such as ``0.3 m`` if it has none."""
    return next(
        (name for name, length in UNITS_M.items() if abs(length / unit_m - 1) < 1e-6),
        f"{unit_m:g} m",
    )


def how_read(clip: Clip) -> tuple[float, str] | None:
    """The unit and the up axis that a reader assumed for a clip's file.

    Returns:
        Metres per unit, and ``y`` or ``z``; None if the file's format defines both.
    """
    for kind in ("bvh", "amc"):
        facts = clip.meta.get(kind)
        if (
            isinstance(facts, dict)
            and isinstance(facts.get("unit_m"), float)
            and facts["unit_m"] > 0
        ):
            return facts["unit_m"], "z" if facts.get("z_up") is True else "y"
    return None


def unit_notes(
    height_m: float, unit_name: str, given: bool, origin: str = "guessed as"
) -> tuple[str, ...]:
    """A remark if the body is not of natural size in the chosen unit.

    Args:
        height_m: the body's height, metres.
        unit_name: the name of the unit.
        given: whether the user gave it.
        origin: words before the unit's name that tell its origin, if the user did not give it.
    """
    if NATURAL_M[0] <= height_m <= NATURAL_M[1]:
        return ()
    chosen = "as given" if given else f"{origin} {unit_name}"
    return (
        f"The body is {height_m:.2f} m tall with the unit {chosen}; "
        "give the true unit if that is wrong.",
    )


def is_z_up(
    skeleton: Skeleton, rotations: Float[Array, "T J 3 3"], root_m: Float[Array, "T 3"]
) -> bool:
    """Whether the file has Z up: the head points along +Z and the feet along -Z in the mean.

    This also holds for a body that lies down in a file with Y up. So one of these has to hold as
    well: the rest pose stands along Z, the Z of the hips is a natural height of hips, or the root
    stays at the origin. The unit does not matter.
    """
    head, feet = _head_and_feet(skeleton)
    if head is None or not feet:
        return False
    # About 50 frames give the same answer as all, and a day of recording would take minutes.
    few = slice(None, None, max(1, len(root_m) // 50))
    hips = _roles(skeleton.names, skeleton.parents).get("pelvis", 0)
    positions, _ = forward_kinematics(skeleton, rotations[few], root_m[few])
    if not _stands_along_z(positions, hips, head, feet):
        return False
    rest, _ = forward_kinematics(
        skeleton,
        np.tile(np.eye(3, dtype=np.float32), (1, len(skeleton), 1, 1)),
        np.zeros((1, 3), dtype=np.float32),
    )
    hip_height = float(np.median(positions[:, hips, 2])) / max(body_height(skeleton), 1e-9)
    return bool(
        _stands_along_z(rest, hips, head, feet)
        or 0.25 < hip_height < 0.9
        or float(np.abs(root_m).max()) < 1e-3
    )


def _stands_along_z(
    positions: Float[Array, "T J 3"], hips: int, head: int, feet: list[int]
) -> bool:
    # 0.8 is the cosine of 37 degrees: a bent trunk passes, a body that crawls does not.
    up = _mean_direction(positions[:, head] - positions[:, hips])
    down = _mean_direction(positions[:, feet].mean(axis=1) - positions[:, hips])
    return bool(up[2] > 0.8 and down[2] < -0.8)


def _mean_direction(vectors: Float[Array, "T 3"]) -> Float[Array, "3"]:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).mean(axis=0)


# (x, y, z) becomes (x, z, -y), a proper rotation: swapping Y and Z would mirror the body.
Z_TO_Y = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=np.float32)
"""The rotation that takes Z to Y."""


def z_up_to_y_up(motion: Motion) -> Motion:
    """The motion rotated by -90 degrees about X, which takes Z to Y."""
    return turned(motion, Z_TO_Y)


def y_up_to_z_up(motion: Motion) -> Motion:
    """The motion rotated by 90 degrees about X, which takes Y to Z."""
    return turned(motion, Z_TO_Y.T)

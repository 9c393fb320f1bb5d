"""What a file does not say and the body does: the unit of length, which way is up, and which way the body faces."""

import re

import numpy as np
from jaxtyping import Float

from mmm.errors import SpecError
from mmm.motion.clip import Clip, Motion
from mmm.motion.joint_names import joint_side
from mmm.motion.skeleton import Skeleton, forward_kinematics

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
UP_AXES = ("y", "z")
"""Axes that may point up in a file; clips have Y up."""
FACINGS = {"z": 0.0, "x": 90.0, "-z": 180.0, "-x": -90.0}
"""Horizontal axes that somebody may face, and how far each is turned about Y from +Z, degrees."""
_TOGETHER_M = 0.02
_LEAST_ACROSS = (
    0.3  # of the length of the line between two hips or shoulders: lying on the side has no facing
)
_GROWN_M = 1.65  # a middling grown body, measured as body_height does
NATURAL_M = (1.2, 2.2)
"""The heights taken for natural; outside them a reader says so."""
_ANKLE = re.compile(r"foot|ankle")


def body_height(skeleton: Skeleton) -> float:
    """How tall the body stands, in the unit of the offsets: bones from ankle to root and from root to the top.

    Measured along the bones, so that it needs no rest pose (some files have bones along X throughout); a tenth or so
    less than a tape would say, for want of heels and, often, of the top of the head. A body without legs or head
    by name is measured by its longest way from tip to tip instead.
    """
    lengths = np.linalg.norm(skeleton.offsets_m.astype(np.float64), axis=1)
    depth = np.zeros(len(skeleton))
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        depth[j] = depth[parent] + lengths[j]
    reach = depth.copy()  # of each joint, with its tip
    for j, tip in skeleton.end_sites:
        reach[j] = max(reach[j], depth[j] + float(np.linalg.norm(tip)))
    head = [reach[j] for j, limb in enumerate(skeleton.limbs) if limb == "head"]
    legs = [j for j, limb in enumerate(skeleton.limbs) if limb.endswith("_leg")]
    ankles = [
        j
        for j in legs
        if _ANKLE.search(skeleton.names[j].lower())
        and not _ANKLE.search(skeleton.names[skeleton.parents[j]].lower())
    ]
    if head and legs:
        return float(
            max(head) + (max(depth[j] for j in ankles) if ankles else max(reach[j] for j in legs))
        )
    return 0.8 * _longest_way(skeleton, lengths, reach - depth)


def _longest_way(skeleton: Skeleton, lengths: Float[Array, "J"], tips: Float[Array, "J"]) -> float:
    """The longest path between two tips of the tree (a body's is from hand to foot, five quarters of its height)."""
    below, longest = tips.copy(), float(tips.max())
    for j in range(len(skeleton) - 1, 0, -1):
        parent, arm = skeleton.parents[j], below[j] + lengths[j]
        longest = max(longest, float(below[parent] + arm))
        below[parent] = max(below[parent], arm)
    return longest


def guess_unit(height: float) -> tuple[float, str]:
    """The unit that makes a body of this height most natural: metres a unit, and the unit's name."""
    if height <= 0:
        return 0.01, "centimetres"
    name = min(UNITS_M, key=lambda unit: abs(np.log(height * UNITS_M[unit] / _GROWN_M)))
    return UNITS_M[name], name


def parse_unit(text: str) -> float:
    """Metres a unit, from a short name of ``UNIT_NAMES`` or a number of metres.

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
            f"{', '.join(UNIT_NAMES)}, or metres a unit",
            "correct it",
        )
    return value


def short_unit(unit_m: float) -> str:
    """What :func:`parse_unit` reads back as so many metres."""
    return next(
        (short for short, name in UNIT_NAMES.items() if abs(UNITS_M[name] / unit_m - 1) < 1e-6),
        f"{unit_m:g}",
    )


def unit_name(unit_m: float) -> str:
    """What a unit of so many metres is called: ``centimetres``, or ``0.3 m`` where it has no name."""
    return next(
        (name for name, length in UNITS_M.items() if abs(length / unit_m - 1) < 1e-6),
        f"{unit_m:g} m",
    )


def how_read(clip: Clip) -> tuple[float, str] | None:
    """Metres a unit and the axis up (``y`` or ``z``) that were taken for a file; None where its format says both."""
    for kind in ("bvh", "amc"):
        found = clip.meta.get(kind)
        if (
            isinstance(found, dict)
            and isinstance(found.get("unit_m"), float)
            and found["unit_m"] > 0
        ):
            return found["unit_m"], "z" if found.get("z_up") is True else "y"
    return None


def parse_facing(text: str) -> str:
    """One of ``FACINGS`` from ``x``, ``+x`` or ``-x``, likewise z.

    Raises:
        SpecError: another text.
    """
    name = text.strip().lower().removeprefix("+")
    if name not in FACINGS:
        raise SpecError(f"facing {text}", "no horizontal axis", ", ".join(FACINGS), "correct it")
    return name


def facing_deg(motion: Motion, frame: int = 0) -> float | None:
    """Which way a body faces at a frame: degrees about Y, 0 = +Z, 90 = +X, above -180 to 180.

    Forward is *left x up*, left being the horizontal part of the lines from the right hip to the left and from the
    right shoulder (or collar) to the left, summed. None where no left and right are known by name, or the body lies on
    its side, so that these lines are steep.
    """
    skeleton = motion.skeleton
    positions, _ = forward_kinematics(
        skeleton, motion.rotations[frame : frame + 1], motion.root_m[frame : frame + 1]
    )
    across, length = np.zeros(3), 0.0
    for limb in ("leg", "arm"):
        left, right = (
            [
                j
                for j, name in enumerate(skeleton.names)
                if skeleton.limbs[j] == f"{side}_{limb}" and joint_side(name) == side
            ]
            for side in ("left", "right")
        )
        lines = (
            positions[0, left[: len(right)]].astype(np.float64) - positions[0, right[: len(left)]]
        )
        far = np.linalg.norm(lines, axis=1)
        for line, apart in zip(lines, far, strict=True):
            if apart > _TOGETHER_M:  # some skeletons begin both legs in one place
                across, length = across + line, length + apart
                break
    if length <= 0 or np.hypot(across[0], across[2]) < _LEAST_ACROSS * length:
        return None
    return float(np.degrees(np.arctan2(-across[2], across[0])))


def nearest_axis(degrees: float) -> tuple[str, float]:
    """The axis of ``FACINGS`` that is nearest to a facing, and how far from it that is, -45 to 45 degrees."""
    off = {name: (degrees - at + 180) % 360 - 180 for name, at in FACINGS.items()}
    name = min(off, key=lambda axis: abs(off[axis]))
    return name, off[name]


def turned_to_face(motion: Motion, facing: str) -> Motion:
    """The same movement turned about the vertical through the origin, so that its first frame faces an axis exactly.

    Raises:
        SpecError: which way it faces cannot be told.
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
    cosine, sine = np.cos(turn), np.sin(turn)
    return _turned(
        motion, np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], dtype=np.float32)
    )


def unit_notes(height_m: float, unit_name: str, given: bool) -> tuple[str, ...]:
    """A sentence where the body is not of natural size in the chosen unit."""
    if NATURAL_M[0] <= height_m <= NATURAL_M[1]:
        return ()
    chosen = "as given" if given else f"guessed as {unit_name}"
    return (
        f"The body is {height_m:.2f} m tall with the unit {chosen}; give unit_m if that is wrong.",
    )


def is_z_up(
    skeleton: Skeleton, rotations: Float[Array, "T J 3 3"], root_m: Float[Array, "T 3"]
) -> bool:
    """Whether the body clearly stands along Z: head up and feet down over the clip, the root at hip height in Z.

    One sign alone is not enough: a dancer lies down too.
    """
    head = [j for j, limb in enumerate(skeleton.limbs) if limb == "head"]
    feet = list(skeleton.feet)
    if not head or not feet:
        return False
    few = slice(None, None, max(1, len(root_m) // 50))
    positions, _ = forward_kinematics(skeleton, rotations[few], root_m[few])
    up = _mean_direction(positions[:, head].mean(axis=1) - positions[:, 0])
    down = _mean_direction(positions[:, feet].mean(axis=1) - positions[:, 0])
    hip_height = float(np.median(positions[:, 0, 2]))
    return bool(up[2] > 0.8 and down[2] < -0.8 and 0.4 < hip_height < 1.5)


def _mean_direction(vectors: Float[Array, "T 3"]) -> Float[Array, "3"]:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).mean(axis=0)


_Z_TO_Y = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=np.float32)


def z_up_to_y_up(motion: Motion) -> Motion:
    """The same motion turned by -90 degrees about X, so that what was along Z is along Y."""
    return _turned(motion, _Z_TO_Y)


def y_up_to_z_up(motion: Motion) -> Motion:
    """The other way: what was along Y is along Z."""
    return _turned(motion, _Z_TO_Y.T)


def _turned(motion: Motion, turn: Float[Array, "3 3"]) -> Motion:
    rotations = motion.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    return Motion(motion.skeleton, rotations, motion.root_m @ turn.T, motion.fps)

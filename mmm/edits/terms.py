"""Builds edits as terms of a SPEC, and merges them with the terms before."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from mmm.edits.edited import check_frame
from mmm.motion import posing
from mmm.motion.clip import Clip
from mmm.motion.skeleton import joint_index
from mmm.spec import MOTION_EDITS, Term, kind_of, parse_term

Array = np.ndarray


def changes_motion(spec: str) -> bool:
    """Whether a SPEC edits the motion itself, not only what is hidden."""
    return any(kind_of(term) in MOTION_EDITS for term in spec.replace(" ", "").split("+"))


def turn(frame: int, joint: str, angles_deg: Iterable[float]) -> str:
    """The term that sets a joint's local rotation to three Euler angles, degrees."""
    # Adding zero turns a negative zero into a positive one, which is printed without a sign.
    angles = ",".join(f"{round(angle, 2) + 0.0:g}" for angle in angles_deg)
    return f"pose:{frame}={angles}@{joint.replace(' ', '')}"


def reach(clip: Clip, frame: int, joint: str, target_m: Float[Array, "3"]) -> tuple[str, ...]:
    """The terms that bend an arm or a leg so that its wrist or ankle reaches a position.

    Two-bone inverse kinematics; see :func:`mmm.motion.posing.reach`.

    Args:
        clip: the clip with the edits so far.
        joint: name of a wrist or an ankle.
        target_m: world position, metres.

    Raises:
        SpecError: there is no such frame, the joint is no wrist or ankle, or the position is not finite or
            too far away.
    """
    check_frame(clip, frame, f"reach frame {frame}")
    skeleton = clip.motion.skeleton
    turned = posing.reach(clip.motion, frame, joint_index(skeleton, joint), target_m)
    return tuple(
        turn(frame, skeleton.names[j], posing.angles_deg(rotation).tolist())
        for j, rotation in turned.items()
    )


def add(edits: Sequence[str], term: str) -> tuple[str, ...]:
    """Append a term, merged with the terms before it if that keeps the SPEC short.

    Frames of terms of the same kind and joints are joined. Angles of a joint replace its earlier
    ones. Successive moves of the same keyframes become one move, which leaves the frames between
    unchanged.
    """
    # Merging keeps links short, as a page adds one term for each frame that is clicked.
    parsed = parse_term(term) if kind_of(term) in ("move", "pose") else None
    if parsed is not None and parsed.angles_deg:
        return (*_without_angles(edits, parsed), term)
    if edits and parsed is not None and parsed.kind == kind_of(edits[-1]) == "move":
        return _moved_on(edits, parsed)
    if edits:
        (last, mark, joints), (new, _, others) = edits[-1].partition("@"), term.partition("@")
        if kind_of(last) == kind_of(new) and not changes_motion(new) and joints == others:
            return (*edits[:-1], f"{last},{new.partition(':')[2]}{mark}{joints}")
    return (*edits, term)


def _without_angles(edits: Sequence[str], term: Term) -> tuple[str, ...]:
    """Edits without the earlier angles of the joint and frame of a term."""
    kept = list(edits)
    # Only the run of angle terms at the end is searched: their order does not matter, while terms
    # before it may change the frames that angles apply to.
    for place in range(len(kept) - 1, -1, -1):
        earlier = parse_term(kept[place])
        if not earlier.angles_deg:
            break
        if (earlier.numbers, earlier.joints) == (term.numbers, term.joints):
            del kept[place]
    return tuple(kept)


def _moved_on(edits: Sequence[str], term: Term) -> tuple[str, ...]:
    """Append a move; if it continues the move of the last term, replace both by one."""
    # Each press of an arrow key moves a keyframe by one frame, and only the last frame counts.
    last = parse_term(edits[-1])
    by = last.numbers[0] - last.ranges[0][0]
    if tuple((low + by, high + by) for low, high in last.ranges) != term.ranges:
        return (*edits, term.text)
    goal = term.numbers[0]
    if goal == last.ranges[0][0]:
        return tuple(edits[:-1])  # back where they were
    return (*edits[:-1], f"{last.text.partition('=')[0]}={goal}")

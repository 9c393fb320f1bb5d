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
    return f"pose:{frame}={_numbers(angles_deg, 2)}@{joint.replace(' ', '')}"


def place(frame: int, place_m: Iterable[float]) -> str:
    """The term that moves the body in a frame so that its root is at a world position, metres."""
    return f"place:{frame}={_numbers(place_m, 4)}"


def _numbers(values: Iterable[float], digits: int) -> str:
    """Numbers as a term holds them, rounded, joined by commas."""
    # Adding zero turns a negative zero into a positive one, which is printed without a sign.
    rounded = (round(value, digits) + 0.0 for value in values)
    # Not "g", whose six significant digits would cut 123.4567, and write 0.00001 as 1e-05.
    return ",".join(f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in rounded)


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

    Frames of terms of the same kind and joints are joined. Angles of a joint and a place of the
    body replace their earlier ones. Successive moves of the same keyframes become one move, which
    leaves the frames between unchanged.
    """
    # Merging keeps links short, as a page adds one term for each frame that is clicked.
    parsed = parse_term(term) if kind_of(term) in ("move", "pose", "place") else None
    if parsed is not None and _is_absolute(parsed):
        return (*_without_earlier(edits, parsed), term)
    if edits and parsed is not None and parsed.kind == kind_of(edits[-1]) == "move":
        return _moved_on(edits, parsed)
    if edits:
        (last, mark, joints), (new, _, others) = edits[-1].partition("@"), term.partition("@")
        if kind_of(last) == kind_of(new) and not changes_motion(new) and joints == others:
            return (*edits[:-1], f"{last},{new.partition(':')[2]}{mark}{joints}")
    return (*edits, term)


def _is_absolute(term: Term) -> bool:
    """Whether a term sets a pose that does not depend on the poses before it."""
    return bool(term.angles_deg) or term.kind == "place"


def _without_earlier(edits: Sequence[str], term: Term) -> tuple[str, ...]:
    """Edits without the earlier values of what an absolute term sets."""
    kept = list(edits)
    # Only the run of absolute terms at the end is searched: their order does not matter, while
    # terms before it may change the frames that they apply to.
    for index in range(len(kept) - 1, -1, -1):
        earlier = parse_term(kept[index])
        if not _is_absolute(earlier):
            break
        if all(
            getattr(earlier, name) == getattr(term, name) for name in ("kind", "numbers", "joints")
        ):
            del kept[index]
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

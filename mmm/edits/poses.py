"""Poses set by hand: copied from another frame, moved to another frame, or given in numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.edits.edited import Edited, check_frame, frame_list
from mmm.errors import SpecError
from mmm.masks import Mask
from mmm.motion import posing
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion, Recording
from mmm.motion.skeleton import joint_index, joint_indices
from mmm.spec import Term, joined

Array = np.ndarray


def pose(state: Edited, term: Term) -> Edited:
    """Copy the pose of another frame, or rotate one joint to given angles, as a keyframe."""
    check_frame(state.clip, term.numbers[0], term.text)
    return _turned(state, term) if term.angles_deg else _copied(state, term)


def reach(state: Edited, term: Term) -> Edited:
    """Bend an arm or a leg so that its wrist or ankle reaches a position."""
    motion, frame = state.clip.motion, term.numbers[0]
    check_frame(state.clip, frame, term.text)
    return _with_joints(
        state, term, posing.reach(motion, frame, _joint(state, term), np.array(term.place_m))
    )


def place(state: Edited, term: Term) -> Edited:
    """Move the whole body in one frame, so that its root is at a position."""
    motion, frame = state.clip.motion, term.numbers[0]
    check_frame(state.clip, frame, term.text)
    posing.check_place(term.text, term.place_m)
    # The position of the root belongs to joint 0, so its rotation becomes known too.
    return _with_joints(state, term, {0: motion.rotations[frame, 0]}, term.place_m)


def _turned(state: Edited, term: Term) -> Edited:
    """Set the local rotation of a joint to three Euler angles."""
    rotation = rot.euler_to_matrix(np.radians(term.angles_deg), posing.EULER_ORDER)
    return _with_joints(state, term, {_joint(state, term): rotation})


def _joint(state: Edited, term: Term) -> int:
    """Index of the one joint that a term names."""
    return joint_index(state.clip.motion.skeleton, (term.joints or ("",))[0])


def _with_joints(
    state: Edited,
    term: Term,
    turned: Mapping[int, Array],
    place_m: tuple[float, ...] | None = None,
) -> Edited:
    """Set local rotations, by joint, in the frame of a term, and make these entries known.

    Args:
        place_m: a new position of the root, metres; None keeps it.
    """
    motion, frame = state.clip.motion, term.numbers[0]
    rotations, root_m, posed, hidden = (
        values.copy()
        for values in (motion.rotations, motion.root_m, state.posed, state.mask.hidden)
    )
    if place_m is not None:
        root_m[frame] = place_m
    # Local rotations: a joint's descendants turn with it.
    for joint, rotation in turned.items():
        rotations[frame, joint] = rotation
        posed[frame, joint], hidden[frame, joint] = True, False
    motion = replace(motion, rotations=rotations, root_m=root_m)
    return _with_poses(state, term, motion, Mask(hidden, "", state.mask.pinned), posed)


def _copied(state: Edited, term: Term) -> Edited:
    """Copy a pose from another frame, as a keyframe."""
    clip, motion, mask = state.clip, state.clip.motion, state.mask
    frame, source = term.numbers
    check_frame(clip, source, term.text)
    if not (clip.recorded[source] or state.posed[source].all()):
        raise SpecError(
            term.text,
            f"nothing was recorded at frame {source}",
            "a frame with a pose",
            "copy another frame",
        )
    # Without "@" the whole body takes the pose.
    joints = term.joints
    chosen = (
        list(range(len(motion.skeleton)))
        if joints is None
        else joint_indices(motion.skeleton, joints)
    )
    rotations, root_m = motion.rotations.copy(), motion.root_m.copy()
    rotations[frame, chosen] = motion.rotations[source, chosen]
    # A copied root keeps its tilt and height, but takes the heading and the horizontal position of
    # the known motion around the frame.
    if 0 in chosen:
        rotations[frame, 0], root_m[frame] = _root_on_path(
            motion, ~mask.hidden[:, 0], frame, source
        )
    posed, hidden = state.posed.copy(), mask.hidden.copy()
    posed[frame, chosen], hidden[frame, chosen] = True, False
    motion = replace(motion, rotations=rotations, root_m=root_m)
    return _with_poses(state, term, motion, Mask(hidden, "", mask.pinned), posed)


def move(state: Edited, term: Term) -> Edited:
    """Move keyframes to other frames; they keep their world position and heading.

    The known entries of a source frame become known at its goal frame, pins included. The source
    frame becomes hidden and gets its recording back.
    """
    clip, motion, mask = state.clip, state.clip.motion, state.mask
    sources = sorted({n for low, high in _inside(clip, term) for n in range(low, high + 1)})
    goals = [n + term.numbers[0] - sources[0] for n in sources]
    for goal in goals:
        check_frame(clip, goal, term.text)
    # Moving a hidden frame would reveal its recording.
    unknown = [n for n in sources if mask.hidden[n].all()]
    if unknown:
        raise SpecError(
            term.text,
            f"nothing is known at {frame_list(unknown)}",
            "keyframes",
            "choose a known frame",
        )
    rotations, root_m = motion.rotations.copy(), motion.root_m.copy()
    posed, hidden = state.posed.copy(), mask.hidden.copy()
    pinned = np.zeros_like(hidden) if mask.pinned is None else mask.pinned.copy()
    # All sources are reset before any goal is written, because the two may overlap.
    rotations[sources], root_m[sources] = clip.truth.rotations[sources], clip.truth.root_m[sources]
    posed[sources], hidden[sources], pinned[sources] = False, True, False
    for source, goal in zip(sources, goals, strict=True):
        known = ~mask.hidden[source]
        # The goal keeps its own entries wherever the source is hidden.
        rotations[goal, known] = motion.rotations[source, known]
        if known[0]:
            root_m[goal] = motion.root_m[source]
        posed[goal] |= known
        hidden[goal] &= ~known
        if mask.pinned is not None:
            pinned[goal] |= mask.pinned[source]
    motion = replace(motion, rotations=rotations, root_m=root_m)
    return _with_poses(
        state, term, motion, Mask(hidden, "", pinned if pinned.any() else None), posed
    )


def _inside(clip: Clip, term: Term) -> tuple[tuple[int, int], ...]:
    """The frame ranges of a term, checked to lie inside the clip."""
    # Checked before the frames are listed, because a typo in a range would allocate gigabytes.
    for low, high in term.ranges:
        check_frame(clip, max(low, high), term.text)
        if low > high:
            raise SpecError(
                term.text, f"{low}-{high} ends before it begins", "the lower frame first"
            )
    return term.ranges


def _with_poses(
    state: Edited, term: Term, motion: Motion, mask: Mask, posed: Bool[Array, "T J"]
) -> Edited:
    """The clip with another motion, and its recording kept as the truth."""
    clip = state.clip
    return Edited(
        replace(clip, motion=motion, recording=Recording(clip.truth, clip.recorded)),
        Mask(mask.hidden, joined(state.mask.label, term.text), mask.pinned),
        posed,
    )


def _root_on_path(
    motion: Motion, known: Bool[Array, "T"], frame: int, source: int
) -> tuple[Float[Array, "3 3"], Float[Array, "3"]]:
    """Rotation and position of the root for a copied pose.

    The pose and height are those of ``source``; heading and horizontal position follow the known
    motion around the frame. The heading is the turn about the vertical that brings the copied
    rotation nearest to the interpolated one, which maximises the trace of
    ``R_y(turn).T @ between @ copied.T``.
    """
    # Height is copied: a jump that is moved elsewhere stays a jump.
    copied, copied_m = motion.rotations[source, 0], motion.root_m[source]
    others = np.flatnonzero(known & (np.arange(len(known)) != frame))
    if not len(others):
        return copied, copied_m  # no known frame gives another heading and position
    following = int(np.searchsorted(others, frame))
    low, high = int(others[max(following - 1, 0)]), int(others[min(following, len(others) - 1)])
    weight = np.float32(np.clip((frame - low) / max(high - low, 1), 0, 1))
    between = rot.slerp(motion.rotations[low, 0], motion.rotations[high, 0], np.array(weight))
    turn = between @ copied.T
    # The trace is a*cos(angle) + b*sin(angle) + c, so its maximum has a closed form.
    angle = np.arctan2(turn[0, 2] - turn[2, 0], turn[0, 0] + turn[2, 2])
    heading = rot.about_vertical(angle).astype(np.float32)
    path = motion.root_m[low] + weight * (motion.root_m[high] - motion.root_m[low])
    return heading @ copied, np.array([path[0], copied_m[1], path[2]], dtype=np.float32)

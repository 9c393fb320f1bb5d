"""Edits by hand: what is hidden, known or pinned, inserted poses, gaps of another length.

The terms and what they mean are in ``docs/spec.md``. Terms are applied from left to right, each on
the timeline that those before it have left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.errors import SpecError
from mmm.masks import Mask, joint_indices, with_term
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion, Music, Recording
from mmm.spec import MOTION_EDITS, Term, joined, kind_of, parse_terms

Array = np.ndarray

LONGEST_GAP = 10_000
"""The most frames of a gap. It guards against typos that would allocate gigabytes."""


@dataclass(frozen=True, eq=False)
class Edited:
    """A clip after its edits, and what is hidden of it."""

    clip: Clip
    """With inserted poses and gaps of another length; what was recorded is its ``recording``."""
    mask: Mask
    """Its label is the whole SPEC: the same text, unedited clip and seed make all of this again."""
    posed: Bool[Array, "T J"]
    """Entries whose pose was copied from another frame."""

    @property
    def truth_frames(self) -> Bool[Array, "T"]:
        """Frames of which there is a recording to compare with."""
        return self.clip.recorded

    @property
    def keyframes(self) -> list[int]:
        """Frames with an inserted pose, ascending."""
        frames: list[int] = np.flatnonzero(self.posed.any(axis=1)).tolist()
        return frames


def apply(spec: str, clip: Clip, seed: int = 0) -> Edited:
    """The clip and the mask that a SPEC with edits describes.

    Args:
        spec: any SPEC; one without edits of the motion leaves the clip as it is.
        clip: as it was recorded.
        seed: of random patterns.

    Raises:
        SpecError: the text is not a SPEC, or does not fit the clip.
    """
    nothing = np.zeros((len(clip), len(clip.motion.skeleton)), dtype=bool)
    state = Edited(clip, Mask(nothing, ""), nothing)
    for term in parse_terms(spec):
        if term.kind == "pose":
            state = _pose(state, term)
        elif term.kind == "retime":
            state = _retime(state, term)
        else:
            state = replace(state, mask=with_term(state.mask, term, state.clip, seed))
        state = replace(state, mask=_without_unrecorded(state))
    if state.clip is clip:
        return state
    return replace(state, clip=replace(state.clip, notes=(*clip.notes, *_notes(state))))


def changes_motion(spec: str) -> bool:
    """Whether a SPEC has edits of the motion itself, not only of what is hidden."""
    return any(kind_of(term) in MOTION_EDITS for term in spec.replace(" ", "").split("+"))


def add(edits: Sequence[str], term: str) -> tuple[str, ...]:
    """Edits with one more; it is merged into the last one if kind and joints are the same."""
    if edits:
        (last, mark, joints), (new, _, others) = edits[-1].partition("@"), term.partition("@")
        if kind_of(last) == kind_of(new) and not changes_motion(new) and joints == others:
            return (*edits[:-1], f"{last},{new.partition(':')[2]}{mark}{joints}")
    return (*edits, term)


def _without_unrecorded(state: Edited) -> Mask:
    """The mask with frames that were never recorded hidden, except for inserted poses."""
    mask, nothing = state.mask, ~state.truth_frames[:, None] & ~state.posed
    pinned = None if mask.pinned is None else mask.pinned & ~nothing
    return Mask(
        mask.hidden | nothing, mask.label, pinned if pinned is not None and pinned.any() else None
    )


def _pose(state: Edited, term: Term) -> Edited:
    """A pose copied from another frame, as a keyframe."""
    clip, motion, mask = state.clip, state.clip.motion, state.mask
    frame, source = term.numbers
    for number in (frame, source):
        _check_frame(clip, number, term.text)
    if not (clip.recorded[source] or state.posed[source].all()):
        raise SpecError(
            term.text,
            f"nothing was recorded at frame {source}",
            "a frame with a pose",
            "copy another one",
        )
    joints = term.joints
    chosen = (
        list(range(len(motion.skeleton)))
        if joints is None
        else joint_indices(motion.skeleton, joints)
    )
    rotations, root_m = motion.rotations.copy(), motion.root_m.copy()
    rotations[frame, chosen] = motion.rotations[source, chosen]
    if 0 in chosen:
        rotations[frame, 0], root_m[frame] = _placed(motion, ~mask.hidden[:, 0], frame, source)
    posed, hidden = state.posed.copy(), mask.hidden.copy()
    posed[frame, chosen], hidden[frame, chosen] = True, False
    clip = replace(
        clip,
        motion=replace(motion, rotations=rotations, root_m=root_m),
        recording=Recording(clip.truth, clip.recorded),
    )
    return Edited(clip, Mask(hidden, joined(mask.label, term.text), mask.pinned), posed)


def _placed(
    motion: Motion, known: Bool[Array, "T"], frame: int, source: int
) -> tuple[Float[Array, "3 3"], Float[Array, "3"]]:
    """Rotation and position of the root with the pose and height of ``source``, where the known motion passes.

    The heading is the turn about the vertical that brings the copied rotation nearest to the one interpolated between
    the known frames around: the largest trace of ``R_y(turn).T @ between @ copied.T``.
    """
    copied, place = motion.rotations[source, 0], motion.root_m[source]
    others = np.flatnonzero(known & (np.arange(len(known)) != frame))
    if not len(others):
        return copied, place  # nothing says where it should stand instead
    next_at = int(np.searchsorted(others, frame))
    low, high = int(others[max(next_at - 1, 0)]), int(others[min(next_at, len(others) - 1)])
    share = np.float32(np.clip((frame - low) / max(high - low, 1), 0, 1))
    between = rot.slerp(motion.rotations[low, 0], motion.rotations[high, 0], np.array(share))
    turn = between @ copied.T
    angle = np.arctan2(turn[0, 2] - turn[2, 0], turn[0, 0] + turn[2, 2])
    cos, sin = np.cos(angle), np.sin(angle)
    heading = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=np.float32)
    path = motion.root_m[low] + share * (motion.root_m[high] - motion.root_m[low])
    return heading @ copied, np.array([path[0], place[1], path[2]], dtype=np.float32)


def _retime(state: Edited, term: Term) -> Edited:
    """A gap of another length, hidden."""
    clip, mask = state.clip, state.mask
    first, last, length = term.numbers
    _check_frame(clip, last, term.text)
    if first > last or last - first + 1 >= len(clip):
        raise SpecError(
            term.text,
            "the gap is the whole clip" if first <= last else "the gap ends before it begins",
            "a gap with frames beside it",
            "choose its frames anew",
        )
    if not 1 <= length <= LONGEST_GAP:
        raise SpecError(
            term.text, f"a gap of {length} frames", f"1 to {LONGEST_GAP}", "choose another length"
        )

    def cut(values: Array, inside: bool) -> Array:
        gap = np.full((length, *values.shape[1:]), inside)
        return np.concatenate([values[:first], gap, values[last + 1 :]])

    recorded, same = cut(clip.recorded, False), length == last - first + 1
    if same:  # the gap keeps its length, so its recording can still be compared with
        recorded[first : last + 1] = clip.recorded[first : last + 1]
    motion, truth = (
        m if same else _stretched(m, first, last, length) for m in (clip.motion, clip.truth)
    )
    pinned = None if mask.pinned is None else cut(mask.pinned, False)
    clip = replace(
        clip,
        motion=motion,
        music=_music_for(clip.music, len(motion)),
        recording=Recording(truth, recorded),
    )
    return Edited(
        clip,
        Mask(cut(mask.hidden, True), joined(mask.label, term.text), pinned),
        cut(state.posed, False),
    )


def _stretched(motion: Motion, first: int, last: int, length: int) -> Motion:
    """The motion with ``length`` frames in a gap's place, interpolated between its neighbours.

    Where the gap lies at an end of the clip, they hold the only neighbour.
    """
    low, high = first - 1 if first else last + 1, last + 1 if last + 1 < len(motion) else first - 1
    share = (np.arange(1, length + 1) / (length + 1)).astype(np.float32)
    weight = np.broadcast_to(share[:, None], (length, len(motion.skeleton)))
    start, end = (np.repeat(motion.rotations[[frame]], length, axis=0) for frame in (low, high))
    between = rot.slerp(start, end, weight)
    path = motion.root_m[low] + share[:, None] * (motion.root_m[high] - motion.root_m[low])
    return replace(
        motion,
        rotations=np.concatenate([motion.rotations[:first], between, motion.rotations[last + 1 :]]),
        root_m=np.concatenate([motion.root_m[:first], path, motion.root_m[last + 1 :]]),
    )


def _music_for(music: Music | None, count: int) -> Music | None:
    """The music at its own pace for ``count`` frames: cut off at the end, or followed by silence."""
    if music is None or len(music) == count:
        return music
    if len(music) > count:
        return music.crop(0, count)
    from mmm.music.features import FEATURE_NAMES, fitted  # only where silence is asked for

    if music.features.shape[1] != len(FEATURE_NAMES):
        raise SpecError(
            "retime",
            f"the clip grows beyond its music of {music.features.shape[1]} features a frame",
            f"the {len(FEATURE_NAMES)} that say what silence is",
            "make no gap longer",
        )
    return fitted(music, count)


def _notes(state: Edited) -> list[str]:
    """What the user should know of an edited clip, in sentences."""
    notes, without = [], int((~state.truth_frames).sum())
    if state.posed.any():
        notes.append(
            f"Inserted poses are keyframes of yours ({_few(state.keyframes)}): the recording does not pass "
            "through them, and errors say how far a result is from the recording."
        )
    if without:
        notes.append(
            f"{without} frames lie in gaps whose length was changed. They were never recorded, so no error is "
            "counted in them."
        )
    return notes


def _few(numbers: Sequence[int]) -> str:
    word = "frame " if len(numbers) == 1 else "frames "
    return word + ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _check_frame(clip: Clip, number: int, where: str) -> None:
    if not 0 <= number < len(clip):
        raise SpecError(
            where,
            f"frame {number} is not inside the {len(clip)} frames there are then",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )

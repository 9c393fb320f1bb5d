"""Edits by hand: entries hidden, known or pinned, inserted poses, gaps of another length.

``docs/spec.md`` explains the terms. They are applied from left to right, each to the timeline that
the terms before it have produced.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.errors import SpecError
from mmm.masks import Mask, with_term
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion, Music, Recording
from mmm.motion.skeleton import joint_indices
from mmm.spec import MOTION_EDITS, Term, joined, kind_of, parse_terms

Array = np.ndarray

LONGEST_GAP = 10_000
"""The most frames of a gap. It guards against typos that would allocate gigabytes."""


@dataclass(frozen=True, eq=False)
class Edited:
    """An edited clip with its mask."""

    clip: Clip
    """The clip with inserted poses and changed gaps. Its ``recording`` is what was recorded."""
    mask: Mask
    """Hidden entries. The label is the whole SPEC, which reproduces the edits on the unedited clip
    with the same seed."""
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
    """Apply a SPEC, with or without edits, to a clip.

    Args:
        spec: any SPEC. Without edits of the motion, the clip stays as it is.
        clip: the clip as it was recorded.
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
        # After every term: a later one must not make frames known that were never recorded.
        state = replace(state, mask=_without_unrecorded(state))
    # An unedited clip comes back as the same object, so that caches keyed on it still hit.
    if state.clip is clip:
        return state
    return replace(state, clip=replace(state.clip, notes=(*clip.notes, *_notes(state))))


def changes_motion(spec: str) -> bool:
    """Whether a SPEC edits the motion itself, not only what is hidden."""
    return any(kind_of(term) in MOTION_EDITS for term in spec.replace(" ", "").split("+"))


def add(edits: Sequence[str], term: str) -> tuple[str, ...]:
    """Edits with one more term, which is merged into the last one if kind and joints are equal."""
    # Merging keeps links short: a page adds one term for each frame that is clicked.
    if edits:
        (last, mark, joints), (new, _, others) = edits[-1].partition("@"), term.partition("@")
        if kind_of(last) == kind_of(new) and not changes_motion(new) and joints == others:
            return (*edits[:-1], f"{last},{new.partition(':')[2]}{mark}{joints}")
    return (*edits, term)


def _without_unrecorded(state: Edited) -> Mask:
    """The mask with all entries hidden that were never recorded, except for inserted poses."""
    mask, unrecorded = state.mask, ~state.truth_frames[:, None] & ~state.posed
    pinned = None if mask.pinned is None else mask.pinned & ~unrecorded
    return Mask(
        mask.hidden | unrecorded,
        mask.label,
        pinned if pinned is not None and pinned.any() else None,
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
    # The root brings its path: the copied pose is put where the known motion passes.
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
        return copied, copied_m  # no known frame says where it should stand instead
    following = int(np.searchsorted(others, frame))
    low, high = int(others[max(following - 1, 0)]), int(others[min(following, len(others) - 1)])
    weight = np.float32(np.clip((frame - low) / max(high - low, 1), 0, 1))
    between = rot.slerp(motion.rotations[low, 0], motion.rotations[high, 0], np.array(weight))
    turn = between @ copied.T
    # Closed form of that maximum: the trace is a cosine and a sine of the angle plus a constant.
    angle = np.arctan2(turn[0, 2] - turn[2, 0], turn[0, 0] + turn[2, 2])
    heading = rot.about_vertical(angle).astype(np.float32)
    path = motion.root_m[low] + weight * (motion.root_m[high] - motion.root_m[low])
    return heading @ copied, np.array([path[0], copied_m[1], path[2]], dtype=np.float32)


def _retime(state: Edited, term: Term) -> Edited:
    """A gap with another number of frames, all hidden."""
    clip, mask = state.clip, state.mask
    first, last, length = term.numbers
    _check_frame(clip, last, term.text)
    if first > last or last - first + 1 >= len(clip):
        raise SpecError(
            term.text,
            "the gap is the whole clip" if first <= last else "the gap ends before it begins",
            "a gap with frames beside it",
            "choose other frames",
        )
    if not 1 <= length <= LONGEST_GAP:
        raise SpecError(
            term.text, f"a gap of {length} frames", f"1 to {LONGEST_GAP}", "choose another length"
        )

    def cut(values: Array, inside: bool) -> Array:
        gap = np.full((length, *values.shape[1:]), inside)
        return np.concatenate([values[:first], gap, values[last + 1 :]])

    recorded, same = cut(clip.recorded, False), length == last - first + 1
    # A gap that keeps its length keeps its recording, so errors can still be measured in it.
    if same:
        recorded[first : last + 1] = clip.recorded[first : last + 1]
    motion, truth = (
        m if same else _stretched(m, first, last, length) for m in (clip.motion, clip.truth)
    )
    # Pins and poses inside the old gap have no frame in the new one.
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
    """The motion with a gap replaced by ``length`` frames, interpolated between its neighbours.

    At an end of the clip, the new frames hold the only neighbour.
    """
    low, high = first - 1 if first else last + 1, last + 1 if last + 1 < len(motion) else first - 1
    fraction = (np.arange(1, length + 1) / (length + 1)).astype(np.float32)
    weight = np.broadcast_to(fraction[:, None], (length, len(motion.skeleton)))
    start, end = (np.repeat(motion.rotations[[frame]], length, axis=0) for frame in (low, high))
    between = rot.slerp(start, end, weight)
    path = motion.root_m[low] + fraction[:, None] * (motion.root_m[high] - motion.root_m[low])
    return replace(
        motion,
        rotations=np.concatenate([motion.rotations[:first], between, motion.rotations[last + 1 :]]),
        root_m=np.concatenate([motion.root_m[:first], path, motion.root_m[last + 1 :]]),
    )


def _music_for(music: Music | None, count: int) -> Music | None:
    """Music for ``count`` frames at its own tempo: cut off at the end, or followed by silence."""
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
    notes, unrecorded = [], int((~state.truth_frames).sum())
    if state.posed.any():
        notes.append(
            f"Inserted poses ({_few(state.keyframes)}) are keyframes that were not recorded. "
            "Errors are distances from the recording, which does not pass through them."
        )
    if unrecorded:
        notes.append(
            f"{unrecorded} frames lie in gaps whose length was changed. They were never recorded, "
            "so no error is counted in them."
        )
    return notes


def _few(numbers: Sequence[int]) -> str:
    """The first five frames in words."""
    word = "frame " if len(numbers) == 1 else "frames "
    return word + ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _check_frame(clip: Clip, number: int, term: str) -> None:
    """Check that a frame exists at this point of the SPEC."""
    if not 0 <= number < len(clip):
        # Earlier terms may have changed the length, so the message counts the frames left by them.
        raise SpecError(
            term,
            f"frame {number} is not among the {len(clip)} frames at that point",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )

"""Changes of the length of gaps."""

from dataclasses import replace

import numpy as np

from mmm.edits.edited import Edited, check_frame
from mmm.errors import SpecError
from mmm.masks import Mask
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion, Music, Recording
from mmm.spec import Term, joined

Array = np.ndarray

LONGEST_GAP = 10_000
"""Most frames of a retimed gap. Guards against typos that would allocate gigabytes."""


def retime(state: Edited, term: Term) -> Edited:
    """Give a gap another number of frames, all hidden."""
    clip, mask = state.clip, state.mask
    first, last, length = term.numbers
    check_frame(clip, last, term.text)
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
    from mmm.music.features import FEATURE_NAMES, fitted  # only needed to append silence

    if music.features.shape[1] != len(FEATURE_NAMES):
        raise SpecError(
            "retime",
            f"the clip grows beyond its music of {music.features.shape[1]} features per frame",
            f"the {len(FEATURE_NAMES)} for which silence is defined",
            "make no gap longer",
        )
    return fitted(music, count)

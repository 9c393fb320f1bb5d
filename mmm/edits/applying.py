"""Applies the terms of a SPEC to a clip."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mmm.edits import gaps, poses
from mmm.edits.edited import Edited, frame_list
from mmm.errors import SpecError
from mmm.masks import Mask, with_term
from mmm.motion.clip import Clip
from mmm.spec import Term, parse_terms

MOST_POSES = 1_000
"""Most terms that set poses. Each takes time, and public servers accept SPECs from anyone."""

_MOTION_EDITS: dict[str, Callable[[Edited, Term], Edited]] = {
    "pose": poses.pose,
    "reach": poses.reach,
    "place": poses.place,
    "move": poses.move,
    "retime": gaps.retime,
}


def apply(spec: str, clip: Clip, seed: int = 0) -> Edited:
    """Apply a SPEC, with or without edits, to a clip.

    Args:
        spec: any SPEC. Without edits of the motion, the clip stays as it is.
        clip: the clip as it was recorded.
        seed: random seed of ``random`` patterns.

    Raises:
        SpecError: the text is not a SPEC, or does not fit the clip.
    """
    nothing = np.zeros((len(clip), len(clip.motion.skeleton)), dtype=bool)
    state = Edited(clip, Mask(nothing, ""), nothing)
    terms = parse_terms(spec)
    _check_count(terms)
    for term in terms:
        if edit := _MOTION_EDITS.get(term.kind):
            state = edit(state, term)
        else:
            state = replace(state, mask=with_term(state.mask, term, state.clip, seed))
        # After every term: a later one must not make frames known that were never recorded.
        state = replace(state, mask=_without_unrecorded(state))
    # An unedited clip comes back as the same object, so that caches keyed on it still hit.
    if state.clip is clip:
        return state
    return replace(state, clip=replace(state.clip, notes=(*clip.notes, *_notes(state))))


def _check_count(terms: list[Term]) -> None:
    """Check that a SPEC does not set too many poses."""
    count = sum(term.kind in ("pose", "reach", "place", "move") for term in terms)
    if count > MOST_POSES:
        raise SpecError(
            "SPEC",
            f"{count:,} poses are set or moved",
            f"at most {MOST_POSES:,}",
            "edit fewer frames, or save the clip and go on with the file",
        )


def _without_unrecorded(state: Edited) -> Mask:
    """The mask with all entries hidden that were never recorded, except for inserted poses."""
    mask, unrecorded = state.mask, ~state.truth_frames[:, None] & ~state.posed
    pinned = None if mask.pinned is None else mask.pinned & ~unrecorded
    return Mask(
        mask.hidden | unrecorded,
        mask.label,
        pinned if pinned is not None and pinned.any() else None,
    )


def _notes(state: Edited) -> list[str]:
    """Remarks on an edited clip for the user."""
    notes, unrecorded = [], int((~state.truth_frames).sum())
    if state.posed_frames:
        notes.append(
            f"Inserted poses ({frame_list(state.posed_frames)}) are keyframes that were not recorded. "
            "Errors are distances from the recording, which does not pass through them."
        )
    if unrecorded:
        notes.append(
            f"{unrecorded} frames lie in gaps whose length was changed. They were never recorded, "
            "so no error is counted in them."
        )
    return notes

"""An edited clip: its mask, the entries whose pose was set by hand, and its keyframes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from mmm.errors import SpecError
from mmm.masks import Mask
from mmm.motion.clip import Clip

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Edited:
    """An edited clip with its mask."""

    clip: Clip
    """The clip with inserted poses and changed gaps. Its ``recording`` is what was recorded."""
    mask: Mask
    """Hidden entries. The label is the whole SPEC, which reproduces the edits on the unedited clip
    with the same seed."""
    posed: Bool[Array, "T J"]
    """Entries whose pose was set by hand: copied, moved from another frame, or given in angles."""

    @property
    def truth_frames(self) -> Bool[Array, "T"]:
        """Frames of which there is a recording to compare with."""
        return self.clip.recorded

    @property
    def posed_frames(self) -> list[int]:
        """Frames with a known pose that was set by hand, ascending."""
        frames: list[int] = np.flatnonzero((self.posed & ~self.mask.hidden).any(axis=1)).tolist()
        return frames

    @property
    def keyframes(self) -> list[int]:
        """The keyframes, ascending.

        A keyframe is a frame that stands alone: a known frame with no known frame beside it, a
        pinned frame with no pinned frame beside it, or a frame with a known pose that was set by
        hand. A frame counts as known where no joint of it is hidden.
        """
        # The ends of the clip count as hidden, so that the first frame of every:15 is a keyframe.
        alone = _alone(np.asarray(~self.mask.frames))
        if self.mask.pinned is not None:
            alone |= _alone(np.asarray(self.mask.pinned.any(axis=1)))
        alone[self.posed_frames] = True
        frames: list[int] = np.flatnonzero(alone).tolist()
        return frames


def _alone(flags: Bool[Array, "T"]) -> Bool[Array, "T"]:
    """Where a frame has the flag and neither neighbour has it."""
    beside = np.zeros_like(flags)
    beside[1:] |= flags[:-1]
    beside[:-1] |= flags[1:]
    return np.asarray(flags & ~beside)


def check_frame(clip: Clip, number: int, term: str) -> None:
    """Check that a frame exists at this point of the SPEC.

    Raises:
        SpecError: it does not.
    """
    if not 0 <= number < len(clip):
        # Earlier terms may have changed the length, so the message counts the frames left by them.
        raise SpecError(
            term,
            f"frame {number} is not among the {len(clip)} frames at that point",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )


def few(numbers: Sequence[int]) -> str:
    """The first five frames in words."""
    # Notes are one line, whatever the number of frames.
    word = "frame " if len(numbers) == 1 else "frames "
    return word + ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")

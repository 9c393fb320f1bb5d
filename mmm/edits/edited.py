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
    """The clip with inserted poses and changed gaps. Its ``recording`` keeps the recorded motion."""
    mask: Mask
    """Hidden entries. The label is the whole SPEC, which reproduces the edits on the unedited clip
    with the same seed."""
    posed: Bool[Array, "T J"]
    """Entries whose pose was set by hand: copied, moved from another frame, or given in angles."""

    @property
    def truth_frames(self) -> Bool[Array, "T"]:
        """Frames that were recorded, so that errors can be measured in them."""
        return self.clip.recorded

    @property
    def posed_frames(self) -> list[int]:
        """Frames with a known pose that was set by hand, ascending."""
        frames: list[int] = np.flatnonzero((self.posed & ~self.mask.hidden).any(axis=1)).tolist()
        return frames

    @property
    def keyframes(self) -> list[int]:
        """The keyframes, ascending.

        A keyframe is a known frame with no known neighbour, a pinned frame with no pinned
        neighbour, or a frame with a known pose that was set by hand. A frame counts as known if
        none of its joints is hidden.
        """
        # Beyond its ends the clip counts as hidden, so the first frame of every:15 is a keyframe.
        isolated = _isolated(np.asarray(~self.mask.frames))
        if self.mask.pinned is not None:
            isolated |= _isolated(np.asarray(self.mask.pinned.any(axis=1)))
        isolated[self.posed_frames] = True
        frames: list[int] = np.flatnonzero(isolated).tolist()
        return frames


def _isolated(flags: Bool[Array, "T"]) -> Bool[Array, "T"]:
    """Frames that have the flag while neither neighbour has it."""
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
        # Earlier terms may have changed the clip's length, so the message states the current one.
        raise SpecError(
            term,
            f"frame {number} is not among the {len(clip)} frames at that point",
            f"0 to {len(clip) - 1}",
            "choose a frame of the clip",
        )


def frame_list(numbers: Sequence[int]) -> str:
    """Frame numbers as text, at most five of them: ``frames 3, 9, ...``."""
    # Notes stay one line, whatever the number of frames.
    word = "frame " if len(numbers) == 1 else "frames "
    return word + ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")

"""The ground truth of the dance set: which music frames decide which motion frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from mmm.errors import FileError

Array = np.ndarray


class TruthTable:
    """``truth.npz`` of a prepared split: each row is an influence of a stretch of music on a stretch
    of motion.

    Raises:
        FileError: the split has none, as only our own dance set does.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "truth.npz"
        if not path.is_file():
            raise FileError(
                str(path),
                "no such table",
                "a split of the project's own dance set, whose rule is known",
                "run python -m data prepare dance first",
            )
        # A pickle in a data file could run code.
        with np.load(path, allow_pickle=False) as stored:
            # The file stores rules as indices into its list of names.
            self._clip, self._rule = stored["clip"], stored["rules"][stored["rule"]]
            self._music, self._motion, self._label = (
                stored["music"],
                stored["motion"],
                stored["label"],
            )
            self.frames: list[int] = stored["frames"].tolist()
            """Number of frames of every clip."""

    def causes(self, clip: int, rule: str) -> list[tuple[str, int, int]]:
        """The influences of one rule in one clip: label (``Am v_step right``), first music frame, and
        the frame after the last."""
        rows = np.flatnonzero((self._clip == clip) & (self._rule == rule))
        return [(str(self._label[k]), *self._music[k].tolist()) for k in rows]

    def deciding(
        self, clip: int, frame: int, frames: int, rules: Sequence[str] | None = None
    ) -> Bool[Array, "T"]:
        """The music frames, of the first ``frames``, that decide a motion frame in any joint.

        Args:
            clip: its place in the split's ``clips.json``.
            frame: of the motion.
            frames: number of music frames that are returned.
            rules: ``chord``, ``kick``, ``snare``; None for all.
        """
        rows = (self._clip == clip) & (self._motion[:, 0] <= frame) & (frame < self._motion[:, 1])
        if rules is not None:
            rows &= np.isin(self._rule, list(rules))
        decides = np.zeros(frames, dtype=bool)
        # Influences overlap, so frames are marked rather than counted.
        for start, stop in self._music[rows]:
            decides[start:stop] = True
        return decides

"""Classify the move of each bar of our own dance set, and compare it with the move that the song's
chord prescribes.

The set's ``truth.npz`` holds the move and side that each bar's chord decides. The mean of the train
split's bars of each of the 24 is a prototype, and a bar of motion is classified as the nearest one.
The accuracy on recorded dances of the test split is the upper limit; one bar in 24 (in 12 without
sides) is chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from mmm.motion.clip import Motion
from mmm.motion.rotations import matrix_to_sixd
from training.benchmark.dance_truth import TruthTable
from training.data.dataset import MotionSet

Array = np.ndarray

MOMENTS = 24
"""Frames of a bar that are compared. They are spread evenly, so that at every tempo they are the same
phases of the move."""
TRAIN_BARS = 3000
"""Largest number of bars that the prototypes are computed from."""


@dataclass(frozen=True)
class Bar:
    """A bar of a clip: frames ``start`` to ``stop`` (not included), and the move that its chord
    decides."""

    start: int
    stop: int
    move: str
    """Name and leading side, such as ``v_step right``."""


def bars_of(split: Path) -> list[list[Bar]]:
    """The whole bars of every clip of a split, in the order of its ``clips.json``.

    Raises:
        FileError: the split has no ``truth.npz``: it is not of our dance set.
    """
    table = TruthTable(split)
    # Bars at an end of the clip may be cut off.
    return [
        [
            Bar(start, stop, label.partition(" ")[2])
            for label, start, stop in table.causes(clip, "chord")
            if 0 < start < stop < frames
        ]
        for clip, frames in enumerate(table.frames)
    ]


def sample_frames(bar: Bar) -> Array:
    """The frames of a bar that are compared."""
    # The middles of equal parts, because the moves of neighbouring bars blend at its ends.
    return (bar.start + (np.arange(MOMENTS) + 0.5) / MOMENTS * (bar.stop - bar.start)).astype(int)


@dataclass(frozen=True)
class Moves:
    """Prototypes of all moves, each led from either side."""

    names: tuple[str, ...]
    prototypes: Float[Array, "M K"]

    @staticmethod
    def fit(split: Path) -> "Moves":
        """Compute the prototypes from the bars of a train split.

        Raises:
            FileError: it is no split of our dance set.
        """
        stored, bars = MotionSet(split), bars_of(split)
        labelled = [
            (int(entry["first"]), bar)
            for entry, clip_bars in zip(stored.clips, bars, strict=True)
            for bar in clip_bars
        ]
        # Every n-th bar instead of the first ones, so that all songs of the split are in the
        # sample.
        step = max(1, len(labelled) // TRAIN_BARS)
        sums: dict[str, tuple[Array, int]] = {}
        for first, bar in labelled[::step]:
            # Rotations alone: where the dancer stands says nothing about the move.
            pose = (
                stored.rotations[torch.from_numpy(first + sample_frames(bar))]
                .float()
                .numpy()
                .ravel()
            )
            # float64, because many poses in half precision are added up.
            total, count = sums.get(bar.move, (np.zeros_like(pose, dtype=np.float64), 0))
            sums[bar.move] = total + pose, count + 1
        names = tuple(sorted(sums))
        return Moves(names, np.stack([sums[name][0] / sums[name][1] for name in names]))

    def name(self, motion: Motion, bar: Bar) -> str:
        """The move whose prototype is nearest to a bar of motion."""
        # Six numbers a rotation (Zhou et al. 2019), the form in which prepared sets store them.
        pose = matrix_to_sixd(motion.rotations[sample_frames(bar)]).ravel()
        return self.names[int(((self.prototypes - pose) ** 2).sum(axis=1).argmin())]

    def score(
        self, motions: Sequence[Motion], bars: Sequence[Sequence[Bar]]
    ) -> dict[str, float | int | None]:
        """The share of bars with the prescribed move, with and without the leading side."""
        pairs = [
            (self.name(motion, bar), bar.move)
            for motion, clip_bars in zip(motions, bars, strict=True)
            for bar in clip_bars
            # A bar that reaches past the end of the motion was not danced in full.
            if bar.stop <= len(motion)
        ]
        if not pairs:
            return {"bars": 0, "move_and_side": None, "move": None}
        both = np.mean([danced == true for danced, true in pairs])
        move = np.mean([danced.split()[0] == true.split()[0] for danced, true in pairs])
        return {
            "bars": len(pairs),
            "move_and_side": round(float(both), 4),
            "move": round(float(move), 4),
        }

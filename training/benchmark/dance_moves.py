"""Which move is danced in a bar, and is it the one that the song's chord asks for? For our own
dance set.

The set's ``truth.npz`` says of every bar which move and side its chord decides. The mean of the
train split's bars of each of the 24 is a prototype; a bar of motion is taken for the nearest one.
How often that is right on real dances of the test split is the ceiling; one bar in 24 (in 12, sides
aside) is chance.
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
"""Frames that are looked at in a bar, spread evenly: whatever the tempo, they are the same moments
of the move."""
TRAIN_BARS = 3000
"""Bars that prototypes are made of, at most."""


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
    # Those at an end of the clip may be cut off.
    return [
        [
            Bar(start, stop, label.partition(" ")[2])
            for label, start, stop in table.causes(clip, "chord")
            if 0 < start < stop < frames
        ]
        for clip, frames in enumerate(table.frames)
    ]


def moments(bar: Bar) -> Array:
    """The frames of a bar that are looked at."""
    # The middles of equal parts, because the frames at a bar's ends belong to the neighbours as
    # well.
    return (bar.start + (np.arange(MOMENTS) + 0.5) / MOMENTS * (bar.stop - bar.start)).astype(int)


@dataclass(frozen=True)
class Moves:
    """Prototypes of all moves, each led from either side."""

    names: tuple[str, ...]
    prototypes: Float[Array, "M K"]

    @staticmethod
    def fit(split: Path) -> "Moves":
        """From the bars of a train split.

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
            pose = stored.rotations[torch.from_numpy(first + moments(bar))].float().numpy().ravel()
            # float64, because many poses in half precision are added up.
            total, count = sums.get(bar.move, (np.zeros_like(pose, dtype=np.float64), 0))
            sums[bar.move] = total + pose, count + 1
        names = tuple(sorted(sums))
        return Moves(names, np.stack([sums[name][0] / sums[name][1] for name in names]))

    def name(self, motion: Motion, bar: Bar) -> str:
        """The move that a bar of motion is nearest to."""
        # Six numbers a rotation (Zhou et al. 2019), the form in which prepared sets store them.
        pose = matrix_to_sixd(motion.rotations[moments(bar)]).ravel()
        return self.names[int(((self.prototypes - pose) ** 2).sum(axis=1).argmin())]

    def score(
        self, motions: Sequence[Motion], bars: Sequence[Sequence[Bar]]
    ) -> dict[str, float | int | None]:
        """Of how many bars the move is the rule's, with the leading side and without."""
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

"""Finding recorded continuations: motion matching over a library, with a prior on activity."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import minimum_filter1d

from mmm.generation.canonical import Poses
from mmm.generation.library import FPS, Library, mirror
from mmm.generation.state import States, ankle_heights, head_height, log_energy, states

Array = np.ndarray

STRIDE = 6
"""Frames between two places at which a take can be entered."""
SEGMENT_S = 1.5
"""How long a retrieved piece is before another one may follow."""
_LEAD = 12
"""Frames of a take before the first place at which it can be entered."""
ACTIVITY_WEIGHT = 1.0
"""Of the squared difference in log energy, beside squared leg lengths."""
CONTEXT_WEIGHT = 0.12
"""Of the same for the second before."""
SPEED_WEIGHT = 0.25
"""Of the hips' mean speed over the second before."""
HEIGHT_WEIGHT = 4.0
"""Of the head's mean height over the next piece, against what is usual for the person."""
LEVEL = 0.08
"""Where no foot comes nearer to the floor than this within a second, leg lengths, the ground is no floor: stairs, a
slope, or an error of height."""
STAY_S = 3.0
"""A take is followed for so long without being asked why."""
STAY_COST = 0.35
"""And costs so much more with each second after that."""
AGAIN_S = 25.0
"""What was played within this time is not played again."""
CHOICES = 24
"""Of the best places one is drawn."""
DRAW_SCALE = 0.08
"""Costs so far apart differ by a factor e in how likely they are drawn, at temperature 1."""


@dataclass(frozen=True)
class Segment:
    """A piece of a take."""

    take: int
    start: float
    """The frame that coincides with the last frame before the piece."""
    mirrored: bool
    follows: bool
    """Whether it goes on where the piece before ended."""
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Query:
    """What is known of the past at a seam."""

    pose: Float[Array, "2 D"]
    """As it is, and in a mirror."""
    energy: float
    """Log energy of the second before."""
    speed: Float[Array, "2"]
    """Mean velocity of the hips over the second before, in the body's heading."""


def query_of(poses: Poses) -> Query:
    """The query of a stretch at 30 frames a second, half a second or more; its last frame is the seam."""
    count = min(len(poses) - 2, 30)
    now = np.arange(len(poses) - count, len(poses), 3)[::-1][::-1]
    now = np.unique(np.append(now, len(poses) - 1))
    here, there = states_at(poses, now), states_at(mirror(poses), now)
    return Query(
        np.stack([here.pose[-1], there.pose[-1]]),
        float(log_energy(here.energy.mean())),
        here.speed.mean(axis=0),
    )


def states_at(poses: Poses, frames: Int[Array, "n"]) -> States:
    """States of a stretch at 30 frames a second at some of its frames, from 2 on."""
    return states(
        Poses(poses.world[frames], poses.hips[frames]),
        Poses(poses.world[frames - 2], poses.hips[frames - 2]),
    )


class Searcher:
    """Search over all places of a library at which a take can be entered."""

    def __init__(self, library: Library) -> None:
        self.library = library
        room = round(SEGMENT_S * FPS) + STRIDE
        parts, takes, frames, nexts, pasts, speeds = [], [], [], [], [], []
        heights, level = [], []
        for number, take in enumerate(library.takes):
            places = np.arange(_LEAD, take.frames - 1, STRIDE)
            if not len(places):
                continue
            found = states(library.poses(number, places), library.poses(number, places - 2))
            steps = round(SEGMENT_S * FPS / STRIDE)
            parts.append(found.pose)
            takes.append(np.full(len(places), number))
            frames.append(places)
            nexts.append(_mean(found.energy, 1, steps))
            pasts.append(_mean(found.energy, -steps + 2, 0))
            heights.append(_mean(head_height(found.pose), 1, steps))
            level.append(_level(found.pose))
            speeds.append(np.stack([_mean(found.speed[:, k], -5, 0) for k in range(2)], axis=1))
        self.pose = np.concatenate(parts)
        self.take, self.frame = np.concatenate(takes), np.concatenate(frames)
        self.next = log_energy(np.concatenate(nexts)).astype(np.float32)
        self.past = log_energy(np.concatenate(pasts)).astype(np.float32)
        self.speed = np.concatenate(speeds).astype(np.float32)
        self.square = (self.pose**2).sum(axis=1)
        ends = np.array([take.frames for take in library.takes])[self.take]
        self.tempo = np.array([take.tempo_bpm for take in library.takes])[self.take]
        # Dances to music are for music.
        self.open: Bool[Array, "n"] = (self.frame + room < ends) & (self.tempo == 0)
        self.height = np.concatenate(heights).astype(np.float32)
        self.open &= np.concatenate(level)
        self.usual = float(np.median(self.next))
        self.lively = float(log_energy(np.concatenate(nexts).mean()))
        self.prior = _autoregression(self.past, self.next)

    def costs(self, query: Query, target: float, height: float) -> Float[Array, "2 n"]:
        """Of every place, as it was recorded and in a mirror.

        Args:
            query: the moment that is to be continued.
            target: the log energy that the next piece is to have.
            height: of the head, as it usually is, leg lengths.
        """
        result = self.distances(query)
        result += ACTIVITY_WEIGHT * (self.next - target) ** 2
        result += CONTEXT_WEIGHT * (self.past - query.energy) ** 2
        result += HEIGHT_WEIGHT * (self.height - height) ** 2
        for k, flip in enumerate((1, -1)):
            speed = query.speed * np.array([flip, 1])
            result[k] += SPEED_WEIGHT * ((self.speed - speed) ** 2).sum(axis=1)
        result[:, ~self.open] = np.inf
        return result

    def distances(self, query: Query) -> Float[Array, "2 n"]:
        """Squared distances of all states, as recorded and in a mirror, to that of a query."""
        products = query.pose @ self.pose.T
        lengths = (query.pose**2).sum(axis=1)
        return np.asarray(self.square - 2 * products + lengths[:, None], dtype=np.float32)

    def place(self, take: int, frame: float) -> int:
        """The place nearest to a frame of a take."""
        here = np.flatnonzero(self.take == take)
        return int(here[np.abs(self.frame[here] - frame).argmin()])


@lru_cache(maxsize=2)
def searcher_of(path: Path) -> Searcher:
    """The search over a library file; kept, since reading one takes seconds."""
    return Searcher(Library.load(path))


def _level(pose: Float[Array, "n D"]) -> Bool[Array, "n"]:
    """Whether a foot stands on the floor at some moment within a second before or after."""
    lowest = ankle_heights(pose).min(axis=1)
    around = 2 * round(FPS / STRIDE) + 1
    return np.asarray(np.abs(minimum_filter1d(lowest, around, mode="nearest")) < LEVEL)


def _mean(values: Array, first: int, last: int) -> Array:
    """Mean of values from ``first`` to ``last`` places away, as far as there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low = np.clip(places + first, 0, len(values) - 1)
    high = np.clip(places + last + 1, low + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _autoregression(past: Array, following: Array) -> tuple[float, float]:
    """Slope and deviation of what follows, given what was."""
    slope, level = np.polyfit(past, following, 1)
    return float(slope), float(np.std(following - slope * past - level))

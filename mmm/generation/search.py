"""Motion matching over a library, with a prior on activity."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.generation.canonical import Poses
from mmm.generation.library import FPS, Library, mirror
from mmm.generation.place_index import SEGMENT_S, STRIDE, PlaceIndex, load_indexed
from mmm.generation.song import Beats
from mmm.generation.state import States, log_energy, states

Array = np.ndarray

ACTIVITY_WEIGHT = 1.0
"""Weight of the squared difference in log energy; states count in squared leg lengths."""
CONTEXT_WEIGHT = 0.12
"""Weight of the same for the second before the seam."""
SPEED_WEIGHT = 0.25
"""Weight of the hips' mean velocity over the second before the seam."""
HEIGHT_WEIGHT = 4.0
"""Weight of the head's mean height over the next piece, against the person's usual one."""
SEED_FRAMES = 60
"""Frames at the start of a take that say how active its person is later."""
LATER_PLACES = 20
"""Places after them that it takes to measure that; four seconds."""
MANY_TAKES = 20
"""Fewer takes give no line between both."""
STAY_S = 3.0
"""A take is followed for this time without a cost."""
STAY_COST = 0.35
"""Added cost of each further second in one take."""
AGAIN_S = 25.0
"""Time for which a place that was played is avoided."""
CHOICES = 24
"""Number of the cheapest places that one is drawn from."""
DRAW_SCALE = 0.08
"""A cost higher by this is drawn e times more seldom at temperature 1."""


@dataclass(frozen=True)
class Segment:
    """A piece of a take."""

    take: int
    start: float
    """The frame of the take that falls on the last frame before the piece."""
    mirrored: bool
    follows: bool
    """Whether it continues the take of the piece before, so that no join is needed."""
    cost: float = 0.0
    rate: float = 1.0
    """Speed at which it is played."""


@dataclass(frozen=True, eq=False)
class Query:
    """The state at a seam and the second before it."""

    pose: Float[Array, "2 D"]
    """Features as they are, and mirrored."""
    energy: float
    """Log energy of the second before the seam."""
    speed: Float[Array, "2"]
    """Mean velocity of the hips in that second, in the body's heading."""


def query_of(poses: Poses) -> Query:
    """The query at the last frame of a stretch at 30 frames a second, half a second or more."""
    # Every third frame is enough for means over a second.
    count = min(len(poses) - 2, 30)
    now = np.arange(len(poses) - count, len(poses), 3)
    now = np.unique(np.append(now, len(poses) - 1))
    here, there = states_at(poses, now), states_at(mirror(poses), now)
    return Query(
        np.stack([here.pose[-1], there.pose[-1]]),
        float(log_energy(here.energy.mean())),
        here.speed.mean(axis=0),
    )


def states_at(poses: Poses, frames: Int[Array, "n"]) -> States:
    """States of a stretch at 30 frames a second; ``frames`` are 2 or more."""
    return states(
        Poses(poses.world[frames], poses.hips[frames]),
        Poses(poses.world[frames - 2], poses.hips[frames - 2]),
    )


class Searcher:
    """The search over all places of a library at which a take can be entered."""

    def __init__(self, library: Library, index: PlaceIndex | None = None) -> None:
        self.library = library
        index = PlaceIndex.of(library) if index is None else index
        self.pose, self.take, self.frame = index.pose, index.take, index.frame
        self.next = log_energy(index.next).astype(np.float32)
        self.past = log_energy(index.past).astype(np.float32)
        self.speed, self.height = index.speed, index.height
        # |a - b|² = |a|² - 2ab + |b|²: with this sum a search is one product of matrices.
        self.square = (self.pose**2).sum(axis=1)
        room = round(SEGMENT_S * FPS) + STRIDE
        ends = np.array([take.frames for take in library.takes])[self.take]
        self.tempo = np.array([take.tempo_bpm for take in library.takes])[self.take]
        # Dances were recorded to music and look odd without it. Stairs and slopes of a recording
        # are not where this person is.
        lasts: Bool[Array, "n"] = (self.frame + room < ends) & index.level
        self.open, self.dances = lasts & (self.tempo == 0), lasts & (self.tempo > 0)
        self.usual = float(np.median(self.next))
        self.lively = float(log_energy(index.next.mean()))
        self.prior = _autoregression(self.past, self.next)
        # Least squares in log energies gives their mean; half the variance more gives the log of the
        # mean energy, where energies are log-normal.
        self._seeds, self._later = _later_energies(index, library)
        self.beats = Beats.of(library.takes).at(self.take)
        dances = index.next[self.tempo > 0]
        self.danced = float(log_energy(dances.mean())) if len(dances) else self.lively

    def expected(self, energy: float) -> float:
        """Log of the mean energy that takes of the library have after a seed of this log energy."""
        return float(np.interp(energy, self._seeds, self._later))

    def costs(
        self, query: Query, target: float, height: float, danced: bool = False
    ) -> Float[Array, "2 n"]:
        """Costs of all places as recorded (row 0) and mirrored (row 1).

        Args:
            query: the moment that is continued.
            target: the log energy that the next piece should have.
            height: the person's usual height of the head, leg lengths.
            danced: whether dances are entered, and nothing else.
        """
        result = self.distances(query)
        result += ACTIVITY_WEIGHT * (self.next - target) ** 2
        result += CONTEXT_WEIGHT * (self.past - query.energy) ** 2
        result += HEIGHT_WEIGHT * (self.height - height) ** 2
        # A mirror turns the sideways velocity round and leaves the rest.
        for k, flip in enumerate((1, -1)):
            speed = query.speed * np.array([flip, 1])
            result[k] += SPEED_WEIGHT * ((self.speed - speed) ** 2).sum(axis=1)
        result[:, ~(self.dances if danced else self.open)] = np.inf
        return result

    def distances(self, query: Query) -> Float[Array, "2 n"]:
        """Squared distances of all states to that of a query, as recorded and mirrored."""
        products = query.pose @ self.pose.T
        lengths = (query.pose**2).sum(axis=1)
        return np.asarray(self.square - 2 * products + lengths[:, None], dtype=np.float32)

    def place(self, take: int, frame: float) -> int:
        """Index of the place nearest to a frame of a take."""
        here = np.flatnonzero(self.take == take)
        return int(here[np.abs(self.frame[here] - frame).argmin()])


@lru_cache(maxsize=2)
def searcher_of(path: Path) -> Searcher:
    """The search over a library file, from the user's cache where the file was seen before."""
    return Searcher(*load_indexed(path))


def _later_energies(index: PlaceIndex, library: Library) -> tuple[Array, Array]:
    """Log energy of the first seconds of takes, and the log of their later mean energy."""
    late = index.frame >= SEED_FRAMES
    # The second before a place, in the middle of the seed.
    early = ~late & (index.frame >= SEED_FRAMES // 2)
    count = len(library)
    columns = ((early, index.past), (late, index.next))
    # Sums by take: a mean over the places of each side.
    sums = [np.bincount(index.take[side], values[side], count) for side, values in columns]
    sizes = [np.bincount(index.take[side], minlength=count) for side, _ in columns]
    long = (sizes[0] > 0) & (sizes[1] >= LATER_PLACES)
    long &= np.array([take.tempo_bpm == 0 for take in library.takes])
    if long.sum() < MANY_TAKES:
        level = float(log_energy(index.next.mean()))
        return np.array([level]), np.array([level])
    seed, later = (
        log_energy(total[long] / size[long]) for total, size in zip(sums, sizes, strict=True)
    )
    slope, level = np.polyfit(seed, later, 1)
    spread = float(np.var(later - slope * seed - level)) / 2
    ends = np.percentile(seed, [2, 98])
    return ends, slope * ends + level + spread


def _autoregression(past: Array, following: Array) -> tuple[float, float]:
    """Slope and residual deviation of an AR(1) fitted by least squares."""
    slope, level = np.polyfit(past, following, 1)
    return float(slope), float(np.std(following - slope * past - level))

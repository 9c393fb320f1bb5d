"""Motion matching over a library, with a prior on activity."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.generation.canonical import Poses
from mmm.generation.library import FPS, Library, mirror
from mmm.generation.place_index import SEGMENT_S, STRIDE, PlaceIndex, load_indexed
from mmm.generation.song import Beats
from mmm.generation.state import States, log_energy, states
from mmm.generation.style import Styles

Array = np.ndarray

ACTIVITY_WEIGHT = 1.0
"""Weight of the squared difference in log energy; states count in squared leg lengths."""
CONTEXT_WEIGHT = 0.12
"""Weight of the same for the second before the seam."""
SPEED_WEIGHT = 0.25
"""Weight of the hips' mean velocity over the second before the seam."""
HEIGHT_WEIGHT = 4.0
"""Weight of the squared difference between the head's mean height over the next piece and the
person's usual one."""
STILL_SEED = -2.7
"""A seed with less log energy than this stands still and does not predict later activity."""
LATER_S = 20.0
"""The energy after a place is averaged over this time, or up to the end of the take if that comes
first."""
LEAST_LATER_S = 4.0
"""Places with less time left in their take are not used."""
MIN_TAKES = 20
"""With fewer takes no regression is fitted, and every seed is expected to have the mean energy."""
STAY_S = 3.0
"""A take is followed for this time without a cost."""
STAY_COST = 0.35
"""Added cost of each further second in one take."""
AGAIN_S = 25.0
"""Time for which a place that was played is avoided."""
CHOICES = 24
"""Number of the cheapest places among which one is drawn."""
DRAW_SCALE = 0.08
"""Scale of the softmax over costs: a cost higher by this is e times less likely at temperature 1."""


@dataclass(frozen=True)
class Segment:
    """A piece of a take."""

    take: int
    start: float
    """The frame of the take that coincides with the last frame before the piece."""
    mirrored: bool
    follows: bool
    """Whether it continues the take of the previous piece, so that no join is needed."""
    cost: float = 0.0
    rate: float = 1.0
    """Speed at which it is played."""


@dataclass(frozen=True, eq=False)
class Query:
    """The state at a seam and the second before it."""

    pose: Float[Array, "2 D"]
    """Features of the state as it is (row 0) and mirrored (row 1)."""
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
        # |a - b|² = |a|² - 2ab + |b|²: with |a|² stored, a search is one matrix product.
        self.square = (self.pose**2).sum(axis=1)
        room = round(SEGMENT_S * FPS) + STRIDE
        ends = np.array([take.frames for take in library.takes])[self.take]
        tempo = np.array([take.tempo_bpm for take in library.takes])[self.take]
        # Dances look odd without their music, so they are only entered with a song. Places on
        # stairs and slopes do not fit a level floor.
        usable: Bool[Array, "n"] = (self.frame + room < ends) & index.level
        self.open, self.dances = usable & (tempo == 0), usable & (tempo > 0)
        """Places that may be entered without a song, and with one."""
        self.mean_activity = float(log_energy(index.next.mean()))
        """Log of the mean energy of all pieces."""
        self.prior = _autoregression(self.past, self.next)
        self._seeds, self._later = _later_energies(index, library)
        self.beats = Beats.of(library.takes).at(self.take)
        dances = index.next[tempo > 0]
        self.dance_activity = (
            float(log_energy(dances.mean())) if len(dances) else self.mean_activity
        )
        """Log of the mean energy of dances."""

    @cached_property
    def styles(self) -> Styles:
        """Styles of the places that may be entered with a song."""
        # Not at the start: it takes half a second, and generation without music needs none.
        return Styles.of(self.pose, self.take, np.flatnonzero(self.dances))

    def expected(self, energy: float) -> float:
        """Log of the mean energy that follows a second of this log energy in the library."""
        return float(np.interp(energy, self._seeds, self._later))

    def costs(
        self, query: Query, target: float, height: float, danced: bool = False
    ) -> Float[Array, "2 n"]:
        """Costs of all places as recorded (row 0) and mirrored (row 1).

        Args:
            query: the state to continue from.
            target: the log energy that the next piece should have.
            height: the person's usual height of the head, leg lengths.
            danced: True to enter dances only, False to enter takes without music only.
        """
        result = self.distances(query)
        result += ACTIVITY_WEIGHT * (self.next - target) ** 2
        result += CONTEXT_WEIGHT * (self.past - query.energy) ** 2
        result += HEIGHT_WEIGHT * (self.height - height) ** 2
        # Mirroring changes the sign of the sideways velocity only.
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
    """The search over a library file, whose features are cached for the user."""
    return Searcher(*load_indexed(path))


def _later_energies(index: PlaceIndex, library: Library) -> tuple[Array, Array]:
    """Two points of the line from the log energy before a place to the log mean energy after it.

    The line is fitted to all places of takes without a tempo, not only to the beginnings of takes:
    there, people still wait for the recording to start, and a seed may come from any part of one.
    """
    following = _mean_energy_after(index)
    undanced = np.array([take.tempo_bpm == 0 for take in library.takes])[index.take]
    usable = np.isfinite(following) & undanced & (log_energy(index.past) >= STILL_SEED)
    takes = np.bincount(index.take[usable], minlength=len(library))
    if (takes > 0).sum() < MIN_TAKES:
        level = float(log_energy(index.next.mean()))
        return np.array([level]), np.array([level])
    past, later = (log_energy(values[usable]) for values in (index.past, following))
    # All takes have the same weight, whatever their length; polyfit squares its weights.
    weights = 1 / takes[index.take[usable]]
    slope, level = np.polyfit(past, later, 1, w=np.sqrt(weights))
    # The regression predicts the mean log energy. For log-normal energies, half the residual
    # variance more gives the log of the mean energy.
    correction = np.average((later - slope * past - level) ** 2, weights=weights) / 2
    ends = np.percentile(past, [2, 98])
    return ends, slope * ends + level + correction


def _mean_energy_after(index: PlaceIndex) -> Float[Array, "n"]:
    """Mean energy of the ``LATER_S`` after each place; NaN if the take ends too soon."""
    least, most = (round(seconds * FPS / STRIDE) for seconds in (LEAST_LATER_S, LATER_S))
    sums = np.concatenate([[0.0], np.cumsum(index.next)])
    here = np.arange(len(index.take))
    # Places are sorted by take.
    end = np.minimum(np.searchsorted(index.take, index.take, side="right"), here + most)
    mean = (sums[end] - sums[here]) / (end - here)
    return np.asarray(np.where(end - here >= least, mean, np.nan))


def _autoregression(past: Array, following: Array) -> tuple[float, float]:
    """Slope and residual deviation of an AR(1) fitted by least squares."""
    slope, level = np.polyfit(past, following, 1)
    return float(slope), float(np.std(following - slope * past - level))

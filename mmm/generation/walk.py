"""Choosing pieces one after another, by activity, by the pieces played before, and by a song."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from mmm.generation.library import FPS
from mmm.generation.place_index import SEGMENT_S
from mmm.generation.search import (
    ACTIVITY_WEIGHT,
    AGAIN_S,
    CHOICES,
    DRAW_SCALE,
    STAY_COST,
    STAY_S,
    STILL_SEED,
    Query,
    Searcher,
    Segment,
)
from mmm.generation.song import FASTEST, Fit, Song
from mmm.generation.state import head_height

Array = np.ndarray

MOST_SLOPE = 0.6
"""Largest AR(1) slope of activity from piece to piece. With 0.6, half of a deviation is gone after
two seconds."""
DEFICIT_GAIN = 0.4
"""Share of the deficit of activity that is added to the target."""
DEFICIT_FADE = 0.8
"""Share of the deficit that is left after a piece."""
MOST_DEFICIT = 3.0
"""Largest deficit, log energy. It bounds the deficit where the library has nothing livelier."""
ACTIVITY_NOISE = 0.3
"""Scale of the random part of activity, relative to the residual deviation in the library."""
LOUDNESS_GAIN = 0.25
"""Log energy added to the target for each standard deviation of the song's loudness."""
STYLE_WEIGHT = 1.0
"""Weight of the squared distance of a dance to the style of the song's section."""
STYLES_DRAWN = 8
"""Styles of which a new kind of section gets the one that is least like those before."""
MAX_BEAT_SHIFT = 3.5
"""Most frames by which a place is moved to meet a beat. Places are six frames apart."""


@dataclass(eq=False)
class Walk:
    """Chooses pieces one after another and avoids those played in the last seconds."""

    searcher: Searcher
    rng: np.random.Generator
    temperature: float
    mean_activity: float
    """The log energy that activity returns to."""
    activity: float
    """The log energy of the last piece."""
    height: float
    """Usual height of this person's head, leg lengths."""
    deficit: float = 0.0
    """Log energy that the last pieces lacked relative to their targets; it fades over a few
    pieces."""
    stayed_s: float = 0.0
    """Time in the current take."""
    played: list[tuple[int, float, float]] = field(default_factory=list)
    """Take, frame and time of the last pieces."""
    now_s: float = 0.0
    """Time since the seed."""
    song: Song | None = None
    """The song to dance to."""
    styles: dict[int, Array] = field(default_factory=dict)
    """The style of each kind of section that was danced to."""

    @classmethod
    def after(
        cls,
        searcher: Searcher,
        rng: np.random.Generator,
        temperature: float,
        query: Query,
        song: Song | None = None,
    ) -> "Walk":
        """Start choosing after a seed."""
        mean = searcher.expected(query.energy)
        # The regression leaves out still places, so it does not hold for still seeds.
        if query.energy < STILL_SEED:
            mean = searcher.mean_activity
        # With a song the motion is as active as dances are, whatever the seed's activity.
        if song is not None:
            mean = searcher.dance_activity
        height = float(head_height(query.pose[:1])[0])
        return cls(searcher, rng, temperature, mean, query.energy, height, song=song)

    def next(self, query: Query, last: Segment | None) -> Segment:
        """Choose the next piece.

        Args:
            query: the state at the end of the last piece.
            last: the last piece; None right after the seed.
        """
        slope, deviation = self.searcher.prior
        # The fitted slope is close to 1 if takes stand still for long. The limit makes a person who
        # has stopped start again.
        target = self.mean_activity + min(slope, MOST_SLOPE) * (self.activity - self.mean_activity)
        target += (
            deviation
            * ACTIVITY_NOISE
            * min(self.temperature, 1.5)
            * float(self.rng.standard_normal())
        )
        self.activity = target
        # The nearest states are mostly calmer than the target. As in a controller with an integral
        # term, the deficit of the last pieces is added to the target.
        target += DEFICIT_GAIN * self.deficit
        fit = self._fit()
        if fit is not None and self.song is not None:
            target += LOUDNESS_GAIN * self.song.level(self.now_s, SEGMENT_S)
        costs = self.searcher.costs(query, target, self.height, danced=fit is not None)
        if fit is not None:
            costs += fit.cost + np.where(abs(fit.shift) > MAX_BEAT_SHIFT, np.inf, 0)
            costs[:, self.searcher.styles.place] += self.style_costs(np.isfinite(costs[0]))
        self._penalise_repeats(costs)
        flat = costs.ravel()
        best = np.argpartition(flat, CHOICES)[:CHOICES]
        options = [self._segment(int(k), float(flat[k]), fit) for k in best]
        # Following the same take needs no join, so its cost has no distance between states.
        if last is not None and (following := self._following(last, target)) is not None:
            options.append(following)
        chosen = options[self._draw(np.array([option.cost for option in options]))]
        self._remember(chosen)
        return chosen

    def style_costs(self, usable: Bool[Array, "n"]) -> Float[Array, "2 d"]:
        """Costs of the distance of all dances to the style of the song's section.

        A kind of section that is new gets the style of a place that is drawn: of a few, the one
        that is least like the styles of the sections before.
        """
        assert self.song is not None, "styles belong to a song"
        styles = self.searcher.styles
        label = self.song.section(self.now_s + SEGMENT_S / 2)
        if label not in self.styles:
            rows = styles.rows[0][usable[styles.place]]
            if not len(rows):
                return np.zeros(styles.rows.shape[:2])
            drawn = rows[self.rng.integers(len(rows), size=STYLES_DRAWN)]
            before = np.array([*self.styles.values()]).reshape(-1, 1, rows.shape[1])
            apart = ((drawn - before) ** 2).sum(axis=-1)
            self.styles[label] = drawn[int(apart.min(axis=0, initial=np.inf).argmax())]
        return STYLE_WEIGHT * styles.away(self.styles[label])

    def style_cost(self, place: int, mirrored: bool) -> float:
        """The cost of one dance by the style of the song's section; 0 before a style is chosen."""
        assert self.song is not None, "styles belong to a song"
        style = self.styles.get(self.song.section(self.now_s + SEGMENT_S / 2))
        here = np.flatnonzero(self.searcher.styles.place == place)
        if style is None or not len(here):
            return 0.0
        row = self.searcher.styles.rows[int(mirrored), here[0]]
        return float(STYLE_WEIGHT * ((row - style) ** 2).sum())

    def _following(self, last: Segment, target: float) -> Segment | None:
        """The next piece of the same take, unless it ends or may not be entered there."""
        start = last.start + SEGMENT_S * FPS * last.rate
        if start + SEGMENT_S * FPS + 6 >= self.searcher.library.takes[last.take].frames:
            return None
        place = self.searcher.place(last.take, start)
        rate, ahead_cost = 1.0, 0.0
        if self.song is not None and self.song.has_beats(self.now_s, SEGMENT_S):
            fit = self.song.fit(
                self.searcher.beats.at(np.array([place])), np.array([start]), self.now_s, SEGMENT_S
            )
            # The dance continues at the speed at which it meets the beat at the end of the piece.
            rate = float(fit.rate[0] + fit.shift[0] / (SEGMENT_S * FPS))
            ahead_cost = float(fit.cost[0]) + self.style_cost(place, last.mirrored)
            if not np.isfinite(ahead_cost) or abs(np.log(rate)) > np.log(FASTEST):
                return None
        elif not self.searcher.open[place]:
            return None
        cost = ACTIVITY_WEIGHT * (self.searcher.next[place] - target) ** 2
        cost += STAY_COST * max(0.0, self.stayed_s - STAY_S)
        return Segment(last.take, start, last.mirrored, True, float(cost + ahead_cost), rate)

    def _fit(self) -> Fit | None:
        """How places fit the song's beats; None without a song, and after its last beat."""
        if self.song is None or not self.song.has_beats(self.now_s, SEGMENT_S):
            return None
        searcher = self.searcher
        fit = self.song.fit(searcher.beats, searcher.frame, self.now_s, SEGMENT_S)
        # If the library has too few dances at this tempo, the song is ignored.
        usable = np.isfinite(fit.cost) & (abs(fit.shift) <= MAX_BEAT_SHIFT)
        return fit if usable.sum() >= CHOICES else None

    def _segment(self, index: int, cost: float, fit: Fit | None) -> Segment:
        mirrored, place = divmod(index, len(self.searcher.take))
        shift, rate = (0.0, 1.0) if fit is None else (fit.shift[place], fit.rate[place])
        return Segment(
            int(self.searcher.take[place]),
            float(self.searcher.frame[place] + shift),
            bool(mirrored),
            False,
            cost,
            float(rate),
        )

    def _draw(self, costs: Float[Array, "n"]) -> int:
        if self.temperature <= 0:
            return int(costs.argmin())
        # Boltzmann sampling: a softmax over costs, which temperature flattens.
        scaled = (costs - costs.min()) / (DRAW_SCALE * self.temperature)
        # Costs of unusable places are infinite; the limit keeps their weights finite and tiny.
        weights = np.exp(-np.minimum(scaled, 50))
        return int(self.rng.choice(len(costs), p=weights / weights.sum()))

    def _penalise_repeats(self, costs: Float[Array, "2 n"]) -> None:
        self.played = [entry for entry in self.played if self.now_s - entry[2] < AGAIN_S]
        for take, frame, _ in self.played:
            near = (self.searcher.take == take) & (abs(self.searcher.frame - frame) < 2 * FPS)
            # A penalty and not a ban, so that a rare pose still has a continuation.
            costs[:, near] += 4.0

    def _remember(self, chosen: Segment) -> None:
        self.stayed_s = self.stayed_s + SEGMENT_S if chosen.follows else SEGMENT_S
        self.played.append((chosen.take, chosen.start, self.now_s + SEGMENT_S))
        place = self.searcher.place(chosen.take, chosen.start)
        lacked = self.activity - float(self.searcher.next[place])
        self.deficit = float(
            np.clip(DEFICIT_FADE * self.deficit + lacked, -MOST_DEFICIT, MOST_DEFICIT)
        )

"""Continuation by retrieval: recorded pieces one after another, on the person's own body.

Each piece is the continuation of a moment in the library that is like the moment now. It is turned
and shifted to where the person is, brought to their skeleton, and joined: either the first part of
a new piece is hidden and recovered by the masked network as any other gap, or the difference at the
seam dies away (inertialisation). Feet are then held on the floor as in every generation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from mmm.generation.canonical import Calibration, heading
from mmm.generation.library import FPS, Library
from mmm.generation.search import (
    ACTIVITY_WEIGHT,
    AGAIN_S,
    CHOICES,
    DRAW_SCALE,
    SEGMENT_S,
    STAY_COST,
    STAY_S,
    Query,
    Searcher,
    Segment,
    query_of,
)
from mmm.generation.state import head_height
from mmm.motion.clip import Motion
from mmm.motion.ground_contact import Ground
from mmm.motion.humanoid import RoleMap, match_roles
from mmm.motion.rotations import matrix_to_rotvec, rotvec_to_matrix

Array = np.ndarray

JOIN_S = 0.4
"""The part of a new piece that is hidden and recovered."""
PAST_S = 1.2
"""What is looked at before a seam."""
HALF_LIFE_S = 0.09
"""Of the difference at a seam that dies away."""
MAX_JUMP_HEIGHT_M = 0.6
STILL_SEED = -2.3
"""A seed with less log energy than this stands still; it does not tell how its person moves."""
CALM = 0.7
"""A calm seed counts as at most so far below the usual log energy: half of the usual energy."""
MOST_SLOPE = 0.7
"""How slowly activity returns to what is usual, at most: half of the way in three seconds."""
CHANCE = 0.3
"""Share of the deviation that people show from one piece to the next."""
CLEAR_M = 0.01
"""How far a travelling foot is lifted; recorded feet clear the floor by themselves."""

Join = Callable[[Motion, Bool[Array, "T J"]], Motion]
"""Fills the hidden frames of a motion."""


@dataclass(eq=False)
class Walk:
    """Choosing pieces one after another; what was played before is remembered for a while."""

    searcher: Searcher
    rng: np.random.Generator
    temperature: float
    usual: float
    """The log energy that activity returns to."""
    activity: float
    """The log energy of the last second."""
    height: float
    """Of the head, as it usually is for this person, leg lengths."""
    stayed_s: float = 0.0
    played: list[tuple[int, float, float]] = field(default_factory=list)
    """Take, frame and the second at which it was played."""
    now_s: float = 0.0

    def next(self, query: Query, last: Segment | None) -> Segment:
        """The next piece after a moment."""
        slope, deviation = self.searcher.prior
        target = self.usual + min(slope, MOST_SLOPE) * (self.activity - self.usual)
        target += (
            deviation * CHANCE * min(self.temperature, 1.5) * float(self.rng.standard_normal())
        )
        costs = self.searcher.costs(query, target, self.height)
        self._forbid_again(costs)
        flat = costs.ravel()
        best = np.argpartition(flat, CHOICES)[:CHOICES]
        options = [self._segment(int(k), float(flat[k])) for k in best]
        if last is not None and (going_on := self._going_on(last, target)) is not None:
            options.append(going_on)
        chosen = options[self._draw(np.array([option.cost for option in options]))]
        self._note(chosen, target)
        return chosen

    def _going_on(self, last: Segment, target: float) -> Segment | None:
        start = last.start + SEGMENT_S * FPS
        if start + SEGMENT_S * FPS + 6 >= self.searcher.library.takes[last.take].frames:
            return None
        place = self.searcher.place(last.take, start)
        if not self.searcher.open[place]:
            return None
        cost = ACTIVITY_WEIGHT * (self.searcher.next[place] - target) ** 2
        cost += STAY_COST * max(0.0, self.stayed_s - STAY_S)
        return Segment(last.take, start, last.mirrored, True, float(cost))

    def _segment(self, index: int, cost: float) -> Segment:
        mirrored, place = divmod(index, len(self.searcher.take))
        return Segment(
            int(self.searcher.take[place]),
            float(self.searcher.frame[place]),
            bool(mirrored),
            False,
            cost,
        )

    def _draw(self, costs: Float[Array, "n"]) -> int:
        if self.temperature <= 0:
            return int(costs.argmin())
        scaled = (costs - costs.min()) / (DRAW_SCALE * self.temperature)
        weights = np.exp(-np.minimum(scaled, 50))
        return int(self.rng.choice(len(costs), p=weights / weights.sum()))

    def _forbid_again(self, costs: Float[Array, "2 n"]) -> None:
        self.played = [entry for entry in self.played if self.now_s - entry[2] < AGAIN_S]
        for take, frame, _ in self.played:
            near = (self.searcher.take == take) & (abs(self.searcher.frame - frame) < 2 * FPS)
            costs[:, near] += 4.0

    def _note(self, chosen: Segment, target: float) -> None:
        self.stayed_s = self.stayed_s + SEGMENT_S if chosen.follows else SEGMENT_S
        self.now_s += SEGMENT_S
        self.played.append((chosen.take, chosen.start, self.now_s))
        place = self.searcher.place(chosen.take, chosen.start)
        # Half of what was wanted counts, so that wishes add up where nothing livelier is near.
        self.activity = (float(self.searcher.next[place]) + target) / 2


def stream(
    searcher: Searcher,
    seed: Motion,
    frames: int,
    *,
    rng: np.random.Generator,
    temperature: float = 1.0,
    joint_names: Mapping[str, str] | None = None,
    join: Join | None = None,
    walk_type: type[Walk] = Walk,
) -> Iterator[tuple[Motion, Segment]]:
    """What comes after a seed, a piece at a time, at the seed's frame rate.

    Args:
        searcher: over the library.
        seed: half a second or more of a humanoid.
        frames: how many to make.
        rng: chance.
        temperature: 0 takes the likeliest piece each time.
        joint_names: joint names by role, where the names do not tell.
        join: recovers the first part of each new piece; None: the difference at the seam dies away.
        walk_type: how pieces are chosen.

    Raises:
        ModelError: the joints of the roles are not found.
    """
    roles = match_roles(seed.skeleton, joint_names)
    body = _body_of(roles, seed)
    fps, floor = seed.fps, seed.floor_m()
    lift = np.array([0.0, floor, 0.0])
    past = replace(seed, root_m=seed.root_m - lift.astype(np.float32))
    past = past.crop(max(0, len(past) - round(2.0 * fps)), len(past))
    ground = Ground.of(past, joint_names, MAX_JUMP_HEIGHT_M)
    ground = None if ground is None else replace(ground, clear_m=CLEAR_M)
    query = query_of(body.anatomical(roles, past.resample(FPS)))
    walk = _walk(walk_type, searcher, rng, temperature, query)
    past = past.crop(max(0, len(past) - round(PAST_S * fps)), len(past))
    segment, made = None, 0
    while made < frames:
        segment = walk.next(query, segment)
        count = round(SEGMENT_S * fps)
        window = _window(searcher.library, segment, past, count, body, roles)
        hidden = np.zeros(window.rotations.shape[:2], dtype=bool)
        if join is not None and not segment.follows:
            hidden[len(past) : len(past) + round(JOIN_S * fps)] = True
            window = join(window, hidden)
        if ground is not None:
            window = ground.corrected(window, len(past))
        new = window.crop(len(past), min(len(window), len(past) + frames - made))
        yield replace(new, root_m=new.root_m + lift.astype(np.float32)), segment
        made += len(new)
        past = window.crop(max(0, len(window) - round(PAST_S * fps)), len(window))
        query = _query_at(searcher.library, segment)


def _body_of(roles: RoleMap, seed: Motion) -> Calibration:
    floor = np.array([0, seed.floor_m(), 0], dtype=np.float32)
    return Calibration.of(roles, replace(seed, root_m=seed.root_m - floor))


def _walk(
    walk_type: type[Walk],
    searcher: Searcher,
    rng: np.random.Generator,
    temperature: float,
    query: Query,
) -> Walk:
    # Two seconds say little: somebody calm moves more later on, as a rule.
    usual = 0.8 * max(query.energy, searcher.usual - CALM) + 0.2 * searcher.usual
    if query.energy < STILL_SEED:
        usual = searcher.lively  # who stands still at the start of a take is about to do something
    height = float(head_height(query.pose[:1])[0])
    return walk_type(searcher, rng, temperature, usual, query.energy, height)


def _query_at(library: Library, segment: Segment) -> Query:
    """The query at a piece's end, from the library itself: no error of ours is fed back."""
    end = segment.start + SEGMENT_S * FPS
    return query_of(library.poses(segment.take, np.arange(end - 31, end + 0.5), segment.mirrored))


def _window(
    library: Library,
    segment: Segment,
    past: Motion,
    count: int,
    body: Calibration,
    roles: RoleMap,
) -> Motion:
    """The past and a piece after it, placed where the past ends, its difference there dying away."""
    fps = past.fps
    steps = np.arange(-1, count + 1) * (FPS / fps)
    poses = library.poses(segment.take, segment.start + steps, segment.mirrored)
    here = body.anatomical(roles, past.crop(len(past) - 1, len(past)))
    angle = float(heading(here.world[-1, 0]) - heading(poses.world[1, 0]))
    poses = poses.moved(angle, np.zeros(3))
    shift = (here.hips[-1] - poses.hips[1]) * np.array([1.0, 0.0, 1.0])
    piece = body.roles_of(poses.moved(0.0, shift), roles, fps)
    still = replace(
        past,
        rotations=np.repeat(past.rotations[-1:], len(piece), axis=0),
        root_m=np.repeat(past.root_m[-1:], len(piece), axis=0),
    )
    new = roles.from_roles(still, piece, np.ones(still.rotations.shape[:2], dtype=bool))
    new = _inertialised(new, past)
    return replace(
        past,
        rotations=np.concatenate([past.rotations, new.rotations[2:]]),
        root_m=np.concatenate([past.root_m, new.root_m[2:]]),
    )


def _inertialised(new: Motion, past: Motion) -> Motion:
    """A piece whose first two frames are the past's last two, the difference dying away after them.

    A critically damped spring for each joint (Bollo 2018, "Inertialization"), with the difference's
    own speed at the seam.
    """
    fps = new.fps
    turns = matrix_to_rotvec(np.swapaxes(new.rotations[:2], -1, -2) @ past.rotations[-2:])
    away = past.root_m[-2:] - new.root_m[:2]
    times = np.arange(len(new)) / fps - 1 / fps
    decay = 4 * np.log(2) / (2 * HALF_LIFE_S)
    fade = np.exp(-decay * np.maximum(times, 0))

    def spring(start: Array, speed: Array) -> Array:
        shape = (-1, *[1] * start.ndim)
        t, f = np.maximum(times, 0).reshape(shape), fade.reshape(shape)
        return (start + (speed + decay * start) * t) * f

    turned = spring(turns[1], np.clip((turns[1] - turns[0]) * fps, -8, 8))
    moved = spring(away[1], np.clip((away[1] - away[0]) * fps, -3, 3))
    rotations = new.rotations @ rotvec_to_matrix(turned.astype(np.float32))
    return replace(new, rotations=rotations, root_m=new.root_m + moved.astype(np.float32))

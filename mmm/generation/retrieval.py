"""Continuation by retrieval: recorded pieces in sequence, retargeted to the person's own body.

Each piece is what followed a moment in the library that resembles the present one (motion
matching). It is turned and shifted to where the person stands and brought to their skeleton. The
masked network may then recover the hidden first part of a new piece. In any case the difference at
the seam decays (inertialisation), and feet are locked as in every generation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from mmm.generation.canonical import Calibration, heading
from mmm.generation.library import FPS, Library
from mmm.generation.place_index import SEGMENT_S
from mmm.generation.search import Query, Searcher, Segment, query_of
from mmm.generation.song import Song
from mmm.generation.walk import Walk
from mmm.motion.clip import Motion
from mmm.motion.ground_contact import Ground
from mmm.motion.humanoid import RoleMap, match_roles
from mmm.motion.rotations import matrix_to_rotvec, rotvec_to_matrix

Array = np.ndarray

JOIN_S = 0.4
"""Length of the start of a new piece that is hidden and recovered."""
SEED_S = 2.0
"""Part of the seed that the first search and the floor are taken from."""
PAST_S = 1.2
"""Known frames before a seam that the network sees."""
HALF_LIFE_S = 0.09
"""Half-life of the difference at a seam."""
MAX_JUMP_HEIGHT_M = 0.6
"""Higher than this above the floor is an error of the root and not a jump."""
CLEAR_M = 0.01
"""Lift of a travelling foot; little, because recorded feet clear the floor by themselves."""

Join = Callable[[Motion, Bool[Array, "T J"]], Motion]
"""Fills the hidden frames of a motion."""


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
    song: Song | None = None,
) -> Iterator[tuple[Motion, Segment]]:
    """Yield what follows a seed, a piece at a time, at the seed's frame rate.

    Args:
        searcher: the search over a library.
        seed: half a second or more of a humanoid.
        frames: number of frames to generate.
        rng: the random generator.
        temperature: 0 takes the cheapest piece each time; larger values are more diverse.
        joint_names: joint names by role where the skeleton's own names do not tell them.
        join: recovers the first part of each new piece; None leaves it inertialised.
        walk_type: how pieces are chosen.
        song: what is danced to.

    Raises:
        ModelError: the joints of the roles are not found.
    """
    roles = match_roles(seed.skeleton, joint_names)
    # All heights of the library are over its floor, so the seed's floor is moved to zero.
    lift = np.array([0, seed.floor_m(), 0], dtype=np.float32)
    grounded = replace(seed, root_m=seed.root_m - lift)
    body = Calibration.of(roles, grounded)
    past = _last(grounded, SEED_S)
    ground = _ground_of(past, joint_names)
    query = query_of(body.anatomical(roles, past.resample(FPS)))
    walk = walk_type.after(searcher, rng, temperature, query, song)
    past, segment, made = _last(past, PAST_S), None, 0
    while made < frames:
        # From the frames and not from the pieces, whose lengths are rounded to frames.
        walk.now_s = made / seed.fps
        segment = walk.next(query, segment)
        window = _window(searcher.library, segment, past, body, roles)
        if join is not None and not segment.follows:
            window = join(window, _join_mask(window, len(past)))
        if ground is not None:
            window = ground.corrected(window, len(past))
        # Whole pieces are made and the last one is cut, so that frames do not depend on the end.
        new = window.crop(len(past), min(len(window), len(past) + frames - made))
        yield replace(new, root_m=new.root_m + lift), segment
        made += len(new)
        past = _last(window, PAST_S)
        query = _query_at(searcher.library, segment)


def _ground_of(past: Motion, joint_names: Mapping[str, str] | None) -> Ground | None:
    ground = Ground.of(past, joint_names, MAX_JUMP_HEIGHT_M)
    return None if ground is None else replace(ground, clear_m=CLEAR_M)


def _join_mask(window: Motion, first: int) -> Bool[Array, "T J"]:
    """True where a piece that begins at frame ``first`` is to be recovered."""
    hidden = np.zeros(window.rotations.shape[:2], dtype=bool)
    hidden[first : first + round(JOIN_S * window.fps)] = True
    return hidden


def _last(motion: Motion, seconds: float) -> Motion:
    """The end of a motion."""
    return motion.crop(max(0, len(motion) - round(seconds * motion.fps)), len(motion))


def _query_at(library: Library, segment: Segment) -> Query:
    """The query at the end of a piece."""
    # Read from the library and not from the generated frames: errors cannot feed back.
    end = segment.start + SEGMENT_S * FPS * segment.rate
    return query_of(library.poses(segment.take, np.arange(end - 31, end + 0.5), segment.mirrored))


def _window(
    library: Library,
    segment: Segment,
    past: Motion,
    body: Calibration,
    roles: RoleMap,
) -> Motion:
    """The past and a piece after it, placed where the past ends and inertialised."""
    fps = past.fps
    count = round(SEGMENT_S * fps)
    # Two frames of overlap give the difference at the seam and its velocity.
    steps = np.arange(-1, count + 1) * (FPS / fps * segment.rate)
    poses = library.poses(segment.take, segment.start + steps, segment.mirrored)
    here = body.anatomical(roles, past.crop(len(past) - 1, len(past)))
    angle = float(heading(here.world[-1, 0]) - heading(poses.world[1, 0]))
    poses = poses.moved(angle, np.zeros(3))
    # The height stays as it was recorded: only the place on the floor is free.
    shift = (here.hips[-1] - poses.hips[1]) * np.array([1.0, 0.0, 1.0])
    piece = body.roles_of(poses.moved(0.0, shift), roles, fps)
    # Fingers and other joints without a role keep the last pose.
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
    """Make a piece continue the past, whose last two frames its first two frames overlap.

    The difference decays as a critically damped spring for each joint, from its own velocity at the
    seam (Bollo 2018, "Inertialization").
    """
    fps = new.fps
    turns = matrix_to_rotvec(np.swapaxes(new.rotations[:2], -1, -2) @ past.rotations[-2:])
    away = past.root_m[-2:] - new.root_m[:2]
    times = np.arange(len(new)) / fps - 1 / fps
    decay = 4 * np.log(2) / (2 * HALF_LIFE_S)
    fade = np.exp(-decay * np.maximum(times, 0))

    # The limits on the velocity guard against a seam that falls into a jump of the past.
    def spring(start: Array, speed: Array) -> Array:
        shape = (-1, *[1] * start.ndim)
        t, f = np.maximum(times, 0).reshape(shape), fade.reshape(shape)
        return (start + (speed + decay * start) * t) * f

    turned = spring(turns[1], np.clip((turns[1] - turns[0]) * fps, -8, 8))
    moved = spring(away[1], np.clip((away[1] - away[0]) * fps, -3, 3))
    rotations = new.rotations @ rotvec_to_matrix(turned.astype(np.float32))
    return replace(new, rotations=rotations, root_m=new.root_m + moved.astype(np.float32))

"""Continuation by retrieval: recorded pieces in sequence, retargeted to the clip's skeleton.

Each piece is taken from a moment in the library at which the body's state resembles the current one
(motion matching). The piece is rotated and moved to the current position and retargeted. The masked
network may then recover the hidden first part of a new piece. In any case the difference at the
seam decays (inertialisation), and feet are locked as in every generation.
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
"""Length of the first part of a new piece, which is hidden and recovered."""
SEED_S = 2.0
"""Length of the end of the seed that the first search and the floor are taken from."""
PAST_S = 1.2
"""Known frames before a seam that the network sees."""
HALF_LIFE_S = 0.09
"""Half-life of the difference at a seam."""
MAX_JUMP_HEIGHT_M = 0.6
"""Feet higher than this above the floor are taken for an error of the root, not for a jump."""
CLEAR_M = 0.01
"""Clearance of a moving foot; small, because recorded feet clear the floor by themselves."""

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
    """Yield the continuation of a seed, a piece at a time, at the seed's frame rate.

    Args:
        searcher: the search over a library.
        seed: half a second or more of a humanoid.
        frames: number of frames to generate.
        rng: the random generator.
        temperature: 0 takes the cheapest piece each time; larger values are more diverse.
        joint_names: joint names by role, for roles that cannot be told from the skeleton's names.
        join: recovers the first part of each new piece; None: it is only inertialised.
        walk_type: the class that chooses the pieces.
        song: the song to dance to; None: no dancing.

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
    past, segment, done = _last(past, PAST_S), None, 0
    while done < frames:
        # From the count of frames, because the lengths of pieces are rounded to frames.
        walk.now_s = done / seed.fps
        segment = walk.next(query, segment)
        window = _window(searcher.library, segment, past, body, roles)
        if join is not None and not segment.follows:
            window = join(window, _join_mask(window, len(past)))
        if ground is not None:
            window = ground.corrected(window, len(past))
        # The last piece is computed whole and then cut, so that its frames do not depend on
        # ``frames``.
        new = window.crop(len(past), min(len(window), len(past) + frames - done))
        yield replace(new, root_m=new.root_m + lift), segment
        done += len(new)
        past = _last(window, PAST_S)
        query = _query_at(searcher.library, segment)


def _ground_of(past: Motion, joint_names: Mapping[str, str] | None) -> Ground | None:
    ground = Ground.of(past, joint_names, MAX_JUMP_HEIGHT_M)
    return None if ground is None else replace(ground, clear_m=CLEAR_M)


def _join_mask(window: Motion, first: int) -> Bool[Array, "T J"]:
    """True for the first ``JOIN_S`` of a piece that begins at frame ``first``."""
    hidden = np.zeros(window.rotations.shape[:2], dtype=bool)
    hidden[first : first + round(JOIN_S * window.fps)] = True
    return hidden


def _last(motion: Motion, seconds: float) -> Motion:
    """The last seconds of a motion."""
    return motion.crop(max(0, len(motion) - round(seconds * motion.fps)), len(motion))


def _query_at(library: Library, segment: Segment) -> Query:
    """The query at the end of a piece."""
    # Read from the library instead of the generated frames, so that errors cannot accumulate.
    end = segment.start + SEGMENT_S * FPS * segment.rate
    return query_of(library.poses(segment.take, np.arange(end - 31, end + 0.5), segment.mirrored))


def _window(
    library: Library,
    segment: Segment,
    past: Motion,
    body: Calibration,
    roles: RoleMap,
) -> Motion:
    """The past followed by a piece, which is moved to where the past ends and inertialised."""
    fps = past.fps
    count = round(SEGMENT_S * fps)
    # Two overlapping frames give the difference at the seam and its velocity.
    steps = np.arange(-1, count + 1) * (FPS / fps * segment.rate)
    poses = library.poses(segment.take, segment.start + steps, segment.mirrored)
    here = body.anatomical(roles, past.crop(len(past) - 1, len(past)))
    angle = float(heading(here.world[-1, 0]) - heading(poses.world[1, 0]))
    poses = poses.moved(angle, np.zeros(3))
    # Only the position on the floor is changed. The height stays as it was recorded.
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
    """Make a piece continue the past. Its first two frames are the past's last two.

    The difference between both decays as a critically damped spring for each joint, starting at the
    difference's own velocity at the seam (Bollo 2018, "Inertialization").
    """
    fps = new.fps
    angles = matrix_to_rotvec(np.swapaxes(new.rotations[:2], -1, -2) @ past.rotations[-2:])
    shifts = past.root_m[-2:] - new.root_m[:2]
    times = np.arange(len(new)) / fps - 1 / fps
    # The rate of a critically damped spring is half its damping, 4 ln 2 / half-life.
    decay = 4 * np.log(2) / (2 * HALF_LIFE_S)
    fade = np.exp(-decay * np.maximum(times, 0))

    def spring(start: Array, velocity: Array) -> Array:
        shape = (-1, *[1] * start.ndim)
        t, f = np.maximum(times, 0).reshape(shape), fade.reshape(shape)
        return (start + (velocity + decay * start) * t) * f

    # The velocities are limited in case the past itself jumps at the seam.
    rotvecs = spring(angles[1], np.clip((angles[1] - angles[0]) * fps, -8, 8))
    offsets = spring(shifts[1], np.clip((shifts[1] - shifts[0]) * fps, -3, 3))
    rotations = new.rotations @ rotvec_to_matrix(rotvecs.astype(np.float32))
    return replace(new, rotations=rotations, root_m=new.root_m + offsets.astype(np.float32))

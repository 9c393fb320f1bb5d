"""Continuation from a library: seeds stay, chance decides, who stands wakes up, any rate and body."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.generation.canonical import Calibration
from mmm.generation.library import library_of
from mmm.generation.place_index import SEGMENT_S
from mmm.generation.retrieval import stream
from mmm.generation.search import STILL_SEED, Searcher
from mmm.metrics.dance import energy
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from tests.mmm.generation.people import rested, small_library, walker


@pytest.fixture(scope="module")
def searcher():
    return Searcher(small_library())


def after(searcher, seed, seconds=6.0, number=0, **options) -> Motion:
    frames = round(seconds * seed.fps)
    parts = [
        piece
        for piece, _ in stream(searcher, seed, frames, rng=np.random.default_rng(number), **options)
    ]
    assert sum(map(len, parts)) == frames
    return replace(
        seed,
        rotations=np.concatenate([part.rotations for part in parts]),
        root_m=np.concatenate([part.root_m for part in parts]),
    )


def test_the_same_number_gives_the_same_motion(searcher):
    seed = walker(2.0)
    one, again, other = (after(searcher, seed, number=number) for number in (1, 1, 2))
    np.testing.assert_array_equal(one.rotations, again.rotations)
    assert not np.array_equal(one.rotations, other.rotations)


def test_it_goes_on_where_the_seed_ends(searcher):
    """No joint jumps at the seam, nor at any later one."""
    seed = walker(2.0)
    motion = after(searcher, seed, temperature=0.0)
    whole = np.concatenate([seed.positions(), motion.positions()])
    speed = np.linalg.norm(np.diff(whole, axis=0), axis=-1).max(axis=1) * seed.fps
    assert speed[60:].max() < 2 * speed[:58].max()


@pytest.mark.parametrize("fps", [24.0, 60.0, 120.0])
def test_any_frame_rate(searcher, fps):
    seed = walker(2.0, fps=fps)
    motion = after(searcher, seed, 3.0)
    assert motion.fps == fps
    assert 0.3 < energy(motion) / energy(seed) < 3


def test_any_rest_pose_and_size(searcher):
    seed = rested(walker(2.0, scale=0.8), seed=5)
    motion = after(searcher, seed)
    assert motion.skeleton is seed.skeleton
    low = motion.positions()[..., 1].min(axis=1)
    assert np.percentile(low, 95) < 0.06
    assert low.min() > -0.03


def test_a_seed_that_stands_wakes_up(searcher):
    still = walker(2.0, size=0.0, speed=0.0)
    motion = after(searcher, still, 8.0)
    assert energy(motion) > 0.05


def test_what_is_usual_after_a_seed_is_learned_from_all_places():
    """Takes that begin with a wait for the recording to start say nothing of their first seconds."""
    takes = []
    for size in np.geomspace(0.1, 0.8, 24):
        waiting, moving = walker(3.0, size=0.0, speed=0.0), walker(9.0, size=size)
        motion = replace(
            moving,
            rotations=np.concatenate([waiting.rotations, moving.rotations]),
            root_m=np.concatenate([waiting.root_m, moving.root_m]),
        )
        roles = match_roles(motion.skeleton)
        takes.append((Calibration.of(roles, motion).anatomical(roles, motion), {"source": "walk"}))
    searcher = Searcher(library_of(takes, "made by formulas"))
    calm, lively = np.percentile(searcher.past[searcher.past >= STILL_SEED], [10, 90])
    # Here each person keeps their own activity.
    assert searcher.expected(lively) - searcher.expected(calm) > 0.7 * (lively - calm)


def test_it_stays_on_the_floor_of_the_seed(searcher):
    seed = walker(2.0)
    lifted = replace(seed, root_m=seed.root_m + np.array([0, 5.0, 0], dtype=np.float32))
    low = after(searcher, lifted).positions()[..., 1].min(axis=1)
    assert low.min() > 4.97 and np.percentile(low, 95) < 5.06


def test_joins_are_masked_gaps_after_what_is_known(searcher):
    seed, seen = walker(2.0), []

    def join(window, hidden):
        seen.append(hidden.any(axis=1))
        assert (hidden.all(axis=1) == hidden.any(axis=1)).all()
        return window

    after(searcher, seed, 3 * SEGMENT_S, join=join)
    assert seen
    for hidden in seen:
        assert not hidden[0] and not hidden[-1]
        assert 0.3 <= hidden.sum() / seed.fps <= 0.5

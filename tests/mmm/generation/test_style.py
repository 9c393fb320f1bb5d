"""Sections of a song keep one kind of dance, and another section brings another."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.generation.canonical import Calibration
from mmm.generation.library import library_of, mirror
from mmm.generation.place_index import PlaceIndex
from mmm.generation.search import Query, Searcher
from mmm.generation.song import Song
from mmm.generation.style import Styles
from mmm.generation.walk import Walk
from mmm.motion.humanoid import match_roles
from mmm.motion.rotations import rotvec_to_matrix
from tests.mmm.generation.people import walker

BPM = 100.0


def dance(arms_up: bool, hz: float):
    """Walking in place; the left arm is raised or hangs."""
    motion = walker(8.0, hz=hz, speed=0.0)
    if arms_up:
        rotations = motion.rotations.copy()
        turn = rotvec_to_matrix(np.array([0, 0, 2.4], dtype=np.float32))
        joint = motion.skeleton.names.index("left_shoulder")
        rotations[:, joint] = turn @ rotations[:, joint]
        motion = replace(motion, rotations=rotations)
    roles = match_roles(motion.skeleton)
    return Calibration.of(roles, motion).anatomical(roles, motion)


@pytest.fixture(scope="module")
def searcher():
    """Four dances, of which every other one has a raised arm, and one take without music."""
    takes = [(dance(False, 0.8), {"source": "walk"})]
    for number in range(4):
        about = {"source": f"dance {number}", "tempo_bpm": BPM, "beat": 3.0 + number}
        takes.append((dance(number % 2 == 0, 0.8), about))
    return Searcher(library_of(takes))


def walk_to(searcher, labels) -> tuple[Walk, np.ndarray]:
    """A walk to sections of 10 s, and the style costs that it gives in the middle of each."""
    starts = np.arange(len(labels)) * 10.0
    beats = np.arange(0.0, 10.0 * len(labels), 60 / BPM)
    song = Song(beats, np.zeros(1200), 0.0, 30.0, starts, np.array(labels, dtype=np.int64))
    query = Query(searcher.pose[[0, 0]], 0.0, np.zeros(2))
    walk = Walk.after(searcher, np.random.default_rng(0), 1.0, query, song)
    costs = []
    for start in starts:
        walk.now_s = start + 5
        costs.append(walk.style_costs(searcher.dances))
    return walk, np.stack(costs)


def test_a_section_keeps_its_kind_and_a_repeated_one_brings_it_again(searcher):
    walk, costs = walk_to(searcher, [0, 1, 0])
    np.testing.assert_array_equal(costs[0], costs[2])
    places = searcher.take[searcher.styles.place]
    raised = places % 2 == 1
    # The cheapest places of one section have a raised arm, those of the other have none.
    first, second = (raised[cost[0].argsort()[:20]].mean() for cost in costs[:2])
    assert {round(first), round(second)} == {0, 1}
    assert len(walk.styles) == 2


def test_following_a_take_costs_its_style_too(searcher):
    walk, costs = walk_to(searcher, [0])
    place = int(searcher.styles.place[7])
    for mirrored in (False, True):
        assert walk.style_cost(place, mirrored) == pytest.approx(costs[0, int(mirrored), 7])
    assert walk.style_cost(0, False) == 0


def test_the_style_of_a_mirrored_dance_is_the_mirrored_style(searcher):
    poses = dance(True, 0.8)
    about = {"tempo_bpm": BPM, "beat": 0.0}
    library = library_of(
        [(poses, {"source": "a", **about}), (mirror(poses), {"source": "b", **about})]
    )
    index = PlaceIndex.of(library)
    styles = Styles.of(index.pose, index.take, np.arange(len(index.take)))
    half = len(index.take) // 2
    np.testing.assert_allclose(styles.rows[1, :half], styles.rows[0, half:], atol=0.15)
    assert np.abs(styles.rows[0, :half] - styles.rows[0, half:]).max() > 0.3


def test_a_library_without_dances_has_no_styles(searcher):
    styles = Styles.of(searcher.pose, searcher.take, np.zeros(0, dtype=np.int64))
    assert styles.rows.shape[1] == 0

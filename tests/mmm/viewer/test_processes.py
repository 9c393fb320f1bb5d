"""Films drawn by several processes: the same pictures, in order, whatever becomes of a process."""

import subprocess
from contextlib import closing

import pytest

from mmm.viewer.raster import processes
from mmm.viewer.raster.film import Film
from tests.mmm.viewer.test_video import SMALL, scene

pytestmark = pytest.mark.slow
FRAMES = 12


@pytest.fixture
def film(monkeypatch) -> Film:
    monkeypatch.setattr(processes, "FEWEST", FRAMES)
    return Film(scene(FRAMES, spec="span:3-8"), SMALL)


@pytest.fixture
def children(monkeypatch) -> list:
    """The processes that are started."""
    found, start = [], subprocess.Popen

    def started(*arguments, **options):
        found.append(start(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", started)
    return found


def test_any_number_of_processes_draws_the_same_pictures(film, children):
    alone = list(processes.pictures(film, 1))
    assert children == []
    assert list(processes.pictures(film, 3)) == alone
    assert len(children) == 3
    assert len(alone) == len(film) == FRAMES
    assert all(child.poll() is not None for child in children)


def test_a_process_that_is_killed_leaves_its_pictures_to_the_others(film, children):
    alone = list(processes.pictures(film, 1))
    with closing(processes.pictures(film, 2)) as drawn:
        first = next(drawn)
        children[1].kill()
        assert [first, *drawn] == alone


def test_a_film_that_is_given_up_leaves_no_process(film, children):
    drawn = processes.pictures(film, 2)
    next(drawn)
    drawn.close()
    assert all(child.poll() is not None for child in children)


def test_a_short_film_starts_no_process(film, children, monkeypatch):
    monkeypatch.setattr(processes, "FEWEST", FRAMES + 1)
    assert len(list(processes.pictures(film, 4))) == FRAMES
    assert children == []

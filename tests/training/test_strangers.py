"""Figures of continuations: the same definition for people and for methods."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.motion.humanoid import match_roles
from tests.mmm.generation.people import walker
from training.benchmark.strangers import Recording, figures, row, second_energies, windows


def on_roles(motion):
    return match_roles(motion.skeleton).to_roles(motion)


@pytest.fixture(scope="module")
def recording():
    return Recording("walks", "walk", on_roles(walker(14.0)))


def test_people_are_like_themselves(recording):
    found = figures(recording.truth(360), recording)
    assert found["energy"] == pytest.approx(1, abs=0.1)
    assert (found["outside"], found["failed"]) == (0, 0)
    assert found["head"] == pytest.approx(1, abs=0.05)


def test_standing_still_fails(recording):
    still = replace(
        recording.seed,
        rotations=np.repeat(recording.seed.rotations[-1:], 90, axis=0),
        root_m=np.repeat(recording.seed.root_m[-1:], 90, axis=0),
    )
    found = figures(still, recording)
    assert (found["outside"], found["failed"]) == (1, 1)
    assert found["still_s"] > 2


def test_floating_and_sinking_are_seen(recording):
    truth = recording.truth(300)
    for height, key in ((0.2, "floor_cm"), (-0.2, "under_cm")):
        moved = replace(truth, root_m=truth.root_m + np.array([0, height, 0], dtype=np.float32))
        assert figures(moved, recording)[key] > 15


def test_the_path_of_the_root_is_no_energy(recording):
    moved = replace(
        recording.motion,
        root_m=recording.motion.root_m
        + np.linspace(0, 30, len(recording.motion))[:, None].astype(np.float32),
    )
    np.testing.assert_allclose(second_energies(moved), second_energies(recording.motion), rtol=1e-3)


def test_windows_have_one_length(recording):
    assert [len(window) for window in windows([recording.motion])] == [150, 150]


def test_a_row_counts_runs_and_how_far_they_are_apart(recording):
    truth = recording.truth(300)
    found = row([[truth, truth]], [recording], [recording])
    assert found["runs"] == 2
    assert found["apart_cm"] == 0

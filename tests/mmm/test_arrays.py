import numpy as np
import pytest

from mmm.arrays import mean_or_none, true_runs, unit_vectors


@pytest.mark.parametrize(
    ("flags", "runs"),
    [
        ([], []),
        ([0, 0], []),
        ([1, 1, 1], [(0, 3)]),
        ([1, 0, 1, 1, 0], [(0, 1), (2, 4)]),
        ([0, 1], [(1, 2)]),
    ],
)
def test_runs_of_true(flags, runs):
    assert true_runs(np.array(flags, dtype=bool)) == runs


def test_a_mean_over_nothing_is_none():
    assert mean_or_none(np.zeros(0)) is None
    assert mean_or_none(np.array([[1, 2], [3, 6]], dtype=np.float32)) == 3.0


def test_vectors_have_length_one_and_zero_stays():
    vectors = unit_vectors(np.array([[0.0, 3, 4], [0, 0, 0]]))
    np.testing.assert_allclose(vectors, [[0, 0.6, 0.8], [0, 0, 0]])
    np.testing.assert_allclose(unit_vectors(np.array([0.0, 0.5]), shortest=2.0), [0, 0.25])

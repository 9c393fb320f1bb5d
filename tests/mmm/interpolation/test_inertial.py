"""The inertial interpolation in numpy: against the one in torch and against SciPy."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from mmm.interpolation import baselines
from mmm.interpolation.gap_curve import Inertia
from mmm.interpolation.inertial import inertial_positions, inertial_rotations
from mmm.interpolation.inertial_torch import inertial_fill
from tests.mmm.interpolation.by_hand import inertial_by_hand
from tests.mmm.making import TINY, smooth_motion


@pytest.mark.parametrize("fps", [30.0, 60.0, 119.88])
@pytest.mark.parametrize("seed", range(6))
def test_equal_to_the_one_in_torch_for_any_pattern(seed, fps):
    rng = np.random.default_rng(seed)
    motion = smooth_motion(seed, 50, TINY, fps)
    hidden = rng.random((50, len(TINY))) < rng.uniform(0.3, 0.95)
    hidden[rng.integers(50, size=len(TINY)), np.arange(len(TINY))] = False
    filled = baselines.inertial(motion, hidden)
    pattern = torch.from_numpy(hidden)[None]
    rotations, root = inertial_fill(
        torch.from_numpy(motion.rotations)[None],
        torch.from_numpy(motion.root_m)[None],
        pattern,
        fps,
    )
    np.testing.assert_allclose(filled.rotations, rotations[0].numpy(), atol=2e-6)
    np.testing.assert_allclose(filled.root_m, root[0].numpy(), atol=2e-6)


@pytest.mark.parametrize(
    "known", [[0, 10, 20, 30, 39], [*range(12), *range(30, 40)], [5, 6, 20], [17], [0, 39]]
)
def test_equal_to_the_formula_computed_with_scipy(known):
    motion = smooth_motion(1, 40, TINY, 30.0)
    frames = np.setdiff1d(np.arange(40), known)
    keys = np.array(known)
    expected = inertial_by_hand(motion, known)
    rotations = inertial_rotations(keys, motion.rotations[keys], frames, 30.0)
    root_m = inertial_positions(keys, motion.root_m[keys], frames, 30.0)
    assert rotations.dtype == root_m.dtype == np.float64
    np.testing.assert_allclose(rotations, expected.rotations[frames], atol=5e-7)
    np.testing.assert_allclose(root_m, expected.root_m[frames], atol=5e-7)


@pytest.mark.parametrize("free", [0.5, 1.0])
def test_an_isolated_far_end_is_reached_freely(free):
    """In numpy and in torch; with ``free=1`` and hardly any decay it is a natural cubic spline."""
    curve = Inertia(rotation_s=1e4, root_s=1e4, cubic=0.0, free=free)
    motion = smooth_motion(3, 30, TINY, 30.0)
    known = np.array([0, 1, 13])
    frames = np.arange(2, 13)
    hidden = np.ones((30, len(TINY)), dtype=bool)
    hidden[known] = False
    rotations, root = inertial_fill(
        torch.from_numpy(motion.rotations)[None],
        torch.from_numpy(motion.root_m)[None],
        torch.from_numpy(hidden)[None],
        30.0,
        curve,
    )
    np.testing.assert_allclose(
        inertial_rotations(known, motion.rotations[known], frames, 30.0, curve),
        rotations[0, frames].numpy(),
        atol=2e-6,
    )
    path = inertial_positions(known, motion.root_m[known], frames, 30.0, curve)
    np.testing.assert_allclose(path, root[0, frames].numpy(), atol=2e-6)
    places = motion.root_m[known].astype(float)
    steps = np.diff(places, axis=0) / np.diff(known)[:, None]
    # The velocity in frame 1 of the parabola through the three known places.
    start = steps[0] + (steps[1] - steps[0]) / 13
    natural = CubicSpline(known[1:], places[1:], bc_type=((1, start), (2, np.zeros(3))))(frames)
    assert np.allclose(path, natural, atol=1e-5) == (free == 1.0)


def test_free_changes_nothing_where_both_velocities_are_known():
    motion = smooth_motion(4, 30, TINY, 30.0)
    hidden = np.zeros((30, len(TINY)), dtype=bool)
    hidden[10:20] = True
    given = (
        torch.from_numpy(motion.rotations)[None],
        torch.from_numpy(motion.root_m)[None],
        torch.from_numpy(hidden)[None],
        30.0,
    )
    bound, free = (inertial_fill(*given, Inertia(free=value)) for value in (0.0, 1.0))
    assert torch.equal(bound[0], free[0])
    assert torch.equal(bound[1], free[1])


def test_known_frames_come_back_where_they_are_evaluated():
    motion = smooth_motion(2, 30, TINY, 30.0)
    known = np.array([3, 8, 21, 27])
    np.testing.assert_allclose(
        inertial_rotations(known, motion.rotations[known], known, 30.0),
        motion.rotations[known],
        atol=1e-6,
    )
    np.testing.assert_allclose(
        inertial_positions(known, motion.root_m[known], known, 30.0), motion.root_m[known]
    )


def test_the_middle_of_a_long_gap_is_straight():
    """A spline overshoots here; after ten seconds the velocity at the ends has decayed."""
    known, frames = np.array([0, 1, 1201, 1202]), np.arange(2, 1201)
    places = np.outer([0.0, 0.1, 0.1, 0.2], [1, 0, 0])  # 6 metres per second before and after
    path = inertial_positions(known, places, frames, 60.0)[:, 0]
    assert abs(path[599] - 0.1) < 0.05
    slopes = np.diff(np.concatenate([places[:2, 0], path]))
    # The first step into the gap continues the last known one.
    assert slopes[1] == pytest.approx(0.1, rel=0.05)

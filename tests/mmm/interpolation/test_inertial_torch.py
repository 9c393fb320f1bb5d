"""The inertial fill in torch: against SciPy, against numpy, and its settings one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.interpolation.gap_curve import INERTIA
from mmm.interpolation.inertial import inertial_positions, inertial_rotations
from mmm.interpolation.inertial_torch import inertial_fill
from mmm.interpolation.torch_fill import slerp_fill
from mmm.motion.clip import Motion
from tests.mmm.interpolation.by_hand import inertial_by_hand
from tests.mmm.making import TINY, smooth_motion


def filled(motion: Motion, hidden: np.ndarray, fill=inertial_fill) -> tuple[np.ndarray, np.ndarray]:
    rotations, root = (
        torch.from_numpy(motion.rotations)[None].clone(),
        torch.from_numpy(motion.root_m)[None].clone(),
    )
    pattern = torch.from_numpy(hidden)[None]
    rotations[pattern], root[pattern[..., 0]] = torch.nan, torch.nan
    options = () if fill is slerp_fill else (motion.fps,)
    rotations, root = fill(rotations, root, pattern, *options)
    return rotations[0].numpy(), root[0].numpy()


@pytest.mark.parametrize(
    "known",
    [
        [0, 10, 20, 30, 39],
        [*range(12), *range(30, 40)],
        [5, 6, 20],
        [17],
        [0, 39],
        [3, 4, 5, 9, 10, 30, 31],
    ],
)
def test_equal_to_the_formula_computed_with_scipy(known):
    motion = smooth_motion(1, 40, TINY, 30.0)
    hidden = np.ones((40, 6), dtype=bool)
    hidden[known] = False
    rotations, root = filled(motion, hidden)
    expected = inertial_by_hand(motion, known)
    np.testing.assert_allclose(rotations, expected.rotations, atol=2e-6)
    np.testing.assert_allclose(root, expected.root_m, atol=2e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_pattern_keeps_known_entries_and_gives_rotations(seed):
    rng = np.random.default_rng(seed)
    motion = smooth_motion(seed % 1000, 24, TINY, 30.0)
    hidden = rng.random((24, 6)) < rng.random()
    rotations, root = filled(motion, hidden)
    np.testing.assert_array_equal(rotations[~hidden], motion.rotations[~hidden])
    np.testing.assert_array_equal(root[~hidden[:, 0]], motion.root_m[~hidden[:, 0]])
    assert np.isfinite(root).all()
    np.testing.assert_allclose(
        np.swapaxes(rotations, -1, -2) @ rotations,
        np.broadcast_to(np.eye(3), rotations.shape),
        atol=1e-5,
    )


def test_velocities_are_continuous_where_those_of_slerp_jump():
    motion = smooth_motion(3, 60, TINY, 60.0)
    hidden = np.zeros((60, 6), dtype=bool)
    hidden[20:40] = True

    def breaks(fill):
        places = Motion(TINY, *filled(motion, hidden, fill), 60.0).positions()
        change = np.linalg.norm(np.diff(places, n=2, axis=0), axis=-1).mean(-1)
        return max(change[18], change[38])  # about the first and the last hidden frame

    assert breaks(inertial_fill) < 0.35 * breaks(slerp_fill)


def test_closer_than_slerp_on_smooth_motion():
    motion = smooth_motion(4, 90, TINY, 30.0)
    hidden = np.ones((90, 6), dtype=bool)
    hidden[::10] = False
    errors = [
        np.abs(filled(motion, hidden, fill)[0] - motion.rotations).mean()
        for fill in (inertial_fill, slerp_fill)
    ]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize(
    "known", [[*range(12), *range(30, 40)], [0, 1, 6, 7, 39], [5, 6, 20, 24], [0, 9, 14, 34]]
)
@pytest.mark.parametrize("close_s", [0.0, 0.05])
def test_rotations_decay_sooner_in_long_gaps(known, close_s):
    """NumPy and torch agree, and in a gap of one second the power makes no difference."""
    curve = replace(INERTIA, rotation_s=0.3, rotation_by_gap=1.5, close_s=close_s)
    motion = smooth_motion(1, 40, TINY, 30.0)
    hidden = np.ones((40, 6), dtype=bool)
    hidden[known] = False
    rotations, root = filled(
        motion, hidden, lambda r, p, h, fps: inertial_fill(r, p, h, fps, curve)
    )
    plain, same_root = filled(
        motion,
        hidden,
        lambda r, p, h, fps: inertial_fill(r, p, h, fps, replace(curve, rotation_by_gap=0.0)),
    )
    np.testing.assert_array_equal(root, same_root)
    frames = np.arange(known[0], known[-1] + 1)
    expected = inertial_rotations(np.array(known), motion.rotations[known], frames, 30.0, curve)
    np.testing.assert_allclose(rotations[frames], expected, atol=2e-6)
    sparse = close_s > 0 and min(np.diff(known)) > 1  # no two known frames are close together
    assert (np.abs(rotations - plain).max() > 1e-3) is not sparse
    hidden[:], hidden[[0, 1, 31, 32]] = True, False  # a gap of a second
    powers = [
        filled(motion, hidden, lambda r, p, h, fps, c=c: inertial_fill(r, p, h, fps, c))[0][2:31]
        for c in (curve, replace(curve, rotation_by_gap=0.0))
    ]
    np.testing.assert_allclose(*powers, atol=1e-6)


@pytest.mark.parametrize("known", [[*range(12), *range(30, 40)], [0, 1, 6, 7, 39], [5, 6, 20, 24]])
def test_heights_have_a_decay_of_their_own(known):
    """NumPy and torch agree; the horizontal path and the rotations do not change."""
    curve = replace(INERTIA, rise_s=0.1, rise_by_gap=1.5)
    motion = smooth_motion(1, 40, TINY, 30.0)
    hidden = np.ones((40, 6), dtype=bool)
    hidden[known] = False
    rotations, root = filled(
        motion, hidden, lambda r, p, h, fps: inertial_fill(r, p, h, fps, curve)
    )
    plain, path = filled(motion, hidden)
    np.testing.assert_array_equal(rotations, plain)
    np.testing.assert_array_equal(root[:, [0, 2]], path[:, [0, 2]])
    assert np.abs(root[:, 1] - path[:, 1]).max() > 1e-4
    frames = np.arange(known[0], known[-1] + 1)
    np.testing.assert_allclose(
        root[frames],
        inertial_positions(np.array(known), motion.root_m[known], frames, 30.0, curve),
        atol=2e-6,
    )


def test_a_jump_into_a_gap_comes_down_again():
    """Rising at 2 m/s into a gap of 1.5 s that ends on the ground: a real jump peaks at 0.2 m."""
    root = torch.zeros(1, 60, 3)
    root[0, 2:5, 1] = torch.tensor([0.0, 0.066, 0.133])
    hidden = torch.zeros(1, 60, 1, dtype=torch.bool)
    hidden[:, 5:50] = True
    identity = torch.eye(3).expand(1, 60, 1, 3, 3)
    high = [
        inertial_fill(identity, root, hidden, 30.0, replace(INERTIA, root_s=6.0, **more))[1][
            0, :, 1
        ].max()
        for more in ({}, {"rise_s": 0.3, "rise_by_gap": 1.5})
    ]
    assert high[0] > 0.4
    assert high[1] < 0.3


def test_heights_coast_with_a_time_constant_of_their_own():
    root = torch.arange(60).float()[None, :, None].expand(1, 60, 3).clone() / 30
    hidden = torch.zeros(1, 60, 1, dtype=torch.bool)
    hidden[:, 20:] = True
    path = inertial_fill(
        torch.eye(3).expand(1, 60, 1, 3, 3),
        root,
        hidden,
        30.0,
        replace(INERTIA, root_coast_s=0.5, rise_coast_s=0.1),
    )[1]
    after = np.arange(1, 41) / 30
    for axis, time in ((0, 0.5), (1, 0.1), (2, 0.5)):
        np.testing.assert_allclose(
            path[0, 20:, axis], 19 / 30 + time * (1 - np.exp(-after / time)), atol=1e-4
        )

"""The fill that networks see is the same slerp as the baseline's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mmm.interpolation import baselines
from mmm.interpolation.known_frames import hidden_features, neighbours
from mmm.interpolation.torch_fill import slerp_fill
from mmm.motion import rotations as rot
from mmm.motion.rotations_torch import matrix_to_quat, quat_to_matrix, sixd_to_matrix
from tests.mmm.making import TINY, random_rotations, wild_motion

SEEDS = st.integers(0, 10_000)


def random_hidden(seed, frames, joints):
    """A pattern of its own for each joint, with at least one known frame."""
    rng = np.random.default_rng(seed)
    hidden = rng.random((frames, joints)) < rng.uniform(0.1, 0.95)
    hidden[rng.integers(frames, size=joints), np.arange(joints)] = False
    return hidden


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, frames=st.integers(1, 25))
def test_torch_fill_agrees_with_the_baseline(seed, frames):
    motion, hidden = wild_motion(seed, frames), random_hidden(seed, frames, len(TINY))
    rotations, root = slerp_fill(
        torch.from_numpy(motion.rotations)[None],
        torch.from_numpy(motion.root_m)[None],
        torch.from_numpy(hidden)[None],
    )
    expected = baselines.slerp(motion, hidden)
    # Random neighbours can be almost half a turn apart; rounding then decides which arc is shorter.
    turn = half_turns(motion, hidden)
    apart = np.abs(rotations[0].numpy() - expected.rotations).max(axis=(-2, -1))
    assert (apart < 1e-4)[~turn].all()
    assert np.abs(root[0].numpy() - expected.root_m).max() < 1e-4


def half_turns(motion, hidden):
    """Entries whose two known neighbours are within a hundredth of a degree of a half turn."""
    before, after, _ = (x[0].numpy() for x in neighbours(torch.from_numpy(hidden)[None]))
    joints = np.arange(hidden.shape[1])
    angle = rot.geodesic_angle(motion.rotations[before, joints], motion.rotations[after, joints])
    return angle > np.pi - 2e-4


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, frames=st.integers(1, 15))
def test_neighbours_against_a_loop(seed, frames):
    hidden = random_hidden(seed, frames, 3)
    before, after, any_known = (x[0].numpy() for x in neighbours(torch.from_numpy(hidden)[None]))
    assert any_known.all()
    for j in range(3):
        known = np.flatnonzero(~hidden[:, j])
        for t in range(frames):
            earlier, later = known[known <= t], known[known >= t]
            assert before[t, j] == (earlier[-1] if len(earlier) else later[0])
            assert after[t, j] == (later[0] if len(later) else earlier[-1])


def test_a_joint_never_known_gets_the_identity_and_zeros():
    hidden = torch.zeros(1, 5, 6, dtype=torch.bool)
    hidden[:, :, 0] = True
    rotations = torch.full((1, 5, 6, 3, 3), torch.nan)
    rotations[:, :, 1:] = torch.eye(3)
    filled, root = slerp_fill(rotations, torch.full((1, 5, 3), torch.nan), hidden)
    assert torch.equal(filled, torch.eye(3).expand(1, 5, 6, 3, 3))
    assert torch.equal(root, torch.zeros(1, 5, 3))


def test_the_root_follows_joint_0():
    hidden = torch.zeros(1, 2, 3, dtype=torch.bool)
    hidden[0, 0, 0] = hidden[0, 1, 2] = True
    columns = hidden_features(hidden)
    assert columns.shape == (1, 2, 30)
    assert columns[0, 0].nonzero().ravel().tolist() == [*range(9), 27, 28, 29]
    assert columns[0, 1].nonzero().ravel().tolist() == list(range(18, 27))


@pytest.mark.parametrize("angle_deg", [0, 1e-3, 45, 179, 180])
def test_quaternions_against_scipy(angle_deg):
    axes = np.random.default_rng(0).normal(size=(50, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    matrices = Rotation.from_rotvec(np.radians(angle_deg) * axes).as_matrix()
    quat = matrix_to_quat(torch.from_numpy(matrices))
    expected = Rotation.from_matrix(matrices).as_quat(scalar_first=True)
    same = np.abs((quat.numpy() * expected).sum(-1))  # q and -q are one rotation
    assert np.abs(same - 1).max() < 1e-9
    assert np.abs(quat_to_matrix(quat).numpy() - matrices).max() < 1e-9


def test_sixd_agrees_with_the_core():
    rotations = random_rotations(3, 40)
    sixd = rot.matrix_to_sixd(rotations).astype(np.float16).astype(np.float32)
    assert (
        np.abs(sixd_to_matrix(torch.from_numpy(sixd)).numpy() - rot.sixd_to_matrix(sixd)).max()
        < 1e-5
    )

"""Rotations solved from positions, against forward kinematics and SciPy's optimiser."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mmm.motion.positions_solver import bone_lengths, solve_positions
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import smooth_motion

LIMB = Skeleton(
    ("hip", "knee", "ankle", "toe"),
    (-1, 0, 1, 2),
    np.float32([[0, 0, 0], [0, -0.4, 0], [0, -0.4, 0], [0, -0.05, 0.15]]),
)


def placed(skeleton, rotations, root):
    """Positions by multiplying matrices joint by joint, in double precision."""
    positions, world = [root], [rotations[:, 0].astype(np.float64)]
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        bone = skeleton.offsets_m[j].astype(np.float64)
        positions.append(positions[parent] + world[parent] @ bone)
        world.append(world[parent] @ rotations[:, j])
    return np.stack(positions, axis=1)


@pytest.mark.parametrize("seed", [0, 1])
def test_positions_of_the_skeleton_itself_are_reached(seed):
    motion = smooth_motion(seed, 40)
    targets = placed(SMPL24, motion.rotations, motion.root_m.astype(np.float64))
    rotations, root, residual = solve_positions(targets, SMPL24)
    assert residual.shape == (40, 24)
    assert residual.max() < 1e-5
    np.testing.assert_allclose(placed(SMPL24, rotations, root), targets, atol=1e-5)
    np.testing.assert_allclose(
        rotations @ rotations.swapaxes(-1, -2),
        np.broadcast_to(np.eye(3), rotations.shape),
        atol=1e-5,
    )
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-5)


def test_a_joint_of_several_children_is_known_and_the_spine_shares_its_twist():
    frames = 20
    rotvec = np.zeros((frames, 24, 3))
    angle = np.linspace(-0.6, 0.6, frames)
    for joint in (3, 6, 9):  # the spine twists by as much in each of its three joints
        rotvec[:, joint, 1] = angle / 3
    rotvec[:, 0, 1] = 0.4
    truth = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(frames, 24, 3, 3)
    targets = placed(SMPL24, truth, np.zeros((frames, 3)))
    rotations, _, _ = solve_positions(targets, SMPL24)
    for joint in (0, 3, 6, 9):
        turn = Rotation.from_matrix(truth[:, joint].transpose(0, 2, 1) @ rotations[:, joint])
        assert np.degrees(turn.magnitude()).max() < 3


def test_a_knee_keeps_its_axis():
    """The thigh turns about itself with a bent knee; positions tell by the shin alone."""
    frames = 50
    time = np.linspace(0, 6, frames)
    hip = Rotation.from_euler("YXZ", np.stack([np.sin(time), 0.5 * np.cos(time), 0 * time], 1))
    knee = Rotation.from_euler("x", (0.9 + 0.5 * np.sin(2 * time))[:, None])
    truth = np.tile(np.eye(3), (frames, 4, 1, 1))
    truth[:, 0], truth[:, 1] = hip.as_matrix(), knee.as_matrix()
    targets = placed(LIMB, truth, np.zeros((frames, 3)))
    rotations, _, residual = solve_positions(targets, LIMB)
    assert residual.max() < 1e-5
    # The zero of the twist is free, so the turns between frames are compared.
    turned = Rotation.from_matrix(rotations[:-1, 0]).inv() * Rotation.from_matrix(rotations[1:, 0])
    true = hip[:-1].inv() * hip[1:]
    np.testing.assert_allclose(turned.magnitude(), true.magnitude(), atol=np.radians(1))


@pytest.mark.slow
def test_other_bone_lengths_end_near_the_least_sum_of_squares():
    rng = np.random.default_rng(4)
    targets = np.cumsum(rng.normal(0, 0.25, (3, 4, 3)), axis=1)
    rotations, root, residual = solve_positions(targets, LIMB)
    np.testing.assert_allclose(
        residual, np.linalg.norm(placed(LIMB, rotations, root) - targets, axis=-1), atol=1e-5
    )
    for frame in range(3):

        def distances(x, frame=frame):
            turns = Rotation.from_rotvec(x[:12].reshape(4, 3)).as_matrix()[None]
            return (placed(LIMB, turns, x[None, 12:]) - targets[frame]).ravel()

        starts = [np.concatenate([rng.normal(0, 1, 12), targets[frame, 0]]) for _ in range(12)]
        best = min(2 * least_squares(distances, start).cost for start in starts)
        assert (residual[frame] ** 2).sum() < 1.1 * best + 1e-6


def test_noise_is_not_amplified():
    motion = smooth_motion(2, 60)
    rng = np.random.default_rng(0)
    noisy = motion.positions() + rng.normal(0, 0.01, (60, 24, 3))
    _, _, residual = solve_positions(noisy, SMPL24)
    assert np.median(residual) < 0.016  # the noise itself has a median length of 15 mm


def test_a_joint_on_its_parent_and_a_straight_line_are_solved():
    skeleton = Skeleton(
        ("a", "b", "c", "d"),
        (-1, 0, 1, 2),
        np.float32([[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1, 0]]),
    )
    targets = np.float64([[[0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 0, 0]]])
    _, _, residual = solve_positions(targets, skeleton)
    assert residual.max() < 1e-5


@pytest.mark.parametrize(
    "positions", [np.zeros((2, 3, 3)), np.full((2, 4, 3), np.nan), np.zeros((0, 4, 3))]
)
def test_other_shapes_and_numbers_are_refused(positions):
    with pytest.raises(ValueError, match="positions"):
        solve_positions(positions, LIMB)


def test_bone_lengths_are_medians():
    positions = np.float64([[[0, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 2, 0]], [[1, 0, 0], [1, 2, 0]]])
    np.testing.assert_allclose(bone_lengths(positions, (-1, 0)), [0, 2])

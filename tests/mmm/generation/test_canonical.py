"""Poses without rest pose and size: back and forth, between bodies, and in a mirror."""

import numpy as np
import pytest

from mmm.generation.canonical import Calibration, Poses, anatomical_frames, heading, turn_y
from mmm.generation.library import mirror
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.rotations import rotvec_to_matrix
from tests.mmm.generation.people import rested, walker

AT = {role: index for index, role in enumerate(ROLES)}


def test_a_motion_comes_back_to_the_body_it_came_from():
    motion = walker()
    roles = match_roles(motion.skeleton)
    body = Calibration.of(roles, motion)
    back = body.roles_of(body.anatomical(roles, motion), roles, motion.fps)
    np.testing.assert_allclose(back.positions(), roles.to_roles(motion).positions(), atol=1e-4)


def test_another_rest_pose_gives_the_same_poses():
    """The same movement of the same bones, told in joint axes that are turned at random."""
    motion, other = walker(), rested(walker(), seed=3)
    np.testing.assert_allclose(other.positions(), motion.positions(), atol=1e-5)
    poses = []
    for m in (motion, other):
        roles = match_roles(m.skeleton)
        poses.append(Calibration.of(roles, m).anatomical(roles, m))
    angle = np.arccos(
        np.clip((np.einsum("trij,trij->tr", poses[0].world, poses[1].world) - 1) / 2, -1, 1)
    )
    # Hands and heads take their rest pose from the role above, which a random one does not keep.
    kept = [
        AT[role] for role in ROLES if not role.endswith(("wrist", "head", "neck", "toe", "collar"))
    ]
    assert np.degrees(angle[:, kept]).max() < 15
    limbs = [
        AT[f"{side}_{joint}"]
        for side in ("left", "right")
        for joint in ("shoulder", "elbow", "hip", "knee")
    ]
    bones = [np.einsum("trij->tri", p.world[:, limbs, :, 0:1]) for p in poses]
    assert np.isfinite(bones[0]).all()


def test_movement_fits_a_body_of_other_size():
    """The limbs point the same way, and the feet stand on the floor."""
    motion, other = walker(), walker(scale=0.7)
    roles, roles_other = match_roles(motion.skeleton), match_roles(other.skeleton)
    poses = Calibration.of(roles, motion).anatomical(roles, motion)
    there = Calibration.of(roles_other, other).roles_of(poses, roles_other, motion.fps)
    here = roles.to_roles(motion).positions()
    np.testing.assert_allclose(there.positions()[..., 1].min(), 0.7 * here[..., 1].min(), atol=0.02)
    np.testing.assert_allclose(
        there.positions() - there.positions()[:, :1], 0.7 * (here - here[:, :1]), atol=0.02
    )


def test_heading_follows_the_hips():
    for angle in (-2.5, 0.0, 1.2):
        assert heading(turn_y(np.array(angle))) == pytest.approx(angle)
    assert heading(
        turn_y(np.array(0.4)) @ rotvec_to_matrix(np.array([0.9, 0, 0]))
    ) == pytest.approx(0.4)


def test_a_mirror_twice_is_the_motion():
    motion = walker()
    roles = match_roles(motion.skeleton)
    poses = Calibration.of(roles, motion).anatomical(roles, motion)
    twice = mirror(mirror(poses))
    np.testing.assert_allclose(twice.world, poses.world)
    once = mirror(poses)
    left, right = AT["left_knee"], AT["right_knee"]
    np.testing.assert_allclose(once.world[:, left, 1, 1], poses.world[:, right, 1, 1])


def test_the_t_pose_is_the_identity():
    points = np.zeros((4, len(ROLES), 3))
    for role, place in {
        "left_hip": (0.1, 1, 0),
        "right_hip": (-0.1, 1, 0),
        "left_knee": (0.1, 0.5, 0.01),
        "right_knee": (-0.1, 0.5, 0.01),
        "left_ankle": (0.1, 0.1, 0),
        "right_ankle": (-0.1, 0.1, 0),
        "left_toe": (0.1, 0, 0.15),
        "right_toe": (-0.1, 0, 0.15),
        "left_shoulder": (0.2, 1.5, 0),
        "right_shoulder": (-0.2, 1.5, 0),
        "left_elbow": (0.5, 1.5, -0.01),
        "right_elbow": (-0.5, 1.5, -0.01),
        "left_wrist": (0.8, 1.5, 0),
        "right_wrist": (-0.8, 1.5, 0),
    }.items():
        points[:, AT[role]] = place
    frames, _ = anatomical_frames(points, 30.0)
    for role in (
        "pelvis",
        "spine3",
        "left_shoulder",
        "right_elbow",
        "left_hip",
        "right_knee",
        "left_ankle",
    ):
        np.testing.assert_allclose(frames[0, AT[role]], np.eye(3), atol=0.06, err_msg=role)


def test_poses_can_be_placed_anywhere():
    motion = walker()
    roles = match_roles(motion.skeleton)
    body = Calibration.of(roles, motion)
    poses = body.anatomical(roles, motion)
    moved = poses.moved(0.7, np.array([1.0, 0, -2.0]))
    assert isinstance(moved, Poses)
    back = body.roles_of(moved, roles, motion.fps)
    assert isinstance(back, Motion)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(back.positions(), axis=0), axis=-1),
        np.linalg.norm(np.diff(roles.to_roles(motion).positions(), axis=0), axis=-1),
        atol=1e-4,
    )

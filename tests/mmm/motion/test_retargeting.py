"""Retargeting: the same movement on another body, and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mmm
from mmm.errors import ModelError
from mmm.motion.clip import Clip, Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.retargeting import retarget
from mmm.motion.roles import ROLES
from mmm.motion.rotations import euler_to_matrix
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, clip_of, smooth_motion

SAMPLE = Path(__file__).parents[3] / "data/samples/dance_092bpm_test004_dancer03.npz"
SHARED = Path(__file__).parents[4] / "shared" / "data"
DANCE = SHARED / "aistpp/motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl"
WALK = SHARED / "lafan1/walk1_subject1.bvh"


@pytest.fixture(scope="module")
def dance():
    return mmm.load_clip(SAMPLE, frames=(0, 120))


def role_points(motion):
    """World positions by role; roles without a joint are left out."""
    joints = match_roles(motion.skeleton).joints
    return {r: motion.positions()[:, j] for r, j in zip(ROLES, joints, strict=True) if j >= 0}


def hands(motion):
    """Wrists relative to shoulders, in lengths of the arm."""
    points = role_points(motion)
    result = []
    for side in ("left", "right"):
        shoulder, elbow, wrist = (
            points[f"{side}_{role}"] for role in ("shoulder", "elbow", "wrist")
        )
        arm = np.linalg.norm(elbow - shoulder, axis=1) + np.linalg.norm(wrist - elbow, axis=1)
        result.append((wrist - shoulder) / arm[:, None])
    return np.stack(result)


def scaled(skeleton, factor):
    return replace(skeleton, offsets_m=skeleton.offsets_m * factor)


def arms_down(skeleton):
    """The same bones with a rest pose in which the arms hang at 45 degrees: an A-pose."""
    offsets = skeleton.offsets_m.copy()
    for side, turn in (("left", -45), ("right", 45)):
        matrix = euler_to_matrix(np.radians([turn]), "Z")
        for j, name in enumerate(skeleton.names):
            if name in (f"{side}_elbow", f"{side}_wrist", f"{side}_hand"):
                offsets[j] = matrix @ offsets[j]
    return replace(skeleton, offsets_m=offsets)


def test_the_own_skeleton_changes_nothing(dance):
    moved = retarget(dance, dance.motion.skeleton)
    apart = np.linalg.norm(moved.motion.positions() - dance.motion.positions(), axis=-1)
    assert np.median(apart) < 1e-3
    assert apart.max() < 0.03  # feet that stand are locked
    assert moved.name == dance.name
    assert moved.music is dance.music


def test_a_body_twice_as_large_moves_twice_as_far(dance):
    moved = retarget(dance, scaled(dance.motion.skeleton, 2.0)).motion
    before, after = dance.motion.positions(), moved.positions()
    travelled = [p[-1, 0, [0, 2]] - p[0, 0, [0, 2]] for p in (before, after)]
    np.testing.assert_allclose(travelled[1], 2 * travelled[0], atol=1e-3)
    np.testing.assert_allclose(hands(moved), hands(dance.motion), atol=2e-3)
    # It stands on the same floor.
    assert abs(np.percentile(after[..., 1], 1) - np.percentile(before[..., 1], 1)) < 0.06


def test_another_rest_pose_is_undone(dance):
    """An A-pose character dances with the same arms, and the way back is the original."""
    character = arms_down(dance.motion.skeleton)
    moved = retarget(dance, character)
    assert not np.allclose(moved.motion.rotations[:, 16], dance.motion.rotations[:, 16], atol=0.3)
    np.testing.assert_allclose(hands(moved.motion), hands(dance.motion), atol=2e-3)
    back = retarget(moved, dance.motion.skeleton)
    apart = np.linalg.norm(back.motion.positions() - dance.motion.positions(), axis=-1)
    assert np.median(apart) < 0.005


def test_joints_without_a_role_keep_their_rest(dance):
    body = dance.motion.skeleton
    prop = Skeleton(
        (*body.names, "Umbrella"),
        (*body.parents, body.names.index("right_hand")),
        np.vstack([body.offsets_m, [[0, 0, 0.3]]]),
    )
    moved = retarget(dance, prop).motion
    np.testing.assert_allclose(moved.rotations[:, -1], np.tile(np.eye(3), (120, 1, 1)), atol=1e-6)


def test_a_file_of_the_character_gives_its_layout(dance, tmp_path):
    mmm.save_clip(Clip("hero", smooth_motion(frames=4)), tmp_path / "hero.bvh")
    hero = mmm.load_clip(tmp_path / "hero.bvh")
    moved = retarget(dance, hero)
    assert moved.meta == hero.meta
    mmm.save_clip(moved, tmp_path / "moved.bvh")
    read = mmm.load_clip(tmp_path / "moved.bvh").motion
    np.testing.assert_allclose(read.positions(), moved.motion.positions(), atol=1e-3)


def test_what_is_no_humanoid_is_refused(dance):
    with pytest.raises(ModelError, match="no joint found for"):
        retarget(dance, TINY)
    with pytest.raises(ModelError, match="no joint found for"):
        retarget(clip_of(), SMPL24)


def test_a_rest_pose_that_lies_needs_a_clip_that_stands(dance):
    """All bones turned by a right angle about X; a clip of it that stands helps."""
    body = dance.motion.skeleton
    flat = euler_to_matrix(np.radians([90.0]), "X")
    lying = replace(body, offsets_m=body.offsets_m @ flat.T)
    with pytest.raises(ModelError, match="does not stand upright"):
        retarget(dance, lying)
    upright = np.tile(np.eye(3, dtype=np.float32), (2, len(body), 1, 1))
    upright[:, 0] = flat.T
    standing = Clip("standing", Motion(lying, upright, np.zeros((2, 3)), 30.0))
    np.testing.assert_allclose(
        hands(retarget(dance, standing).motion), hands(dance.motion), atol=2e-3
    )


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not DANCE.is_file(), reason="the real recordings are not beside the project")
def test_a_dance_onto_a_skeleton_whose_rest_pose_is_no_body():
    dance, walk = mmm.load_clip(DANCE), mmm.load_clip(WALK)
    moved = retarget(dance, walk)
    off = np.linalg.norm(hands(moved.motion) - hands(dance.motion), axis=-1)
    assert off.max() < 0.05  # about three centimetres of an arm
    knees = [
        role_points(m)["left_knee"] - role_points(m)["left_hip"]
        for m in (moved.motion, dance.motion)
    ]
    cosine = np.sum(knees[0] * knees[1], axis=1) / np.prod(
        [np.linalg.norm(k, axis=1) for k in knees], axis=0
    )
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 8

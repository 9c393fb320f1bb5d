"""Pickles of AIST++'s names without ``smpl_scaling``: EDGE's and its kin, or AIST++'s cut short."""

import pickle

import numpy as np
import pytest

from mmm.errors import FileError, SpecError
from mmm.io import load_clip
from mmm.motion.skeleton import SMPL24, SMPL_PELVIS_REST_M

REST_HEAD_M = SMPL24.offsets_m[[3, 6, 9, 12, 15]].sum(axis=0)  # from the pelvis to the head


def write(tmp_path, **changes):
    poses = np.zeros((4, 72), np.float32)
    content = {"smpl_poses": poses, "smpl_trans": np.float32([[0, 0, 1.15]] * 4)} | changes
    path = tmp_path / "a.pkl"
    path.write_bytes(
        pickle.dumps({key: value for key, value in content.items() if value is not None})
    )
    return path


def standing_along_z():
    poses = np.zeros((4, 72), np.float32)
    poses[:, 0] = np.pi / 2
    return poses


@pytest.mark.parametrize("more", [{}, {"full_pose": np.zeros((4, 24, 3), np.float32)}])
def test_edge_is_30_frames_a_second_with_z_up(tmp_path, more):
    clip = load_clip(write(tmp_path, smpl_poses=standing_along_z(), **more))
    assert clip.motion.fps == 30
    x, y, z = np.array([0, 0, 1.15]) + SMPL_PELVIS_REST_M  # the file's axes, Z up
    np.testing.assert_allclose(clip.motion.root_m[0], [x, z, -y], atol=1e-6)
    np.testing.assert_allclose(
        clip.motion.positions()[0, 15] - clip.motion.root_m[0], REST_HEAD_M, atol=1e-5
    )
    assert any(
        "no smpl_scaling" in note and "30 frames a second and Z up" in note for note in clip.notes
    )


def test_aist_without_scaling_says_so(tmp_path):
    clip = load_clip(write(tmp_path, smpl_trans=np.float32([[0, 105, 0]] * 4)))
    assert clip.motion.fps == 60
    assert any("no smpl_scaling" in note and "metres" in note for note in clip.notes)
    mended = load_clip(
        write(tmp_path, smpl_trans=np.float32([[0, 90, 0]] * 4)), unit=1 / 90, true_fps=25
    )
    np.testing.assert_allclose(
        mended.motion.root_m[0], np.array([0, 1, 0]) + SMPL_PELVIS_REST_M, atol=1e-6
    )
    assert mended.motion.fps == 25


def test_what_is_known_better_can_be_said(tmp_path):
    clip = load_clip(write(tmp_path, smpl_poses=standing_along_z()), up="y", true_fps=60)
    assert clip.motion.fps == 60
    np.testing.assert_allclose(
        clip.motion.root_m[0], np.array([0, 0, 1.15]) + SMPL_PELVIS_REST_M, atol=1e-6
    )


def test_a_single_named_take_is_read(tmp_path):
    take = {
        "smpl_poses": np.zeros((4, 72)),
        "smpl_trans": np.zeros((4, 3)),
        "smpl_scaling": np.ones(1),
    }
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"take1": take}))
    assert len(load_clip(path)) == 4


@pytest.mark.parametrize("rad", [1e30, 2e4])
def test_poses_beyond_any_angle_are_refused(tmp_path, rad):
    with pytest.raises(FileError, match="smpl_poses goes up to"):
        load_clip(write(tmp_path, smpl_poses=np.full((4, 72), rad)))


def test_a_unit_is_for_files_without_one(tmp_path):
    with pytest.raises(SpecError, match=r"unit: a\.pkl states its own"):
        load_clip(write(tmp_path, smpl_scaling=np.ones(1)), unit="cm")

"""A handful of real files of each source: they load at natural size, stand on the floor and survive BVH."""

import tarfile

import numpy as np
import pytest

from mmm.io import load_clip, save_clip
from mmm.io.body import body_height
from mmm.motion.rotations import geodesic_angle
from tests.mmm.making import unpacked

pytestmark = pytest.mark.shared_data


def some(shared, tmp_path, archive, suffix, count=3):
    """The first few members of an archive with a suffix (and the .asf before them), unpacked."""
    tmp_path = (
        tmp_path / archive.rpartition("/")[2].partition(".")[0]
    )  # its name tells the frame rate
    found = []
    with tarfile.open(shared / archive) as packed:
        for member in packed:
            wanted = member.name.lower().endswith(suffix)
            if wanted or member.name.lower().endswith(".asf"):
                unpacked(packed, member, tmp_path)
            if wanted:
                found.append(tmp_path / member.name)
            if len(found) == count:
                break
    return found


def check(clip, tmp_path, joints, fps, height=(1.3, 1.85), floor=(-0.1, 0.12)):
    motion = clip.motion
    assert len(motion.skeleton) == joints
    assert motion.fps == fps
    assert height[0] < body_height(motion.skeleton) < height[1]
    assert floor[0] < motion.floor_m() < floor[1]
    save_clip(clip, tmp_path / "again.bvh")
    again = load_clip(tmp_path / "again.bvh").motion
    assert again.skeleton.same_joints(motion.skeleton)
    assert np.degrees(geodesic_angle(again.rotations, motion.rotations).max()) < 0.01
    assert 1000 * np.abs(again.positions() - motion.positions()).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("archive", "suffix", "joints", "fps"),
    [
        ("bandai_namco/dataset-1.tar.xz", ".bvh", 21, 30),
        ("bandai_namco/dataset-2_tenth.tar.xz", ".bvh", 21, 30),
        ("cmu/salsa_indian_bvh_60fps.tar.xz", ".bvh", 43, 60),
        ("cmu/subjects_bvh_60fps.tar.xz", ".bvh", 31, 60),
    ],
)
def test_bvh_archives(shared, tmp_path, archive, suffix, joints, fps):
    for path in some(shared, tmp_path, archive, suffix):
        clip = load_clip(path)
        check(clip, tmp_path, joints, fps)
        assert any("joint_Root" in note for note in clip.notes) == ("bandai" in archive)


def test_cmu_amc(shared, tmp_path):
    paths = some(shared, tmp_path, "cmu/subjects_amc_60fps.tar.xz", ".amc")
    for folder in {path.parent for path in paths}:
        if not list(folder.glob("*.asf")):  # packed after the motions
            with tarfile.open(shared / "cmu/subjects_amc_60fps.tar.xz") as packed:
                for member in packed:
                    if member.name.endswith(".asf"):
                        unpacked(packed, member, paths[0].parents[1])
    for path in paths:
        clip = load_clip(path)
        check(clip, tmp_path, 31, 60, floor=(-0.08, 0.08))
        assert clip.meta["amc"]["unit_m"] == pytest.approx(0.05644, abs=1e-5)


@pytest.mark.slow
def test_lafan1(shared, tmp_path):
    for path in sorted((shared / "lafan1").glob("*.bvh")):
        check(load_clip(path, frames=(0, 300)), tmp_path, 22, 30)


@pytest.mark.slow
def test_aist(shared, tmp_path):
    splits = {}
    for path in sorted((shared / "aistpp" / "motions").glob("*.pkl")):
        clip = load_clip(path)
        splits[clip.name] = clip.split
        assert clip.music is None
        # AIST++'s world has its floor well below zero translation; the body itself is of natural size.
        check(clip, tmp_path, 24, 60, floor=(0.5, 0.9))
        save_clip(clip, tmp_path / "again.pkl")
        again = load_clip(tmp_path / "again.pkl").motion
        np.testing.assert_allclose(again.rotations, clip.motion.rotations, atol=1e-6)
        np.testing.assert_allclose(again.root_m, clip.motion.root_m, atol=1e-6)
    assert splits == {
        "gBR_sBM_cAll_d04_mBR0_ch01": "val",
        "gJS_sBM_cAll_d03_mJS2_ch07": "train",
        "gWA_sFM_cAll_d27_mWA4_ch19": "train",
    }

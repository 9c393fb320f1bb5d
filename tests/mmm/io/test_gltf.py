"""Our glTF files, taken apart by a reader that knows nothing of ours."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.io.gltf import quaternion_track
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.io.gltf_reader import Glb
from tests.mmm.making import TINY, smooth_motion, wild_motion


def glb(clip, folder):
    save_clip(clip, folder / "a.glb")
    return Glb((folder / "a.glb").read_bytes())


def agree(file, motion, frames, atol_m=1e-4):
    for frame in frames:
        world, _ = file.world(frame / motion.fps)
        ours = np.array([world[name][:3, 3] for name in motion.skeleton.names])
        np.testing.assert_allclose(ours, motion.positions()[frame], atol=atol_m)
        turns = np.array([world[name][:3, :3] for name in motion.skeleton.names])
        np.testing.assert_allclose(turns, motion.world_rotations()[frame], atol=1e-4)


@pytest.mark.parametrize(
    "motion",
    [
        smooth_motion(2, 90),
        wild_motion(3, 40, TINY, 30.0),
        wild_motion(4, 1),
        smooth_motion(2, 50, SMPL24, 119.88),
    ],
    ids=["smooth", "wild", "one frame", "odd rate"],
)
def test_its_animation_gives_the_same_positions(tmp_path, motion):
    agree(glb(Clip("a", motion), tmp_path), motion, {0, len(motion) // 3, len(motion) - 1})


def test_between_frames_it_turns_the_short_way(tmp_path):
    motion = smooth_motion(2, 90)
    file = glb(Clip("a", motion), tmp_path)
    middle, _ = file.world(40.5 / 60)
    either = (motion.positions()[40] + motion.positions()[41]) / 2
    ours = np.array([middle[name][:3, 3] for name in motion.skeleton.names])
    np.testing.assert_allclose(ours, either, atol=2e-3)
    spin = Rotation.from_rotvec(np.linspace(0, 12, 200)[:, None] * [[0, 1, 0]]).as_matrix()
    turning = Motion(
        Skeleton(("Hips",), (-1,), np.zeros((1, 3))), spin[:, None], np.zeros((200, 3)), 30.0
    )
    track = quaternion_track(turning)
    assert (np.sum(track[1:] * track[:-1], axis=-1) > 0.99).all()
    assert (track[:, 0, 3] < -0.5).any()  # twice round: it must have passed to the other side


def test_rate_names_tree_and_extras(tmp_path):
    motion = smooth_motion(1, 61, SMPL24, 60.0)
    file = glb(Clip("dance", motion), tmp_path)
    told = file.json["animations"][0]
    assert told["extras"]["fps"] == 60
    times = file.read(told["samplers"][0]["input"])[:, 0]
    np.testing.assert_allclose(times, np.arange(61) / 60, atol=1e-6)
    assert file.json["accessors"][told["samplers"][0]["input"]]["max"] == [1.0]
    assert [node["name"] for node in file.json["nodes"][:24]] == list(SMPL24.names)
    assert len(told["channels"]) == 25
    for j, parent in enumerate(SMPL24.parents):
        assert parent < 0 or j in file.json["nodes"][parent]["children"]


def test_something_is_seen_and_moves_with_the_body(tmp_path):
    motion = smooth_motion(1, 30)
    file = glb(Clip("a", motion), tmp_path)
    for frame in (0, 29):
        _, skin = file.world(frame / 60)
        positions = motion.positions()[frame]
        nearest = np.linalg.norm(skin[:, None] - positions[None], axis=2)
        assert nearest.min(axis=0).max() < 0.02  # a bone ends at every joint
        assert nearest.min(axis=1).max() < 0.25  # and none lies elsewhere
    attributes = file.json["meshes"][0]["primitives"][0]["attributes"]
    points, normals = (
        file.read(attributes["POSITION"]).reshape(-1, 3, 3),
        file.read(attributes["NORMAL"]),
    )
    outward = (
        points.mean(axis=1).reshape(-1, 8, 3) - points.reshape(-1, 24, 3).mean(axis=1)[:, None]
    )
    assert (np.sum(outward.reshape(-1, 3) * normals[::3], axis=1) > 0).all()


def test_skeletons_with_tips_zero_bones_and_a_single_joint(tmp_path):
    tips = Skeleton(
        TINY.names,
        TINY.parents,
        TINY.offsets_m * [[1]] * np.array([[1], [1], [1], [1], [1], [0]]),
        end_sites=((2, (0.3, 0.0, 0.0)),),
    )
    _, skin = glb(
        Clip("a", Motion(tips, np.tile(np.eye(3), (2, 6, 1, 1)), np.zeros((2, 3)), 30.0)), tmp_path
    ).world(0)
    assert np.linalg.norm(skin - [0.5, 0.6, 0], axis=1).min() < 1e-6
    alone = Skeleton(("Hips",), (-1,), np.zeros((1, 3)))
    _, skin = glb(
        Clip("a", Motion(alone, np.tile(np.eye(3), (2, 1, 1, 1)), np.ones((2, 3)), 30.0)), tmp_path
    ).world(0)
    np.testing.assert_allclose(skin.mean(axis=0), [1, 1, 1], atol=1e-6)


def test_names_of_any_kind(tmp_path):
    names = ("Hüfte", 'a"b', "c/d", "膝", "..", "e f")
    motion = wild_motion(0, 5, replace(TINY, names=names))
    agree(glb(Clip("../../x\n", motion), tmp_path), motion, [4])
    assert [p.name for p in tmp_path.iterdir()] == ["a.glb"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        save_clip(Clip("a", wild_motion()), tmp_path / "no" / "a.glb")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["lafan1/walk1_subject1.bvh", "aistpp/motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl"]
)
def test_real_recordings(shared, tmp_path, name):
    clip = load_clip(shared / name, frames=(100, 400))
    agree(glb(clip, tmp_path), clip.motion, [0, 150, 299])

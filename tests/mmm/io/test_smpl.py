"""AMASS-style files, against SMPL's kinematics written out with SciPy."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.io.smpl import SMPLH52, SMPLX55
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24, SMPL_PELVIS_REST_M
from tests.mmm.making import smooth_motion

T = 12
RNG = np.random.default_rng(5)


def write(tmp_path, width=156, **changes):
    poses = RNG.normal(0, 0.4, (T, width))
    content = {
        "poses": poses,
        "trans": RNG.normal(0, 1, (T, 3)),
        "mocap_framerate": np.float64(120),
        "betas": np.zeros(16),
        "gender": "female",
        "dmpls": np.zeros((T, 8)),
    } | changes
    content = {key: value for key, value in content.items() if value is not None}
    np.savez(tmp_path / "a.npz", **content)
    return tmp_path / "a.npz", content


def placed(skeleton, poses, trans):
    """Joints by SMPL's own rule, in the file's axes: the pelvis rests away from the origin."""
    turns = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(len(poses), -1, 3, 3)
    world, places = [turns[:, 0]], [trans + SMPL_PELVIS_REST_M]
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        places.append(places[parent] + world[parent] @ skeleton.offsets_m[j].astype(np.float64))
        world.append(world[parent] @ turns[:, j])
    return np.stack(places, axis=1)


def upright(places):
    """Z up to Y up: x stays, z becomes y, y becomes -z."""
    return np.stack([places[..., 0], places[..., 2], -places[..., 1]], axis=-1)


@pytest.mark.parametrize(("width", "skeleton"), [(72, SMPL24), (156, SMPLH52), (165, SMPLX55)])
def test_world_positions(tmp_path, width, skeleton):
    path, content = write(tmp_path, width)
    clip = load_clip(path)
    assert clip.motion.fps == 120
    assert clip.motion.skeleton.names == skeleton.names
    expected = upright(placed(skeleton, content["poses"], content["trans"]))
    np.testing.assert_allclose(clip.motion.positions(), expected, atol=1e-4)
    assert clip.meta["smpl"]["gender"] == "female"


def test_parts_and_the_other_key_of_the_rate(tmp_path):
    path, content = write(tmp_path, 156, mocap_framerate=None, mocap_frame_rate=np.array(60))
    whole = load_clip(path)
    poses = content["poses"]
    split, _ = write(
        tmp_path,
        poses=None,
        root_orient=poses[:, :3],
        pose_body=poses[:, 3:66],
        pose_hand=poses[:, 66:],
        trans=content["trans"],
        mocap_framerate=np.float64(60),
    )
    np.testing.assert_array_equal(load_clip(split).motion.rotations, whole.motion.rotations)
    assert whole.motion.fps == 60


def test_hands_have_smplhs_names():
    assert SMPLH52.names[22:25] == ("left_index1", "left_index2", "left_index3")
    assert SMPLH52.names[37] == "right_index1"
    assert SMPLX55.names[22] == "jaw"
    reach = np.linalg.norm(SMPLH52.offsets_m[22:25], axis=1).sum()
    assert 0.1 < reach < 0.2


@pytest.mark.parametrize("width", [72, 156, 165])
def test_what_is_written_is_read_again(tmp_path, width):
    path, content = write(tmp_path, width, betas=np.full(16, 0.5))
    clip = load_clip(path)
    save_clip(clip, tmp_path / "b.smpl.npz")
    with np.load(tmp_path / "b.smpl.npz") as written:
        assert written["poses"].shape == (T, max(width, 156))
        assert float(written["mocap_framerate"]) == 120
        np.testing.assert_allclose(written["trans"], content["trans"], atol=1e-5)
        np.testing.assert_array_equal(written["betas"], content["betas"])
        again = Rotation.from_rotvec(written["poses"][:, :66].reshape(-1, 3))
    was = Rotation.from_rotvec(content["poses"][:, :66].reshape(-1, 3))
    assert (again.inv() * was).magnitude().max() < 1e-5
    back = load_clip(tmp_path / "b.smpl.npz").motion
    np.testing.assert_allclose(back.positions()[:, :22], clip.motion.positions()[:, :22], atol=1e-5)


def test_our_own_npz_is_still_told_from_it(tmp_path):
    save_clip(Clip("a", smooth_motion(0, 5)), tmp_path / "a.npz")
    assert load_clip(tmp_path / "a.npz").motion.skeleton.names == SMPL24.names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": np.zeros((T, 71))}, r"poses of shape \(12, 71\)"),
        ({"trans": np.zeros((T - 1, 3))}, r"trans: \(11, 3\)"),
        ({"poses": np.full((T, 156), np.nan)}, "poses is not finite"),
        ({"poses": np.full((T, 156), 1e30)}, "poses is not finite or above"),
        ({"mocap_framerate": None}, "no mocap_framerate; .* give the true frame rate"),
        ({"mocap_framerate": np.float64(-1)}, "frame rate positive|frames a second"),
        ({"trans": np.array(["a"])}, "trans is <U1"),
        ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "at least one frame"),
    ],
)
def test_wrong_content(tmp_path, changes, message):
    path, _ = write(tmp_path, **changes)
    with pytest.raises(FileError, match=message) as caught:
        load_clip(path)
    assert "\n" not in str(caught.value)

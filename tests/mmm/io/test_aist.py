import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io import load_clip, parse_aist_name, save_clip
from mmm.io.aist import write_aist
from mmm.motion.skeleton import SMPL_PELVIS_REST_M

NAME = "gBR_sBM_cAll_d04_mBR0_ch01"


def content(frames=4, **changes):
    rng = np.random.default_rng(0)
    return {
        "smpl_poses": rng.normal(0, 0.5, (frames, 72)).astype(np.float32),
        "smpl_trans": rng.normal(0, 90, (frames, 3)).astype(np.float32),
        "smpl_scaling": np.array([90.0], np.float32),
        "smpl_loss": 1.5,
    } | changes


def pickled(value, protocol=4):
    return pickle.dumps(value, protocol)


def test_metres_are_trans_over_scaling_and_the_pelvis_stands_away_from_the_origin(tmp_path):
    raw = content(
        smpl_trans=np.float32([[0, 90, 0], [90, 180, -90]]),
        smpl_poses=np.zeros((2, 72), np.float32),
    )
    path = tmp_path / "a.pkl"
    path.write_bytes(pickled(raw))
    clip = load_clip(path)
    assert clip.motion.fps == 60
    np.testing.assert_allclose(
        clip.motion.root_m, np.array([[0, 1, 0], [1, 2, -1]]) + SMPL_PELVIS_REST_M, atol=1e-6
    )
    np.testing.assert_allclose(
        clip.motion.positions()[0, 1] - clip.motion.root_m[0],
        clip.motion.skeleton.offsets_m[1],
        atol=1e-6,
    )


def test_poses_are_axis_angle_of_24_joints(tmp_path):
    raw = content()
    path = tmp_path / "a.pkl"
    path.write_bytes(pickled(raw))
    expected = (
        Rotation.from_rotvec(raw["smpl_poses"].reshape(-1, 3)).as_matrix().reshape(4, 24, 3, 3)
    )
    np.testing.assert_allclose(load_clip(path).motion.rotations, expected, atol=1e-6)


def test_round_trip(tmp_path, smpl_clip):
    path = tmp_path / f"{NAME}.pkl"
    write_aist(smpl_clip, path)
    again = load_clip(path)
    np.testing.assert_allclose(again.motion.rotations, smpl_clip.motion.rotations, atol=1e-6)
    np.testing.assert_allclose(again.motion.root_m, smpl_clip.motion.root_m, atol=1e-6)
    assert again.meta["aist"]["smpl_scaling"] == 93.75


@pytest.mark.parametrize(
    "kept", [{"smpl_scaling": -3, "smpl_loss": "x"}, {"smpl_scaling": "x"}, 7, None]
)
def test_meta_that_makes_no_sense_is_not_written(tmp_path, smpl_clip, kept):
    path = tmp_path / "a.pkl"
    write_aist(type(smpl_clip)("a", smpl_clip.motion, meta={"aist": kept}), path)
    assert load_clip(path).meta["aist"] == {"smpl_scaling": 90.0}


def test_another_frame_rate_is_resampled_to_60(tmp_path, smpl_clip):
    half = smpl_clip.motion.resample(30.0)
    path = tmp_path / "a.pkl"
    save_clip(type(smpl_clip)("a", half), path)
    again = load_clip(path)
    assert again.motion.fps == 60
    np.testing.assert_allclose(again.motion.rotations[::2], half.rotations, atol=1e-5)


def test_another_skeleton_is_refused(tmp_path, tree_clip):
    with pytest.raises(FileError, match=r"a skeleton of 3 joints that is not SMPL's"):
        save_clip(tree_clip, tmp_path / "a.pkl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            content(smpl_poses=np.zeros((4, 71))),
            r"smpl_poses is float64 of shape \(4, 71\); expected numbers, 72 per frame",
        ),
        (content(smpl_trans=np.zeros((3, 3))), "4 poses and 3 translations"),
        (content(frames=0), "0 poses and 0 translations"),
        (content(smpl_scaling=np.array([0.0])), "smpl_scaling is 0; expected a positive number"),
        (
            content(smpl_poses=np.full((2, 72), np.nan)),
            "smpl_poses is not a finite number in frame 0",
        ),
        (content(smpl_poses=np.array(["a"] * 72)), "smpl_poses is <U1"),
        ({"poses": np.zeros((4, 72))}, "no array smpl_poses"),
        ([1, 2], "a pickled list; expected a dict"),
    ],
)
def test_wrong_content(tmp_path, raw, message):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickled(raw))
    with pytest.raises(FileError, match=message):
        load_clip(path)


@pytest.mark.parametrize("cut", [1, 50, 600])
def test_truncated(tmp_path, cut):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickled(content())[:cut])
    with pytest.raises(FileError, match=r"a\.pkl: not a readable pickle"):
        load_clip(path)


def test_names():
    name = parse_aist_name(NAME)
    assert (
        name.genre,
        name.situation,
        name.camera,
        name.dancer,
        name.music,
        name.choreography,
    ) == ("BR", "BM", "All", "04", "BR0", "01")
    assert name.tempo_bpm == 80
    assert parse_aist_name("gHO_sBM_c01_d20_mHO5_ch01").tempo_bpm == 135
    assert parse_aist_name("gHO_sBM_c01_d20_mHO5_ch01").list_name == "gHO_sBM_cAll_d20_mHO5_ch01"
    assert parse_aist_name("gJB_sFM_cAll_d07_mJB5_ch13").tempo_bpm == 130
    assert parse_aist_name("walk1_subject1") is None
    assert parse_aist_name(NAME + "99") is None


def test_split_by_the_lists_in_a_sibling_folder(tmp_path, smpl_clip):
    (tmp_path / "splits").mkdir()
    (tmp_path / "motions").mkdir()
    (tmp_path / "splits" / "crossmodal_train.txt").write_text("gWA_sFM_cAll_d25_mWA4_ch05\n")
    (tmp_path / "splits" / "crossmodal_val.txt").write_text(f"gHO_sBM_cAll_d20_mHO5_ch01\n{NAME}\n")
    for name in (NAME, "gWA_sFM_cAll_d25_mWA4_ch05", "gWA_sFM_cAll_d25_mWA4_ch06", "other"):
        write_aist(smpl_clip, tmp_path / "motions" / f"{name}.pkl")
    splits = [load_clip(path).split for path in sorted((tmp_path / "motions").iterdir())]
    assert splits == ["val", "train", "", ""]

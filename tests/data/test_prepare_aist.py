"""AIST++ by its published lists."""

import pickle

import numpy as np
import pytest
import soundfile

from tests.data.preparing import prepare, report_of, stored, units_of
from training.data.dataset import MotionSet

TRAIN = (
    "gBR_sBM_cAll_d04_mBR0_ch02",
    "gBR_sBM_cAll_d04_mBR1_ch03",
    "gHO_sBM_cAll_d20_mHO5_ch01",
    "gPO_sBM_cAll_d10_mPO0_ch01",
)
VAL = ("gBR_sBM_cAll_d04_mBR0_ch01",)
TEST = ("gBR_sBM_cAll_d05_mBR2_ch01", "gBR_sBM_cAll_d05_mBR2_ch02")
BAD = "gBR_sBM_cAll_d04_mBR1_ch03"
UNLISTED = "gKR_sBM_cAll_d28_mKR3_ch01"


def write_motion(folder, name, seed, frames=80):
    rng = np.random.default_rng(seed)
    swing = np.sin(np.arange(frames)[:, None] / 20 + rng.random(72)) * 0.4
    path = np.cumsum(rng.normal(size=(frames, 3)), axis=0)
    with (folder / f"{name}.pkl").open("wb") as file:
        pickle.dump(
            {
                "smpl_poses": swing,
                "smpl_trans": path + np.array([0, 90, 0]),
                "smpl_scaling": np.array([90.0]),
            },
            file,
        )
    return path


@pytest.fixture
def aist(tmp_path):
    """The layout of the annotations: motions, splits, the ignore list above both."""
    for name in ("motions", "splits", "music"):
        (tmp_path / name).mkdir()
    for seed, name in enumerate((*TRAIN, *VAL, *TEST[:1], UNLISTED)):
        write_motion(tmp_path / "motions", name, seed)
    for split, names in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        (tmp_path / "splits" / f"crossmodal_{split}.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "ignore_list.txt").write_text(f"{BAD}\n")
    return tmp_path


def record(folder, name, seconds=2.0):
    time_s = np.arange(int(22_050 * seconds)) / 22_050
    soundfile.write(
        folder / name, 0.3 * np.sin(2 * np.pi * 330 * time_s) * (time_s % 0.5 < 0.1), 22_050
    )


def run(capsys, aist, *more):
    return prepare(
        capsys,
        "aist",
        "--motions",
        aist / "motions",
        "--splits",
        aist / "splits",
        "--out",
        aist / "set",
        *more,
    )


def test_motions_alone_by_the_lists(aist, capsys):
    status, said, error = run(capsys, aist)
    assert (status, error) == (0, "")
    assert units_of(aist / "set") == {
        **{name: {"train"} for name in TRAIN if name != BAD},
        VAL[0]: {"val"},
        TEST[0]: {"test"},
    }
    assert report_of(aist / "set")["reasons"] == {"in ignore_list.txt": 1, "in no split list": 1}
    assert report_of(aist / "set")["listed_missing"] == [TEST[1]]
    assert f"listed but not there: 1, first {TEST[1]}" in said
    assert not (aist / "set" / "train" / "music.npy").exists()
    assert MotionSet(aist / "set" / "train").music is None


def test_metres(aist, capsys):
    """smpl_trans is in units of smpl_scaling."""
    run(capsys, aist)
    path = write_motion(aist, "again", 4) / 90
    root_m = np.load(aist / "set" / "val" / "root_m.npy")
    assert np.abs((root_m - root_m[0]) - (path - path[0])).max() < 1e-5


@pytest.mark.slow
def test_music_by_name_and_what_is_missing(aist, capsys):
    record(aist / "music", "mBR0.wav")
    record(aist / "music", "mHO5.ogg")
    status, said, error = run(capsys, aist, "--music", aist / "music")
    assert (status, error) == (0, "")
    report = report_of(aist / "set")
    assert report["missing_music"] == {"mPO0": 1, "mBR2": 1}
    assert report["reasons"]["its music is missing"] == 2
    assert "missing music: 2 recordings (motions that need each): mBR2 (1), mPO0 (1)" in said
    assert "test is empty" in said
    clips = {clip["name"]: clip for clip in stored(aist / "set", "train")["clips"]}
    assert {name: clip["tempo_bpm"] for name, clip in clips.items()} == {
        TRAIN[0]: 80.0,
        TRAIN[2]: 135.0,
    }
    data = MotionSet(aist / "set" / "train")
    assert data.music.shape == (160, 35)
    assert float(data.music.std()) > 0
    heard = data.cut_clips(2, 60, data.skeleton, 60.0)
    assert [clip.music.tempo_bpm for clip in heard] == [80.0, 135.0]


def test_another_frame_rate_takes_the_music_along(aist, capsys):
    record(aist / "music", "mBR0.wav")
    assert run(capsys, aist, "--music", aist / "music", "--fps", "30", "--min-frames", "30")[0] == 0
    content = stored(aist / "set", "val")
    assert (content["fps"], content["clips"][0]["frames"]) == (30.0, 40)
    assert np.load(aist / "set" / "val" / "music.npy").shape == (40, 35)


def test_a_broken_recording_or_pickle_costs_its_motions_alone(aist, capsys):
    record(aist / "music", "mBR0.wav")
    (aist / "music" / "mHO5.wav").write_bytes(b"RIFF no sound")
    (aist / "motions" / f"{VAL[0]}.pkl").write_bytes(pickle.dumps({"smpl_poses": print}))
    assert run(capsys, aist, "--music", aist / "music")[0] == 0
    report = report_of(aist / "set")
    assert report["reasons"]["cannot be read"] == 2
    assert report["kept"] == 1


def test_no_recording_at_all(aist, capsys):
    status, said, error = run(capsys, aist, "--music", aist / "music")
    assert (status, said, error.count("\n")) == (2, "", 1)
    assert (
        "nothing was kept: its music is missing (5), in ignore_list.txt (1), in no split list (1)"
        in error
    )
    assert "leave --music out for motion alone" in error


def test_names_that_are_none(aist, capsys):
    write_motion(aist / "motions", "my_dance", 9)
    _, said, _ = run(capsys, aist)
    assert "motions/my_dance.pkl: my_dance" in said


def test_lists_that_lack_or_contradict(aist, capsys):
    (aist / "splits" / "crossmodal_val.txt").write_text(f"{VAL[0]}\n{TRAIN[0]}\n")
    assert f"{TRAIN[0]} is in train too" in run(capsys, aist)[2]
    (aist / "splits" / "crossmodal_val.txt").write_text("<html>\n")
    assert "'<html>'" in run(capsys, aist)[2]
    (aist / "splits" / "crossmodal_val.txt").unlink()
    assert "crossmodal_val.txt: cannot be read (No such file or directory)" in run(capsys, aist)[2]
    (aist / "splits" / "crossmodal_val.txt").write_text("")
    (aist / "ignore_list.txt").unlink()
    assert "ignore_list.txt: no such list" in run(capsys, aist)[2]
    assert not (aist / "set" / "train").exists()


@pytest.mark.shared_data
def test_real_motions(capsys, tmp_path, shared):
    folder = shared / "aistpp"
    status, said, _ = prepare(
        capsys,
        "aist",
        "--motions",
        folder / "motions",
        "--splits",
        folder / "splits",
        "--out",
        tmp_path / "set",
    )
    assert status == 0
    assert units_of(tmp_path / "set") == {
        "gBR_sBM_cAll_d04_mBR0_ch01": {"val"},
        "gJS_sBM_cAll_d03_mJS2_ch07": {"train"},
        "gWA_sFM_cAll_d27_mWA4_ch19": {"train"},
    }
    assert [
        len(np.load(tmp_path / "set" / split / "root_m.npy")) for split in ("train", "val")
    ] == [2495, 720]
    assert "listed but not there: " in said

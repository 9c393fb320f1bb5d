"""Folders and archives of BVH and AMC as prepared sets."""

import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from data.sources import convert
from mmm.motion.rotations import matrix_to_sixd
from tests.data.preparing import (
    LYING,
    OTHER,
    TALL,
    frames_of,
    prepare,
    report_of,
    stored,
    units_of,
    write_bvh,
)
from tests.mmm.making import TINY, smooth_motion
from training.data.dataset import MotionSet

BY = ("--split-by", r"/(\d\d)_", "--min-frames", "20")


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    for subject in range(12):
        for take in range(2):
            write_bvh(folder / f"{subject:02}_{take:02}.bvh", subject * 10 + take, 30 + take)
    return folder


@pytest.fixture
def folder(tmp_path, takes):
    """Two takes of each of twelve subjects."""
    return shutil.copytree(takes, tmp_path / "mocap")


def run(capsys, folder, *more):
    out = folder.parent / "set"
    status, said, error = prepare(capsys, "bvh", "--bvh", folder, "--out", out, *BY, *more)
    assert (status, error) == (0, "")
    return out, said


@pytest.mark.slow
def test_a_unit_is_never_divided(folder, capsys):
    out, _ = run(capsys, folder, "--shares", "50/25/25")
    units = units_of(out)
    assert len(units) == 12
    assert all(len(splits) == 1 for splits in units.values())
    assert {split for splits in units.values() for split in splits} == {"train", "val", "test"}
    clips = [clip for split in ("train", "val", "test") for clip in stored(out, split)["clips"]]
    assert len(clips) == 24
    assert all(clip["source"].startswith(f"mocap/{clip['unit']}_") for clip in clips)


@pytest.mark.slow
def test_files_that_come_later_move_no_unit(folder, capsys):
    out, _ = run(capsys, folder, "--shares", "50/25/25")
    before = units_of(out)
    for subject in range(20, 30):
        write_bvh(folder / f"{subject}_00.bvh", subject)
    out, _ = run(capsys, folder, "--shares", "50/25/25")
    after = units_of(out)
    assert len(after) == 22
    assert {unit: after[unit] for unit in before} == before


def test_units_named_for_a_split_go_there(folder, capsys):
    out, _ = run(capsys, folder, "--test", "03,04", "--val", "11")
    units = units_of(out)
    assert {unit for unit in units if units[unit] == {"test"}} == {"03", "04"}
    assert {unit for unit in units if units[unit] == {"val"}} == {"11"}
    assert sum(units[unit] == {"train"} for unit in units) == 9


def test_a_table_of_units_makes_pairs(folder, capsys):
    table = folder.parent / "pairs.csv"
    table.write_text(
        "file,unit\n"
        + "".join(f"{s:02}_{t:02}.bvh,pair{s % 6}\n" for s in range(12) for t in range(2))
        + "lost.bvh,pair0\n"
    )
    out, said = run(capsys, folder, "--units", table, "--shares", "50/25/25")
    assert set(units_of(out)) == {f"pair{k}" for k in range(6)}
    assert all(len(splits) == 1 for splits in units_of(out).values())
    assert "listed but not there: 1, first lost.bvh" in said


def test_what_is_stored_is_the_movement(folder, capsys):
    out, _ = run(capsys, folder, "--test", "03")
    for take in range(2):
        motion = smooth_motion(30 + take, 30 + take, TINY, 30.0)
        rotations, root_m = frames_of(out, "test", f"03_0{take}")
        assert rotations.dtype == np.float16
        assert np.abs(rotations - matrix_to_sixd(motion.rotations)).max() < 1e-3
        assert np.abs(root_m - motion.root_m).max() < 1e-4


def test_a_motion_set_reads_it_from_disk(folder, capsys):
    out, _ = run(capsys, folder, "--test", "03")
    data = MotionSet(out / "train")
    assert isinstance(np.load(out / "train" / "rotations.npy", mmap_mode="r"), np.memmap)
    assert data.skeleton.same_joints(TINY)
    assert np.abs(data.skeleton.offsets_m - TINY.offsets_m).max() < 1e-5
    assert (data.fps, data.music, len(data.clips)) == (30.0, None, 22)
    data.fit_stats(20)
    clip = data.cut_clips(1, 20, data.skeleton, 30.0)[0]
    assert clip.motion.positions().shape == (20, 6, 3)


@pytest.mark.slow
def test_statistics_and_bones_are_those_of_train_alone(folder, capsys):
    out, _ = run(capsys, folder, "--test", "03")
    before = (
        MotionSet(out / "train").fit_stats(20).to_dict(),
        stored(out, "train")["joint_offsets_m"],
    )
    for take in range(24):
        write_bvh(folder / f"03_{take + 10}.bvh", 500 + take, 60, TALL)
    out, _ = run(capsys, folder, "--test", "03")
    assert len(stored(out, "test")["clips"]) == 26
    assert (
        MotionSet(out / "train").fit_stats(20).to_dict(),
        stored(out, "train")["joint_offsets_m"],
    ) == before


def test_every_clip_keeps_its_subjects_bones(folder, capsys):
    write_bvh(folder / "03_07.bvh", 77, 40, TALL)
    out, _ = run(capsys, folder, "--test", "03")
    data = MotionSet(out / "test")
    bones = {
        clip.name: clip.motion.skeleton.offsets_m
        for clip in data.cut_clips(3, 20, data.skeleton, 30.0)
    }
    assert np.abs(bones["03_07"] - TALL.offsets_m).max() < 1e-5
    assert np.abs(bones["03_00"] - TINY.offsets_m).max() < 1e-5
    assert np.abs(data.skeleton.offsets_m - TINY.offsets_m).max() < 1e-5


def test_one_skeleton_a_set(folder, capsys):
    write_bvh(folder / "20_00.bvh", 1, 60, OTHER)
    write_bvh(folder / "21_00.bvh", 2, 60, LYING)
    out, said = run(capsys, folder)
    skipped = {
        item["label"]: (item["reason"], item["detail"]) for item in report_of(out)["skipped_files"]
    }
    assert skipped == {
        "mocap/20_00.bvh": ("another skeleton", "6 joints from Hips"),
        "mocap/21_00.bvh": ("another skeleton", "another rest pose: 114 degrees at RightArm"),
    }
    assert "skeleton kept: 6 joints from Hips, 24 files, 732 frames" in said
    out, _ = run(capsys, folder, "--skeleton-of", folder / "20_00.bvh")
    assert list(units_of(out)) == ["20"]
    assert report_of(out)["reasons"] == {"another skeleton": 25}


def test_bad_short_still_and_doubled_files_are_left_out_with_reasons(folder, capsys):
    (folder / "03_90.bvh").write_text("HIERARCHY\nROOT Hips\n{\nOFFSET a b c\n}\nMOTION\n")
    (folder / "03_91.bvh").write_bytes(b"\x89PNG\r\n")
    (folder / "03_92.bvh").symlink_to(folder / "gone.bvh")
    write_bvh(folder / "04_90.bvh", 3, 19)
    shutil.copy(folder / "05_00.bvh", folder / "06_90.bvh")
    lines = (folder / "07_00.bvh").read_text().split("\n")
    start = next(k for k, line in enumerate(lines) if line.startswith("Frame Time")) + 1
    (folder / "07_90.bvh").write_text("\n".join([*lines[:start], *[lines[start]] * 30]) + "\n")
    write_bvh(folder / "nameless.bvh", 9)
    out, said = run(capsys, folder)
    assert report_of(out)["reasons"] == {
        "cannot be read": 3,
        "shorter than 20 frames": 1,
        "nothing moves by 2 cm": 1,
        "the same motion twice": 1,
        "no unit by --split-by or --units": 1,
    }
    assert "kept 24, skipped 7" in said
    details = {item["label"]: item["detail"] for item in report_of(out)["skipped_files"]}
    assert details["mocap/03_90.bvh"].startswith(
        "mocap/03_90.bvh line 4: OFFSET a b c; expected three numbers"
    )
    assert "a PNG picture" in details["mocap/03_91.bvh"]
    assert "no such file" in details["mocap/03_92.bvh"]
    assert details["mocap/06_90.bvh"] == "as mocap/05_00.bvh"


def test_a_bug_in_reading_one_file_does_not_stop_the_run(folder, capsys, monkeypatch):
    read = convert.read_bvh

    def read_or_fail(path, *more):
        if path.name == "03_00.bvh":
            raise ZeroDivisionError("one\ntwo")
        return read(path, *more)

    monkeypatch.setattr(convert, "read_bvh", read_or_fail)
    out, _ = run(capsys, folder)
    assert [(s["label"], s["detail"]) for s in report_of(out)["skipped_files"]] == [
        ("mocap/03_00.bvh", "mocap/03_00.bvh: ZeroDivisionError: one two")
    ]


def test_another_frame_rate(folder, capsys):
    motion = write_bvh(folder / "30_00.bvh", 5, 121, TINY, 120.0)
    out, said = run(capsys, folder, "--test", "30")
    _, root_m = frames_of(out, "test", "30_00")
    assert np.abs(root_m - motion.root_m[::4]).max() < 1e-4
    assert "brought to 30 frames a second: 24 files at 30, 1 files at 120" in said


def test_a_wrong_rate_in_the_files_can_be_set_right(folder, capsys):
    out, _ = run(capsys, folder, "--true-fps", "60", "--min-frames", "10", "--test", "03")
    assert [clip["frames"] for clip in stored(out, "test")["clips"]] == [15, 16]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tar.xz", "zip"])
def test_archives_are_read_like_folders(folder, capsys, kind):
    packed = folder.parent / f"mocap.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
    else:
        with tarfile.open(packed, "w:xz") as archive:
            archive.add(folder, ".")
    out, _ = run(capsys, folder)
    expected = np.load(out / "train" / "root_m.npy"), stored(out, "train")["clips"]
    shutil.rmtree(out)
    out, _ = run(capsys, packed)
    assert np.array_equal(np.load(out / "train" / "root_m.npy"), expected[0])
    assert stored(out, "train")["clips"] == expected[1]
    _, said = run(capsys, packed)
    assert "(24 of 24 files were converted before)" in said


def test_a_broken_archive_does_not_stop_the_run(folder, capsys):
    with tarfile.open(folder.parent / "whole.tar.xz", "w:xz") as archive:
        archive.add(folder, "inside")
    data = (folder.parent / "whole.tar.xz").read_bytes()
    (folder / "half.tar.xz").write_bytes(data[: len(data) // 2])
    (folder / "text.zip").write_text("no archive")
    out, _ = run(capsys, folder)
    assert {s["label"]: s["reason"] for s in report_of(out)["skipped_files"]} == {
        "mocap/half": "the archive cannot be read",
        "mocap/text": "the archive cannot be read",
    }


def test_two_folders_of_one_name(folder, capsys, tmp_path):
    write_bvh(tmp_path / "more" / "mocap" / "40_00.bvh", 4)
    out = tmp_path / "set"
    assert (
        prepare(capsys, "bvh", "--bvh", folder, tmp_path / "more" / "mocap", "--out", out, *BY)[0]
        == 0
    )
    sources = {
        clip["source"]
        for split in ("train", "val", "test")
        if (out / split).exists()
        for clip in stored(out, split)["clips"]
    }
    assert "mocap~2/40_00.bvh" in sources
    assert len(sources) == 25


def test_a_pose_before_the_movement_is_left_out(folder, capsys):
    text = (folder / "03_00.bvh").read_text().split("\n")
    start = next(k for k, line in enumerate(text) if line.startswith("Frame Time")) + 1
    pose = " ".join(["0"] * 3 + ["90"] * (len(text[start].split()) - 3))
    text[start - 2] = "Frames: 31"
    (folder / "50_00.bvh").write_text("\n".join([*text[:start], pose, *text[start:]]))
    (folder / "03_00.bvh").unlink()
    out, said = run(capsys, folder, "--test", "50")
    assert stored(out, "test")["clips"][0]["frames"] == 30
    assert "note (1 files): A pose put before the movement is left out." in said
    out, _ = run(capsys, folder, "--test", "50", "--keep-first")
    assert stored(out, "test")["clips"][0]["frames"] == 31

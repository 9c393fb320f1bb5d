"""LAFAN1 by its subjects."""

import numpy as np
import pytest

from tests.data.preparing import frames_of, prepare, report_of, units_of, write_bvh


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(
        (
            "walk1_subject1",
            "walk1_subject2",
            "dance2_subject3",
            "run1_subject4",
            "run1_subject5",
            "jumps1_subject5",
            "multipleActions1_subjectX",
        )
    ):
        write_bvh(tmp_path / "lafan1" / f"{name}.bvh", seed, 70)
    return tmp_path / "lafan1"


def test_train_on_one_to_four_and_test_on_five(folder, capsys, tmp_path):
    status, said, _ = prepare(capsys, "lafan1", "--bvh", folder, "--out", tmp_path / "set")
    assert status == 0
    assert units_of(tmp_path / "set") == {
        "subject1": {"train"},
        "subject2": {"train"},
        "subject3": {"train"},
        "subject4": {"train"},
        "subject5": {"test"},
    }
    assert report_of(tmp_path / "set")["reasons"] == {"unknown subject": 1}
    assert (
        "lafan1/multipleActions1_subjectX.bvh: its name ends in none of subject1 to subject5"
        in said
    )


def test_an_unknown_subject_where_the_user_wants_it(folder, capsys, tmp_path):
    out = tmp_path / "set"
    assert (
        prepare(
            capsys,
            "lafan1",
            "--bvh",
            folder,
            "--out",
            out,
            "--unknown-to",
            "train",
            "--val",
            "subject4",
        )[0]
        == 0
    )
    assert units_of(out)["unknown subject"] == {"train"}
    assert units_of(out)["subject4"] == {"val"}


def test_the_test_subject_is_not_to_be_validated_on(folder, capsys, tmp_path):
    status, _, error = prepare(
        capsys, "lafan1", "--bvh", folder, "--out", tmp_path / "set", "--val", "subject5"
    )
    assert status == 2
    assert error.startswith("error: --val: subject5")


@pytest.mark.shared_data
def test_real_takes(capsys, tmp_path, shared):
    out = tmp_path / "set"
    assert (
        prepare(capsys, "lafan1", "--bvh", shared / "lafan1" / "walk1_subject1.bvh", "--out", out)[
            0
        ]
        == 0
    )
    rotations, root_m = frames_of(out, "train", "walk1_subject1")
    assert rotations.shape == (1800, 22, 6)
    assert 0.7 < np.median(root_m[:, 1]) < 1.1  # hips, metres above the floor

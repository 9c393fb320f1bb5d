"""Files of all skeletons in one set, by the roles of their joints."""

import json

import numpy as np
import pytest

from mmm.errors import FileError
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.rotations import sixd_to_matrix
from mmm.motion.skeleton import SMPL24, Skeleton, forward_kinematics
from tests.data.preparing import frames_of, prepare, report_of, stored, units_of, write_bvh
from tests.mmm.role_names import tree
from training.data.dataset import MotionSet

BY = ("--skeleton", "roles", "--split-by", r"/([a-z]+)\d", "--min-frames", "20", "--test", "salsa")
KINDS = {"lafan": tree("lafan1"), "salsa": tree("cmu salsa"), "snu": tree("snu 26"), "smpl": SMPL24}


@pytest.fixture
def folder(tmp_path):
    """Two takes of each of four skeletons that have nothing in common but their roles."""
    for seed, (name, skeleton) in enumerate(KINDS.items()):
        for take in range(2):
            write_bvh(
                tmp_path / "mocap" / name[0] / f"{name}{take}.bvh",
                10 * seed + take,
                30 + take,
                skeleton,
            )
    return tmp_path / "mocap"


def run(capsys, folder, *more):
    out = folder.parent / "set"
    status, said, error = prepare(capsys, "bvh", "--bvh", folder, "--out", out, *BY, *more)
    assert (status, error) == (0, "")
    return out, said


@pytest.mark.slow
def test_all_skeletons_are_in_one_set(folder, capsys):
    out, said = run(capsys, folder)
    assert set(units_of(out)) == set(KINDS)
    content = stored(out, "train")
    assert content["skeleton"] == list(ROLES)
    assert content["joint_parents"] == list(ROLE_PARENTS)
    assert content["joints_are"] == "roles"
    assert "kept 8, skipped 0" in said
    assert f"skeleton kept: {len(KINDS['salsa'])} joints from hip, 2 files, 61 frames" in said
    assert {row["root"] for row in report_of(out)["skeletons"]} == {"Hips", "hip", "pelvis"}


@pytest.mark.slow
def test_a_prepared_clip_moves_as_its_file_does(folder, capsys):
    out, _ = run(capsys, folder)
    for name, split, skeleton, seed in (
        ("smpl1", "train", SMPL24, 31),
        ("salsa0", "test", KINDS["salsa"], 10),
    ):
        content = stored(out, split)
        clip = next(clip for clip in content["clips"] if clip["name"] == name)
        rotations, root_m = frames_of(out, split, name)
        body = Skeleton(ROLES, ROLE_PARENTS, np.array(content["bodies"][clip["body"]]))
        places, _ = forward_kinematics(body, sixd_to_matrix(rotations.astype(np.float32)), root_m)
        motion = write_bvh(folder.parent / "again.bvh", seed, 30 + int(name[-1]), skeleton)
        roles = match_roles(skeleton)
        there = roles.present
        assert content["present"][clip["body"]] == there.tolist()
        # Every joint between two roles of these skeletons is one but for the buttocks, which turn the legs.
        same = there & ~np.array(
            [role.endswith(("hip", "knee", "ankle")) and name == "salsa0" for role in ROLES]
        )
        assert np.abs(places[:, same] - motion.positions()[:, roles.joints[same]]).max() < 3e-3


@pytest.mark.slow
def test_the_sets_body_is_one_of_its_bodies(folder, capsys):
    """A mean of bodies in different rest poses is no body."""
    out, _ = run(capsys, folder)
    content = stored(out, "train")
    trained = {clip["body"] for clip in content["clips"]}
    assert any(
        np.allclose(content["joint_offsets_m"], content["bodies"][body], atol=1e-5)
        for body in trained
    )


@pytest.mark.slow
def test_what_has_no_roles_is_left_out_with_what_was_found(folder, capsys):
    bad = Skeleton(("Root", "Tail", "LeftArm"), (-1, 0, 1), np.ones((3, 3)))
    write_bvh(folder / "bad0.bvh", 1, 30, bad)
    (folder / "worse0.bvh").write_text("no BVH at all\n")
    out, said = run(capsys, folder)
    assert report_of(out)["reasons"] == {"joint roles not found": 1, "cannot be read": 1}
    assert "no joint found for left_elbow, left_hip" in said
    assert "(found: left_shoulder = LeftArm)" in said


@pytest.mark.slow
def test_groups_name_source_and_content(folder, capsys):
    out, _ = run(capsys, folder, "--group-by", r"^(\w+)/.*/([a-z]+)\d")
    assert {clip["name"]: clip["group"] for clip in stored(out, "test")["clips"]} == {
        "salsa0": "mocap salsa",
        "salsa1": "mocap salsa",
    }
    data = MotionSet(out / "train")
    assert data.group_names == ["mocap lafan", "mocap smpl", "mocap snu"]
    assert data.are_roles
    assert sorted(present.sum() for present in data.present) == sorted(
        match_roles(skeleton).present.sum() for skeleton in KINDS.values()
    )


@pytest.mark.slow
def test_the_same_files_as_they_are_and_as_roles_do_not_mix(folder, capsys):
    """What an earlier run stored is taken again only where it was stored the same way."""
    out, _ = run(capsys, folder)
    status, said, _ = prepare(capsys, "bvh", "--bvh", folder, "--out", out, *BY[2:])
    assert status == 0
    assert "(0 of 8 files were converted before)" in said
    assert "joints_are" not in json.loads(next(out.glob("*/clips.json")).read_text())
    assert report_of(out)["reasons"] == {"another skeleton": 6}
    _, said = run(capsys, folder)
    assert "(8 of 8 files were converted before)" in said


def test_wrong_options(folder, capsys):
    salsa = folder / "s" / "salsa0.bvh"
    for more, message in (
        (("--skeleton-of", salsa), "--skeleton-of: given with --skeleton roles"),
        (("--group-by", "abc"), "--group-by: 'abc' has no group"),
        (("--group-by", "("), "--group-by: '(':"),
        (("--val", "@lost.txt"), "lost.txt: cannot be read (No such file or directory)"),
    ):
        status, _, error = prepare(
            capsys, "bvh", "--bvh", folder, "--out", folder.parent / "set", *BY, *more
        )
        assert status == 2
        assert error.startswith(f"error: {message}")


@pytest.mark.slow
def test_units_of_a_split_from_a_file(folder, capsys):
    names = folder.parent / "test.txt"
    names.write_text("# held back\nsalsa, snu  # both\n\nsmpl\n")
    out, _ = run(capsys, folder, "--test", f"@{names}")
    assert {unit for unit, splits in units_of(out).items() if splits == {"test"}} == {
        "salsa",
        "snu",
        "smpl",
    }


@pytest.mark.slow
@pytest.mark.shared_data
def test_real_aist_and_lafan1_in_roles(shared, tmp_path, capsys):
    motions, splits = shared / "aistpp" / "motions", shared / "aistpp" / "splits"
    status, _, _ = prepare(
        capsys,
        "aist",
        "--motions",
        motions,
        "--splits",
        splits,
        "--skeleton",
        "roles",
        "--all-to",
        "test",
        "--out",
        tmp_path / "aist",
    )
    assert status == 0
    status, _, _ = prepare(
        capsys,
        "lafan1",
        "--bvh",
        shared / "lafan1",
        "--skeleton",
        "roles",
        "--all-to",
        "test",
        "--out",
        tmp_path / "lafan1",
    )
    assert status == 0
    for name, fps, frames in (("aist", 60.0, 3215), ("lafan1", 30.0, 8187)):
        data = MotionSet(tmp_path / name / "test")
        assert (data.fps, data.joint_names, int(data.lengths.sum())) == (fps, list(ROLES), frames)
        clip = data.cut_clips(1, 100, data.skeleton, fps)[0]
        places = clip.motion.positions()
        assert (
            places[:, ROLES.index("head"), 1] > places[:, ROLES.index("left_ankle"), 1] + 0.5
        ).all()
    with pytest.raises(FileError):
        MotionSet(tmp_path / "aist" / "train")

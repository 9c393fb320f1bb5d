"""``mmm convert --onto``: the character's file and roles of joints, as they are typed."""

from dataclasses import replace

import pytest

from mmm import Clip, load_clip, save_clip
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from tests.mmm.making import smooth_motion
from tests.mmm.motion.retargeting.characters import mixamo


def test_convert_onto_a_character(run, smpl_clip_file, tmp_path):
    character = tmp_path / "character.bvh"
    save_clip(Clip("character", smooth_motion(1, 2, mixamo())), character)
    status, out, err = run("convert", smpl_clip_file, tmp_path / "out.bvh", "--onto", character)
    assert status == 0, err
    assert "40 frames at 60 fps, 65 joints" in out
    written = load_clip(tmp_path / "out.bvh").motion.skeleton
    assert written.same_joints(load_clip(character).motion.skeleton)


def test_convert_onto_a_character_whose_joints_are_named_by_hand(run, smpl_clip_file, tmp_path):
    body = mixamo()
    nameless = replace(body, names=tuple(f"joint{j}" for j in range(len(body))))
    character = tmp_path / "nameless.bvh"
    save_clip(Clip("nameless", smooth_motion(1, 2, nameless)), character)
    command = ("convert", smpl_clip_file, tmp_path / "out.bvh", "--onto", character)
    status, _, err = run(*command)
    assert (status, err.count("\n")) == (2, 1)
    joints = match_roles(body).joints
    roles = [f"{r}=joint{j}" for r, j in zip(ROLES, joints, strict=True) if j >= 0]
    status, _, err = run(*command, *(word for role in roles for word in ("--onto-role", role)))
    assert status == 0, err
    written = load_clip(tmp_path / "out.bvh").motion.skeleton.names
    assert set(written) == set(nameless.names)  # a .bvh goes depth first


@pytest.mark.parametrize("option", ["--role", "--onto-role"])
def test_roles_without_a_character_are_refused(run, smpl_clip_file, tmp_path, option):
    status, _, err = run("convert", smpl_clip_file, tmp_path / "no.bvh", option, "neck=x")
    assert (status, err.count("\n")) == (2, 1)
    assert f"{option}: given without --onto" in err
    assert not (tmp_path / "no.bvh").exists()

"""Motions retargeted to other characters: hands, feet, floor, missing and additional joints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mmm
from mmm.errors import ModelError, SpecError
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import clip_of, smooth_motion
from tests.mmm.motion.retargeting.characters import long_arms, mixamo
from tests.mmm.motion.retargeting.measures import hands_off_cm, joint, sides, slide_cm_s

ROOT = Path(__file__).parents[4]
SHARED = ROOT.parent / "shared" / "data"
CHARACTERS = {"mixamo": mixamo, "73 joints": long_arms}


@pytest.fixture(scope="module")
def dance():
    return mmm.load_clip(ROOT / "data/samples/dance_081bpm_test032_dancer00.npz").crop(0, 300)


def without(skeleton, *names):
    """The skeleton with joints removed; their children hang from their parents."""
    kept = [j for j, name in enumerate(skeleton.names) if name not in names]
    offsets, parents = skeleton.offsets_m.copy(), []
    for j in kept:
        parent = skeleton.parents[j]
        while parent >= 0 and parent not in kept:
            offsets[j] += skeleton.offsets_m[parent]
            parent = skeleton.parents[parent]
        parents.append(kept.index(parent) if parent >= 0 else -1)
    return Skeleton(tuple(skeleton.names[j] for j in kept), tuple(parents), offsets[kept])


def along_one_axis(motion):
    """The same movement on a skeleton whose zero rotations fold all bones onto the X axis."""
    skeleton = motion.skeleton
    turns = np.tile(np.eye(3), (len(skeleton), 1, 1))
    for j in range(len(skeleton)):
        children = [k for k, parent in enumerate(skeleton.parents) if parent == j]
        # As in LAFAN1, pelvis and chest keep their branches; all other bones lie along X.
        if len(children) == 1:
            bone = skeleton.offsets_m[children[0]] / np.linalg.norm(skeleton.offsets_m[children[0]])
            axis = np.cross([1, 0, 0], bone)
            angle = np.arctan2(np.linalg.norm(axis), bone[0])
            turns[j] = rotvec_to_matrix(axis / max(np.linalg.norm(axis), 1e-9) * angle)
    parents = list(skeleton.parents)
    offsets = [turns[max(p, 0)].T @ o for p, o in zip(parents, skeleton.offsets_m, strict=True)]
    local = np.stack(
        [
            (turns[p].T if p >= 0 else np.eye(3)) @ motion.rotations[:, j] @ turns[j]
            for j, p in enumerate(parents)
        ],
        axis=1,
    )
    folded = Skeleton(skeleton.names, skeleton.parents, np.array(offsets))
    return Motion(folded, local, motion.root_m, motion.fps)


@pytest.mark.parametrize("name", CHARACTERS)
def test_hands_feet_and_floor_on_other_bodies(dance, name):
    result = mmm.retarget(dance, CHARACTERS[name]())
    assert len(result) == len(dance)
    assert result.music is dance.music
    assert slide_cm_s(result) < 1.3 * slide_cm_s(dance) + 0.1
    assert hands_off_cm(dance, result).max() < 0.1
    assert abs(result.motion.floor_m() - dance.motion.floor_m()) < 0.001
    # Bones are the character's own.
    assert np.array_equal(result.motion.skeleton.offsets_m, CHARACTERS[name]().offsets_m)


@pytest.mark.parametrize("name", CHARACTERS)
def test_there_and_back(dance, name):
    back = mmm.retarget(mmm.retarget(dance, CHARACTERS[name]()), dance)
    roles = [joint(dance, role) for role in sides("hip", "knee", "ankle", "shoulder", "elbow")]
    off = (back.motion.positions() - dance.motion.positions())[:, roles]
    assert np.linalg.norm(off, axis=2).max() < 0.01


def test_onto_itself_nothing_changes(dance):
    again = mmm.retarget(dance, dance)
    assert np.abs(again.motion.positions() - dance.motion.positions()).max() < 0.001


def test_a_wrong_leg_length_would_slide(dance):
    """The measure above can fail: feet of the turned joints alone, without a scaled path, slide."""
    result = mmm.retarget(dance, long_arms())
    unscaled = replace(result.motion, root_m=dance.motion.root_m)
    assert slide_cm_s(replace(result, motion=unscaled)) > 5 * slide_cm_s(dance)


def test_the_path_is_scaled_by_leg_length(dance):
    tall = Skeleton(SMPL24.names, SMPL24.parents, 2 * SMPL24.offsets_m, SMPL24.feet)
    result = mmm.retarget(dance, tall)
    for axis in (0, 2):
        ratio = np.ptp(result.motion.root_m[:, axis]) / np.ptp(dance.motion.root_m[:, axis])
        assert ratio == pytest.approx(2, rel=0.01)


def test_what_has_no_role_keeps_the_rest_pose(dance):
    result = mmm.retarget(dance, long_arms()).motion
    for name in ("thumb_02_l", "prop", "tail_02", "jaw", "upperarm_twist_01_r"):
        local = result.rotations[:, result.skeleton.names.index(name)]
        assert np.abs(local - np.eye(3)).max() < 1e-6


@pytest.mark.parametrize(
    "missing",
    [("spine2",), ("spine1", "spine2"), ("left_foot", "right_foot"), ("neck",), ("head", "neck")],
)
def test_roles_that_the_source_lacks(dance, missing):
    bare = Clip("bare", _reduced(dance.motion, missing))
    result = mmm.retarget(bare, mixamo())
    hands = hands_off_cm(bare, result)
    assert hands.max() < 1
    assert "it has no" in result.notes[-1]
    assert "follow their neighbours" in result.notes[-1]


def _reduced(motion, missing):
    skeleton = without(motion.skeleton, *missing)
    world = motion.world_rotations()[:, [motion.skeleton.names.index(n) for n in skeleton.names]]
    local = world.copy()
    for j, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, j] = np.swapaxes(world[:, parent], -1, -2) @ world[:, j]
    return Motion(skeleton, local, motion.root_m, motion.fps)


@pytest.mark.parametrize("missing", [("Spine1",), ("LeftToeBase", "LeftToe_End"), ("Neck",)])
def test_roles_that_the_character_lacks(dance, missing):
    character = without(mixamo(), *(f"mixamorig:{name}" for name in missing))
    result = mmm.retarget(dance, character)
    assert hands_off_cm(dance, result).max() < 1


def test_a_skeleton_folded_onto_one_axis_stands_by_its_motion(dance):
    folded = Clip("folded", along_one_axis(dance.motion))
    assert np.abs(folded.motion.positions() - dance.motion.positions()).max() < 1e-4
    result = mmm.retarget(mmm.retarget(dance, folded), dance)
    assert slide_cm_s(result) < 1.3 * slide_cm_s(dance) + 0.1
    off = np.linalg.norm(result.motion.positions() - dance.motion.positions(), axis=2)
    assert off.mean() < 0.01


def test_the_rest_pose_survives_an_npz(dance, tmp_path):
    onto = Clip("folded", along_one_axis(dance.motion))
    result = mmm.retarget(dance, onto)
    mmm.save_clip(result, tmp_path / "there.npz")
    again = mmm.retarget(mmm.load_clip(tmp_path / "there.npz"), dance)
    direct = mmm.retarget(result, dance)
    assert np.abs(again.motion.positions() - direct.motion.positions()).max() < 1e-4


def test_a_folded_skeleton_alone_is_refused_in_one_line(dance):
    folded = along_one_axis(dance.motion).skeleton
    with pytest.raises(ModelError, match="give a clip of this skeleton") as refusal:
        mmm.retarget(dance, folded)
    assert "\n" not in str(refusal.value)


def test_no_humanoid_is_refused_in_one_line(dance):
    with pytest.raises(ModelError, match="a body with arms and legs") as refusal:
        mmm.retarget(dance, clip_of())
    assert "\n" not in str(refusal.value)


def test_joints_can_be_named_by_hand(dance):
    names = [f"joint{k}" for k in range(24)]
    nameless = Skeleton(tuple(names), SMPL24.parents, SMPL24.offsets_m)
    with pytest.raises(ModelError):
        mmm.retarget(dance, nameless)
    roles = {
        f"{side}_{role}": f"joint{SMPL24.names.index(f'{side}_{role}')}"
        for side in ("left", "right")
        for role in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    }
    result = mmm.retarget(dance, nameless, onto_joint_names=roles)
    off = np.linalg.norm(result.motion.positions() - dance.motion.positions(), axis=2)
    assert off.mean() < 0.02
    with pytest.raises(SpecError):
        mmm.retarget(dance, nameless, onto_joint_names={"left_hip": "nobody"})


def test_a_file_of_the_character_gives_its_layout(dance, tmp_path):
    mmm.save_clip(Clip("hero", smooth_motion(frames=4)), tmp_path / "hero.bvh")
    hero = mmm.load_clip(tmp_path / "hero.bvh")
    moved = mmm.retarget(dance, hero)
    assert moved.meta == hero.meta
    mmm.save_clip(moved, tmp_path / "moved.bvh")
    read = mmm.load_clip(tmp_path / "moved.bvh").motion
    np.testing.assert_allclose(read.positions(), moved.motion.positions(), atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips(dance, frames):
    result = mmm.retarget(dance.crop(0, frames), mixamo())
    assert len(result) == frames


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["gBR_sBM_cAll_d04_mBR0_ch01", "gJS_sBM_cAll_d03_mJS2_ch07"])
@pytest.mark.parametrize("character", ["lafan1", "mixamo", "73 joints"])
def test_real_dances_there_and_back(name, character):
    """The figures of the documentation."""
    if not SHARED.is_dir():
        pytest.skip("the real recordings (../shared/data) are not here")
    dance = mmm.load_clip(SHARED / "aistpp" / "motions" / f"{name}.pkl")
    onto = (
        mmm.load_clip(SHARED / "lafan1" / "walk1_subject1.bvh")
        if character == "lafan1"
        else CHARACTERS[character]()
    )
    there = mmm.retarget(dance, onto)
    back = mmm.retarget(there, dance)
    for result in (there, back):
        assert slide_cm_s(result) < 1.3 * slide_cm_s(dance)
        assert hands_off_cm(dance, result).max() < 3
        assert abs(result.motion.floor_m() - dance.motion.floor_m()) < 0.001
    off = np.linalg.norm(back.motion.positions() - dance.motion.positions(), axis=2)
    assert off.mean() < 0.005

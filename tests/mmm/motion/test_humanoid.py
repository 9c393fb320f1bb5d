"""Joint roles: found in every skeleton, and there and back without loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.errors import ModelError, SpecError
from mmm.io import load_clip
from mmm.motion.clip import Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import REQUIRED, ROLE_PARENTS, ROLES
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, random_rotations, wild_motion
from tests.mmm.role_names import TREES, tree

SHARED = Path(__file__).parents[4] / "shared" / "data"
AT = {role: k for k, role in enumerate(ROLES)}
LEFT = [role for role in ROLES if role.startswith("left_")]


def spoken(skeleton, *roles):
    """The joints' names of some roles, None where there is none."""
    named = match_roles(skeleton).joint_names
    return [named.get(role) for role in roles]


def limb(skeleton, side, *roles):
    return spoken(skeleton, *(f"{side}_{role}" for role in roles))


# -- the tree of roles ----------------------------------------------------------------------------------------------


def test_the_roles_are_a_body():
    body = Skeleton(ROLES, ROLE_PARENTS, np.ones((22, 3)))
    assert len(ROLES) == 22
    assert body.names[body.parents[AT["left_shoulder"]]] == "left_collar"
    assert body.names[body.parents[AT["right_collar"]]] == "spine3"
    assert body.names[body.parents[AT["left_hip"]]] == "pelvis"
    assert [ROLES[j] for j in body.mirror_index] == [
        role.replace("left", "*").replace("right", "left").replace("*", "right") for role in ROLES
    ]
    assert {ROLES[j] for j in body.feet} == {"left_ankle", "left_toe", "right_ankle", "right_toe"}
    assert {ROLES[j] for j in body.groups["left_arm"]} == {
        "left_collar",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    }


# -- finding them ---------------------------------------------------------------------------------------------------

ARMS = {
    "lafan1": ("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    "bandai-namco": ("Shoulder_L", "UpperArm_L", "LowerArm_L", "Hand_L"),
    "cmu bvh": ("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    "cmu amc": ("lclavicle", "lhumerus", "lradius", "lwrist"),
    "cmu salsa": ("lCollar", "lShldr", "lForeArm", "lHand"),
    "snu 22": ("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    "snu 26": ("LeftShoulder1", "LeftArm", "LeftForeArm", "LeftHand"),
    "snu amc": ("L_Clavicle", "L_UpperArm", "L_Forearm", "L_Hand"),
    "mixamo": (
        "mixamorig:LeftShoulder",
        "mixamorig:LeftArm",
        "mixamorig:LeftForeArm",
        "mixamorig:LeftHand",
    ),
    "rokoko": ("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    "biped": ("Bip01 L Clavicle", "Bip01 L UpperArm", "Bip01 L Forearm", "Bip01 L Hand"),
    "unreal": ("clavicle_l", "upperarm_l", "lowerarm_l", "hand_l"),
    "rigify": ("DEF-shoulder.L", "DEF-upper_arm.L", "DEF-forearm.L", "DEF-hand.L"),
    "motive": ("LShoulder", "LUArm", "LFArm", "LHand"),
    "snake": ("left_shoulder", "left_upper_arm", "left_lower_arm", "left_hand"),
    "side last": ("ShoulderLeft", "UpperArmLeft", "ForeArmLeft", "HandLeft"),
    "by its joints": ("LeftCollar", "LeftShoulder", "LeftElbow", "LeftWrist"),
    "no collars": (None, "LeftShoulder", "LeftElbow", "LeftHand"),
    "capitals": (None, "LEFT_SHOULDER", "LEFT_ELBOW", "LEFT_WRIST"),
    "legs apart": (None, "LeftArm", "LeftForeArm", None),
}
LEGS = {
    "lafan1": ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToe"),
    "bandai-namco": ("UpperLeg_L", "LowerLeg_L", "Foot_L", "Toes_L"),
    "cmu bvh": ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"),
    "cmu amc": ("lfemur", "ltibia", "lfoot", "ltoes"),
    "cmu salsa": ("lThigh", "lShin", "lFoot", None),
    "snu 22": ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToe"),
    "snu 26": ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToes"),
    "snu amc": ("L_Thigh", "L_Calf", "L_Foot", "L_Toe0"),
    "mixamo": (
        "mixamorig:LeftUpLeg",
        "mixamorig:LeftLeg",
        "mixamorig:LeftFoot",
        "mixamorig:LeftToeBase",
    ),
    "rokoko": ("LeftThigh", "LeftShin", "LeftFoot", "LeftToe"),
    "biped": ("Bip01 L Thigh", "Bip01 L Calf", "Bip01 L Foot", "Bip01 L Toe0"),
    "unreal": ("thigh_l", "calf_l", "foot_l", "ball_l"),
    "rigify": ("DEF-thigh.L", "DEF-shin.L", "DEF-foot.L", "DEF-toe.L"),
    "motive": ("LThigh", "LShin", "LFoot", "LToe"),
    "snake": ("left_upper_leg", "left_lower_leg", "left_foot", "left_toes"),
    "side last": ("UpLegLeft", "LegLeft", "FootLeft", "ToeLeft"),
    "by its joints": ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe"),
    "no collars": ("LeftLeg", "LeftShin", "LeftFoot", None),
    "capitals": ("LEFT_HIP", "LEFT_KNEE", "LEFT_ANKLE", "LEFT_TOE"),
    "legs apart": ("LeftThigh", "LeftShin", "LeftFoot", None),
}
TRUNKS = {
    "lafan1": ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    "bandai-namco": ("Hips", "Spine", None, "Chest", "Neck", "Head"),
    "cmu bvh": ("Hips", "LowerBack", "Spine", "Spine1", "Neck", "Head"),
    "cmu amc": ("root", "lowerback", "upperback", "thorax", "lowerneck", "head"),
    "cmu salsa": ("hip", "abdomen", None, "chest", "neck", "head"),
    "snu 22": ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"),
    "snu 26": ("Hips", "Spine", None, "Spine1", None, "HEad"),
    "snu amc": ("root", "Spine", None, "Spine1", "Neck", "Head"),
    "mixamo": (
        "mixamorig:Hips",
        "mixamorig:Spine",
        "mixamorig:Spine1",
        "mixamorig:Spine2",
        "mixamorig:Neck",
        "mixamorig:Head",
    ),
    "rokoko": ("Hips", "Spine1", "Spine2", "Spine4", "Neck", "Head"),
    "biped": ("Bip01 Spine", "Bip01 Spine1", None, "Bip01 Spine2", "Bip01 Neck", "Bip01 Head"),
    "unreal": ("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head"),
    "rigify": (
        "DEF-spine",
        "DEF-spine.001",
        "DEF-spine.002",
        "DEF-spine.003",
        "DEF-spine.004",
        "DEF-spine.006",
    ),
    "motive": ("Hip", "Ab", None, "Chest", "Neck", "Head"),
    "snake": ("hips", "spine", None, "chest", "neck", "head"),
    "side last": ("hips", "spine", None, "chest", "neck", "head"),
    "by its joints": ("Hips", "Chest", "Chest2", "Chest3", "Neck", "Head"),
    "no collars": ("Hips", None, None, "Spine", None, "Head"),
    "capitals": ("PELVIS", None, None, "SPINE", "NECK", "HEAD"),
    "legs apart": ("Root", "Spine", None, "Chest", None, "Head"),
}


@pytest.mark.parametrize("name", TREES)
def test_every_kind_of_skeleton_is_matched(name):
    skeleton = tree(name)
    assert tuple(limb(skeleton, "left", "collar", "shoulder", "elbow", "wrist")) == ARMS[name]
    assert tuple(limb(skeleton, "left", "hip", "knee", "ankle", "toe")) == LEGS[name]
    assert tuple(spoken(skeleton, *ROLES[:6])) == TRUNKS[name]


@pytest.mark.parametrize("name", TREES)
def test_the_right_side_is_the_left_side_mirrored(name):
    skeleton = tree(name)
    roles = match_roles(skeleton)
    limbs = len(
        TREES[name][1].split(";")
    )  # so many joints on, the same limb of the other side is told
    for role in LEFT:
        left, right = roles.joints[AT[role]], roles.joints[AT[role.replace("left", "right")]]
        assert right == (left + limbs if left >= 0 else -1)


def test_smpl():
    assert limb(SMPL24, "left", "collar", "shoulder", "elbow", "wrist") == [
        "left_collar",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ]
    assert limb(SMPL24, "right", "hip", "knee", "ankle", "toe") == [
        "right_hip",
        "right_knee",
        "right_ankle",
        "right_foot",
    ]
    assert spoken(SMPL24, *ROLES[:6]) == ["pelvis", "spine1", "spine2", "spine3", "neck", "head"]


def test_a_role_named_by_hand_comes_before_its_name():
    skeleton = tree("cmu bvh")
    roles = match_roles(skeleton, {"left_hip": "LHipJoint", "neck": "Neck1"})
    assert roles.joint_names["left_hip"] == "LHipJoint"
    assert roles.joint_names["neck"] == "Neck1"
    assert roles.joint_names["left_knee"] == "LeftLeg"
    assert roles.joint_names["right_hip"] == "RightUpLeg"


def test_names_that_say_nothing_can_be_told():
    skeleton = tree("lafan1")
    numbered = replace(skeleton, names=tuple(f"joint{j}" for j in range(22)), feet=())
    with pytest.raises(ModelError, match=r"no joint found for left_shoulder, .*\(found: none\)"):
        match_roles(numbered)
    limbs = {
        role: numbered.names[joint]
        for role, joint in zip(ROLES, match_roles(skeleton).joints, strict=True)
        if role in REQUIRED[1:]
    }
    roles = match_roles(numbered, limbs)
    assert roles.joint_names["pelvis"] == "joint0"
    assert {
        role: numbered.names.index(name)
        for role, name in roles.joint_names.items()
        if role in limbs
    } == {
        role: skeleton.names.index(name)
        for role, name in match_roles(skeleton).joint_names.items()
        if role in limbs
    }
    assert [roles.joint_names[role] for role in ("spine1", "spine2", "spine3")] == [
        "joint1",
        "joint2",
        "joint3",
    ]


def test_a_skeleton_without_limbs_is_refused_with_what_was_found():
    with pytest.raises(
        ModelError,
        match=(
            r"skeleton of 6 joints from 'Hips': no joint found for left_elbow, left_hip, .* \(found: "
            r"left_shoulder = LeftArm, right_shoulder = RightArm, left_ankle = LeftFoot, .*; "
            r"name them by hand: left_elbow = a name among Hips, Spine, "
        ),
    ):
        match_roles(TINY)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"left_knie": "LeftLeg"}, "role 'left_knie': no such role; expected pelvis, spine1"),
        ({"left_knee": "LeftShin"}, "role 'left_knee': no joint 'LeftShin'; expected one of Hips"),
        ({"left_knee": "LeftLeg", "left_hip": "LeftLeg"}, "joint 'LeftLeg': named for two roles"),
    ],
)
def test_wrong_names_by_hand(named, message):
    with pytest.raises(SpecError, match=message):
        match_roles(tree("lafan1"), named)


# -- there and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smpl", "lafan1", "bandai-namco", "snu 22"])
def test_stick_figures_are_the_same(name):
    """Where every joint between two roles is one, forward kinematics of the roles gives the joints' positions."""
    skeleton = SMPL24 if name == "smpl" else tree(name)
    motion = wild_motion(3, 12, skeleton)
    if (
        name == "snu 22"
    ):  # its neck bears the arms and lies between them and the spine; it does not turn
        motion.rotations[:, skeleton.names.index("Neck")] = np.eye(3)
    roles = match_roles(skeleton)
    as_roles = roles.to_roles(motion)
    there = roles.present
    assert (
        np.abs(as_roles.positions()[:, there] - motion.positions()[:, roles.joints[there]]).max()
        < 1e-5
    )
    assert (
        np.abs(
            as_roles.world_rotations()[:, there] - motion.world_rotations()[:, roles.joints[there]]
        ).max()
        < 1e-5
    )


def test_missing_roles_lie_on_their_parents():
    motion = match_roles(tree("snu 26")).to_roles(wild_motion(1, 5, tree("snu 26")))
    spine1, spine2 = motion.positions()[:, AT["spine1"]], motion.positions()[:, AT["spine2"]]
    assert np.array_equal(spine1, spine2)
    assert np.array_equal(
        motion.rotations[:, AT["neck"]], np.tile(np.eye(3, dtype=np.float32), (5, 1, 1))
    )


@pytest.mark.parametrize("name", ["smpl", *TREES])
def test_everything_hidden_comes_back(name):
    skeleton = SMPL24 if name == "smpl" else tree(name)
    motion = wild_motion(5, 8, skeleton)
    roles = match_roles(skeleton)
    hidden = np.ones((8, len(skeleton)), dtype=bool)
    again = roles.from_roles(motion, roles.to_roles(motion), hidden)
    assert np.abs(again.positions() - motion.positions()).max() < 1e-5
    assert np.abs(again.rotations - motion.rotations).max() < 1e-5


@pytest.mark.parametrize(
    "name", ["smpl", "cmu bvh", "bandai-namco", "snu 26", "biped", "legs apart"]
)
def test_joints_turn_in_the_world_as_their_roles_do(name):
    """Another body's movement, so that nothing of the filled clip can stand in for it."""
    skeleton = SMPL24 if name == "smpl" else tree(name)
    roles = match_roles(skeleton)
    wanted = wild_motion(8, 6, roles.role_skeleton)
    filled = wild_motion(9, 6, skeleton)
    done = roles.from_roles(filled, wanted, np.ones((6, len(skeleton)), dtype=bool))
    there = roles.present
    assert (
        np.abs(
            done.world_rotations()[:, roles.joints[there]] - wanted.world_rotations()[:, there]
        ).max()
        < 1e-5
    )
    assert np.abs(done.positions()[:, roles.joints[0]] - wanted.root_m).max() < 1e-5
    others = np.setdiff1d(np.arange(len(skeleton)), roles.joints)
    assert np.array_equal(done.rotations[:, others], filled.rotations[:, others])
    assert done.skeleton is filled.skeleton


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    name=st.sampled_from(["cmu bvh", "bandai-namco", "snu 26", "mixamo"]),
)
def test_what_is_known_stays_bit_for_bit(seed, name):
    skeleton = tree(name)
    roles = match_roles(skeleton)
    hidden = np.random.default_rng(seed).random((7, len(skeleton))) < 0.5
    filled = wild_motion(seed, 7, skeleton)
    done = roles.from_roles(filled, wild_motion(seed + 1, 7, roles.role_skeleton), hidden)
    assert np.array_equal(done.rotations[~hidden], filled.rotations[~hidden])
    assert np.array_equal(done.root_m[~hidden[:, 0]], filled.root_m[~hidden[:, 0]])
    gram = done.rotations[hidden] @ np.swapaxes(done.rotations[hidden], -1, -2)
    assert np.abs(gram - np.eye(3)).max() < 1e-5
    assert np.linalg.det(done.rotations[hidden]).min() > 0.99


def test_a_known_joint_follows_its_hidden_parent():
    """Its local rotation is what is known: with the elbow recovered elsewhere, the hand goes with it."""
    roles = match_roles(SMPL24)
    filled = wild_motion(2, 4, SMPL24)
    hidden = np.zeros((4, 24), dtype=bool)
    elbow, wrist = roles.joints[AT["left_elbow"]], roles.joints[AT["left_wrist"]]
    hidden[:, elbow] = True
    wanted = roles.to_roles(filled)
    turned = wanted.rotations.copy()
    turned[:, AT["left_elbow"]] = random_rotations(4, 4)
    wanted = Motion(wanted.skeleton, turned, wanted.root_m, wanted.fps)
    done = roles.from_roles(filled, wanted, hidden)
    assert np.array_equal(done.rotations[:, wrist], filled.rotations[:, wrist])
    assert np.abs(done.positions()[:, wrist] - wanted.positions()[:, AT["left_wrist"]]).max() < 1e-5
    assert np.abs(done.rotations[:, elbow] - turned[:, AT["left_elbow"]]).max() < 1e-5


def test_the_body_takes_nothing_from_the_motion():
    """A hidden frame must not leak by way of the bones, nor into other frames."""
    skeleton = tree("cmu bvh")
    roles = match_roles(skeleton)
    motion = wild_motion(1, 6, skeleton)
    poisoned = motion.rotations.copy()
    poisoned[2] = random_rotations(77, len(skeleton))
    other = roles.to_roles(Motion(skeleton, poisoned, motion.root_m, motion.fps))
    first = roles.to_roles(motion)
    assert np.array_equal(first.skeleton.offsets_m, other.skeleton.offsets_m)
    assert np.array_equal(np.delete(first.rotations, 2, 0), np.delete(other.rotations, 2, 0))
    assert not np.allclose(first.rotations[2], other.rotations[2])


def test_bones_are_those_of_the_motion():
    skeleton = tree("lafan1")
    roles = match_roles(skeleton)
    tall = replace(skeleton, offsets_m=skeleton.offsets_m * 1.5)
    motion = wild_motion(1, 3, tall)
    assert np.allclose(
        roles.to_roles(motion).skeleton.offsets_m, roles.role_skeleton.offsets_m * 1.5
    )
    with pytest.raises(ModelError, match="match the roles of this skeleton"):
        roles.to_roles(wild_motion(1, 3, SMPL24))


def test_frames_must_agree():
    roles = match_roles(SMPL24)
    motion = wild_motion(1, 5, SMPL24)
    with pytest.raises(ModelError, match="roles: 4 frames"):
        roles.from_roles(motion, roles.to_roles(motion.crop(0, 4)), np.ones((5, 24), dtype=bool))


# -- what is hidden -------------------------------------------------------------------------------------------------


def hidden_by(skeleton, *joints):
    """The roles hidden where these joints are."""
    hidden = np.zeros((2, len(skeleton)), dtype=bool)
    hidden[1, [skeleton.names.index(joint) for joint in joints]] = True
    roles = match_roles(skeleton).role_max(hidden)
    assert not roles[0].any()
    return {role for role, at in zip(ROLES, roles[1], strict=True) if at}


def test_a_role_is_hidden_with_its_joint_and_with_what_lies_between():
    cmu = tree("cmu bvh")
    assert hidden_by(cmu, "LeftForeArm") == {"left_elbow"}
    assert hidden_by(cmu, "LHipJoint") == {"left_hip"}
    assert hidden_by(cmu, "Neck1") == {"head"}
    assert hidden_by(cmu, "LeftHandIndex1", "RThumb") == set()
    assert hidden_by(cmu, "Hips") == {"pelvis"}
    assert hidden_by(cmu, *cmu.names) == set(ROLES)


def test_above_the_pelvis_and_beside_the_tree():
    assert hidden_by(tree("bandai-namco"), "joint_Root") == {"pelvis"}
    assert hidden_by(tree("legs apart"), "Hips") == {"left_hip", "right_hip"}
    arms = {"left_collar", "right_collar"}
    assert hidden_by(tree("snu 22"), "Neck") == {"neck"} | arms  # it bears them


def test_a_missing_role_follows_the_role_above():
    assert hidden_by(tree("snu 26"), "Spine1") == {"spine3", "neck"}
    assert hidden_by(tree("snu 26"), "Spine") == {"spine1", "spine2"}
    assert hidden_by(tree("cmu salsa"), "lFoot") == {"left_ankle", "left_toe"}


# -- real recordings ------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "path",
    [
        "lafan1/walk1_subject1.bvh",
        "lafan1/jumps1_subject1.bvh",
        "aistpp/motions/gWA_sFM_cAll_d27_mWA4_ch19.pkl",
    ],
)
def test_real_recordings(path):
    if not SHARED.is_dir():
        pytest.skip("no real recordings beside the project (../shared/data)")
    motion = load_clip(SHARED / path, frames=(0, 200)).motion
    roles = match_roles(motion.skeleton)
    assert roles.present.all()
    as_roles = roles.to_roles(motion)
    places = as_roles.positions()
    assert np.abs(places - motion.positions()[:, roles.joints]).max() < 1e-5
    again = roles.from_roles(motion, as_roles, np.ones(motion.rotations.shape[:2], dtype=bool))
    assert np.abs(again.positions() - motion.positions()).max() < 1e-5
    assert (places[:, AT["head"], 1] > places[:, AT["pelvis"], 1]).mean() > 0.95
    # Seen from above, left is on the left of where the toes point.
    forward = sum(
        places[:, AT[f"{s}_toe"]] - places[:, AT[f"{s}_ankle"]] for s in ("left", "right")
    )
    across = places[:, AT["left_hip"]] - places[:, AT["right_hip"]]
    assert (np.cross(across, [0, 1, 0]) * forward).sum(-1).mean() > 0

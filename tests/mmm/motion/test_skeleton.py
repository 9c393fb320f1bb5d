import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.motion.joint_names import joint_side
from mmm.motion.roles import missing_roles
from mmm.motion.skeleton import SMPL24, Skeleton, _with_partners_for_parents, forward_kinematics
from tests.mmm.making import TINY, random_rotations, wild_motion

SMPL_FILE = Path("../shared/data/skeletons/smpl24.json")


def tree(text: str) -> Skeleton:
    """A skeleton from ``parent > child child, parent > child``; the first parent is the root."""
    names: list[str] = []
    parents: list[int] = []
    for line in text.split(","):
        parent, _, children = line.partition(">")
        if not names:
            names, parents = [parent.strip()], [-1]
        for child in children.split():
            names.append(child)
            parents.append(names.index(parent.strip()))
    return Skeleton(tuple(names), tuple(parents), np.zeros((len(names), 3)))


# The joints of every naming scheme that we know, as their files list them.
LAFAN1 = tree(
    "Hips > LeftUpLeg RightUpLeg Spine, LeftUpLeg > LeftLeg, LeftLeg > LeftFoot, LeftFoot > LeftToe,"
    "RightUpLeg > RightLeg, RightLeg > RightFoot, RightFoot > RightToe, Spine > Spine1, Spine1 > Spine2,"
    "Spine2 > Neck LeftShoulder RightShoulder, Neck > Head, LeftShoulder > LeftArm, LeftArm > LeftForeArm,"
    "LeftForeArm > LeftHand, RightShoulder > RightArm, RightArm > RightForeArm, RightForeArm > RightHand"
)
MIXAMO = tree(
    "rig:Hips > rig:LeftUpLeg rig:RightUpLeg rig:Spine, rig:LeftUpLeg > rig:LeftLeg,"
    "rig:RightUpLeg > rig:RightLeg, rig:LeftLeg > rig:LeftToe_End, rig:RightLeg > rig:RightToe_End,"
    "rig:Spine > rig:LeftHandIndex1 rig:RightHandIndex1"
)
CMU_BVH = tree(
    "Hips > LHipJoint RHipJoint LowerBack, LHipJoint > LeftUpLeg, LeftUpLeg > LeftLeg, LeftLeg > LeftFoot,"
    "LeftFoot > LeftToeBase, RHipJoint > RightUpLeg, RightUpLeg > RightLeg, RightLeg > RightFoot,"
    "RightFoot > RightToeBase, LowerBack > Spine, Spine > Spine1, Spine1 > Neck LeftShoulder RightShoulder,"
    "Neck > Neck1, Neck1 > Head, LeftShoulder > LeftArm, LeftArm > LeftForeArm, LeftForeArm > LeftHand,"
    "LeftHand > LeftFingerBase LThumb, LeftFingerBase > LeftHandIndex1, RightShoulder > RightArm,"
    "RightArm > RightForeArm, RightForeArm > RightHand, RightHand > RightFingerBase RThumb,"
    "RightFingerBase > RightHandIndex1"
)
CMU_ASF = tree(
    "root > lhipjoint rhipjoint lowerback, lhipjoint > lfemur, lfemur > ltibia, ltibia > lfoot,"
    "lfoot > ltoes, rhipjoint > rfemur, rfemur > rtibia, rtibia > rfoot, rfoot > rtoes,"
    "lowerback > upperback, upperback > thorax, thorax > lowerneck lclavicle rclavicle,"
    "lowerneck > upperneck, upperneck > head, lclavicle > lhumerus, lhumerus > lradius, lradius > lwrist,"
    "lwrist > lhand lthumb, lhand > lfingers, rclavicle > rhumerus, rhumerus > rradius,"
    "rradius > rwrist, rwrist > rhand rthumb, rhand > rfingers"
)
SALSA = tree(
    "hip > abdomen rButtock lButtock, abdomen > chest, chest > neck rCollar lCollar, neck > head,"
    "head > leftEye rightEye, rCollar > rShldr, rShldr > rForeArm, rForeArm > rHand,"
    "rHand > rThumb1 rIndex1 rMid1 rRing1 rPinky1, lCollar > lShldr, lShldr > lForeArm, lForeArm > lHand,"
    "lHand > lThumb1 lIndex1 lMid1 lRing1 lPinky1, rButtock > rThigh, rThigh > rShin, rShin > rFoot,"
    "lButtock > lThigh, lThigh > lShin, lShin > lFoot"
)
BANDAI_NAMCO = tree(
    "joint_Root > Hips, Hips > Spine UpperLeg_L UpperLeg_R, Spine > Chest,"
    "Chest > Neck Shoulder_L Shoulder_R, Neck > Head, Shoulder_L > UpperArm_L,"
    "UpperArm_L > LowerArm_L, LowerArm_L > Hand_L, Shoulder_R > UpperArm_R, UpperArm_R > LowerArm_R,"
    "LowerArm_R > Hand_R, UpperLeg_L > LowerLeg_L, LowerLeg_L > Foot_L, Foot_L > Toes_L,"
    "UpperLeg_R > LowerLeg_R, LowerLeg_R > Foot_R, Foot_R > Toes_R"
)
# The left shoulder has a number, the right one has none, and one head is spelt oddly: so are the files.
SNU = tree(
    "root > SpineDummy RightUpLegDummy LeftUpLegDummy, SpineDummy > Spine, Spine > Spine1,"
    "Spine1 > HEadDummy LeftShoulder1Dummy RightShoulderDummy, HEadDummy > HEad,"
    "LeftShoulder1Dummy > LeftShoulder1, LeftShoulder1 > LeftArm, LeftArm > LeftForeArm,"
    "LeftForeArm > LeftHand, RightShoulderDummy > RightShoulder, RightShoulder > RightArm,"
    "RightArm > RightForeArm, RightForeArm > RightHand, RightUpLegDummy > RightUpLeg, RightUpLeg > RightLeg,"
    "RightLeg > RightFoot, RightFoot > RightToes, LeftUpLegDummy > LeftUpLeg, LeftUpLeg > LeftLeg,"
    "LeftLeg > LeftFoot, LeftFoot > LeftToes"
)
SNU_BIPED = tree(
    "root > SpineDummy L_ThighDummy R_ThighDummy, SpineDummy > Spine, Spine > Neck, Neck > HeadDummy"
    " R_ClavicleDummy L_ClavicleDummy, HeadDummy > Head, R_ClavicleDummy > R_Clavicle,"
    "R_Clavicle > R_UpperArm, R_UpperArm > R_Forearm, R_Forearm > R_Hand, L_ClavicleDummy > L_Clavicle,"
    "L_Clavicle > L_UpperArm, L_UpperArm > L_Forearm, L_Forearm > L_Hand, L_ThighDummy > L_Thigh,"
    "L_Thigh > L_Calf, L_Calf > L_Foot, L_Foot > L_Toe0, R_ThighDummy > R_Thigh, R_Thigh > R_Calf,"
    "R_Calf > R_Foot, R_Foot > R_Toe0"
)
ALL = {
    "smpl": SMPL24,
    "lafan1": LAFAN1,
    "mixamo": MIXAMO,
    "cmu bvh": CMU_BVH,
    "cmu asf": CMU_ASF,
    "salsa": SALSA,
    "bandai-namco": BANDAI_NAMCO,
    "snu": SNU,
    "snu biped": SNU_BIPED,
}
MIDDLE = {
    "smpl": "pelvis spine1 spine2 spine3 | neck head",
    "lafan1": "Hips Spine Spine1 Spine2 | Neck Head",
    "mixamo": "rig:Hips rig:Spine |",
    "cmu bvh": "Hips LowerBack Spine Spine1 | Neck Neck1 Head",
    "cmu asf": "root lowerback upperback thorax | lowerneck upperneck head",
    "salsa": "hip abdomen chest rButtock lButtock | neck head leftEye rightEye",
    "bandai-namco": "joint_Root Hips Spine Chest | Neck Head",
    "snu": "root SpineDummy Spine Spine1 | HEadDummy HEad",
    "snu biped": "root SpineDummy Spine | Neck HeadDummy Head",
}
LEG_SIZE = {
    "smpl": 4,
    "lafan1": 4,
    "mixamo": 3,
    "cmu bvh": 5,
    "cmu asf": 5,
    "salsa": 3,
    "bandai-namco": 4,
    "snu": 5,
    "snu biped": 5,
}
FEET = {
    "smpl": 4,
    "lafan1": 4,
    "mixamo": 2,
    "cmu bvh": 4,
    "cmu asf": 4,
    "salsa": 2,
    "bandai-namco": 4,
    "snu": 4,
    "snu biped": 4,
}


@pytest.mark.parametrize("scheme", ALL)
class TestNames:
    def test_torso_and_head(self, scheme):
        skeleton = ALL[scheme]
        torso, head = (set(part.split()) for part in MIDDLE[scheme].split("|"))
        assert {skeleton.names[j] for j in skeleton.groups["torso"]} == torso
        assert {skeleton.names[j] for j in skeleton.groups.get("head", ())} == head

    def test_limbs_are_on_their_side_and_alike(self, scheme):
        skeleton = ALL[scheme]
        for part in ("arm", "leg"):
            left, right = skeleton.groups[f"left_{part}"], skeleton.groups[f"right_{part}"]
            assert {joint_side(skeleton.names[j]) for j in left} == {"left"}
            assert {joint_side(skeleton.names[j]) for j in right} == {"right"}
            assert {skeleton.mirror_index[j] for j in left} == set(right)
        assert len(skeleton.groups["left_leg"]) == LEG_SIZE[scheme]

    def test_every_sided_joint_has_its_fellow(self, scheme):
        skeleton = ALL[scheme]
        for j, k in enumerate(skeleton.mirror_index):
            assert skeleton.mirror_index[k] == j
            assert (j == k) == (joint_side(skeleton.names[j]) == "")
            assert j == 0 or skeleton.parents[k] == skeleton.mirror_index[skeleton.parents[j]]

    def test_feet(self, scheme):
        skeleton = ALL[scheme]
        assert len(skeleton.feet) == FEET[scheme]
        assert set(skeleton.feet) <= set(skeleton.groups["legs"])

    def test_groups_share_out_the_body(self, scheme):
        groups, everything = ALL[scheme].groups, set(range(len(ALL[scheme])))
        limbs = [
            groups.get(limb, ())
            for limb in ("torso", "head", "left_arm", "right_arm", "left_leg", "right_leg")
        ]
        assert sorted(j for limb in limbs for j in limb) == sorted(everything)
        assert set(groups["upper"]) | set(groups["lower"]) == everything == set(groups["all"])
        assert not set(groups["upper"]) & set(groups["lower"])
        assert groups["root"] == (0,)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("LeftArm", "left"),
        ("rightfoot", "right"),
        ("arm_L", "left"),
        ("hand.R", "right"),
        ("l_leg", "left"),
        ("RThumb", "right"),
        ("lFoot", "left"),
        ("rfemur", "right"),
        ("LARM", "left"),
        ("RHIP", "right"),
        ("rig:LeftLeg", "left"),
        ("rig:RLeg", "right"),
        ("RIGHT_KNEE", "right"),
        ("Bip01 L Thigh", "left"),
        ("root", ""),
        ("ROOT", ""),
        ("Root", ""),
        ("lowerback", ""),
        ("LowerBack", ""),
        ("LOWERBACK", ""),
        ("Lumbar", ""),
        ("ribs", ""),
        ("RIBS", ""),
        ("Reference", ""),
        ("Head", ""),
        ("leg", ""),
        ("rig:Hips", ""),
    ],
)
def test_sides(name, side):
    assert joint_side(name) == side


def test_a_limb_built_otherwise_than_its_fellow_is_not_paired():
    twisted = tree(
        "Hips > LeftArm RightArm LeftLeg RightLeg, LeftArm > LeftTwist, LeftTwist > LeftHand,"
        "RightArm > RightHand"
    )
    paired = {twisted.names[j] for j, k in enumerate(twisted.mirror_index) if j != k}
    assert paired == {"LeftLeg", "RightLeg"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("a", "b")}, "2 names, 6 parents, 6 offsets"),
        ({"names": ("a", "a", "b", "c", "d", "e")}, "unique"),
        ({"parents": (-1, 2, 1, 1, 0, 0)}, "topologically"),
        ({"parents": (0, 0, 1, 1, 0, 0)}, "topologically"),
        ({"parents": (-1, -1, 1, 1, 0, 0)}, "topologically"),
    ],
)
def test_what_is_no_tree(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_same_joints():
    assert TINY.same_joints(replace(TINY, offsets_m=TINY.offsets_m * 2))
    assert not TINY.same_joints(replace(TINY, names=tuple("abcdef")))
    assert not TINY.same_joints(replace(TINY, parents=(-1, 0, 0, 1, 0, 0)))


def positions_by_hand(skeleton: Skeleton, rotations: np.ndarray, root_m: np.ndarray) -> np.ndarray:
    """One frame, each joint by walking up to the root."""
    points = []
    for j in range(len(skeleton)):
        point, at = np.zeros(3), j
        while skeleton.parents[at] >= 0:
            point = rotations[skeleton.parents[at]] @ (skeleton.offsets_m[at] + point)
            at = skeleton.parents[at]
        points.append(root_m + point)
    return np.array(points)


@pytest.mark.parametrize("skeleton", [TINY, SMPL24], ids=["tiny", "smpl"])
def test_kinematics_by_hand(skeleton):
    motion = wild_motion(5, 4, skeleton)
    for t in range(4):
        np.testing.assert_allclose(
            motion.positions()[t],
            positions_by_hand(skeleton, motion.rotations[t], motion.root_m[t]),
            atol=1e-5,
        )


def test_world_rotations_are_the_chain():
    motion = wild_motion(2, 3)
    expected = motion.rotations[:, 0] @ motion.rotations[:, 1] @ motion.rotations[:, 2]
    np.testing.assert_allclose(motion.world_rotations()[:, 2], expected, atol=1e-5)


@given(seed=st.integers(0, 10_000))
def test_turning_and_moving_the_root_turns_and_moves_everything(seed):
    motion = wild_motion(seed, 3)
    turn, shift = (
        random_rotations(seed + 1, 1)[0],
        np.random.default_rng(seed).normal(size=3).astype(np.float32),
    )
    rotations = motion.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    moved, world = forward_kinematics(TINY, rotations, motion.root_m @ turn.T + shift)
    np.testing.assert_allclose(moved, motion.positions() @ turn.T + shift, atol=1e-4)
    np.testing.assert_allclose(world, turn @ motion.world_rotations(), atol=1e-5)


@given(seed=st.integers(0, 10_000))
def test_bones_keep_their_length(seed):
    points = wild_motion(seed, 3).positions()
    bones = np.linalg.norm(points[:, 1:] - points[:, list(TINY.parents[1:])], axis=-1)
    expected = np.linalg.norm(TINY.offsets_m[1:], axis=-1)
    np.testing.assert_allclose(bones, np.broadcast_to(expected, (3, 5)), atol=1e-4)


def test_any_leading_axes():
    rotations, root_m = random_rotations(0, 2, 5, 6), np.zeros((2, 5, 3), dtype=np.float32)
    together, _ = forward_kinematics(TINY, rotations, root_m)
    one, _ = forward_kinematics(TINY, rotations[1, 3], root_m[1, 3])
    np.testing.assert_allclose(together[1, 3], one, atol=1e-6)


def test_the_roots_offset_is_not_added():
    skeleton = replace(TINY, offsets_m=TINY.offsets_m + np.array([[9, 9, 9]] + 5 * [[0, 0, 0]]))
    points, _ = forward_kinematics(
        skeleton, np.broadcast_to(np.eye(3, dtype=np.float32), (6, 3, 3)), np.zeros(3)
    )
    np.testing.assert_array_equal(points[0], 0)


@pytest.mark.shared_data
@pytest.mark.skipif(
    not SMPL_FILE.exists(), reason="the reference skeleton is not beside the project"
)
def test_smpl_is_smpl():
    stored = json.loads(SMPL_FILE.read_text())
    offsets = next(value for key, value in stored.items() if "offset" in key)
    assert list(SMPL24.parents) == stored["parents"]
    assert list(SMPL24.names) == stored["names"]
    np.testing.assert_allclose(SMPL24.offsets_m[1:], np.array(offsets)[1:], atol=1e-6)


def plain_partners(parents, partners):
    """The rule of partners as plainly as it can be said: joints in order, until nothing changes."""
    result, pending = list(partners), True
    while pending:
        pending = False
        for j, parent in enumerate(parents):
            if j and result[parent] != parents[result[j]]:
                for alone in (j, result[j], parent, parents[result[j]]):
                    result[result[alone]], result[alone] = result[alone], alone
                pending = True
    return result


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_partners_are_those_of_the_plain_rule(data):
    count = data.draw(st.integers(1, 24))
    parents = [-1] + [data.draw(st.integers(0, j - 1)) for j in range(1, count)]
    partners = list(range(count))
    free = data.draw(st.permutations(range(1, count)))
    for a, b in zip(free[::2], free[1::2], strict=False):
        partners[a], partners[b] = b, a
    assert _with_partners_for_parents(parents, list(partners)) == plain_partners(parents, partners)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["chain", "two chains", "comb"])
def test_large_skeletons_take_time_in_proportion(shape):
    """With 20,000 joints, anything quadratic runs into the tests' time limit."""
    count = 20_000
    half = count // 2
    names = [f"{side}_finger{j}" for side in ("left", "right") for j in range(half)]
    if shape == "chain":
        parents = list(range(-1, count - 1))
    elif shape == "two chains":  # alike but for their last joints, which part all of them
        parents = [*range(-1, half - 1), 0, *range(half, count - 1)]
    else:
        parents = [-1, *(max(j - 1 - j % 2, 0) for j in range(1, count))]
    skeleton = Skeleton(("root", *names[1:]), tuple(parents), np.ones((count, 3)))
    assert len(skeleton.mirror_index) == len(skeleton.limbs) == count
    assert sum(map(len, skeleton.groups.values())) >= count
    assert missing_roles(skeleton)

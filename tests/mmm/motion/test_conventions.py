"""The joint names of programs and languages: sides, roles, limbs and feet of each.

A convention is a trunk and one side's limbs. In names ``§`` stands for the side, and a joint goes on
from the one before it or from the one after ``<``. ``=`` gives the role that a joint must be found in.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from mmm.motion.humanoid import match_roles
from mmm.motion.joint_names import joint_side, role_fits
from mmm.motion.roles import ROLES
from mmm.motion.skeleton import Skeleton


@dataclass(frozen=True)
class Convention:
    trunk: str
    limbs: str
    sides: tuple[str, str]

    def parsed(self) -> tuple[Skeleton, dict[str, str]]:
        """The skeleton, and the joints expected by role."""
        names: list[str] = []
        parents: list[int] = []
        expected: dict[str, str] = {}
        parts = [("", part) for part in self.trunk.split(";")]
        for side, mark in zip(("left_", "right_"), self.sides, strict=True):
            parts += [(side, part.replace("§", mark)) for part in self.limbs.split(";")]
        for side, part in parts:
            joint, _, parent = (word.strip() for word in part.partition("<"))
            joint, _, role = joint.partition("=")
            parents.append(names.index(parent) if parent else len(names) - 1)
            names.append(joint)
            if role:
                expected[side + role] = joint
        offsets = np.random.default_rng(len(names)).normal(scale=0.2, size=(len(names), 3))
        return Skeleton(tuple(names), tuple(parents), offsets), expected


CONVENTIONS = {
    "unity humanoid": Convention(
        "Hips=pelvis; Spine=spine1; Chest=spine2; UpperChest=spine3; Neck=neck; Head=head; Jaw; "
        "LeftEye < Head; RightEye < Head",
        "§Shoulder=collar < UpperChest; §UpperArm=shoulder; §LowerArm=elbow; §Hand=wrist; "
        "§ Index Proximal; § Thumb Proximal < §Hand; §UpperLeg=hip < Hips; §LowerLeg=knee; "
        "§Foot=ankle; §Toes=toe",
        ("Left", "Right"),
    ),
    "vrm": Convention(
        "Root; J_Bip_C_Hips=pelvis; J_Bip_C_Spine=spine1; J_Bip_C_Chest=spine2; "
        "J_Bip_C_UpperChest=spine3; J_Bip_C_Neck=neck; J_Bip_C_Head=head",
        "J_Bip_§_Shoulder=collar < J_Bip_C_UpperChest; J_Bip_§_UpperArm=shoulder; "
        "J_Bip_§_LowerArm=elbow; J_Bip_§_Hand=wrist; J_Bip_§_Little1; "
        "J_Sec_§_Bust1 < J_Bip_C_UpperChest; J_Bip_§_UpperLeg=hip < J_Bip_C_Hips; "
        "J_Bip_§_LowerLeg=knee; J_Bip_§_Foot=ankle; J_Bip_§_ToeBase=toe",
        ("L", "R"),
    ),
    "maya humanik": Convention(
        "Character1_Reference; Character1_Hips=pelvis; Character1_Spine=spine1; "
        "Character1_Spine1=spine2; Character1_Spine2=spine3; Character1_Neck=neck; "
        "Character1_Head=head",
        "Character1_§Shoulder=collar < Character1_Spine2; Character1_§Arm=shoulder; "
        "Character1_§ArmRoll; Character1_§ForeArm=elbow; Character1_§ForeArmRoll; "
        "Character1_§Hand=wrist; Character1_§HandIndex1; Character1_§UpLeg=hip < Character1_Hips; "
        "Character1_§UpLegRoll; Character1_§Leg=knee; Character1_§Foot=ankle; "
        "Character1_§ToeBase=toe",
        ("Left", "Right"),
    ),
    "maya by hand": Convention(
        "root; pelvis=pelvis; spine_01=spine1; chest=spine3; neck=neck; head=head",
        "§_clavicle=collar < chest; §_upArm=shoulder; §_loArm=elbow; §_wrist=wrist; "
        "§_thigh=hip < pelvis; §_knee=knee; §_ankle=ankle; §_ball=toe",
        ("lf", "rt"),
    ),
    "daz genesis 3": Convention(
        "hip=pelvis; abdomenLower=spine1; abdomenUpper; chestLower; chestUpper=spine3; "
        "neckLower=neck; neckUpper; head=head; pelvis < hip",
        "§Collar=collar < chestUpper; §ShldrBend=shoulder; §ShldrTwist; §ForearmBend=elbow; "
        "§ForearmTwist; §Hand=wrist; §Carpal1; §Index1; §Thumb1 < §Hand; §ThighBend=hip < pelvis; "
        "§ThighTwist; §Shin=knee; §Foot=ankle; §Metatarsals; §Toe=toe; §SmallToe1",
        ("l", "r"),
    ),
    "daz genesis 9": Convention(
        "hip=pelvis; spine1=spine1; spine2; spine3; spine4=spine3; neck1=neck; neck2; head=head; "
        "pelvis < hip",
        "§_shoulder=collar < spine4; §_upperarm=shoulder; §_upperarmtwist1; "
        "§_forearm=elbow < §_upperarm; §_forearmtwist1; §_hand=wrist < §_forearm; §_thumb1; "
        "§_thigh=hip < pelvis; §_thightwist1; §_shin=knee < §_thigh; §_foot=ankle; §_toes=toe",
        ("l", "r"),
    ),
    "character creator": Convention(
        "CC_Base_BoneRoot; CC_Base_Hip=pelvis; CC_Base_Waist=spine1; CC_Base_Spine01=spine2; "
        "CC_Base_Spine02=spine3; CC_Base_NeckTwist01=neck; CC_Base_Head=head; "
        "CC_Base_Pelvis < CC_Base_Hip",
        "CC_Base_§_Clavicle=collar < CC_Base_Spine02; CC_Base_§_Upperarm=shoulder; "
        "CC_Base_§_Forearm=elbow; CC_Base_§_Hand=wrist; CC_Base_§_Thigh=hip < CC_Base_Pelvis; "
        "CC_Base_§_Calf=knee; CC_Base_§_Foot=ankle; CC_Base_§_ToeBase=toe",
        ("L", "R"),
    ),
    "biped": Convention(
        "Bip001; Bip001 Pelvis=pelvis; Bip001 Spine=spine1; Bip001 Spine1=spine3; Bip001 Neck=neck; "
        "Bip001 Head=head",
        "Bip001 § Clavicle=collar < Bip001 Spine1; Bip001 § UpperArm=shoulder; "
        "Bip001 § Forearm=elbow; Bip001 § Hand=wrist; Bip001 § Finger0; "
        "Bip001 § Thigh=hip < Bip001 Pelvis; Bip001 § Calf=knee; Bip001 § Foot=ankle; "
        "Bip001 § Toe0=toe",
        ("L", "R"),
    ),
    "valve biped": Convention(
        "ValveBiped.Bip01_Pelvis=pelvis; ValveBiped.Bip01_Spine=spine1; "
        "ValveBiped.Bip01_Spine4=spine3; ValveBiped.Bip01_Neck1=neck; ValveBiped.Bip01_Head1=head",
        "ValveBiped.Bip01_§_Clavicle=collar < ValveBiped.Bip01_Spine4; "
        "ValveBiped.Bip01_§_UpperArm=shoulder; ValveBiped.Bip01_§_Forearm=elbow; "
        "ValveBiped.Bip01_§_Hand=wrist; ValveBiped.Bip01_§_Thigh=hip < ValveBiped.Bip01_Pelvis; "
        "ValveBiped.Bip01_§_Calf=knee; ValveBiped.Bip01_§_Foot=ankle; ValveBiped.Bip01_§_Toe0=toe",
        ("L", "R"),
    ),
    "metahuman": Convention(
        "root; pelvis=pelvis; spine_01=spine1; spine_02; spine_03; spine_04; spine_05=spine3; "
        "neck_01=neck; neck_02; head=head",
        "clavicle_§=collar < spine_05; clavicle_out_§; upperarm_§=shoulder < clavicle_§; "
        "upperarm_correctiveRoot_§; lowerarm_§=elbow < upperarm_§; lowerarm_twist_01_§; "
        "hand_§=wrist < lowerarm_§; index_01_§; thigh_§=hip < pelvis; thigh_twist_01_§; "
        "calf_§=knee < thigh_§; calf_twist_01_§; foot_§=ankle < calf_§; ball_§=toe",
        ("l", "r"),
    ),
    "rigify metarig": Convention(
        "spine=pelvis; spine.001=spine1; spine.002=spine2; spine.003=spine3; spine.004=neck; "
        "spine.005; spine.006=head",
        "pelvis.§ < spine; breast.§ < spine.003; shoulder.§=collar < spine.003; "
        "upper_arm.§=shoulder; forearm.§=elbow; hand.§=wrist; palm.01.§; f_index.01.§; "
        "thigh.§=hip < spine; shin.§=knee; foot.§=ankle; toe.§=toe; heel.02.§ < foot.§",
        ("L", "R"),
    ),
    "dots dropped": Convention(  # as three.js does with Blender's names
        "spine=pelvis; spine001=spine1; spine002=spine2; spine003=spine3; spine004=neck; "
        "spine005; spine006=head",
        "shoulder§=collar < spine003; upper_arm§=shoulder; upper_arm§001; forearm§=elbow; "
        "forearm§001; hand§=wrist; thigh§=hip < spine; thigh§001; shin§=knee; shin§001; "
        "foot§=ankle; toe§=toe",
        ("L", "R"),
    ),
    "side glued": Convention(
        "Hips=pelvis; Spine=spine1; Chest=spine3; Neck=neck; Head=head",
        "Clavicle§=collar < Chest; UpperArm§=shoulder; LowerArm§=elbow; Hand§=wrist; "
        "UpperLeg§=hip < Hips; LowerLeg§=knee; Foot§=ankle; Toes§=toe",
        ("L", "R"),
    ),
    "side glued in small letters": Convention(
        "hips=pelvis; spine=spine3; neck=neck; head=head",
        "shoulder§=shoulder < spine; elbow§=elbow; wrist§=wrist; "
        "hip§=hip < hips; knee§=knee; ankle§=ankle; toe§=toe",
        ("l", "r"),
    ),
    "side glued in capitals": Convention(
        "HIPS=pelvis; SPINE=spine3; NECK=neck; HEAD=head",
        "UPPERARM§=shoulder < SPINE; FOREARM§=elbow; HAND§=wrist; "
        "THIGH§=hip < HIPS; SHIN§=knee; FOOT§=ankle",
        ("L", "R"),
    ),
    "side glued before": Convention(
        "hips=pelvis; spine=spine3; neck=neck; head=head",
        "§upperarm=shoulder < spine; §forearm=elbow; §hand=wrist; "
        "§thigh=hip < hips; §shin=knee; §foot=ankle; §toe=toe",
        ("l", "r"),
    ),
    "xsens": Convention(
        "Pelvis=pelvis; L5=spine1; L3; T12; T8=spine3; Neck=neck; Head=head",
        "§Shoulder=collar < T8; §UpperArm=shoulder; §ForeArm=elbow; §Hand=wrist; "
        "§UpperLeg=hip < Pelvis; §LowerLeg=knee; §Foot=ankle; §Toe=toe",
        ("Left", "Right"),
    ),
    "xsens joints": Convention(
        "Pelvis=pelvis; jL5S1=spine1; jL4L3; jL1T12; jT9T8=spine3; jT1C7=neck; jC1Head=head",
        "j§T4Shoulder=collar < jT9T8; j§Shoulder=shoulder; j§Elbow=elbow; j§Wrist=wrist; "
        "j§Hip=hip < Pelvis; j§Knee=knee; j§Ankle=ankle; j§BallFoot=toe",
        ("Left", "Right"),
    ),
    "vicon": Convention(
        "root=pelvis; lowerback=spine1; thorax=spine3; neck=neck; head=head",
        "§CLAVICLE=collar < thorax; §HUMERUS=shoulder; §RADIUS=elbow; §HAND=wrist; "
        "§FEMUR=hip < root; §TIBIA=knee; §FOOT=ankle; §TOES=toe",
        ("L", "R"),
    ),
    "plug-in gait": Convention(
        "PEL=pelvis; TRX=spine3; HED",
        "§CL=collar < TRX; §HU=shoulder; §RA=elbow; §HN=wrist; "
        "§FE=hip < PEL; §TI=knee; §FO=ankle; §TO=toe",
        ("L", "R"),
    ),
    "kinect 1": Convention(
        "HipCenter=pelvis; Spine=spine1; ShoulderCenter=spine3; Head=head",
        "Shoulder§=shoulder < ShoulderCenter; Elbow§=elbow; Wrist§=wrist; Hand§; "
        "Hip§=hip < HipCenter; Knee§=knee; Ankle§=ankle; Foot§=toe",
        ("Left", "Right"),
    ),
    "kinect 2": Convention(
        "SpineBase=pelvis; SpineMid=spine1; SpineShoulder=spine3; Neck=neck; Head=head",
        "Shoulder§=shoulder < SpineShoulder; Elbow§=elbow; Wrist§=wrist; Hand§; HandTip§; "
        "Thumb§ < Hand§; Hip§=hip < SpineBase; Knee§=knee; Ankle§=ankle; Foot§=toe",
        ("Left", "Right"),
    ),
    "azure kinect": Convention(
        "PELVIS=pelvis; SPINE_NAVEL=spine1; SPINE_CHEST=spine3; NECK=neck; HEAD=head",
        "CLAVICLE_§=collar < SPINE_CHEST; SHOULDER_§=shoulder; ELBOW_§=elbow; WRIST_§=wrist; "
        "HAND_§; HANDTIP_§; THUMB_§ < WRIST_§; HIP_§=hip < PELVIS; KNEE_§=knee; ANKLE_§=ankle; "
        "FOOT_§=toe",
        ("LEFT", "RIGHT"),
    ),
    "optitrack": Convention(
        "Skeleton 001_Hip=pelvis; Skeleton 001_Ab=spine1; Skeleton 001_Chest=spine3; "
        "Skeleton 001_Neck=neck; Skeleton 001_Head=head",
        "Skeleton 001_§Shoulder=collar < Skeleton 001_Chest; Skeleton 001_§UArm=shoulder; "
        "Skeleton 001_§FArm=elbow; Skeleton 001_§Hand=wrist; Skeleton 001_§Thumb1; "
        "Skeleton 001_§Thigh=hip < Skeleton 001_Hip; Skeleton 001_§Shin=knee; "
        "Skeleton 001_§Foot=ankle; Skeleton 001_§Toe=toe",
        ("L", "R"),
    ),
    "makehuman": Convention(
        "root=pelvis; spine05=spine1; spine04; spine03; spine02; spine01=spine3; neck01=neck; "
        "neck02; head=head",
        "clavicle.§=collar < spine01; shoulder01.§; upperarm01.§=shoulder; upperarm02.§; "
        "lowerarm01.§=elbow; lowerarm02.§; wrist.§=wrist; finger1-1.§; pelvis.§ < root; "
        "upperleg01.§=hip; upperleg02.§; lowerleg01.§=knee; lowerleg02.§; foot.§=ankle; toe1-1.§=toe",
        ("L", "R"),
    ),
    "mmd": Convention(
        "全ての親; センター; グルーブ; 腰=pelvis; 上半身=spine1; 上半身2=spine3; 首=neck; 頭=head; 両目; "
        "下半身 < 腰",
        "§目 < 頭; §肩P < 上半身2; §肩=collar; §肩C; §腕=shoulder; §腕捩; §腕捩1 < §腕; "
        "§ひじ=elbow < §腕捩; §手捩; §手首=wrist; §親指０; §人指１ < §手首; §ダミー < §手首; "
        "腰キャンセル§ < 下半身; §足=hip; §ひざ=knee; §足首=ankle; §つま先=toe; "
        "§足ＩＫ親 < 全ての親; §足ＩＫ; §つま先ＩＫ",
        ("左", "右"),
    ),
    "mmd deforming legs": Convention(
        "センター; 腰=pelvis; 上半身=spine1; 上半身2=spine3; 首=neck; 頭=head; 下半身 < 腰",
        "§肩=collar < 上半身2; §腕=shoulder; §ひじ=elbow; §手首=wrist; "
        "§足D=hip < 下半身; §ひざD=knee; §足首D=ankle; §足先EX=toe",
        ("左", "右"),
    ),
    "mmd in blender": Convention(
        "センター=pelvis; 上半身=spine1; 上半身2=spine3; 首=neck; 頭=head; 下半身 < センター",
        "肩.§=collar < 上半身2; 腕.§=shoulder; ひじ.§=elbow; 手首.§=wrist; "
        "足.§=hip < 下半身; ひざ.§=knee; 足首.§=ankle; つま先.§=toe; 足ＩＫ.§ < センター",
        ("L", "R"),
    ),
    "mmd in english": Convention(
        "center=pelvis; upper body=spine1; upper body2=spine3; neck=neck; head=head; "
        "lower body < center",
        "shoulder_§=collar < upper body2; arm_§=shoulder; elbow_§=elbow; wrist_§=wrist; "
        "leg_§=hip < lower body; knee_§=knee; ankle_§=ankle; toe_§=toe; leg IK_§ < center",
        ("L", "R"),
    ),
    "mmd in narrow kana": Convention(
        "ｾﾝﾀｰ=pelvis; 上半身=spine3; 首=neck; 頭=head",
        "§肩=collar < 上半身; §腕=shoulder; §ﾋｼﾞ=elbow; §手首=wrist; "
        "§足=hip < ｾﾝﾀｰ; §ﾋｻﾞ=knee; §足首=ankle",
        ("左", "右"),
    ),
    "japanese": Convention(
        "骨盤=pelvis; 腰椎=spine1; 胸椎=spine3; 首=neck; 頭=head",
        "§鎖骨=collar < 胸椎; §上腕=shoulder; §前腕=elbow; §手=wrist; §中指1; "
        "§太もも=hip < 骨盤; §すね=knee; §足=ankle; §足指=toe",
        ("左", "右"),
    ),
    "chinese": Convention(
        "骨盆=pelvis; 脊柱=spine1; 胸=spine3; 脖子=neck; 头=head",
        "§锁骨=collar < 胸; §上臂=shoulder; §前臂=elbow; §手=wrist; §食指 < §手; "
        "§大腿=hip < 骨盆; §小腿=knee; §脚=ankle; §脚趾=toe",
        ("左", "右"),
    ),
    "chinese joints": Convention(
        "髋部=pelvis; 脊椎1=spine1; 脊椎2=spine3; 颈部=neck; 头部=head",
        "§肩膀=shoulder < 脊椎2; §手肘=elbow; §手腕=wrist; §手掌; "
        "§髋=hip < 髋部; §膝盖=knee; §脚踝=ankle; §脚尖=toe",
        ("左", "右"),
    ),
    "chinese by parts": Convention(
        "臀部=pelvis; 腰部=spine1; 胸部=spine3; 颈=neck; 头=head",
        "§肩=collar < 胸部; §大臂=shoulder; §小臂=elbow; §腕=wrist; "
        "§腿=hip < 臀部; §膝=knee; §足=ankle",
        ("左", "右"),
    ),
    "chinese of taiwan": Convention(
        "骨盆=pelvis; 脊椎=spine1; 胸=spine3; 脖子=neck; 頭=head",
        "鎖骨_§=collar < 胸; 上臂_§=shoulder; 前臂_§=elbow; 手_§=wrist; "
        "大腿_§=hip < 骨盆; 小腿_§=knee; 腳_§=ankle; 腳趾_§=toe",
        ("左", "右"),
    ),
    "german": Convention(
        "Hüfte=pelvis; Wirbelsäule=spine1; Brust=spine3; Hals=neck; Kopf=head",
        "Schlüsselbein_§=collar < Brust; Oberarm_§=shoulder; Unterarm_§=elbow; Hand_§=wrist; "
        "Daumen_§; Oberschenkel_§=hip < Hüfte; Unterschenkel_§=knee; Fuß_§=ankle; Zehen_§=toe",
        ("L", "R"),
    ),
    "german joints": Convention(
        "Becken=pelvis; Rücken=spine1; Brustkorb=spine3; Nacken=neck; Kopf=head",
        "Schulter§=shoulder < Brustkorb; Ellbogen§=elbow; Handgelenk§=wrist; "
        "Hüfte§=hip < Becken; Knie§=knee; Knöchel§=ankle; Zehe§=toe",
        ("Links", "Rechts"),
    ),
    "german words": Convention(
        "Becken=pelvis; Brust=spine3; Hals=neck; Kopf=head",
        "§e Schulter=collar < Brust; §er Oberarm=shoulder; §er Ellenbogen=elbow; §e Hand=wrist; "
        "§er Oberschenkel=hip < Becken; §es Schienbein=knee; §er Fuss=ankle; §er Fussballen=toe",
        ("link", "recht"),
    ),
    "german abbreviations": Convention(
        "Becken=pelvis; Brust=spine3; Hals=neck; Kopf=head",
        "Schluesselbein.§=collar < Brust; Oberarm.§=shoulder; Unterarm.§=elbow; Hand.§=wrist; "
        "Oberschenkel.§=hip < Becken; Unterschenkel.§=knee; Sprunggelenk.§=ankle; Zehen.§=toe",
        ("li", "re"),
    ),
    "german, glued": Convention(
        "Huefte=pelvis; Bauch=spine1; Brust=spine3; Kopf=head",
        "Oberarm§=shoulder < Brust; Unterarm§=elbow; Hand§=wrist; "
        "Bein§=hip < Huefte; Knie§=knee; Fuss§=ankle",
        ("L", "R"),
    ),
}


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=CONVENTIONS)
class TestConventions:
    def test_every_role_is_found(self, convention):
        skeleton, expected = convention.parsed()
        found = match_roles(skeleton).joint_names
        limbs = [role for role in ROLES if "_" in role]
        assert {r: found.get(r) for r in limbs} == {r: expected.get(r) for r in limbs}
        trunk = [role for role in ROLES if "_" not in role and role in expected]
        assert {r: found.get(r) for r in trunk} == {r: expected[r] for r in trunk}

    def test_masks_and_mirrors_know_the_limbs(self, convention):
        skeleton, expected = convention.parsed()
        partner = {
            skeleton.names[j]: skeleton.names[k] for j, k in enumerate(skeleton.mirror_index)
        }
        for role, joint in expected.items():
            side, _, part = role.partition("_")
            if not part:
                continue
            assert joint_side(joint) == side
            limb = "leg" if part in ("hip", "knee", "ankle", "toe") else "arm"
            assert skeleton.limbs[skeleton.names.index(joint)] == f"{side}_{limb}"
            if side == "left":
                assert partner[joint] == expected[role.replace("left", "right")]

    def test_feet_are_the_joints_that_stand(self, convention):
        skeleton, expected = convention.parsed()
        feet = {skeleton.names[j] for j in skeleton.feet}
        standing = {joint for role, joint in expected.items() if role.endswith(("ankle", "toe"))}
        assert standing <= feet | {joint for joint in standing if "ball" in joint}
        thighs_and_shins = {j for r, j in expected.items() if r.endswith(("hip", "knee"))}
        assert not feet & thighs_and_shins


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("thighL", "left"),
        ("thighR001", "right"),
        ("UpperLegL", "left"),
        ("handr", "right"),
        ("FOOTL", "left"),
        ("FootRRoll", "right"),
        ("Skeleton_LUArm", "left"),
        ("rig|LeftArm", "left"),
        ("左腕", "left"),
        ("右足ＩＫ", "right"),
        ("腕.Ｌ", "left"),
        ("Oberschenkel_re", "right"),
        ("linkes Knie", "left"),
        ("rechteHand", "right"),
        # Words that only end, begin or are spelt like a side.
        ("heel", ""),
        ("finger", ""),
        ("shoulder", ""),
        ("UPPER", ""),
        ("jL5S1", ""),
        ("L5", ""),
        ("UprightSpine", ""),
        ("linked_bone", ""),
        ("hair", ""),
        ("CTRL", ""),
        ("Center", ""),
        ("全ての親", ""),
    ],
)
def test_sides(name, side):
    assert joint_side(name) == side


@pytest.mark.parametrize(
    "name",
    [
        "左足ＩＫ",
        "左腕捩",
        "LeftHandDummy",
        "upperarm_twist_01_l",
        "腰キャンセル左",
        "左胸",
        "左手先",
    ],
)
def test_helpers_play_no_role(name):
    assert role_fits(name) == {}

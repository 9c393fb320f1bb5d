"""Joint names of well-known skeletons, in the tree they have; bones do not matter here.

``§`` stands for the side and every line goes on from the joint before it, or from the one after ``<``.
"""

import numpy as np

from mmm.motion.skeleton import Skeleton

_LAFAN1 = (
    "Hips; Spine; Spine1; Spine2; Neck; Head",
    "§Shoulder < Spine2; §Arm; §ForeArm; §Hand; §UpLeg < Hips; §Leg; §Foot; §Toe",
    ("Left", "Right"),
)
TREES = {
    "lafan1": _LAFAN1,
    "bandai-namco": (
        "joint_Root; Hips; Spine; Chest; Neck; Head",
        "Shoulder_§ < Chest; UpperArm_§; LowerArm_§; Hand_§; UpperLeg_§ < Hips; LowerLeg_§; Foot_§; "
        "Toes_§",
        ("L", "R"),
    ),
    "cmu bvh": (
        "Hips; LowerBack; Spine; Spine1; Neck; Neck1; Head",
        "!HipJoint < Hips; §UpLeg; §Leg; §Foot; §ToeBase; §Shoulder < Spine1; §Arm; §ForeArm; §Hand; "
        "§FingerBase; §HandIndex1; !Thumb < §Hand",
        ("Left", "Right"),
    ),
    "cmu amc": (
        "root; lowerback; upperback; thorax; lowerneck; upperneck; head",
        "§hipjoint < root; §femur; §tibia; §foot; §toes; §clavicle < thorax; §humerus; §radius; §wrist; §hand; "
        "§fingers; §thumb < §wrist",
        ("l", "r"),
    ),
    "cmu salsa": (
        "hip; abdomen; chest; neck; head; leftEye; rightEye < head",
        "§Collar < chest; §Shldr; §ForeArm; §Hand; §Thumb1; §Mid1 < §Hand; §Buttock < hip; §Thigh; §Shin; "
        "§Foot",
        ("l", "r"),
    ),
    "snu 22": (
        "Hips; Spine; Spine1; Spine2; Neck; Head",
        "§Shoulder < Neck; §Arm; §ForeArm; §Hand; §UpLeg < Hips; §Leg; §Foot; §Toe",
        ("Left", "Right"),
    ),
    "snu 26": (
        "Hips; SpineDummy; Spine; Spine1; HEadDummy; HEad",
        "§ShoulderDummy < Spine1; §Shoulder1; §Arm; §ForeArm; §Hand; §UpLegDummy < Hips; §UpLeg; §Leg; §Foot; "
        "§Toes",
        ("Left", "Right"),
    ),
    "snu amc": (
        "root; SpineDummy; Spine; Spine1; Neck; HeadDummy; Head",
        "§_ThighDummy < root; §_Thigh; §_Calf; §_Foot; §_Toe0; §_ClavicleDummy < Neck; §_Clavicle; "
        "§_UpperArm; §_Forearm; §_Hand",
        ("L", "R"),
    ),
    "mixamo": (
        "mixamorig:Hips; mixamorig:Spine; mixamorig:Spine1; mixamorig:Spine2; mixamorig:Neck; mixamorig:Head; "
        "mixamorig:HeadTop_End",
        "mixamorig:§Shoulder < mixamorig:Spine2; mixamorig:§Arm; mixamorig:§ForeArm; mixamorig:§Hand; "
        "mixamorig:§HandThumb1; mixamorig:§HandMiddle1 < mixamorig:§Hand; mixamorig:§UpLeg < mixamorig:Hips; "
        "mixamorig:§Leg; mixamorig:§Foot; mixamorig:§ToeBase; mixamorig:§Toe_End",
        ("Left", "Right"),
    ),
    "rokoko": (
        "Root; Hips; Spine1; Spine2; Spine3; Spine4; Neck; Head",
        "§Shoulder < Spine4; §Arm; §ForeArm; §Hand; §Finger1Metacarpal; §Thigh < Hips; §Shin; §Foot; §Toe; "
        "§ToeTip",
        ("Left", "Right"),
    ),
    "biped": (
        "Bip01; Bip01 Pelvis; Bip01 Spine; Bip01 Spine1; Bip01 Spine2; Bip01 Neck; Bip01 Head; Bip01 HeadNub",
        "Bip01 § Clavicle < Bip01 Neck; Bip01 § UpperArm; Bip01 § Forearm; Bip01 § Hand; Bip01 § Finger0; "
        "Bip01 § ForeTwist < Bip01 § UpperArm; Bip01 § Thigh < Bip01 Spine; Bip01 § Calf; Bip01 § Foot; "
        "Bip01 § Toe0; Bip01 § Toe0Nub",
        ("L", "R"),
    ),
    "unreal": (
        "root; pelvis; spine_01; spine_02; spine_03; neck_01; head; ik_foot_root < root",
        "clavicle_§ < spine_03; upperarm_twist_01_§; upperarm_§ < clavicle_§; lowerarm_§; hand_§; "
        "middle_01_§; thigh_§ < pelvis; calf_§; foot_§; ball_§; ik_foot_§ < ik_foot_root",
        ("l", "r"),
    ),
    "rigify": (
        "DEF-spine; DEF-spine.001; DEF-spine.002; DEF-spine.003; DEF-spine.004; DEF-spine.005; DEF-spine.006",
        "DEF-shoulder.§ < DEF-spine.003; DEF-upper_arm.§; DEF-upper_arm.§.001; DEF-forearm.§; "
        "DEF-forearm.§.001; DEF-hand.§; DEF-thigh.§ < DEF-spine; DEF-thigh.§.001; DEF-shin.§; DEF-foot.§; "
        "DEF-toe.§",
        ("L", "R"),
    ),
    "motive": (
        "Hip; Ab; Chest; Neck; Head",
        "§Shoulder < Chest; §UArm; §FArm; §Hand; §Thigh < Hip; §Shin; §Foot; §Toe",
        ("L", "R"),
    ),
    "snake": (
        "hips; spine; chest; neck; head",
        "§_shoulder < chest; §_upper_arm; §_lower_arm; §_hand; "
        "§_upper_leg < hips; §_lower_leg; §_foot; §_toes",
        ("left", "right"),
    ),
    "side last": (
        "hips; spine; chest; neck; head",
        "Shoulder§ < chest; UpperArm§; ForeArm§; Hand§; UpLeg§ < hips; Leg§; Foot§; Toe§",
        ("Left", "Right"),
    ),
    "by its joints": (
        "Hips; Chest; Chest2; Chest3; Neck; Head",
        "§Collar < Chest3; §Shoulder; §Elbow; §Wrist; §Hip < Hips; §Knee; §Ankle; §Toe",
        ("Left", "Right"),
    ),
    "no collars": (
        "Hips; Spine; Head",
        "§Shoulder < Spine; §Elbow; §Hand; §Leg < Hips; §Shin; §Foot; §FootEnd",
        ("Left", "Right"),
    ),
    "capitals": (
        "ROOT; PELVIS; SPINE; NECK; HEAD",
        "§_SHOULDER < SPINE; §_ELBOW; §_WRIST; §_HIP < PELVIS; §_KNEE; §_ANKLE; §_TOE",
        ("LEFT", "RIGHT"),
    ),
    "legs apart": (
        "Root; Hips; Spine < Root; Chest; Head",
        "§Arm < Chest; §ForeArm; §Thigh < Hips; §Shin; §Foot",
        ("Left", "Right"),
    ),
}


def tree(name: str) -> Skeleton:
    """The skeleton of that name, with bones of chance."""
    trunk, limbs, sides = TREES[name]
    text = "; ".join([trunk, *(limbs.replace("§", side).replace("!", side[0]) for side in sides)])
    names: list[str] = []
    parents: list[int] = []
    for part in text.split(";"):
        joint, _, parent = (word.strip() for word in part.partition("<"))
        parents.append(names.index(parent) if parent else len(names) - 1)
        names.append(joint)
    offsets = np.random.default_rng(len(names)).normal(scale=0.2, size=(len(names), 3))
    return Skeleton(tuple(names), tuple(parents), offsets)

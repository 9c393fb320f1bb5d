"""Characters to retarget to: joints as Mixamo has them, and a body of 73 joints."""

import numpy as np

from mmm.motion.skeleton import Skeleton

# Joint, parent and offset in centimetres; a T-pose that faces +Z. ``§`` is Left, then Right.
_MIXAMO_TRUNK = """
Hips . 0 104 0
Spine Hips 0 10 -1.2
Spine1 Spine 0 11.8 0
Spine2 Spine1 0 13.4 0
Neck Spine2 0 15 0.9
Head Neck 0 10.3 3.1
HeadTop_End Head 0 18.5 6.6
"""
_MIXAMO_SIDE = """
§Shoulder Spine2 6.1 9.1 0.8
§Arm §Shoulder 12.9 0 -0.8
§ForeArm §Arm 27.8 0 0
§Hand §ForeArm 28.3 0 0
§UpLeg Hips 9.1 -6.7 -0.6
§Leg §UpLeg 0 -44.4 0.3
§Foot §Leg 0 -44.5 -0.8
§ToeBase §Foot 0 -7.9 13.2
§Toe_End §ToeBase 0 0 10
"""
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")

# Longer arms, shorter legs, an A-pose, a joint above the hips, five of the spine, twists, a tail.
_LONG_TRUNK = """
reference . 0 0 0
pelvis reference 0 80 0
spine_01 pelvis 0 6 -1
spine_02 spine_01 0 8 0
spine_03 spine_02 0 9 0.5
spine_04 spine_03 0 9 0
spine_05 spine_04 0 9 -0.5
neck_01 spine_05 0 12 1
neck_02 neck_01 0 5 1
head neck_02 0 5 1
jaw head 0 2 5
tail_01 pelvis 0 -4 -10
tail_02 tail_01 0 -5 -12
prop pelvis 15 0 10
prop_tip prop 0 0 40
"""
_LONG_SIDE = """
clavicle_§ spine_05 3 8 0
upperarm_§ clavicle_§ 15 -2 -1
upperarm_twist_01_§ upperarm_§ 10 -8 0
lowerarm_§ upperarm_§ 25 -20 -1
lowerarm_twist_01_§ lowerarm_§ 9 -8 1
hand_§ lowerarm_§ 20 -18 3
thigh_§ pelvis 10 -4 0
thigh_twist_01_§ thigh_§ 0.5 -18 0
calf_§ thigh_§ 1 -36 0
foot_§ calf_§ 1 -33 -2
ball_§ foot_§ 0.5 -6 12
"""
_LONG_FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def _skeleton(trunk: str, side: str, fingers, sides, prefix="") -> Skeleton:
    names, parents, offsets = [], [], []

    def add(text, name, mirror):
        for line in text.strip().splitlines():
            joint, parent, *xyz = line.replace("§", name).split()
            names.append(prefix + joint)
            parents.append(-1 if parent == "." else names.index(prefix + parent))
            offsets.append([mirror * float(xyz[0]), float(xyz[1]), float(xyz[2])])

    add(trunk, "", 1)
    for name, mirror in sides:
        add(side + fingers, name, mirror)
    return Skeleton(tuple(names), tuple(parents), np.array(offsets) / 100)


def mixamo() -> Skeleton:
    """65 joints as Mixamo's characters have them."""
    fingers = "".join(
        f"§Hand{finger}{k} {'§Hand' if k == 1 else f'§Hand{finger}{k - 1}'} {9 if k == 1 else 3} 0 "
        f"{2 - n if k == 1 else 0}\n"
        for n, finger in enumerate(_FINGERS)
        for k in (1, 2, 3, 4)
    )
    sides = (("Left", 1), ("Right", -1))
    return _skeleton(_MIXAMO_TRUNK, _MIXAMO_SIDE, fingers, sides, "mixamorig:")


def long_arms() -> Skeleton:
    """73 joints with other proportions and another rest pose."""
    fingers = "".join(
        f"{finger}_0{k}_§ {'hand_§' if k == 1 else f'{finger}_0{k - 1}_§'} "
        f"{6 if k == 1 else 2} {-5 if k == 1 else -2} {2 - n if k == 1 else 0}\n"
        for n, finger in enumerate(_LONG_FINGERS)
        for k in (1, 2, 3)
    )
    # Three metacarpals a side bring it to 73.
    fingers += "".join(f"metacarpal_0{k}_§ hand_§ 3 -2 {k - 2}\n" for k in (1, 2, 3))
    return _skeleton(_LONG_TRUNK, _LONG_SIDE, fingers, (("l", 1), ("r", -1)))

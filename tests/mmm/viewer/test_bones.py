"""Which joints of a rig are drawn: helpers, roots on the floor, hair and props are not."""

import numpy as np
import pytest

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.viewer.body import body_of
from mmm.viewer.bones import START, UNDRAWN, bone_starts, trunk_root
from mmm.viewer.panels import panel_from_motion
from mmm.viewer.raster.figure import _parts
from mmm.viewer.raster.portrait import portrait

# Each joint: its parent and its offset in centimetres.
BODY = {
    "Hips": ("", (0, 0, 0)),
    "Spine": ("Hips", (0, 30, 0)),
    "Neck": ("Spine", (0, 25, 0)),
    "Head": ("Neck", (0, 8, 0)),
} | {
    f"{side}{name}": (parent.replace("*", side), (sign * x, y, z))
    for side, sign in (("Left", 1), ("Right", -1))
    for name, parent, (x, y, z) in (
        ("Arm", "Spine", (17, 20, 0)),
        ("ForeArm", "*Arm", (27, 0, 0)),
        ("Hand", "*ForeArm", (25, 0, 0)),
        ("UpLeg", "Hips", (10, 0, 0)),
        ("Leg", "*UpLeg", (0, -43, 0)),
        ("Foot", "*Leg", (0, -43, 0)),
    )
}


def rig(joints):
    """A skeleton of joints given with their parents, in an order in which parents come first."""
    names = [name for name, (parent, _) in joints.items() if not parent]
    while len(names) < len(joints):
        names += [n for n, (parent, _) in joints.items() if parent in names and n not in names]
    parents = [names.index(parent) if parent else -1 for parent, _ in map(joints.get, names)]
    offsets = np.array([joints[name][1] for name in names], dtype=np.float32) / 100
    return Skeleton(tuple(names), tuple(parents), offsets)


def starts_of(skeleton):
    """By joint: the name of the joint where its bone begins, or what stands in its place."""
    starts = body_of(skeleton).starts
    return {
        name: skeleton.names[start] if start >= 0 else start
        for name, start in zip(skeleton.names, starts, strict=True)
    }


def panel_of(skeleton):
    turns = rot.rotvec_to_matrix(np.zeros((2, len(skeleton), 3)))
    return panel_from_motion("a", Motion(skeleton, turns, np.zeros((2, 3)), 30.0), "truth")


def test_a_plain_body_is_drawn_whole():
    for skeleton in (SMPL24, rig(BODY)):
        assert body_of(skeleton).starts == skeleton.parents


HELPERS = {
    "IK_Hand_L": ("Hips", (60, 40, 0)),
    "LeftForeArmTwist": ("LeftForeArm", (12, 0, 0)),
    "LeftFootEffector": ("LeftFoot", (0, 0, 10)),
    "LeftEye": ("Head", (3, 8, 8)),
    "Hair1": ("Head", (0, 18, 0)),
    "Hair2": ("Hair1", (0, 90, 0)),
    "Camera": ("Spine", (0, 0, 300)),
}


def test_helpers_that_the_body_does_not_need_are_not_drawn():
    starts = starts_of(rig(BODY | HELPERS))
    assert {name for name, start in starts.items() if start == UNDRAWN} == set(HELPERS)
    assert {name: starts[name] for name in BODY} == starts_of(rig(BODY))
    panel = panel_of(rig(BODY | HELPERS))
    parts = _parts(panel, (*panel.parents, *panel.tip_parents), len(panel.parents))
    drawn = {p for part in parts for p in part.points}
    names = rig(BODY | HELPERS).names
    assert {names[p] for p in drawn if p < len(names)} == set(BODY)
    # What is not drawn takes no room in the picture of a pose either.
    still = [
        portrait(Motion(s, rot.rotvec_to_matrix(np.zeros((1, len(s), 3))), np.zeros((1, 3)), 30.0))
        for s in (rig(BODY), rig(BODY | HELPERS))
    ]
    heights = [np.ptp(np.flatnonzero((picture[..., 3] > 9).any(axis=1))) for picture in still]
    assert heights[0] == pytest.approx(heights[1], abs=2)


def test_bones_pass_over_helpers_inside_a_limb():
    joints = BODY | {
        "LeftUpLegDummy": ("Hips", (0, 0, 0)),
        "LeftUpLeg": ("LeftUpLegDummy", (10, 0, 0)),
        "LeftArmRoll": ("LeftArm", (14, 0, 0)),
        "LeftForeArm": ("LeftArmRoll", (13, 0, 0)),
    }
    starts = starts_of(rig(joints))
    assert starts["LeftForeArm"] == "LeftArm"
    # A joint that lies on its parent shows nothing, but its bone keeps its own thickness.
    assert starts["LeftUpLeg"] == "LeftUpLegDummy"
    assert (starts["LeftUpLegDummy"], starts["LeftArmRoll"]) == (UNDRAWN, UNDRAWN)
    # The head is the joint of that name, not its dummy.
    skeleton = rig(BODY | {"HeadDummy": ("Neck", (0, 0, 0)), "Head": ("HeadDummy", (0, 8, 0))})
    assert skeleton.names[body_of(skeleton).head] == "Head"


def test_a_root_on_the_floor_and_what_hangs_on_it_are_not_drawn():
    joints = BODY | {
        "Reference": ("", (0, 0, 0)),
        "Hips": ("Reference", (0, 90, 0)),
        "Ball": ("Reference", (50, 0, 0)),
    }
    skeleton = rig(joints)
    starts = starts_of(skeleton)
    assert skeleton.names[trunk_root(skeleton)] == "Hips"
    assert (starts["Reference"], starts["Ball"], starts["Hips"]) == (UNDRAWN, UNDRAWN, START)
    hips, _ = body_of(skeleton).hulls
    assert "Reference" not in {skeleton.names[j] for j in hips}


def test_end_joints_are_tips_while_they_are_near():
    joints = BODY | {
        "LeftToe_End": ("LeftFoot", (0, 0, 12)),
        "RightToe_End": ("RightFoot", (0, 0, 120)),
        "HeadTop_End": ("Head", (0, 18, 0)),
    }
    starts = starts_of(rig(joints))
    assert starts["LeftToe_End"] == "LeftFoot"
    assert starts["RightToe_End"] == UNDRAWN
    # The head's volume reaches up to it, and no ball lies on top.
    assert starts["HeadTop_End"] == UNDRAWN
    panel = panel_of(rig(joints))
    assert panel.tips[0, panel.crown, 1] > panel.positions[0, panel.head, 1] + 0.15


def test_end_sites_far_away_are_not_drawn():
    body = rig(BODY)
    foot = body.names.index("LeftFoot")
    sites = ((foot, (0.0, 0.0, 0.1)), (foot, (0.0, 0.0, 5.0)))
    panel = panel_of(Skeleton(body.names, body.parents, body.offsets_m, end_sites=sites))
    assert panel.starts[len(body) : len(body) + 2] == (foot, UNDRAWN)


def test_a_skeleton_without_known_limbs_is_drawn_whole():
    chain = rig({"Top": ("", (0, 0, 0)), "Tip": ("Top", (0, 90, 0)), "End": ("Tip", (0, 90, 0))})
    assert bone_starts(chain, 0.8) == chain.parents

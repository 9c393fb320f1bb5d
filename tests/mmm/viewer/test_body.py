"""The mannequin fitted to a skeleton: volumes where a body has them, and which way it looks."""

import numpy as np
import pytest

from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.viewer.body import added_tips, body_of, facing_rad
from mmm.viewer.panels import panel_from_motion
from tests.dashboard.components.dance import dance

JOINT = {name: j for j, name in enumerate(SMPL24.names)}


def standing(turn_rad: float = 0.0, skeleton: Skeleton = SMPL24) -> Motion:
    rotvec = np.zeros((5, len(skeleton), 3))
    rotvec[:, 0, 1] = turn_rad
    return Motion(skeleton, rot.rotvec_to_matrix(rotvec), np.zeros((5, 3)), 30.0)


def test_limbs_taper_and_the_trunk_is_thickest():
    radii = body_of(SMPL24).radii
    for side in ("left", "right"):
        leg = [radii[JOINT[f"{side}_{part}"]] for part in ("hip", "knee", "ankle", "foot")]
        arm = [radii[JOINT[f"{side}_{part}"]] for part in ("shoulder", "elbow", "wrist")]
        assert leg == sorted(leg, reverse=True)
        assert arm == sorted(arm, reverse=True)
    assert radii[JOINT["spine2"]] > radii[JOINT["left_hip"]]


def test_chest_and_hips_are_volumes_and_the_head_is_found():
    body = body_of(SMPL24)
    hips, chest = body.hulls
    assert {SMPL24.names[j] for j in hips} >= {"pelvis", "left_hip", "right_hip", "spine1"}
    assert {SMPL24.names[j] for j in chest} >= {"left_shoulder", "right_shoulder", "neck", "spine3"}
    assert SMPL24.names[chest[0]] == "spine3"
    assert SMPL24.names[body.head] == "head"


def test_a_body_twice_as_large_is_twice_as_thick():
    large = Skeleton(SMPL24.names, SMPL24.parents, SMPL24.offsets_m * 2, SMPL24.feet)
    np.testing.assert_allclose(body_of(large).radii, body_of(SMPL24).radii * 2, rtol=1e-5)


def test_missing_tips_are_added_above_the_head_and_beyond_hands_and_feet():
    motion = standing()
    joints, tips, crown = added_tips(motion, body_of(SMPL24))
    assert {SMPL24.names[j] for j in joints} == {
        "head",
        "left_hand",
        "right_hand",
        "left_foot",
        "right_foot",
    }
    away = tips[0] - motion.positions()[0, joints]
    assert away[crown] @ [0, 1, 0] > 0.18
    toes = away[joints.index(JOINT["left_foot"])]
    assert toes[2] > 0.05
    assert toes[1] == pytest.approx(0, abs=1e-6)


def test_end_sites_of_the_file_are_not_doubled():
    with_ends = Skeleton(
        SMPL24.names,
        SMPL24.parents,
        SMPL24.offsets_m,
        SMPL24.feet,
        end_sites=((JOINT["head"], (0.0, 0.2, 0.0)), (JOINT["left_foot"], (0.0, 0.0, 0.1))),
    )
    panel = panel_from_motion("a", standing(skeleton=with_ends), "truth")
    assert panel.tip_parents.count(JOINT["head"]) == 1
    assert panel.tip_parents.count(JOINT["left_foot"]) == 1
    assert panel.tip_parents[panel.crown] == JOINT["head"]


@pytest.mark.parametrize("turn_rad", [0.0, 1.0, -2.5])
def test_facing_follows_the_hips(turn_rad):
    assert facing_rad(standing(turn_rad)) == pytest.approx(
        turn_rad, abs=0.12
    )  # SMPL's hips are not quite level


def test_a_skeleton_without_telling_names_gets_plain_limbs():
    bare = Skeleton(
        ("a", "b", "c"),
        (-1, 0, 1),
        np.array([[0, 0, 0], [0, 0.5, 0], [0, 0.5, 0]], dtype=np.float32),
    )
    panel = panel_from_motion("a", standing(skeleton=bare), "model")
    assert (panel.hulls, panel.head, panel.tips.shape[1]) == ((), -1, 0)
    assert np.isfinite(panel.radii).all()


def test_every_panel_fits_its_own_tips():
    panel = panel_from_motion("a", dance(10), "model")
    assert panel.tips.shape == (10, len(panel.tip_parents), 3)

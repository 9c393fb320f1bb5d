import numpy as np
import pytest

from mmm.errors import SpecError
from mmm.motion import posing
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import TINY, smooth_motion

MOTION = smooth_motion(2, 10)
ENDS = [SMPL24.names.index(name) for name in ("left_wrist", "right_wrist", "left_ankle")]


def reached(motion: Motion, frame: int, joint: int, target_m: np.ndarray) -> Motion:
    rotations = motion.rotations.copy()
    for j, rotation in posing.reach(motion, frame, joint, target_m).items():
        rotations[frame, j] = rotation
    return Motion(motion.skeleton, rotations, motion.root_m, motion.fps)


@pytest.mark.parametrize("joint", ENDS)
def test_hands_and_feet_come_to_a_place_and_keep_their_orientation(joint):
    first = posing.limbs_of(SMPL24)[joint][0]
    points = MOTION.positions()[4]
    goal = points[first] + 0.8 * (points[joint] - points[first]) + [0.02, 0.03, -0.02]
    made = reached(MOTION, 4, joint, goal)
    np.testing.assert_allclose(made.positions()[4, joint], goal, atol=1e-4)
    np.testing.assert_allclose(
        made.world_rotations()[4, joint], MOTION.world_rotations()[4, joint], atol=1e-5
    )
    np.testing.assert_array_equal(made.rotations[5], MOTION.rotations[5])


@pytest.mark.parametrize(("joint", "forward"), [(ENDS[0], -1), (ENDS[2], 1)])
def test_a_straight_limb_knows_where_it_bends(joint, forward):
    offsets = SMPL24.offsets_m.copy()
    first, middle, last = posing.limbs_of(SMPL24)[joint]
    offsets[last] = offsets[middle]
    body = type(SMPL24)(SMPL24.names, SMPL24.parents, offsets, SMPL24.feet)
    still = Motion(body, np.tile(np.eye(3), (1, 24, 1, 1)), np.zeros((1, 3)), 30.0)
    points = still.positions()[0]
    goal = points[first] + 0.7 * (points[last] - points[first])
    made = reached(still, 0, joint, goal).positions()[0]
    np.testing.assert_allclose(made[last], goal, atol=1e-4)
    assert forward * (made[middle, 2] - points[middle, 2]) > 0.1  # the body faces +Z


def test_a_place_out_of_reach_is_approached():
    made = reached(MOTION, 4, ENDS[0], np.array([9.0, 1.0, 0.0]))
    shoulder, elbow, wrist = (
        made.positions()[4, j].astype(float) for j in posing.limbs_of(SMPL24)[ENDS[0]]
    )
    straight = np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)
    assert np.linalg.norm(wrist - shoulder) == pytest.approx(straight, abs=1e-4)


@pytest.mark.parametrize("target", [[np.nan, 0, 0], [0, np.inf, 0], [0, 1e30, 0]])
def test_a_place_outside_the_room_is_refused(target):
    with pytest.raises(SpecError, match="expected finite numbers within 1000 m"):
        posing.reach(MOTION, 4, ENDS[0], np.array(target))


def test_what_is_no_hand_or_foot_is_refused():
    with pytest.raises(SpecError, match="no hand or foot; expected left_wrist, left_ankle"):
        posing.reach(MOTION, 4, 0, np.zeros(3))
    assert posing.limbs_of(TINY) == {}


def test_angles_give_the_rotation_back():
    angles = posing.angles_deg(MOTION.rotations)
    again = rot.euler_to_matrix(np.radians(angles), posing.EULER_ORDER)
    assert np.degrees(rot.geodesic_angle(again, MOTION.rotations)).max() < 0.02
    assert not np.signbit(posing.angles_deg(np.eye(3))).any()

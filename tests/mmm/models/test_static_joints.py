"""Which joints rest beside a gap: told by known frames alone, on both sides of it."""

import numpy as np
import pytest

from mmm.models.calibration import LOOK_S, joint_motion
from mmm.motion.clip import Motion
from mmm.motion.humanoid import ROLE_PARENTS, ROLES
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import Skeleton

BODY = Skeleton(ROLES, ROLE_PARENTS, np.zeros((22, 3), np.float32))
ELBOW, HIP, KNEE = (ROLES.index(name) for name in ("left_elbow", "left_hip", "left_knee"))


def still(frames: int = 100, fps: float = 30.0) -> Motion:
    upright = np.tile(np.eye(3, dtype=np.float32), (frames, 22, 1, 1))
    return Motion(BODY, upright, np.zeros((frames, 3), np.float32), fps)


def bent(motion: Motion, frames: slice, joint: int, degrees: float) -> Motion:
    rotations = motion.rotations.copy()
    rotations[frames, joint] = rotvec_to_matrix(np.array([np.radians(degrees), 0, 0]))
    return Motion(BODY, rotations, motion.root_m, motion.fps)


def gap(*spans: tuple[int, int], frames: int = 100) -> np.ndarray:
    hidden = np.zeros((frames, 22), dtype=bool)
    for start, stop in spans:
        hidden[start:stop] = True
    return hidden


def test_a_still_body_rests_in_gaps_and_open_ends_never_do():
    found = joint_motion(still(), gap((0, 5), (20, 50), (90, 100)))
    np.testing.assert_array_equal(found[20:50], 0)
    assert np.isinf(found[:20]).all()
    assert np.isinf(found[50:]).all()


@pytest.mark.parametrize("where", [slice(19, 20), slice(50, 51), slice(12, 14), slice(57, 59)])
def test_what_turns_beside_the_gap_stirs_by_its_angle(where):
    found = joint_motion(bent(still(), where, ELBOW, 3.0), gap((20, 50)))
    np.testing.assert_allclose(found[20:50, ELBOW], 3.0, atol=1e-3)
    found[:, ELBOW] = np.inf
    assert (found[20:50][:, [j for j in range(22) if j != ELBOW]] == 0).all()


def test_what_turns_in_the_gap_or_long_before_is_not_looked_at():
    far = 20 - round(LOOK_S * 30) - 2
    for where in (slice(20, 50), slice(0, far), slice(70, 100)):
        assert joint_motion(bent(still(), where, ELBOW, 40.0), gap((20, 50)))[20:50].max() == 0


def test_between_single_keyframes_the_next_ones_count_too():
    """Every 20th frame is known: a joint that is the same at both ends of a gap only by chance does not rest."""
    hidden = np.ones((101, 22), dtype=bool)
    hidden[::20] = False
    found = joint_motion(bent(still(101), slice(20, 21), ELBOW, 30.0), hidden)
    np.testing.assert_allclose(
        found[45:55, ELBOW], 30.0, atol=1e-3
    )  # told by the one before the gap
    assert found[65:75, ELBOW].max() == 0


def test_legs_rest_only_with_the_pelvis():
    root = np.zeros((100, 3), np.float32)
    root[50:, 2] = 0.03
    walks = Motion(BODY, still().rotations, root, 30.0)
    found = joint_motion(walks, gap((20, 50)))
    np.testing.assert_allclose(found[20:50, [0, HIP, KNEE]], 3.0, atol=1e-4)  # centimetres
    assert found[20:50, ELBOW].max() == 0
    knee = joint_motion(bent(still(), slice(50, 100), KNEE, 8.0), gap((20, 50)))
    np.testing.assert_allclose(knee[20:50, [HIP, KNEE]], 8.0, atol=1e-3)
    assert knee[20:50, 0].max() == 0


def test_joints_hidden_by_themselves_are_judged_by_their_own_gaps():
    hidden = gap((20, 50))
    hidden[:, [j for j in range(22) if j != ELBOW]] = False
    hidden[60:80, KNEE] = True
    found = joint_motion(bent(still(), slice(55, 100), ELBOW, 5.0), hidden)
    np.testing.assert_allclose(found[20:50, ELBOW], 5.0, atol=1e-3)
    assert found[60:80, KNEE].max() == 0  # the thigh and the pelvis are known
    assert np.isinf(found[20:50, KNEE]).all()

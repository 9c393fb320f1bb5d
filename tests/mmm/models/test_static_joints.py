"""Static joints: decided by the known frames on both sides of a gap."""

import numpy as np
import pytest

from mmm.models.calibration import LOOK_S, joint_motion
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLE_PARENTS, ROLES
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


def test_a_still_body_is_static_in_gaps_but_never_at_open_ends():
    degrees = joint_motion(still(), gap((0, 5), (20, 50), (90, 100)))
    np.testing.assert_array_equal(degrees[20:50], 0)
    assert np.isinf(degrees[:20]).all()
    assert np.isinf(degrees[50:]).all()


@pytest.mark.parametrize("frames", [slice(19, 20), slice(50, 51), slice(12, 14), slice(57, 59)])
def test_rotation_near_the_gap_counts_by_its_angle(frames):
    degrees = joint_motion(bent(still(), frames, ELBOW, 3.0), gap((20, 50)))
    np.testing.assert_allclose(degrees[20:50, ELBOW], 3.0, atol=1e-3)
    degrees[:, ELBOW] = np.inf
    assert (degrees[20:50][:, [j for j in range(22) if j != ELBOW]] == 0).all()


def test_rotation_in_the_gap_or_long_before_does_not_count():
    far = 20 - round(LOOK_S * 30) - 2
    for frames in (slice(20, 50), slice(0, far), slice(70, 100)):
        assert joint_motion(bent(still(), frames, ELBOW, 40.0), gap((20, 50)))[20:50].max() == 0


def test_between_single_keyframes_the_next_ones_count_too():
    """Every 20th frame is known; a joint with equal ends of one gap by chance is not static."""
    hidden = np.ones((101, 22), dtype=bool)
    hidden[::20] = False
    degrees = joint_motion(bent(still(101), slice(20, 21), ELBOW, 30.0), hidden)
    np.testing.assert_allclose(
        degrees[45:55, ELBOW], 30.0, atol=1e-3
    )  # told by the one before the gap
    assert degrees[65:75, ELBOW].max() == 0


def test_legs_are_static_only_if_the_pelvis_is():
    root = np.zeros((100, 3), np.float32)
    root[50:, 2] = 0.03
    walks = Motion(BODY, still().rotations, root, 30.0)
    degrees = joint_motion(walks, gap((20, 50)))
    np.testing.assert_allclose(degrees[20:50, [0, HIP, KNEE]], 3.0, atol=1e-4)  # centimetres
    assert degrees[20:50, ELBOW].max() == 0
    knee = joint_motion(bent(still(), slice(50, 100), KNEE, 8.0), gap((20, 50)))
    np.testing.assert_allclose(knee[20:50, [HIP, KNEE]], 8.0, atol=1e-3)
    assert knee[20:50, 0].max() == 0


def test_joints_with_patterns_of_their_own_have_gaps_of_their_own():
    hidden = gap((20, 50))
    hidden[:, [j for j in range(22) if j != ELBOW]] = False
    hidden[60:80, KNEE] = True
    degrees = joint_motion(bent(still(), slice(55, 100), ELBOW, 5.0), hidden)
    np.testing.assert_allclose(degrees[20:50, ELBOW], 5.0, atol=1e-3)
    assert degrees[60:80, KNEE].max() == 0  # the thigh and the pelvis are known
    assert np.isinf(degrees[20:50, KNEE]).all()

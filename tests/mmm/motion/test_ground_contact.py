"""The root of a generated motion is moved so that feet stay where they are down; nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.motion.clip import Motion
from mmm.motion.ground_contact import PELVIS_RAD_S, Ground, limit_angular_velocity
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.rotations import geodesic_angle
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import smooth_motion

FEET = list(SMPL24.feet)


def standing(
    frames: int = 90, drift_m_s: float = 0.0, sink_m_s: float = 0.0, fps: float = 30.0
) -> Motion:
    """The rest pose, its feet on the floor, carried along and down after the first second."""
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, 24, 3, 3)).copy()
    still = Motion(SMPL24, rotations, np.zeros((frames, 3), np.float32), fps)
    root = np.zeros((frames, 3), np.float32)
    root[:, 1] = -still.positions()[0, FEET, 1].min()
    after = np.maximum(np.arange(frames) - 29, 0) / fps
    root[:, 0] += drift_m_s * after
    root[:, 1] -= sink_m_s * after
    return Motion(SMPL24, rotations, root, fps)


def test_feet_that_stand_are_not_carried_away():
    ground = Ground.of(standing(30))
    found = ground.corrected(standing(drift_m_s=0.3), 30)
    assert np.abs(found.root_m[-1, 0] - found.root_m[29, 0]) < 0.02
    assert standing(drift_m_s=0.3).root_m[-1, 0] > 0.55


@pytest.mark.parametrize("sink", [0.2, -0.2])
def test_nobody_sinks_or_floats(sink):
    ground = Ground.of(standing(30))
    found = ground.corrected(standing(150, sink_m_s=sink), 30)
    lowest = found.positions()[60:, FEET, 1].min(axis=1)
    assert lowest.min() > -0.02
    assert lowest.max() < 0.1  # who rises slowly is let down by the lowest of a while


def test_a_jump_stays_a_jump():
    motion = standing(120)
    root = motion.root_m.copy()
    time = np.arange(15) / 30
    root[50:65, 1] += (4.9 * time * (14 / 30 - time)).astype(np.float32)
    jump = Motion(SMPL24, motion.rotations, root, 30.0)
    found = Ground.of(standing(30)).corrected(jump, 30)
    np.testing.assert_allclose(found.root_m[45:70, 1], root[45:70, 1], atol=0.01)
    # Where nobody ever leaps, nobody does; as high as people do leap, they may.
    low = (
        Ground.of(standing(30), max_jump_height_m=0.0)
        .corrected(jump, 30)
        .positions()[:, FEET, 1]
        .min(axis=1)
    )
    assert root[:, 1].max() - root[0, 1] > 0.2
    assert -0.01 < low.min() < low.max() < 0.06
    np.testing.assert_array_equal(
        Ground.of(standing(30), max_jump_height_m=0.5).corrected(jump, 30).root_m, found.root_m
    )


def test_who_walks_still_gets_along():
    """Feet that are carried by turns, one down while the other swings: the body goes on, the support does not slide."""
    frames, fps = 120, 30.0
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, 24, 3, 3)).copy()
    phase = np.pi * np.arange(frames) / fps
    for side, sign in (("left", 1), ("right", -1)):
        bent = 0.8 * np.maximum(-sign * np.cos(phase), 0)  # the knee of the leg that swings forward
        for joint, angle in (("hip", 0.35 * sign * np.sin(phase)), ("knee", bent)):
            at = SMPL24.names.index(f"{side}_{joint}")
            rotations[:, at, 1, 1] = rotations[:, at, 2, 2] = np.cos(angle)
            rotations[:, at, 1, 2], rotations[:, at, 2, 1] = -np.sin(angle), np.sin(angle)
    legs = Motion(SMPL24, rotations, np.zeros((frames, 3), np.float32), fps)
    root = np.zeros((frames, 3), np.float32)
    root[:, 1] = -legs.positions()[:, FEET, 1].min(axis=1)
    there = Motion(SMPL24, rotations, root, fps)
    found = Ground.of(there).corrected(there, 20)
    assert np.ptp(found.root_m[:, 2]) > 0.3  # walking on the spot becomes walking
    low = found.positions()[21:, FEET, 1].argmin(axis=1)
    steps = np.linalg.norm(np.diff(found.positions()[20:, FEET][..., [0, 2]], axis=0), axis=-1)
    before = np.linalg.norm(np.diff(there.positions()[20:, FEET][..., [0, 2]], axis=0), axis=-1)
    rows = np.arange(len(low))
    assert steps[rows, low].mean() < 0.6 * before[rows, low].mean()


def test_the_past_and_all_but_the_legs_stay_bit_for_bit():
    motion = smooth_motion(1, 90, SMPL24, 30.0)
    found = Ground.of(motion.crop(0, 30)).corrected(motion, 30)
    np.testing.assert_array_equal(found.root_m[:30], motion.root_m[:30])
    np.testing.assert_array_equal(found.rotations[:30], motion.rotations[:30])
    rest = [
        j
        for j, name in enumerate(SMPL24.names)
        if not any(part in name for part in ("hip", "knee", "ankle"))
    ]
    np.testing.assert_array_equal(found.rotations[:, rest], motion.rotations[:, rest])
    step = np.linalg.norm(np.diff(found.root_m - motion.root_m, axis=0), axis=1)
    assert step.max() < 0.12  # no jump where the correction begins


def test_one_foot_in_the_air_rests_where_the_other_does():
    seed = standing(30)
    rotations = seed.rotations.copy()
    hip = SMPL24.names.index("left_hip")
    rotations[:, hip] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
    lifted = Motion(SMPL24, rotations, seed.root_m, 30.0)
    np.testing.assert_allclose(Ground.of(lifted).rest_m, Ground.of(seed).rest_m, atol=0.01)


def test_legs_that_only_a_hand_can_name_are_bent_too():
    named = standing(30)
    strange = replace(SMPL24, names=tuple(f"bone{j}" for j in range(24)))
    seed = Motion(strange, named.rotations, named.root_m, 30.0)
    roles = {
        role: f"bone{j}"
        for role, j in zip(ROLES, match_roles(SMPL24).joints.tolist(), strict=True)
        if j >= 0
    }
    assert Ground.of(seed, roles).legs == Ground.of(named).legs != ()
    assert Ground.of(seed).legs == ()


def test_a_body_without_feet_has_no_ground():
    pole = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    still = Motion(
        pole,
        np.broadcast_to(np.eye(3, dtype=np.float32), (4, 2, 3, 3)),
        np.zeros((4, 3), np.float32),
        30.0,
    )
    assert Ground.of(still) is None


def test_nobody_turns_faster_than_people_do():
    """Half a turn in one frame becomes one of a third of a second, and ends where it was to end."""
    motion = standing(60)
    rotations = motion.rotations.copy()
    rotations[40:, 0] = np.diag([-1.0, 1.0, -1.0]) @ _about_y(0.01)  # the short way round is told
    found = limit_angular_velocity(Motion(SMPL24, rotations, motion.root_m, 30.0), 30)
    turned = geodesic_angle(found.rotations[:-1, 0], found.rotations[1:, 0])
    assert turned.max() < PELVIS_RAD_S / 30 + 1e-3
    np.testing.assert_allclose(found.rotations[-1], rotations[-1], atol=1e-5)
    np.testing.assert_array_equal(found.rotations[:40], rotations[:40])
    slow = smooth_motion(1, 60)
    assert limit_angular_velocity(slow, 10) is slow


def _about_y(angle: float) -> np.ndarray:
    return np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]],
        np.float32,
    )

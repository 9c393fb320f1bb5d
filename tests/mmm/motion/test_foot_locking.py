"""Feet that stand are held by bending the legs: nothing else moves, and nothing hidden is looked at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm import load_clip
from mmm.errors import ModelError
from mmm.metrics.naturalness import foot_contacts, foot_skate_cm_s
from mmm.motion.clip import Motion
from mmm.motion.foot_locking import legs_of, lock_contacts, lock_feet
from mmm.motion.foot_targets import MAX_MOVE_M
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.motion.stances import LOW_M
from tests.mmm.making import TINY, smooth_motion

GAP = slice(60, 120)
LEGS = [
    j
    for j, name in enumerate(SMPL24.names)
    if any(part in name for part in ("hip", "knee", "ankle"))
]


@pytest.fixture(scope="module")
def dance() -> Motion:
    sample = sorted((Path(__file__).parents[3] / "data" / "samples").glob("*.npz"))[0]
    return load_clip(sample).motion.crop(0, 180)


@pytest.fixture(scope="module")
def hidden() -> np.ndarray:
    where = np.zeros((180, 24), dtype=bool)
    where[GAP] = True
    return where


@pytest.fixture(scope="module")
def sliding(dance) -> Motion:
    """The dance, its pelvis carried 5 cm sideways and back in the gap: every standing foot slides."""
    root = dance.root_m.copy()
    root[GAP, 0] += 0.05 * np.sin(np.linspace(0, np.pi, 60)).astype(np.float32)
    return replace(dance, root_m=root)


def test_feet_that_stand_in_truth_stand_again(dance, sliding, hidden):
    held = lock_feet(sliding, dance, hidden)
    contacts = foot_contacts(dance)
    contacts[:61], contacts[119:] = False, False
    assert contacts.any()
    slid = foot_skate_cm_s(sliding, contacts)
    assert slid > 5
    assert foot_skate_cm_s(held, contacts) < 0.2 * slid


def test_a_recording_whose_own_feet_slide_comes_back_as_it_is(dance, hidden):
    """Carried to and fro at up to 0.4 m/s in all frames: nobody knows where its feet would stand."""
    root = dance.root_m.copy()
    root[:, 0] += 0.064 * np.sin(np.arange(180) * 2 * np.pi / 60).astype(np.float32)
    carried = replace(dance, root_m=root)
    wrong = replace(
        carried, root_m=carried.root_m + np.where(hidden[:, :1], np.float32([0.02, 0, 0]), 0)
    )
    assert lock_feet(wrong, carried, hidden) is wrong
    slower = replace(dance, root_m=dance.root_m + (root - dance.root_m) / 20)
    assert lock_feet(wrong, slower, hidden) is not wrong
    few = (
        hidden | (np.arange(180) > 5)[:, None]
    )  # known for a tenth of a second: too short to judge its feet by
    assert lock_feet(wrong, carried, few) is not wrong


def test_only_hidden_legs_are_bent(dance, sliding, hidden):
    held = lock_feet(sliding, dance, hidden)
    others = [j for j in range(24) if j not in LEGS]
    np.testing.assert_array_equal(held.rotations[:, others], sliding.rotations[:, others])
    np.testing.assert_array_equal(held.rotations[~hidden[:, 0]], sliding.rotations[~hidden[:, 0]])
    np.testing.assert_array_equal(held.root_m, sliding.root_m)
    assert np.abs(held.rotations[GAP][:, LEGS] - sliding.rotations[GAP][:, LEGS]).max() > 0.01
    product = held.rotations @ np.swapaxes(held.rotations, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=2e-5)
    feet = [SMPL24.names.index(f"{side}_ankle") for side in ("left", "right")]
    assert (
        np.linalg.norm(held.positions()[:, feet] - sliding.positions()[:, feet], axis=-1).max()
        < 2 * MAX_MOVE_M
    )


def test_one_leg_hidden_is_the_one_that_is_bent(dance, sliding):
    left = [j for j in LEGS if SMPL24.names[j].startswith("left")]
    where = np.zeros((180, 24), dtype=bool)
    where[GAP, left] = True
    held = lock_feet(sliding, dance, where)
    others = [j for j in range(24) if j not in left]
    np.testing.assert_array_equal(held.rotations[:, others], sliding.rotations[:, others])
    assert (held.rotations[GAP][:, left] != sliding.rotations[GAP][:, left]).any()


def test_what_is_hidden_of_the_truth_is_not_looked_at(dance, sliding, hidden):
    spoilt = replace(
        dance,
        rotations=np.where(hidden[..., None, None], 7.0, dance.rotations).astype(np.float32),
        root_m=np.where(hidden[:, :1], -99.0, dance.root_m).astype(np.float32),
    )
    np.testing.assert_array_equal(
        lock_feet(sliding, spoilt, hidden).rotations, lock_feet(sliding, dance, hidden).rotations
    )


def test_what_cannot_be_held_comes_back(dance, hidden):
    assert legs_of(TINY) == ()
    tiny = smooth_motion(0, 30, TINY)
    everything = np.ones((30, 6), dtype=bool)
    everything[0] = False
    assert lock_feet(tiny, tiny, everything) is tiny
    nothing_whole = np.zeros((180, 24), dtype=bool)
    nothing_whole[:, 20] = True  # a wrist is always hidden: no frame says where the floor is
    assert lock_feet(dance, dance, nothing_whole) is dance
    assert lock_feet(dance, dance, np.zeros((180, 24), dtype=bool)) is dance


def test_legs_with_joints_in_between_reach_too(dance, sliding, hidden):
    """A twist bone half-way down each thigh changes nothing of where the feet are."""
    names, parents, offsets = list(SMPL24.names), list(SMPL24.parents), SMPL24.offsets_m.copy()
    place = {name: k for k, name in enumerate(names)}
    names += ["left_hip_twist", "right_hip_twist"]
    offsets = np.concatenate([offsets, np.zeros((2, 3))])
    for k, side in enumerate(("left", "right")):
        hip, knee = place[f"{side}_hip"], place[f"{side}_knee"]
        offsets[24 + k], offsets[knee] = offsets[knee] / 2, offsets[knee] / 2
        parents.append(hip)
        parents[knee] = 24 + k
    order = [*range(4), 24, 25, *range(4, 24)]  # parents before children
    new = {old: k for k, old in enumerate(order)}
    longer = Skeleton(
        tuple(names[j] for j in order),
        tuple(-1 if parents[j] < 0 else new[parents[j]] for j in order),
        offsets[order],
    )
    try:
        match_roles(longer)
    except ModelError as error:
        pytest.fail(str(error))

    def widened(motion: Motion) -> Motion:
        turns = np.concatenate(
            [motion.rotations, np.broadcast_to(np.eye(3, dtype=np.float32), (180, 2, 3, 3))], axis=1
        )
        return Motion(longer, turns[:, order], motion.root_m, motion.fps)

    where = np.zeros((180, 26), dtype=bool)
    where[GAP] = True
    held = lock_feet(widened(sliding), widened(dance), where)
    expected = lock_feet(sliding, dance, hidden)
    feet = [place["left_ankle"], place["right_ankle"], place["left_foot"], place["right_foot"]]
    np.testing.assert_allclose(
        held.positions()[:, [new[j] for j in feet]], expected.positions()[:, feet], atol=2e-4
    )


def test_a_foot_that_is_dragged_is_lifted_where_asked():
    """Who is carried over the floor at 1.5 m/s with stiff legs: lifted feet clear it, others are as they were."""
    still = np.broadcast_to(np.eye(3, dtype=np.float32), (120, 24, 3, 3)).copy()
    for side in ("left", "right"):
        for joint, angle in (("hip", -0.4), ("knee", 0.8), ("ankle", -0.4)):
            bent = np.array(
                [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
            )
            still[:, SMPL24.names.index(f"{side}_{joint}")] = bent
    root = np.zeros((120, 3), np.float32)
    root[30:90, 2] = 1.5 * np.arange(60) / 60
    root[90:, 2] = root[89, 2]
    motion = Motion(SMPL24, still, root, 60.0)
    rest = motion.positions()[0, :, 1]
    where = np.zeros((120, 24), dtype=bool)
    where[20:] = True
    toes = [SMPL24.names.index(f"{side}_foot") for side in ("left", "right")]
    heights = [
        lock_contacts(motion, legs_of(SMPL24), where, rest, 0.15, clear).positions()[40:80, toes, 1]
        - rest[toes]
        for clear in (0.0, 0.045)
    ]
    assert np.abs(heights[0]).max() < 0.005
    assert heights[1].min() > LOW_M


def test_ankles_that_a_recording_never_bends_are_left_alone(dance, sliding, hidden):
    """SMPL fitted to video has stiff ankles: bending them would only add errors."""
    ankles = [SMPL24.names.index(f"{side}_ankle") for side in ("left", "right")]
    rotations = dance.rotations.copy()
    rotations[:, ankles] = rotations[:1, ankles]
    fitted, wrong = replace(dance, rotations=rotations), replace(sliding, rotations=rotations)
    held = lock_feet(wrong, fitted, hidden)
    np.testing.assert_array_equal(held.rotations[:, ankles], rotations[:, ankles])
    assert (
        lock_feet(sliding, dance, hidden).rotations[:, ankles] != dance.rotations[:, ankles]
    ).any()  # it bends them
    contacts = foot_contacts(fitted)
    contacts[:61], contacts[119:] = False, False
    contacts[:, [k for k, j in enumerate(SMPL24.feet) if j not in ankles]] = False
    assert contacts.any()
    assert foot_skate_cm_s(held, contacts) < 0.3 * foot_skate_cm_s(wrong, contacts)
    few = np.ones_like(hidden)
    few[::30] = False  # six keyframes are too few to tell
    assert (lock_feet(wrong, fitted, few).rotations[:, ankles] != rotations[:, ankles]).any()

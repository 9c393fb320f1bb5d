"""Recovery with a gap gate: curves where it says so, no leaks, no jumps, and honest doubts."""

import numpy as np
import pytest

from mmm import masks
from mmm.interpolation import baselines
from mmm.motion.clip import Clip, Motion
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLE_PARENTS, ROLES
from mmm.motion.skeleton import SMPL24, Skeleton
from mmm.recovery.gap_evidence import gap_evidence
from mmm.recovery.recover import recover
from mmm.recovery.unfamiliar import unfamiliar
from tests.mmm.gates import constant_gate
from tests.mmm.making import smooth_motion
from tests.mmm.networks import clip_at, poisoned
from tests.mmm.networks import roles_network as network

PATTERNS = ("every:7", "span:20-50", "span:0-30", "span:20-50@left_arm", "random:0.4")


@pytest.mark.parametrize("fps", [30.0, 50.0])
@pytest.mark.parametrize("spec", PATTERNS)
@pytest.mark.parametrize("curve", ["inertial", "slerp"])
def test_a_gate_that_takes_a_curve_returns_it(fps, spec, curve):
    clip = clip_at(fps)
    hidden = masks.parse(spec, clip).hidden
    # Without its ramp, slerp counts in full at every hidden frame.
    model = network(gap_calibration=constant_gate(curve), ramp_s=0.0)
    recovered = recover(model, clip, hidden, lock_feet=False).recovered.motion
    expected = baselines.BASELINES[curve](clip, hidden)
    np.testing.assert_allclose(recovered.rotations, expected.rotations, atol=1e-5)
    np.testing.assert_allclose(recovered.root_m, expected.root_m, atol=1e-5)


def test_a_gate_that_takes_the_network_changes_nothing_but_the_expected_error():
    clip = clip_at(30.0)
    hidden = masks.parse("span:20-50", clip).hidden
    plain, gated = (
        recover(network(**options), clip, hidden)
        for options in ({}, {"gap_calibration": constant_gate("network", np.log(2))})
    )
    np.testing.assert_allclose(
        gated.recovered.motion.rotations, plain.recovered.motion.rotations, atol=1e-5
    )
    np.testing.assert_allclose(gated.expected_cm, 2 * plain.expected_cm, rtol=1e-4)


@pytest.mark.parametrize("spec", PATTERNS)
def test_known_entries_stay_and_hidden_ones_never_matter(spec):
    clip = clip_at(30.0)
    hidden = masks.parse(spec, clip).hidden
    model = network(gap_calibration=evidence_gate())
    result, again = (recover(model, c, hidden) for c in (clip, poisoned(clip, hidden)))
    recovered, other = result.recovered.motion, again.recovered.motion
    np.testing.assert_array_equal(recovered.rotations[~hidden], clip.motion.rotations[~hidden])
    np.testing.assert_array_equal(recovered.rotations, other.rotations)
    np.testing.assert_array_equal(recovered.root_m, other.root_m)
    np.testing.assert_array_equal(result.expected_cm, again.expected_cm)


def evidence_gate():
    """A gate that depends on all of the evidence."""
    stored = constant_gate("network")
    rng = np.random.default_rng(0)
    for part in ("rotation", "root"):
        small = stored["gate"][part]
        size = len(small["mean"])
        small["hidden"] = rng.normal(scale=0.3, size=(1, size)).tolist()
        small["out"], small["out_bias"] = [[2.0], [-2.0]], [0.0, 0.0]
    stored["gate"]["error"]["weights"] = rng.normal(scale=0.1, size=12).tolist()
    return stored


@pytest.mark.parametrize("source", ["inertial", "slerp"])
def test_speeds_do_not_jump_at_the_ends_of_a_gap(source):
    clip = clip_at(120.0)
    hidden = masks.parse("span:90-200", clip).hidden
    stored = constant_gate(source)
    for part in ("rotation", "root"):  # half the network, half the curve
        biases = stored["gate"][part]["out_bias"]
        stored["gate"][part]["out_bias"] = [max(bias - 60.0, -60.0) for bias in biases]
    model = network(gap_calibration=stored, ramp_s=0.1)
    mixed = recover(model, clip, hidden, lock_feet=False).recovered.motion
    plain = recover(network(ramp_s=0.1), clip, hidden, lock_feet=False).recovered.motion
    bend = [
        np.linalg.norm(np.diff(motion.positions(), 2, axis=0), axis=-1)[[87, 88, 89, 200, 201]]
        for motion in (mixed, plain)
    ]
    assert bend[0].max() < 1.5 * bend[1].max()


def test_evidence_is_what_the_known_frames_show():
    """A body that turns at 90 degrees a second about the vertical and walks at 1.5 legs a second."""
    body = match_roles(SMPL24).role_skeleton
    time = np.arange(90) / 30.0
    turn = np.tile(np.eye(3), (90, 22, 1, 1))
    angle = np.pi / 2 * time
    turn[:, 0, 0, 0] = turn[:, 0, 2, 2] = np.cos(angle)
    turn[:, 0, 0, 2], turn[:, 0, 2, 0] = np.sin(angle), -np.sin(angle)
    bones = np.linalg.norm(body.offsets_m, axis=-1)
    legs_m = bones[[ROLES.index("left_knee"), ROLES.index("left_ankle")]].sum()
    root = np.stack([1.5 * legs_m * time, 0 * time, 0 * time], axis=1)
    hidden = np.zeros((90, 22), dtype=bool)
    hidden[30:60] = True
    truth = Motion(body, turn, root, 30.0)
    inertial, slerp = (baselines.BASELINES[name](truth, hidden) for name in ("inertial", "slerp"))
    evidence = gap_evidence(truth, inertial, slerp, hidden, np.full(90, 0.1, np.float32))
    pelvis, hand = evidence.rotation[45, 0], evidence.rotation[45, 9]
    assert np.exp(pelvis[0]) - 3 == pytest.approx(90, rel=0.02)  # speed at the ends
    assert np.exp(hand[0]) - 3 == pytest.approx(0, abs=0.1)
    assert np.exp(pelvis[3]) - 2 == pytest.approx(31 / 30 * 90, rel=0.02)  # from end to end
    assert np.exp(evidence.body[45, 0]) == pytest.approx(31 / 30, rel=0.01)  # seconds
    assert np.exp(evidence.root[45, 0]) - 0.05 == pytest.approx(1.5, rel=0.02)
    assert np.exp(evidence.root[45, 3]) - 0.03 == pytest.approx(1.5 * 31 / 30, rel=0.02)
    assert evidence.body[45, 1] == 0 and evidence.body[45, -1] == 1


def four_legged() -> Clip:
    """A dog whose joints carry the names of a human's."""
    places = {"pelvis": (0, 0.6, 0), "spine1": (0, 0, 0.2), "spine2": (0, 0, 0.2)}
    places |= {"spine3": (0, 0, 0.2), "neck": (0, 0.1, 0.1), "head": (0, 0.1, 0.1)}
    for side, x in (("left", 0.1), ("right", -0.1)):
        places |= {f"{side}_collar": (x / 2, 0, 0), f"{side}_shoulder": (x / 2, 0, 0)}
        places |= {f"{side}_elbow": (0, -0.3, 0), f"{side}_wrist": (0, -0.25, 0)}
        places |= {f"{side}_hip": (x, 0, 0), f"{side}_knee": (0, -0.3, 0)}
        places |= {f"{side}_ankle": (0, -0.27, 0), f"{side}_toe": (0, 0, 0.05)}
    offsets = np.array([places[role] for role in ROLES], np.float32)
    rotations = np.tile(np.eye(3, dtype=np.float32), (70, 22, 1, 1))
    moving = smooth_motion(0, 70, SMPL24, 30.0)
    # Its head moves and its trunk stays level.
    rotations[:, ROLES.index("head")] = moving.rotations[:, 15]
    skeleton = Skeleton(ROLES, ROLE_PARENTS, offsets * (np.arange(22) > 0)[:, None])
    motion = Motion(skeleton, rotations, moving.root_m, 30.0)
    return Clip("dog.bvh", motion)


def test_a_dog_with_the_names_of_a_human_gets_the_curve_and_a_remark():
    clip = four_legged()
    hidden = masks.parse("span:20-50", clip).hidden
    result = recover(network(gap_calibration=constant_gate("network")), clip, hidden)
    assert result.expected_cm is None
    assert "unlike the people" in " ".join(result.notes) and "90° from upright" in result.notes[-1]
    expected = baselines.inertial(clip, hidden)
    np.testing.assert_allclose(result.recovered.motion.rotations, expected.rotations, atol=1e-6)
    np.testing.assert_array_equal(
        result.recovered.motion.root_m[~hidden[:, 0]], clip.motion.root_m[~hidden[:, 0]]
    )


def test_people_are_familiar():
    roles = match_roles(SMPL24)
    standing = np.tile(np.eye(3), (5, 24, 1, 1))
    motion = roles.to_roles(Motion(SMPL24, standing, np.zeros((5, 3)), 30.0))
    assert unfamiliar(motion, np.ones(5, dtype=bool)) is None
    assert unfamiliar(four_legged().motion, np.ones(70, dtype=bool)) is not None

"""The fit of a gap gate: it takes what is closer to the recording, and expects the error it makes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmm.models.calibration import PARTS, GapCalibration
from mmm.motion.clip import Clip
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from mmm.recovery.humanoid import predict_roles
from tests.mmm.making import smooth_motion
from tests.mmm.networks import roles_network
from training.fitting import gate_cases as drawing
from training.fitting.gate import Frames, fit_gate
from training.fitting.gate_cases import KINDS, gate_cases

TABLE = GapCalibration((1.0,), dict.fromkeys(PARTS, (1.0,)), (1.0,))


@pytest.fixture(scope="module")
def cases():
    motion = match_roles(SMPL24).to_roles(smooth_motion(5, 200, SMPL24, 30.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "GAPS_S", (1 / 3, 1.0))
        return gate_cases(roles_network(), [Clip("c", motion)], TABLE, 2 * len(KINDS))


def as_recorded(case, source):
    """The case, had the recording been what one of the sources returns."""
    return replace(
        case,
        rotations=np.concatenate([case.rotations[:3], case.rotations[source, None]]),
        root_m=np.concatenate([case.root_m[:3], case.root_m[source, None]]),
    )


def test_every_kind_of_gap_is_drawn(cases):
    assert {case.kind for case in cases} == set(KINDS)
    assert {case.gap_s for case in cases} == {1 / 3, 1.0}
    assert all(len(case.hidden) <= drawing.FRAMES_OF_A_GAP for case in cases)
    part = next(case for case in cases if case.kind == "part")
    assert 0 < part.hidden.mean() < 1
    np.testing.assert_allclose(
        part.rotations[:3, ~part.hidden], part.rotations[3:, ~part.hidden][[0] * 3]
    )
    begin = next(case for case in cases if case.kind == "begin")
    np.testing.assert_allclose(begin.rotations[1], begin.rotations[2], atol=1e-6)  # both hold


def test_cases_are_what_recovery_predicts(cases):
    motion = match_roles(SMPL24).to_roles(smooth_motion(5, 200, SMPL24, 30.0))
    model = roles_network()
    clip = Clip("c", motion).crop(0, 10 + 2 * 15)
    hidden = np.zeros((40, 22), dtype=bool)
    hidden[15:25] = True
    alone = predict_roles(model, clip, hidden).posed(TABLE)
    first = next(case for case in cases if case.kind == "whole" and case.gap_s == 1 / 3)
    some = 15 + ((np.arange(6) + 0.5) * 10 / 6).astype(int)
    np.testing.assert_allclose(first.rotations[0], alone.rotations[some], atol=1e-4)
    np.testing.assert_allclose(first.rotations[3], motion.rotations[some], atol=1e-6)


@pytest.mark.parametrize("source", [0, 1])
def test_the_gate_takes_what_is_right(cases, source):
    known = [as_recorded(case, source) for case in cases]
    gate = fit_gate(known, steps=60)
    frames = Frames.of(known)
    rotation, root = (
        torch.from_numpy(network(evidence.numpy().astype(float))[..., 1:])
        for network, evidence in (
            (gate.rotation, frames.rotation_evidence),
            (gate.root, frames.root_evidence),
        )
    )
    found = frames.errors(*frames.mixed(rotation, root))
    other = frames.errors(frames.rotations[1 - source], frames.root_m[1 - source])
    for error, wrong in zip(found, other, strict=True):
        assert error.mean() < 0.25 * wrong.mean()


def test_the_error_of_the_mix_is_expected(cases):
    gate = fit_gate(cases, steps=5)
    frames = Frames.of(cases)
    real_cm = frames.errors(frames.rotations[0], frames.root_m[0])[1].numpy()
    expected_cm = [100 * case.expected_m * gate.error(case.evidence.body).mean() for case in cases]
    # The mix is nearly the network alone after five steps.
    assert np.median(np.abs(np.log(expected_cm / real_cm))) < np.log(1.5)


def test_equal_gaps_give_equal_gates(cases):
    assert fit_gate(cases, steps=3) == fit_gate(cases, steps=3)

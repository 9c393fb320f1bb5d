"""The gap gate: stored numbers, weights, and damaged checkpoints."""

import copy
import json

import numpy as np
import pytest

from mmm.checkpoints import load_model, save_model
from mmm.errors import ModelError
from mmm.models.calibration import GapCalibration
from mmm.models.gap_gate import BODY_EVIDENCE, ROTATION_SIZE, SOURCES
from tests.mmm.gates import constant_gate
from tests.mmm.networks import roles_network as network


@pytest.mark.parametrize("source", SOURCES)
def test_weights_sum_to_one_and_follow_the_numbers(source):
    gate = GapCalibration.of(constant_gate(source)).gate
    weights = gate.rotation(np.zeros((4, 22, ROTATION_SIZE)))
    assert weights.shape == (4, 22, 3)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(weights[..., SOURCES.index(source)], 1, atol=1e-6)


def test_unusual_evidence_acts_within_bounds():
    stored = constant_gate("network")
    stored["gate"]["error"]["weights"] = [0.1] * BODY_EVIDENCE
    error = GapCalibration.of(stored).gate.error
    usual, wild = error(np.full((2, BODY_EVIDENCE), [[3.0], [1e6]]))
    assert wild == usual == pytest.approx(np.exp(0.3 * BODY_EVIDENCE), rel=1e-5)


def test_a_gate_is_stored_and_read_back(tmp_path):
    table = GapCalibration.of(constant_gate("slerp", 0.25))
    assert GapCalibration.of(table.to_dict()) == table
    save_model(network(gap_calibration=table.to_dict()), tmp_path / "net", {})
    assert load_model(tmp_path / "net").config.calibration == table


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("rotation", "mean", [0.0]),
        ("rotation", "scale", [0.0] * ROTATION_SIZE),
        ("rotation", "out_bias", [0.0, float("nan")]),
        ("root", "hidden", [[0.0]]),
        ("error", "weights", [0.0]),
        ("error", "scale", [0.0] * BODY_EVIDENCE),
    ],
)
def test_damaged_gates_are_refused(part, name, value):
    stored = copy.deepcopy(constant_gate("network"))
    stored["gate"][part][name] = value
    with pytest.raises(ValueError, match="gap_calibration gate"):
        GapCalibration.of(stored)


def test_a_checkpoint_with_a_damaged_gate_is_refused(tmp_path):
    save_model(network(gap_calibration=constant_gate("network")), tmp_path / "net", {})
    config = tmp_path / "net" / "config.json"
    stored = json.loads(config.read_text())
    stored["gap_calibration"]["gate"]["root"]["out_bias"] = []
    config.write_text(json.dumps(stored))
    with pytest.raises(ModelError, match="gap_calibration gate out_bias"):
        load_model(tmp_path / "net")

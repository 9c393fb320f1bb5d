"""Gap calibration: factors by gap length, for each part of the body."""

from dataclasses import replace

import numpy as np
import pytest

from mmm import masks
from mmm.checkpoints import load_model, save_model
from mmm.errors import ModelError
from mmm.metrics.errors import errors
from mmm.models.calibration import PARTS, ROLE_PARTS, GapCalibration
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLES
from mmm.motion.rotations import geodesic_angle, rotvec_to_matrix
from mmm.recovery.recover import interpolate, recover
from tests.mmm.networks import clip_at
from tests.mmm.networks import roles_network as network

HALF = {"gap_s": [0.1, 1.0], "shares": {part: [0.0, 0.5] for part in PARTS}, "expected": [1.0, 2.0]}


def test_every_role_belongs_to_a_part():
    named = dict(zip(ROLES, ROLE_PARTS, strict=True))
    assert named["left_wrist"] == named["right_collar"] == "arms"
    assert named["left_toe"] == named["right_hip"] == "legs"
    assert named["pelvis"] == named["head"] == "trunk"


def test_factors_are_linear_in_log_length_and_constant_outside_the_table():
    gap_calibration, many = GapCalibration.of(HALF), (slice(None), [0] * 22)
    lengths_s = np.array([0.01, 0.1, 0.1 * 10**0.5, 1.0, 50.0], np.float32)
    np.testing.assert_allclose(gap_calibration.root(lengths_s), [0, 0, 0.25, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(gap_calibration.error(lengths_s), [1, 1, 1.5, 2, 2], atol=1e-6)
    np.testing.assert_allclose(
        gap_calibration.joints(lengths_s[:, None][many])[:, 3], [0, 0, 0.25, 0.5, 0.5], atol=1e-6
    )
    assert GapCalibration.of(gap_calibration.to_dict()) == gap_calibration
    resting = GapCalibration.of(HALF | {"static_thresholds": [1, 4]})
    assert GapCalibration.of(resting.to_dict()) == resting != gap_calibration


@pytest.mark.parametrize(
    "change",
    [
        {"gap_s": [1.0, 0.1]},
        {"gap_s": [0.1]},
        {"expected": [1.0, float("nan")]},
        {"expected": [1.0, -1.0]},
        {"gap_s": [], "expected": []},
        {"static_thresholds": [4.0, 1.0]},
        {"stirs": [float("nan"), 1.0]},
    ],
)
def test_damaged_tables_are_refused(change):
    with pytest.raises(ValueError, match="gap_calibration"):
        GapCalibration.of(HALF | change)


def test_a_checkpoint_with_a_broken_table_is_refused(tmp_path):
    save_model(network(gap_calibration=HALF), tmp_path / "net", {})
    assert load_model(tmp_path / "net").config.calibration == GapCalibration.of(HALF)
    config = tmp_path / "net" / "config.json"
    config.write_text(
        config.read_text().replace('"gap_s": [\n      0.1,', '"gap_s": [\n      -0.1,')
    )
    with pytest.raises(ModelError, match="gap_calibration"):
        load_model(tmp_path / "net")


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_factors_of_zero_give_the_fill(fps):
    clip = clip_at(fps)
    hidden = masks.parse("span:20-50", clip).hidden
    none = HALF | {"shares": {part: [0.0, 0.0] for part in PARTS}}
    result = recover(network(gap_calibration=none), clip, hidden)
    fill = interpolate("inertial", clip, hidden)
    assert errors(result.recovered.motion, fill.recovered.motion, hidden).position_cm.max() < 0.05
    full = recover(network(), clip, hidden)
    assert errors(full.recovered.motion, fill.recovered.motion, hidden).position_cm.max() > 1
    ones = HALF | {"shares": {part: [1.0, 1.0] for part in PARTS}, "expected": [3.0, 3.0]}
    same = recover(network(gap_calibration=ones), clip, hidden)
    np.testing.assert_array_equal(same.recovered.motion.rotations, full.recovered.motion.rotations)
    assert full.expected_cm is not None
    np.testing.assert_allclose(same.expected_cm, 3 * full.expected_cm, rtol=1e-5)


def test_each_part_has_its_own_factors():
    clip = clip_at(30.0)
    hidden = masks.parse("span:20-50", clip).hidden
    names = clip.motion.skeleton.names
    for part, moved, still in (
        ("legs", "left_knee", "left_elbow"),
        ("arms", "left_elbow", "left_knee"),
    ):
        shares = {name: [float(name == part)] * 2 for name in PARTS}
        result = recover(
            network(gap_calibration=HALF | {"shares": shares}), clip, hidden
        ).recovered.motion
        fill = interpolate("inertial", clip, hidden).recovered.motion
        apart = np.abs(result.world_rotations() - fill.world_rotations()).max(axis=(0, 2, 3))
        assert apart[names.index(moved)] > 0.01
        assert apart[names.index(still)] < 1e-3
        np.testing.assert_allclose(result.root_m, fill.root_m, atol=1e-4)


WHOLE = {"gap_s": [1.0], "shares": {part: [1.0] for part in PARTS}, "expected": [1.0]}


def test_a_static_arm_keeps_the_fill_and_the_others_move():
    clip = clip_at(30.0)
    names = clip.motion.skeleton.names
    arm = [names.index(f"left_{joint}") for joint in ("collar", "shoulder", "elbow", "wrist")]
    rotations = clip.motion.rotations.copy()
    rotations[:, arm] = rotations[:1, arm]
    motion = Motion(clip.motion.skeleton, rotations, clip.motion.root_m, 30.0)
    still = replace(clip, motion=motion)
    hidden = masks.parse("span:20-50", still).hidden
    fill = interpolate("inertial", still, hidden).recovered.motion

    def turned(clip, **gap_calibration) -> np.ndarray:
        result = recover(
            network(gap_calibration=WHOLE | gap_calibration), clip, hidden, lock_feet=False
        ).recovered.motion
        return np.degrees(geodesic_angle(result.rotations, fill.rotations))[hidden.any(axis=1)].max(
            axis=0
        )

    free, resting = turned(still), turned(still, static_thresholds=[1.0, 4.0])
    assert free[arm].min() > 0.5
    assert resting[arm].max() < 0.01
    np.testing.assert_allclose(
        resting[names.index("right_elbow")], free[names.index("right_elbow")], rtol=1e-3
    )
    bent = rotations.copy()
    bent[15:20, arm] = bent[15:20, arm] @ rotvec_to_matrix(np.array([0, 0, np.radians(2.5)]))
    partly = turned(
        replace(clip, motion=replace(motion, rotations=bent.astype(np.float32))),
        static_thresholds=[1.0, 4.0],
    )
    assert partly[arm].min() > 0.05

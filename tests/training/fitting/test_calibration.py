"""Calibration finds how far a network is to be believed, and says what its expected error is worth."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmm.checkpoints import describe, load_model, save_model
from mmm.masks import parse
from mmm.models import make_config, make_model
from mmm.models.calibration import PARTS
from mmm.motion.clip import Clip, Motion
from mmm.motion.humanoid import match_roles
from mmm.recovery.humanoid import RolePrediction
from mmm.recovery.recover import recover
from tests.mmm.networks import clip_at
from tests.mmm.networks import roles_network as network
from tests.training.running import run_training
from training.commands import calibrate as command
from training.fitting import calibration, gate, gate_cases
from training.fitting.calibration import Case, compare_expected, errors_of, fit_length, patterns


def long_clips() -> list[Clip]:
    """Two clips of joint roles, long enough for every gap that the tests draw."""
    roles = match_roles(clip_at(30.0).motion.skeleton)
    return [Clip("c", roles.to_roles(clip_at(30.0, seconds=s).motion)) for s in (5.0, 6.0)]


def known_case(share: dict[str, float], seed: int) -> Case:
    """An answer whose truth is reached where each part is believed by just that share."""
    rng = np.random.default_rng(seed)
    clip = clip_at(30.0)
    roles = match_roles(clip.motion.skeleton)
    fill = roles.to_roles(clip.motion)
    turns = rng.normal(scale=0.2, size=(len(fill), 69)).astype(np.float32)
    gap_s, joint_motion = (np.full((len(fill), 22), value, np.float32) for value in (0.5, np.inf))
    found = RolePrediction(
        roles,
        clip.motion,
        fill,
        turns,
        gap_s,
        joint_motion,
        np.full(len(fill), 0.02, np.float32),
    )
    gap_calibration = calibration.GapCalibration(
        (0.5,), {part: (value,) for part, value in share.items()}, (1.0,)
    )
    truth: Motion = found.posed(gap_calibration)
    return Case(found, truth, truth.positions())


def test_the_share_of_each_part_is_found():
    wanted = {"trunk": 0.4, "arms": 1.0, "legs": 0.6, "root": 0.2}
    shares, factor = fit_length(0.5, [[known_case(wanted, 1)], [known_case(wanted, 2)]])
    assert shares == pytest.approx(wanted)
    assert factor == pytest.approx(0, abs=1e-3)  # nothing is left of the error that it expects


def test_an_answer_that_only_harms_is_not_believed():
    nothing = dict.fromkeys(PARTS, 0.0)
    cases = [known_case(nothing, 3)]
    shares, factor = fit_length(0.5, [cases])
    assert shares == nothing
    assert errors_of(cases, None)[1] > 0.01
    assert factor == pytest.approx(0, abs=1e-3)


def test_the_expected_error_is_brought_to_the_true_one():
    case = known_case(dict.fromkeys(PARTS, 0.0), 4)
    away = Case(case.answer, case.truth, case.places_m + np.array([0.05, 0, 0], np.float32))
    assert fit_length(0.5, [[away]])[1] == pytest.approx(2.5, rel=0.05)  # 5 cm where it expects 2


def test_patterns_hide_gaps_of_the_length():
    clip = clip_at(30.0, seconds=calibration.FRAMES / 30 - 1 / 30)
    for length in calibration.LENGTHS:
        for spec in patterns(length):
            hidden = parse(spec, clip).hidden.any(axis=1)
            edges = np.flatnonzero(np.diff(np.pad(hidden.astype(int), 1)))
            assert (edges[1::2] - edges[::2]).max() == length - 1, spec


def test_gaps_are_judged_in_the_order_of_what_was_expected(monkeypatch):
    clips = [clip_at(30.0, seconds=calibration.FRAMES / 30 - 1 / 30)]
    found = compare_expected(network(), clips)
    expected = [part["expected_cm"] for part in found["fifths"]]
    assert expected == sorted(expected)
    assert found["gaps"] == sum(
        len(calibration.gaps(recover(network(), clips[0], parse(spec, clips[0]))))
        for spec in calibration.JUDGED
    )
    assert -1 <= found["rank_correlation"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_command_writes_configuration_metrics_and_card(tmp_path, monkeypatch, symmetric):
    class Set:
        def __init__(self, folder):
            assert folder.name in ("val", "test")

        def cut_clips(self, count, frames, skeleton, fps):
            roles = match_roles(clip_at(30.0).motion.skeleton)
            clip = clip_at(30.0, seconds=(frames - 1) / 30)
            return [calibration.Clip("c", roles.to_roles(clip.motion))][:count]

    monkeypatch.setattr(command, "MotionSet", Set)
    monkeypatch.setattr(command, "prepared", lambda folder: SimpleNamespace(clips=long_clips()))
    monkeypatch.setattr(calibration, "LENGTHS", (5, 15))
    monkeypatch.setattr(calibration, "GRID", (0.0, 1.0))
    monkeypatch.setattr(calibration, "JUDGED", ("every:10",))
    monkeypatch.setattr(gate, "GAPS_A_LENGTH", 16)
    monkeypatch.setattr(gate_cases, "GAPS_S", (1 / 3, 1.0))
    folder = tmp_path / "net"
    save_model(network(), folder, {"training": {}})
    before = load_model(folder).state_dict()
    asked = ["--checkpoint", str(folder), "--data", str(tmp_path / "common"), "--clips", "1"]
    done = run_training("calibrate", *asked, *["--symmetric"] * symmetric)
    assert done.exit_code == 0, done.output
    info = describe(folder)
    assert info.config.symmetric == info.metrics["calibration"]["symmetric"] == symmetric
    assert ("--clips 1 --symmetric`" in info.card) == ("mirror image" in info.card) == symmetric
    assert info.config.calibration is not None
    assert info.config.calibration.gap_s == pytest.approx((5 / 30, 0.5), abs=1e-4)
    assert len(info.metrics["calibration"]["fifths"]) == 5
    assert "## Gap calibration" in info.card
    assert f"{info.metrics['calibration']['gaps']:,} gaps in 1 clips" in info.card
    for name, tensor in load_model(folder).state_dict().items():
        assert torch.equal(tensor, before[name])
    assert info.config.calibration.gate is not None
    assert "gap gate" in info.card
    # With --gate-only the shares stay, and so does what the checkpoint was calibrated with.
    again = run_training("calibrate", *asked, "--gate-only")
    assert again.exit_code == 0, again.output
    after = describe(folder).config
    assert after.symmetric == symmetric
    assert after.calibration == info.config.calibration


@pytest.mark.slow
def test_a_gate_alone_needs_shares(tmp_path):
    save_model(network(), tmp_path / "net", {})
    asked = ("--checkpoint", str(tmp_path / "net"), "--data", str(tmp_path), "--gate-only")
    done = run_training("calibrate", *asked)
    assert done.exit_code == 2
    assert "no gap calibration whose shares could be kept" in done.stderr


@pytest.mark.slow
def test_the_factor_and_speed_prior_of_a_generating_network_are_stored(tmp_path, monkeypatch):
    read = []

    class Set:
        def __init__(self, folder):
            self.name, self.lengths = folder.name, np.array([300])

        def cut_clips(self, count, frames, skeleton, fps):
            read.append((self.name, count))
            roles = match_roles(clip_at(30.0).motion.skeleton)
            clip = clip_at(30.0, seconds=(frames - 1) / 30)
            return [calibration.Clip("c", roles.to_roles(clip.motion))]

    monkeypatch.setattr(command, "MotionSet", Set)
    monkeypatch.setattr(calibration, "FUTURE_SHARES", (0.5, 1.0))
    monkeypatch.setattr(calibration, "FUTURE_S", (2.0, 2.0))
    folder = tmp_path / "net"
    save_model(network(horizon_s=[0.8, 0.8, 0.8], noise_dim=4), folder, {"training": {}})
    refused = run_training(
        "calibrate", "--checkpoint", str(folder), "--data", str(tmp_path), "--symmetric"
    )
    assert refused.exit_code == 2
    assert "the mean of two futures is not a plausible one" in refused.output
    done = run_training(
        "calibrate", "--checkpoint", str(folder), "--data", str(tmp_path / "common"), "--clips", "1"
    )
    assert done.exit_code == 0, done.output
    info = describe(folder)
    assert {name for name, _ in read} == {"train", "val"}
    assert dict(read)["val"] == 1
    assert len(info.config.speed_prior) == 3
    assert info.config.calibration is not None
    found = info.metrics["calibration"]
    assert [row["share"] for row in found["future"]] == [0.5, 1.0]
    assert found["share"] in (0.5, 1.0)
    assert f"predictions are scaled by {found['share']:g}" in done.output


def test_networks_on_joints_are_refused(tmp_path):
    model = make_model(
        make_config(
            "common-small",
            representation="joints",
            hidden_size=256,
            encoder_layers=1,
            intermediate_size=32,
            fill="slerp",
            output="residual",
        )
    )
    save_model(model, tmp_path / "net", {})
    before = json.loads((tmp_path / "net" / "config.json").read_text())
    done = run_training("calibrate", "--checkpoint", str(tmp_path / "net"), "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "joint roles" in done.output
    assert json.loads((tmp_path / "net" / "config.json").read_text()) == before

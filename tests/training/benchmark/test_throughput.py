"""The two ways of making batches do the same work; what is timed adds up."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mmm.errors import ModelError
from mmm.models import make_config, make_model, presets
from mmm.motion.skeleton import SMPL24
from tests.training.conftest import write_split
from tests.training.running import run_training
from training.benchmark import throughput
from training.benchmark.throughput import (
    ORIGINAL,
    OURS,
    OriginalBatching,
    OurBatching,
    Timing,
    flops,
    measure,
    peak_of,
    report,
)
from training.commands import speed as command
from training.data.batch import draw
from training.data.dataset import MotionSet

SIZES = {
    "hidden_size": 256,
    "intermediate_size": 32,
    "encoder_layers": 1,
    "cross_layers": 1,
    "max_frames": 40,
}
LENGTHS = (16, 40)


@pytest.fixture(scope="module")
def data(prepared):
    data = MotionSet(prepared / "train")
    data.fit_stats(40)
    return data


@pytest.fixture(scope="module")
def config():
    return make_config("ecm-small", **SIZES)


def test_both_hide_the_same_share_of_frames(data, config):
    shares = {}
    for name, way in {
        ORIGINAL: OriginalBatching(data, LENGTHS),
        OURS: OurBatching(data, config, LENGTHS, 7),
    }.items():
        hidden = frames = 0
        for _ in range(20):
            batch, lengths = way.batch(32)
            assert (batch.hidden.any(-1) == batch.hidden.all(-1)).all()  # whole frames
            hidden += int(batch.hidden.any(-1).sum())
            frames += sum(lengths)
        shares[name] = hidden / frames
    assert shares[ORIGINAL] == pytest.approx(0.15, abs=0.012)
    assert shares[OURS] == pytest.approx(shares[ORIGINAL], abs=0.018)


@pytest.mark.parametrize("name", [ORIGINAL, OURS])
def test_hidden_frames_show_80_10_10(data, config, name):
    way = (
        OriginalBatching(data, LENGTHS)
        if name == ORIGINAL
        else OurBatching(data, config, LENGTHS, 7)
    )
    kinds = {"zero": 0, "same": 0, "other": 0}
    for _ in range(20):
        batch, _ = way.batch(32)
        where = batch.hidden.any(-1)
        shown, true = batch.shown[where], batch.motion[where]
        zero, same = (shown == 0).all(-1), (shown == true).all(-1)
        kinds["zero"] += int(zero.sum())
        kinds["same"] += int(same.sum())
        kinds["other"] += int((~zero & ~same).sum())
    total = sum(kinds.values())
    assert total > 1500
    shares = {kind: count / total for kind, count in kinds.items()}
    assert shares == pytest.approx({"zero": 0.8, "same": 0.1, "other": 0.1}, abs=0.03)


def test_contents_agree(data, config):
    """Known frames are the set's own, in both; the original's are padded with zeros that nothing asks about."""
    theirs, lengths = OriginalBatching(data, LENGTHS).batch(24)
    ours, _ = OurBatching(data, config, LENGTHS, 3).batch(24)
    assert len(set(lengths)) > 5
    assert theirs.motion.shape[1:] == theirs.shown.shape[1:] == (40, 24 * 9 + 3)
    pool, heard = data.windows(4000, 1, torch.Generator().manual_seed(0))
    where = {tuple(np.round(row[-3:].tolist(), 6)): at for at, row in enumerate(pool[:, 0])}
    assert len(where) == 76  # all frames of the set, known by the root's place
    for batch, ends in ((theirs, lengths), (ours, [ours.motion.shape[1]] * 24)):
        for row, end in enumerate(ends):
            known = ~batch.hidden[row, :end].any(-1)
            assert (
                torch.equal(batch.shown[row, :end][known], batch.motion[row, :end][known])
                or batch is ours
            )
            for frame in range(end):
                at = where[tuple(np.round(batch.motion[row, frame, -3:].tolist(), 6))]
                assert torch.allclose(batch.motion[row, frame], pool[at, 0], atol=1e-6)
                assert torch.equal(batch.music[row, frame], heard[at, 0])
            for padded in (batch.motion, batch.music, batch.shown, batch.hidden):
                assert not padded[row, end:].any()


def test_padding_does_not_enter_the_loss(data):
    batch, lengths = OriginalBatching(data, LENGTHS).batch(8)
    prediction = torch.zeros_like(batch.motion)
    before = throughput._loss(prediction, batch)
    for row, length in enumerate(lengths):
        prediction[row, length:] = 1e6
    assert torch.equal(throughput._loss(prediction, batch), before)
    where = batch.hidden.any(-1)
    assert before == pytest.approx(float(batch.motion[where].square().mean()), rel=1e-5)


def test_few_steps_stand_for_all_lengths(data, config):
    for steps in (2, 5, 40):
        each = OurBatching(data, config, (120, 300), steps).each
        assert len(each) == steps
        assert np.mean(each) == pytest.approx(210, abs=2)
        assert 120 <= min(each) <= max(each) <= 300


@pytest.mark.slow
def test_both_train_and_are_timed(data, config):
    torch.manual_seed(0)
    model = make_model(config)
    before = [p.detach().clone() for p in model.parameters()]
    ours = OurBatching(data, config, LENGTHS, 3)
    timings = measure(model, {ORIGINAL: OriginalBatching(data, LENGTHS), OURS: ours}, 3, 4)
    assert any(not torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    for timing in timings.values():
        assert (timing.steps, timing.samples) == (3, 12)
        assert 12 * 16 <= timing.frames <= 12 * 40
        assert timing.outside_s > 0
        assert timing.network_s > 0
    assert timings[OURS].frames == 4 * sum(ours.each)


@pytest.mark.slow
def test_slow_batches_are_seen_outside_the_network(data, config):
    class Slow(OurBatching):
        def batch(self, size):
            throughput.time.sleep(0.25)
            return super().batch(size)

    timings = measure(
        make_model(config),
        {"plain": OurBatching(data, config, LENGTHS, 2), "slow": Slow(data, config, LENGTHS, 2)},
        2,
        2,
    )
    assert timings["slow"].outside_s - timings["plain"].outside_s > 0.25


@pytest.mark.slow
def test_operations_are_those_of_a_direct_count(data, config):
    model, way = make_model(config), OurBatching(data, config, LENGTHS, 2)
    batch = draw(
        data,
        throughput.replace(way.plan, batch=3, min_frames=23, max_frames=23),
        config,
        way.generator,
    )
    with FlopCounterMode(display=False) as counter:
        model(batch.motion, batch.hidden, batch.music, batch.shown).prediction.sum().backward()
    assert 3 * flops(model, way, [16, 23, 40]) - 3 * flops(model, way, [16, 40]) == pytest.approx(
        counter.get_total_flops(), rel=1e-6
    )


def test_the_report():
    ours = Timing(samples=40, frames=8000, steps=4, outside_s=0.1, network_s=1.9)
    theirs = Timing(samples=40, frames=8000, steps=4, outside_s=3.0, network_s=5.0)
    lines = report({ORIGINAL: theirs, OURS: ours}, 989e12, "NVIDIA H100 80GB HBM3")
    assert lines[0].split() == [
        "samples/s",
        "frames/s",
        "step",
        "ms",
        "outside",
        "network",
        "ms",
        "share",
        "of",
        "step",
    ]
    assert lines[1].split()[-5:] == ["5.00", "1000", "2000.0", "750.00", "37.50%"]
    assert lines[2].split() == ["ours", "20.00", "4000", "500.0", "25.00", "5.00%"]
    assert lines[3] == "ours / original's: 4.00 times the samples, 4.00 times the frames a second"
    assert lines[4] == (
        "NVIDIA H100 80GB HBM3: 494 TFLOP/s over our steps, 50.0% of the 989 of its bfloat16 peak "
        "(521 in the network)"
    )
    assert "peak" not in report({ORIGINAL: theirs, OURS: ours}, 989e12, "CPU, 1 threads")[4]


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA A100-PCIE-40GB", 312e12),
        ("NVIDIA H100 PCIe", None),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA L4", None),
    ],
)
def test_peaks(name, peak):
    assert peak_of(name) == peak


@pytest.mark.slow
def test_the_command(prepared, monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "ecm-small", presets.PRESETS["ecm-small"] | SIZES)
    done = run_training(
        "speed", "--preset", "ecm-small", "--data", str(prepared), "--steps", "2", "--batch", "2"
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "ecm-small: 2 steps each of 2 windows of 16 to 40 frames, bfloat16"
    figures = {
        name: float(re.search(rf"^{name} +([0-9.]+)", done.stdout, re.M)[1])
        for name in (ORIGINAL, OURS)
    }
    said = float(re.search(r"original's: ([0-9.]+) times", done.stdout)[1])
    assert said == pytest.approx(figures[OURS] / figures[ORIGINAL], abs=0.02)
    assert "TFLOP/s" in lines[-1]


def test_any_body(tmp_path):
    """A set of 31 joints widens the network, as training does."""
    many = SimpleNamespace(names=tuple(f"bone{j}" for j in range(31)))
    split = SimpleNamespace(
        fps=30.0, skeleton=None, are_roles=False, joint_names=list(SMPL24.names), music=None
    )
    assert command._config("common-small", split).fps == 30.0
    split.joint_names = list(many.names)
    with pytest.raises(ModelError, match="31 joints from bone0"):
        command._config("common-small", split)
    with pytest.raises(ModelError, match="no music"):
        command._config("ecm", SimpleNamespace(**vars(split) | {"joint_names": None}))


def test_a_set_that_is_none(tmp_path):
    write_split(tmp_path / "set" / "val", [40])
    done = run_training("speed", "--preset", "ecm", "--data", str(tmp_path / "set"))
    assert done.exit_code == 2
    assert "no clips.json" in done.stderr

"""Training: it learns, it resumes, it stops where it must."""

import itertools
import math
from dataclasses import replace

import pytest
import torch

from mmm import masks
from mmm.errors import ModelError
from mmm.models import make_model
from mmm.recovery import interpolate, recover
from tests.mmm.making import TINY
from tests.mmm.networks import tiny_config
from tests.training.conftest import write_split
from training import loop
from training.dataset import MotionSet
from training.loop import TrainingPlan, train
from training.masking import MaskMix

QUICK = TrainingPlan(steps=6, batch=4, learning_rate=1e-3, warmup=2, min_frames=10, max_frames=20, save_every=2,
                     bfloat16=False)


def fresh_model(data, **changes):
    torch.manual_seed(0)
    config = tiny_config("ecm", **{"fill": "slerp", "output": "residual", "dropout": 0.1} | changes)
    config.stats = data.fit_stats(config.max_frames).to_dict()
    return make_model(config)


@pytest.fixture
def data(split):
    return MotionSet(split)


def weights(model):
    return torch.cat([p.flatten() for p in model.parameters()])


def test_resumed_is_the_same_as_uninterrupted(data, tmp_path, monkeypatch):
    """To the last bit, dropout included: killed after the fourth step and started again."""
    whole, curve = train(fresh_model(data), data, QUICK, tmp_path / "whole")
    batch, calls = loop._batch, iter(range(100))

    def killed(*arguments):
        if next(calls) == 5:
            raise KeyboardInterrupt
        return batch(*arguments)

    monkeypatch.setattr(loop, "_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        train(fresh_model(data), data, QUICK, tmp_path / "halves")
    monkeypatch.setattr(loop, "_batch", batch)
    halves, other_curve = train(fresh_model(data), data, QUICK, tmp_path / "halves")
    assert torch.equal(weights(whole), weights(halves))
    assert [(point["step"], point["loss"]) for point in curve] == [(p["step"], p["loss"]) for p in other_curve]
    assert [point["step"] for point in curve] == [2, 4, 6]


def test_a_finished_run_is_not_run_again(data, tmp_path):
    first, _ = train(fresh_model(data), data, QUICK, tmp_path)
    again, _ = train(fresh_model(data), data, QUICK, tmp_path)
    assert torch.equal(weights(first), weights(again))


def test_fresh_forgets_the_unfinished_run(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    other, curve = train(fresh_model(data), data, replace(QUICK, steps=2), tmp_path, resume=False)
    assert [point["step"] for point in curve] == [2]
    assert not torch.equal(weights(other), weights(fresh_model(data)))


def test_the_seed_decides(data, tmp_path):
    runs = [weights(train(fresh_model(data), data, replace(QUICK, seed=seed), tmp_path / str(i))[0])
            for i, seed in enumerate((1, 1, 2))]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_overfits_two_short_clips(tmp_path):
    """Learning: a tiny network beats every baseline on the two clips that it was trained on."""
    write_split(tmp_path / "two", [30, 30])
    data = MotionSet(tmp_path / "two")
    model = fresh_model(data, dropout=0.0)
    plan = TrainingPlan(steps=250, batch=4, learning_rate=3e-3, warmup=10, min_frames=30, max_frames=30, ema=0.9,
                        save_every=125, bfloat16=False, shift_positions=False,
                        masks=MaskMix(random=0, every=1, keep_hide=0, span=0, every_steps=(29, 29), joint_share=0))
    before = data.cut_clips(2, 30, TINY, 30.0)
    trained, curve = train(model, data, plan, tmp_path / "run")
    assert curve[-1]["loss"] < 0.5 * curve[0]["loss"]
    for clip in before:
        mask = masks.every_nth(clip, 29)
        mine, slerp = (r.errors.summary()["rotation_deg"] for r in (
            recover(trained, clip, mask), interpolate("slerp", clip, mask)))
        assert mine < 0.5 * slerp


@pytest.mark.parametrize("plan", [
    replace(QUICK, corruption=True, loss="mse", masks=MaskMix(random=1, every=0, keep_hide=0, span=0, joint_share=0)),
    replace(QUICK, wrong_song=0.5), replace(QUICK, bfloat16=True)], ids=["original", "wrong song", "bfloat16"])
def test_other_recipes_take_a_step(data, tmp_path, plan):
    fill = {"fill": "zero", "output": "absolute"} if plan.corruption else {}
    trained, curve = train(fresh_model(data, **fill), data, replace(plan, steps=2), tmp_path)
    assert math.isfinite(curve[-1]["loss"])
    assert not trained.training
    assert not torch.equal(weights(trained), weights(fresh_model(data, **fill)))


def test_corruption_is_for_training_alone(data, tmp_path, monkeypatch):
    """Fault 3: the 80/10/10 corruption also ran in evaluation. The trainer calls it; recovery has no way to."""
    called = []
    corrupt = loop.corrupt
    monkeypatch.setattr(loop, "corrupt", lambda *a: called.append(1) or corrupt(*a))
    plan = replace(QUICK, steps=2, corruption=True, loss="mse")
    trained, _ = train(fresh_model(data, fill="zero", output="absolute"), data, plan, tmp_path)
    assert len(called) == 2
    seen = []
    forward = trained.predict
    trained.predict = lambda *a, **k: seen.append((a, k)) or forward(*a, **k)
    clip = data.cut_clips(1, 20, TINY, 30.0)[0]
    recover(trained, clip, masks.every_nth(clip, 4))
    assert len(called) == 2
    assert all("shown" not in more and len(plain) <= 4 for plain, more in seen)


def test_the_average_follows_the_network(data, tmp_path):
    model = fresh_model(data)
    average, _ = train(model, data, replace(QUICK, ema=0.0), tmp_path / "none")
    assert torch.allclose(weights(average), weights(model))
    model = fresh_model(data)
    average, _ = train(model, data, QUICK, tmp_path / "some")
    assert not torch.allclose(weights(average), weights(model))


def test_a_loss_that_is_not_finite_stops_the_run(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_loss", lambda *_: torch.tensor(math.nan, requires_grad=True))
    with pytest.raises(ModelError, match="step 0: loss nan; expected a finite loss; lower the learning rate"):
        train(fresh_model(data), data, QUICK, tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_the_state_of_another_network(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    with pytest.raises(ModelError, match=r"state\.pt: not the state of this network .*start afresh with --fresh"):
        train(fresh_model(data, cross_layers=2), data, QUICK, tmp_path)


def test_the_state_of_another_run(data, tmp_path):
    """It would go on with the old weights and be described by the new plan."""
    train(fresh_model(data), data, QUICK, tmp_path)
    with pytest.raises(ModelError, match=r"state\.pt: not the state of this network \(another plan or other data\)"):
        train(fresh_model(data), data, replace(QUICK, seed=1), tmp_path)
    other = fresh_model(data)
    other.config.stats = {**other.config.stats, "root_max": [9.0, 9.0, 9.0]}
    with pytest.raises(ModelError, match="another plan or other data"):
        train(other, data, QUICK, tmp_path)
    _, curve = train(fresh_model(data), data, replace(QUICK, steps=8), tmp_path)  # a longer run goes on
    assert [point["step"] for point in curve] == [2, 4, 6, 8]


@pytest.mark.parametrize("sizes", [{"max_frames": 41}, {"min_frames": 30}, {"min_frames": 0}])
def test_windows_that_do_not_fit(data, tmp_path, sizes):
    with pytest.raises(ModelError, match=r"training windows: .* expected at most the network's 40"):
        train(fresh_model(data), data, replace(QUICK, **sizes), tmp_path)


def test_learning_rate():
    plan = TrainingPlan(steps=100, learning_rate=1.0, warmup=10)
    rates = [plan.rate(step) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert replace(plan, decay=False).rate(99) == 1

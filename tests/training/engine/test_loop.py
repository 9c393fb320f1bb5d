"""Training: it learns, it resumes, it stops where it must."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mmm import masks
from mmm.errors import ModelError
from mmm.models import make_model
from mmm.recovery.recover import interpolate, recover
from tests.mmm.making import TINY
from tests.mmm.networks import tiny_config
from tests.training.conftest import write_split
from training.data import batch as step
from training.data.dataset import MotionSet
from training.engine import loop
from training.engine.loop import train
from training.plans.masks import MaskMix
from training.plans.plan import Stage, TrainingPlan, staged

QUICK = TrainingPlan(
    steps=6,
    batch=4,
    learning_rate=1e-3,
    warmup=2,
    min_frames=10,
    max_frames=20,
    save_every=2,
    bfloat16=False,
)


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


def test_a_finished_run_is_not_run_again(data, tmp_path):
    first, _ = train(fresh_model(data), data, QUICK, tmp_path)
    again, _ = train(fresh_model(data), data, QUICK, tmp_path)
    assert torch.equal(weights(first), weights(again))


def test_fresh_forgets_the_unfinished_run(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    other, curve = train(fresh_model(data), data, replace(QUICK, steps=2), tmp_path, resume=False)
    assert [point["step"] for point in curve] == [2]
    assert not torch.equal(weights(other), weights(fresh_model(data)))


@pytest.mark.slow
def test_the_seed_decides(data, tmp_path):
    runs = [
        weights(train(fresh_model(data), data, replace(QUICK, seed=seed), tmp_path / str(i))[0])
        for i, seed in enumerate((1, 1, 2))
    ]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@pytest.mark.slow
def test_overfits_two_short_clips(tmp_path):
    """Learning: a tiny network beats every baseline on the two clips that it was trained on."""
    write_split(tmp_path / "two", [30, 30])
    data = MotionSet(tmp_path / "two")
    model = fresh_model(data, dropout=0.0)
    plan = TrainingPlan(
        steps=350,
        batch=4,
        learning_rate=3e-3,
        warmup=10,
        min_frames=30,
        max_frames=30,
        ema=0.9,
        save_every=175,
        bfloat16=False,
        shift_positions=False,
        masks=MaskMix(random=0, every=1, keep_hide=0, span=0, every_steps=(29, 29), joint_share=0),
    )
    before = data.cut_clips(2, 30, TINY, 30.0)
    trained, curve = train(model, data, plan, tmp_path / "run")
    assert curve[-1]["loss"] < 0.5 * curve[0]["loss"]
    for clip in before:
        mask = masks.every_nth(clip, 29)
        mine, slerp = (
            r.errors.summary()["rotation_deg"]
            for r in (recover(trained, clip, mask), interpolate("slerp", clip, mask))
        )
        assert mine < 0.5 * slerp


@pytest.mark.parametrize(
    "plan",
    [
        replace(
            QUICK,
            corruption=True,
            loss="mse",
            masks=MaskMix(random=1, every=0, keep_hide=0, span=0, joint_share=0),
        ),
        replace(QUICK, mismatched_music_rate=0.5),
        replace(QUICK, bfloat16=True),
    ],
    ids=["original", "wrong song", "bfloat16"],
)
def test_other_recipes_take_a_step(data, tmp_path, plan):
    fill = {"fill": "zero", "output": "absolute"} if plan.corruption else {}
    trained, curve = train(fresh_model(data, **fill), data, replace(plan, steps=2), tmp_path)
    assert math.isfinite(curve[-1]["loss"])
    assert not trained.training
    assert not torch.equal(weights(trained), weights(fresh_model(data, **fill)))


def test_corruption_shows_the_truth_and_is_refused_beside_a_fill(data, tmp_path):
    with pytest.raises(ModelError, match=r"BERT's corruption beside fill 'slerp'"):
        train(fresh_model(data), data, replace(QUICK, corruption=True), tmp_path)


def test_a_resumed_log_keeps_the_point_it_goes_on_from(data, tmp_path):
    train(fresh_model(data), data, replace(QUICK, steps=4), tmp_path)
    train(fresh_model(data), data, QUICK, tmp_path)
    log = EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    assert [event.step for event in log.Scalars("training/loss")] == [2, 4, 6]


def test_corruption_is_for_training_alone(data, tmp_path, monkeypatch):
    """In the original, the 80/10/10 corruption also ran in evaluation. The trainer calls it; recovery has no way to."""
    called = []
    corrupt = step.corrupt
    monkeypatch.setattr(step, "corrupt", lambda *a: called.append(1) or corrupt(*a))
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


@pytest.mark.slow
def test_the_average_follows_the_network(data, tmp_path):
    model = fresh_model(data)
    average, _ = train(model, data, replace(QUICK, ema=0.0), tmp_path / "none")
    assert torch.allclose(weights(average), weights(model))
    model = fresh_model(data)
    average, _ = train(model, data, QUICK, tmp_path / "some")
    assert not torch.allclose(weights(average), weights(model))


@pytest.mark.parametrize("sizes", [{"max_frames": 41}, {"min_frames": 30}, {"min_frames": 0}])
def test_windows_that_do_not_fit(data, tmp_path, sizes):
    with pytest.raises(ModelError, match=r"training windows: .* expected at most the network's 40"):
        train(fresh_model(data), data, replace(QUICK, **sizes), tmp_path)


@pytest.mark.slow
def test_micro_batches_add_up_to_the_whole(data, tmp_path):
    """Two of them, of two and three windows, give the losses of one, within rounding."""
    plan = replace(QUICK, batch=5)
    curves = [
        train(
            fresh_model(data, dropout=0.0), data, replace(plan, accumulation=n), tmp_path / str(n)
        )[1]
        for n in (1, 2)
    ]
    assert [point["loss"] for point in curves[1]] == pytest.approx(
        [point["loss"] for point in curves[0]], abs=1e-4
    )


def test_more_shares_than_windows(data, tmp_path):
    with pytest.raises(
        ModelError, match=r"batch of 4: 5 shares to divide it into; .* lower --accumulation"
    ):
        train(fresh_model(data), data, replace(QUICK, accumulation=5), tmp_path)


def test_the_log_has_every_scalar(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    log = EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    assert set(log.Tags()["scalars"]) == {
        f"training/{name}"
        for name in (
            "loss",
            "term/rotation",
            "term/position",
            "term/velocity",
            "term/square",
            "rate",
            "gradient",
            "samples_per_s",
        )
    }
    assert [event.step for event in log.Scalars("training/loss")] == [2, 4, 6]
    terms = sum(
        log.Scalars(f"training/term/{name}")[-1].value
        for name in ("rotation", "position", "velocity", "square")
    )
    assert log.Scalars("training/loss")[-1].value == pytest.approx(terms, rel=1e-5)
    assert log.Scalars("training/rate")[-1].value == pytest.approx(QUICK.rate(5))


@pytest.mark.slow
def test_who_watches_sees_the_average_and_disturbs_nothing(data, tmp_path):
    plain, _ = train(fresh_model(data), data, QUICK, tmp_path / "plain")
    seen = []

    def watch(number, model, writer):
        torch.rand(7)  # must not shift the run's own chance
        writer.add_scalar("validation/error", number, number)
        seen.append((number, weights(model).clone(), model.training))
        return {"error": float(number)}

    watched, curve = train(
        fresh_model(data), data, QUICK, tmp_path / "watched", watch=watch, watch_every=4
    )
    assert [number for number, _, _ in seen] == [4, 6]
    assert not seen[-1][2]
    assert torch.equal(seen[-1][1], weights(watched))
    assert torch.equal(weights(plain), weights(watched))
    assert [point.get("error") for point in curve] == [None, 4.0, 6.0]


def test_stages_are_executed_one_after_another(data, tmp_path, monkeypatch):
    plan = staged(
        replace(QUICK, warmup=0, decay=False),
        Stage(2, 1e-3, ("every:5",)),
        Stage(4, 1e-4, ("every:4", "keep:3,hide:2")),
    )
    seen = []
    monkeypatch.setattr(loop, "draw", lambda *a: seen.append(step.draw(*a)) or seen[-1])
    train(fresh_model(data), data, plan, tmp_path)
    assert len(seen) == 6
    kinds = {
        "every:5": lambda t: t % 5 != 0,
        "every:4": lambda t: t % 4 != 0,
        "keep:3,hide:2": lambda t: t % 5 >= 3,
    }
    for number, batch in enumerate(seen):
        time = torch.arange(batch.motion.shape[1])
        allowed = [kinds[name](time) for name in plan.stage_at(number)[0].patterns]
        for hidden in batch.hidden:
            assert (hidden == hidden[:, :1]).all()  # whole frames
            assert any(torch.equal(hidden[:, 0], frames) for frames in allowed)
    assert [plan.rate(number) for number in range(6)] == pytest.approx([1e-3] * 2 + [1e-4] * 4)


def test_windows_of_the_original_start_at_multiples_of_their_stride(data):
    """As an option: of 30, 50 and 12 frames, windows of 12 every 15 start at 0, 15 | 0, 15, 30 | 0."""
    config = fresh_model(data).config
    plan = replace(QUICK, batch=200, min_frames=12, max_frames=12, window_stride=15)
    batch = step.draw(data, plan, config, torch.Generator().manual_seed(0))
    low, high = (torch.from_numpy(v) for v in (data.stats.root_min, data.stats.root_max))
    first = batch.motion[:, 0, -3:] * (high - low) + low
    starts = {int((data.root_m - root).abs().sum(1).argmin()) for root in first}
    assert starts == {0, 15, 30, 45, 60, 80}


def test_gaps_grow_in_a_curriculum():
    plan = TrainingPlan(steps=1000, gap_curriculum=0.5, masks=MaskMix(span_frames=(10, 100)))
    assert [plan.masks_at(number).span_frames for number in (0, 249, 499, 999)] == [
        (10, 10),
        (10, 55),
        (10, 100),
        (10, 100),
    ]
    assert TrainingPlan(masks=plan.masks).masks_at(0) == plan.masks


def test_another_number_of_steps_keeps_the_stages_shares():
    plan = staged(TrainingPlan(), Stage(100, 1e-3), Stage(300, 1e-4), Stage(600, 1e-5))
    assert [stage.steps for stage in plan.scaled(10).stages] == [1, 3, 6]
    assert plan.scaled(10).steps == 10
    assert [stage.steps for stage in plan.scaled(7).stages] == [1, 2, 4]
    assert TrainingPlan().scaled(5).rate(4) == TrainingPlan(steps=5).rate(4)


def test_the_whole_network_is_compiled_on_request(data, tmp_path, monkeypatch):
    """The compiler itself is not tried here: what it is asked to compile is."""
    asked = []
    model = fresh_model(data)
    monkeypatch.setattr(model, "compile", lambda **options: asked.append(options), raising=False)
    train(model, data, replace(QUICK, steps=2, compile=True), tmp_path)
    assert asked == [{"dynamic": True}]


def test_learning_rate():
    plan = TrainingPlan(steps=100, learning_rate=1.0, warmup=10)
    rates = [plan.rate(step) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert replace(plan, decay=False).rate(99) == 1
    two = staged(
        plan, Stage(50, 1.0), Stage(50, 0.1)
    )  # each falls anew; only the run's first steps warm up
    assert two.rate(0) == pytest.approx(0.1)
    assert two.rate(49) == pytest.approx(0.01, abs=0.01)
    assert two.rate(50) == pytest.approx(0.1)
    assert two.rate(99) == pytest.approx(0.001, abs=0.001)

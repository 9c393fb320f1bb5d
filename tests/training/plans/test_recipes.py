"""The published schedules, number by number."""

import pytest

from mmm.errors import ModelError
from mmm.models import PRESETS, make_config
from training.plans.recipes import FINETUNING, PRETRAINING, find_recipe


def schedule(recipe):
    return [(stage.steps, stage.learning_rate) for stage in recipe.plan.stages]


@pytest.mark.parametrize(
    ("name", "batch", "stages"),
    [
        ("3bert", 32, [(43_000, 1e-4)]),
        ("ecm", 32, [(53_000, 1e-4), (16_000, 1e-5), (69_000, 1e-6)]),
        ("common", 128, [(20_000, 1e-4), (20_000, 1e-5)]),
    ],
)
def test_pre_training_as_published(name, batch, stages):
    recipe = PRETRAINING[name]
    plan = recipe.plan
    assert (schedule(recipe), plan.batch, plan.steps) == (
        stages,
        batch,
        sum(steps for steps, _ in stages),
    )
    assert (plan.min_frames, plan.max_frames, plan.loss, plan.corruption) == (120, 300, "mse", True)
    assert (plan.optimizer, plan.weight_decay, plan.decay, plan.warmup) == ("adam", 0.0, False, 0)
    assert plan.specs == ["random:0.15"]
    ends = [sum(steps for steps, _ in stages[: k + 1]) for k in range(len(stages))]
    for (steps, rate), end in zip(stages, ends, strict=True):
        assert {plan.rate(end - steps), plan.rate(end - 1)} == {rate}
    assert (PRESETS[recipe.network], recipe.changes) == ({}, {})  # the faithful network
    assert PRETRAINING[f"{name}-strided"].plan.window_stride == 300


def test_fine_tuning_as_published():
    plan = FINETUNING["3bert"].plan
    assert schedule(FINETUNING["3bert"]) == [
        (1_100, 1e-4),
        (2_000, 1e-4),
        (2_000, 1e-5),
        (40_000, 1e-5),
        (100_000, 1e-6),
    ]
    assert [stage.patterns for stage in plan.stages] == [
        ("every:5",),
        ("every:10",),
        ("every:15",),
        ("every:15",),
        ("every:20",),
    ]
    assert (plan.batch, plan.loss, plan.corruption, plan.optimizer) == (32, "mse", False, "adam")
    assert plan.specs == ["every:5", "every:10", "every:15", "every:20"]
    assert FINETUNING["common"].plan.batch == 128


@pytest.mark.parametrize("name", PRETRAINING)
def test_every_recipe_has_a_network_that_its_windows_fit(name):
    recipe = PRETRAINING[name]
    config = make_config(recipe.network, **recipe.changes)
    assert recipe.plan.max_frames <= config.max_frames
    assert not (recipe.plan.corruption and config.fill != "zero")
    assert recipe.plan.specs


def test_small_fine_tuning_mixes_short_and_long_gaps():
    plan = FINETUNING["ecm-small"].plan
    assert plan.normalise_by_fill
    assert plan.rate(0) < plan.rate(49) == plan.learning_rate
    assert plan.specs == [
        "every:5",
        "every:10",
        "every:15",
        "every:20",
        "keep:5,hide:5",
        "random:0.15",
        "span of 10..100",
    ]


def test_a_network_without_a_recipe_of_its_own_gets_the_small_plan(monkeypatch):
    monkeypatch.setitem(PRESETS, "newest", {})
    assert find_recipe(PRETRAINING, "newest").plan == PRETRAINING["ecm-small"].plan
    assert find_recipe(FINETUNING, "newest").plan == FINETUNING["ecm-small"].plan
    with pytest.raises(ModelError, match="preset 'gpt': no such preset"):
        find_recipe(PRETRAINING, "gpt")

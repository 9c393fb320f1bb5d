"""A model beside its baselines, and means over hidden entries alone."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmm import masks
from mmm.errors import ModelError, SpecError
from mmm.evaluation.evaluate import evaluate, gaps, report, with_baselines
from mmm.metrics.errors import KINDS
from mmm.recovery.recover import interpolate, recover
from tests.mmm.networks import tiny_clip, tiny_model


@pytest.fixture
def clips():
    return [tiny_clip(30, 0), tiny_clip(45, 1), tiny_clip(20, 2)]


def test_every_result_stands_beside_the_four_baselines(clips):
    clip = clips[0]
    results = with_baselines(recover(tiny_model(), clip, masks.every_nth(clip, 5)))
    assert [r.model_name for r in results] == ["mmm-ecm", "hold", "slerp", "inertial", "spline"]
    assert all(np.array_equal(r.hidden, results[0].hidden) and r.clip is clip for r in results)


def test_the_report_is_json_of_the_summaries(clips):
    clip = clips[0]
    results = with_baselines(recover(tiny_model(), clip, masks.span(clip, 5, 9)))
    told = json.loads(json.dumps(report(results, "span:5-9", 7)))
    assert {k: told[k] for k in ("clip", "hide", "seed", "frames", "fps", "hidden", "notes")} == {
        "clip": "tiny0",
        "hide": "span:5-9",
        "seed": 7,
        "frames": 30,
        "fps": 30,
        "hidden": 30,
        "notes": [],
    }
    assert list(told["methods"]) == ["mmm-ecm", "hold", "slerp", "inertial", "spline"]
    for result in results:
        row = told["methods"][result.model_name]
        assert set(row) >= {*KINDS, "frames", "hidden", "elapsed_s", "seed"}
        assert row["position_cm"] == pytest.approx(
            result.errors.position_cm[result.hidden].mean(), rel=1e-5
        )


def test_gaps_say_what_was_expected_and_what_came_true(clips):
    clip = clips[1]
    result = interpolate("slerp", clip, masks.parse("span:5-9+span:20-20@LeftArm+span:40-44", clip))
    assert [(row["first"], row["last"], row["expected_cm"]) for row in gaps(result)] == [
        (5, 9, None),
        (20, 20, None),
        (40, 44, None),
    ]
    foretold = replace(result, expected_cm=np.arange(45, dtype=np.float32))
    rows = gaps(foretold)
    assert [row["expected_cm"] for row in rows] == [7, 20, 42]
    for row in rows:
        every = [
            (t, j) for t in range(row["first"], row["last"] + 1) for j in range(6)
        ]  # as the network means it
        assert row["position_cm"] == pytest.approx(
            np.mean([result.errors.position_cm[at] for at in every]), abs=1e-4
        )
    assert "expected_cm" not in report([result], "x", 0)
    assert json.loads(json.dumps(report([foretold], "x", 0)))["expected_cm"] == rows
    assert gaps(interpolate("slerp", clip, masks.parse("none", clip))) == []


def test_pooled_over_all_hidden_entries_of_all_clips(clips):
    """Not a mean of the clips' means: a clip with more hidden entries weighs more."""
    model, spec = tiny_model(), "every:4"
    rows = evaluate(model, clips, [spec])
    by_hand = {}
    for clip in clips:
        mask = masks.parse(spec, clip)
        for name, result in [
            ("mmm-ecm", recover(model, clip, mask)),
            *((m, interpolate(m, clip, mask)) for m in ("hold", "slerp", "inertial", "spline")),
        ]:
            parts = by_hand.setdefault(name, {metric: [] for metric in KINDS})
            for t in range(len(clip)):
                for j in range(6):
                    if mask.hidden[t, j]:
                        parts["rotation_deg"].append(result.errors.rotation_deg[t, j])
                        parts["position_cm"].append(result.errors.position_cm[t, j])
                if mask.hidden[t, 0]:
                    parts["root_cm"].append(result.errors.root_cm[t])
    assert [row["method"] for row in rows] == list(by_hand)
    for row in rows:
        assert (row["hide"], row["clips"], row["frames"]) == (spec, 3, 95)
        assert row["hidden"] == len(by_hand[row["method"]]["rotation_deg"])
        for metric in KINDS:
            assert row[metric] == pytest.approx(np.mean(by_hand[row["method"]][metric]), abs=1e-3)


def test_runs_repeat_and_seeds_matter(clips):
    """Evaluation draws from its own seed only; the original drew new masks each time."""
    model = tiny_model()
    first, second, other = (evaluate(model, clips, ["random:0.3"], seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_clip_too_short_for_a_spec_is_left_out_of_its_rows(clips):
    rows = evaluate(tiny_model(), clips, ["span:25-28", "first"])
    assert [(row["hide"], row["clips"]) for row in rows if row["method"] == "hold"] == [
        ("span:25-28", 2),
        ("first", 3),
    ]


def test_a_clip_that_a_spec_hides_whole_is_left_out_too(clips):
    rows = evaluate(tiny_model(), clips, ["span:0-19"])
    assert {row["clips"] for row in rows} == {2}
    with pytest.raises(SpecError, match="never known"):
        evaluate(tiny_model(), clips[2:], ["span:0-19"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("span:100-200", "span:100-200: not inside the clip's"),
        ("magic", "'magic' is not a pattern"),
    ],
)
def test_a_spec_that_fits_no_clip_is_an_error(clips, spec, message):
    with pytest.raises(SpecError) as caught:
        evaluate(tiny_model(), clips, ["first", spec])
    assert message in str(caught.value)


def test_a_clip_that_does_not_fit_the_model_is_an_error():
    with pytest.raises(ModelError, match="60 frames a second"):
        evaluate(tiny_model(), [tiny_clip(20, fps=60.0)], ["first"])


def test_a_mean_over_nothing_is_none(clips):
    rows = evaluate(tiny_model(), clips, ["none", "span:3-5@LeftArm"])
    assert [(row["rotation_deg"], row["root_cm"]) for row in rows[:5]] == [(None, None)] * 5
    assert all(row["root_cm"] is None and row["rotation_deg"] is not None for row in rows[5:])


def test_progress(clips):
    told = []
    evaluate(tiny_model(), clips, ["first", "every:5"], progress=told.append)
    assert told == pytest.approx([i / 6 for i in range(1, 7)])

"""Deletion curves against networks whose answer is known."""

import numpy as np
import pytest
import torch

from mmm import masks
from mmm.errors import ModelError, SpecError
from mmm.explain.deletion_curves import SHARES, Deletion, deletion_curves, map_scores
from mmm.explain.frame_explainer import FrameExplainer
from mmm.recovery.recover import recover
from tests.mmm.explain.test_attribution import FRAME, JOINT, listening  # noqa: F401
from tests.mmm.networks import tiny_clip, tiny_model

MASK = (15, 22)


def test_one_frame_decides_and_taking_it_first_does_all_at_once(listening):  # noqa: F811
    clip = tiny_clip(36)
    found = deletion_curves(
        listening, clip, masks.span(clip, *MASK), FRAME, [JOINT], shares=(1 / 36, 0.25, 0.5, 1.0)
    )
    assert found.shares.tolist() == [0, 1 / 36, 0.25, 0.5, 1]
    own = found.moved["integrated_gradients"]
    np.testing.assert_allclose(own, [0, 1, 1, 1, 1], atol=1e-5)  # frame 12 is all the network hears
    assert found.moved["nearest"][1] == pytest.approx(0, abs=1e-5)
    assert found.moved["nearest"][-1] == pytest.approx(1)
    low, high = found.random_range
    assert (low <= found.moved["random"]).all()
    assert (found.moved["random"] <= high).all()
    assert found.area("integrated_gradients") > found.area("nearest")
    assert found.area("integrated_gradients") > found.area("random")
    again = deletion_curves(
        listening, clip, masks.span(clip, *MASK), FRAME, [JOINT], shares=(1 / 36, 0.25, 0.5, 1.0)
    )
    np.testing.assert_array_equal(again.moved["random"], found.moved["random"])


def test_a_ranking_of_ones_own_is_judged(listening):  # noqa: F811
    clip, worst = tiny_clip(36), np.ones(36)
    worst[12] = 0
    found = deletion_curves(
        listening,
        clip,
        masks.span(clip, *MASK),
        FRAME,
        [JOINT],
        "mine",
        scores=worst,
        shares=(0.5, 35 / 36, 1.0),
    )
    np.testing.assert_allclose(found.moved["mine"], [0, 0, 0, 1], atol=1e-5)


def test_against_a_plain_loop():
    model, clip = tiny_model("ecm"), tiny_clip(30)
    mask, scores = masks.span(clip, 10, 20), np.random.default_rng(3).random(30)
    probe = FrameExplainer(model, clip, mask, 15)
    found = Deletion(probe, probe.columns([1, 2])).moved(scores)
    ranked = sorted(range(30), key=lambda frame: -scores[frame])
    with torch.no_grad():
        own, whole = (
            probe.poses(music)[0, probe.columns([1, 2])] for music in (probe.music, probe.mean)
        )
        for share, moved in zip(SHARES, found, strict=True):
            music = probe.music.clone()
            for frame in ranked[: round(share * 30)]:
                music[0, frame] = probe.mean[0, 0]
            pose = probe.poses(music)[0, probe.columns([1, 2])]
            assert moved == pytest.approx(
                float((pose - own).norm() / (whole - own).norm()), rel=1e-4
            )
    assert found[-1] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("network", ["ecm", "3bert"])
def test_maps_are_ranked_by_the_frames_row_in_its_window(network):
    model, clip = tiny_model(network), tiny_clip(100)
    mask = masks.span(clip, 60, 75)
    trace = recover(model, clip, mask, attention=True, attention_frame=70).attention
    row = trace.encoders["cross"].astype(np.float64).mean(axis=(0, 1))[70 - trace.frames[0]]
    found = map_scores(model, clip, mask, 70)
    np.testing.assert_allclose(
        found["attention"], row[trace.segments["music"]] if trace.segments else row, rtol=1e-3
    )
    assert len(found["rollout"]) == trace.frames[1] - trace.frames[0]
    curves = deletion_curves(model, clip, mask, 70, method="gradients", shares=(0.5, 1.0))
    assert set(curves.moved) == {"gradients", "attention", "nearest", "random"}


def test_what_cannot_be_asked_says_so(listening):  # noqa: F811
    clip = tiny_clip(36)
    mask = masks.span(clip, *MASK)
    for shares in ((), (0.0, 1.0), (0.5, 0.2), (1.5,)):
        with pytest.raises(SpecError, match="shares"):
            deletion_curves(listening, clip, mask, FRAME, shares=shares)
    with pytest.raises(SpecError, match="rank every frame"):
        deletion_curves(listening, clip, mask, FRAME, scores=np.ones(5))
    with pytest.raises(SpecError, match="these joints are known there"):
        deletion_curves(listening, clip, mask, 3)
    with pytest.raises(ModelError, match="it takes no music"):
        deletion_curves(tiny_model("common"), clip, mask, FRAME)

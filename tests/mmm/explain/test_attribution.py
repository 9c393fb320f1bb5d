"""Attributions against networks whose answer is known."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from mmm import masks
from mmm.errors import ModelError, SpecError
from mmm.explain.attribution import GROUPS, METHODS, attribute, attribution_of
from mmm.explain.frame_explainer import FrameExplainer
from mmm.motion.rotations import project_to_so3
from mmm.recovery import own_joints
from mmm.recovery.recover import recover
from tests.mmm.networks import tiny_clip, tiny_model

FRAME, JOINT = 18, 2


@pytest.fixture
def listening(monkeypatch):
    """A network whose answer at every frame follows one music frame (12) alone, by its chroma, in one joint."""
    model = tiny_model("ecm", fill="slerp", output="residual")

    def decode(inputs, music, maps, positions):
        raw = inputs.new_zeros(*inputs.shape[:2], 57)
        raw[..., 9 * JOINT] = 0.3 * music[:, 12:13, GROUPS["chroma"]].sum(-1)
        return raw

    monkeypatch.setattr(model, "decode", decode)
    return model


@pytest.mark.parametrize("method", METHODS)
def test_finds_the_frame_and_the_group_that_decide(listening, method):
    clip = tiny_clip(36)
    found = attribute(listening, clip, masks.span(clip, 15, 22), FRAME, [JOINT], method)
    assert found.values.shape == (36, 5)
    assert found.groups == ("onset", "mfcc", "chroma", "peaks", "beats")
    stretch = (
        range(12, 24) if method == "occlusion" else [12]
    )  # occlusion takes twelve frames away at a time
    wrong = np.ones((36, 5), dtype=bool)
    wrong[list(stretch), 2] = False
    assert np.abs(found.values[12, 2]) > 0.05
    assert np.abs(found.values[wrong]).max() < 1e-5
    assert int(found.per_frame().argmax()) == 12


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_an_estimate_takes_a_quarter_of_the_evaluations_and_finds_the_same(listening, method):
    clip, rows = tiny_clip(36), []
    shares = []
    predict = listening.predict

    def counted(filled, *args, **options):
        rows.append(len(args[1]))
        return predict(filled, *args, **options)

    listening.predict = counted
    counts = []
    for estimate in (True, False):
        rows.clear()
        shares.clear()
        found = attribute(
            listening,
            clip,
            masks.span(clip, 15, 22),
            FRAME,
            [JOINT],
            method,
            estimate=estimate,
            progress=shares.append,
        )
        counts.append(sum(rows[2:]))  # after the pose with all music and with none
        assert found.per_frame()[12] == found.per_frame().max() > 0.05
        assert shares == sorted(shares)
        assert shares[-1] == 1
    assert counts[0] <= 0.5 * counts[1]  # captum evaluates the unchanged music, too


@pytest.mark.parametrize("method", METHODS)
def test_other_joints_hear_nothing(listening, method):
    clip = tiny_clip(36)
    found = attribute(listening, clip, masks.span(clip, 15, 22), FRAME, [4], method)
    assert np.abs(found.values).max() < 1e-5


@pytest.mark.parametrize("network", ["3bert", "ecm"])
def test_integrated_gradients_sum_to_the_whole_movement(network):
    """Completeness (Sundararajan et al. 2017): the music against its mean, in the joints asked about."""
    model, clip = tiny_model(network, fill="slerp", output="residual"), tiny_clip(36)
    explainer = FrameExplainer(model, clip, masks.span(clip, 15, 22), FRAME)
    columns = explainer.columns([JOINT])
    with torch.no_grad():
        moved = float(
            (explainer.poses(explainer.music) - explainer.poses(explainer.mean))[:, columns].norm()
        )
    values = attribution_of(explainer, [JOINT], "integrated_gradients", steps=32)
    assert values.sum() == pytest.approx(moved, rel=0.01)


def test_the_explained_pose_is_that_of_the_recovery(monkeypatch):
    # Random weights predict matrices far from any rotation, which the fill would replace.
    monkeypatch.setattr(own_joints, "AMBIGUOUS_RESIDUAL", 9.0)
    model, clip = tiny_model("ecm", fill="slerp", output="residual"), tiny_clip(36)
    mask = masks.span(clip, 15, 22)
    pose = (
        FrameExplainer(model, clip, mask, FRAME)
        .poses(FrameExplainer(model, clip, mask, FRAME).music)[0]
        .detach()
        .numpy()
    )
    stats, result = model.config.fitted_stats, recover(model, clip, mask)
    root = result.recovered.motion.root_m[FRAME] - stats.unscale_root(np.zeros(3, np.float32))
    assert np.allclose(pose[-3:], root, atol=1e-4)
    matrices, _ = project_to_so3(pose[:-3].reshape(-1, 3, 3))
    assert np.allclose(matrices, result.recovered.motion.rotations[FRAME], atol=1e-4)


def test_the_root_joint_brings_its_place():
    clip = tiny_clip(36)
    explainer = FrameExplainer(tiny_model("ecm"), clip, masks.span(clip, 15, 22), FRAME)
    assert explainer.columns([1]) == list(range(9, 18))
    assert explainer.columns([0]) == [*range(9), 54, 55, 56]


def test_long_clips_are_asked_window_by_window():
    clip = tiny_clip(100)
    found = attribute(tiny_model("ecm"), clip, masks.span(clip, 55, 64), 60, method="gradients")
    assert found.window == (27, 67)
    assert found.values[27:67].any()
    assert not found.values[:27].any() and not found.values[67:].any()
    assert found.joints == tuple(range(6))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"method": "guess"},
            SpecError,
            "no such method; expected integrated_gradients, gradients, occlusion",
        ),
        ({"frame": 36}, SpecError, "frame 36: the clip has 36 frames"),
        ({"frame": 3}, SpecError, "frame 3: these joints are known there"),
        ({"joints": ["wing"]}, SpecError, "@wing: no such joint or group"),
        ({"joints": [6]}, SpecError, "joint 6: the skeleton has 6 joints"),
        ({"model": "common"}, ModelError, "it takes no music"),
        ({"clip": tiny_clip(36, music=False)}, SpecError, "tiny0: no music"),
    ],
)
def test_wrong_questions(changes, error, message):
    clip = changes.get("clip", tiny_clip(36))
    with pytest.raises(error, match=message):
        attribute(
            tiny_model(changes.get("model", "ecm")),
            clip,
            masks.span(clip, 15, 22),
            changes.get("frame", FRAME),
            changes.get("joints"),
            changes.get("method", "gradients"),
        )


@pytest.mark.slow
def test_captum_is_imported_only_when_asked():
    code = (
        "import sys, mmm.explain.attribution, mmm.explain.interventions; print(any(m.startswith('captum') for m in "
        "sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""Prepared sets whose clips.json describes its body, as data.prepare writes it for recordings of others."""

import json

import numpy as np
import pytest

from mmm.checkpoints import load_model
from mmm.errors import ModelError
from mmm.models import PRESETS
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY
from tests.training.conftest import write_split
from tests.training.running import run_training
from training.data.dataset import MotionSet


def describe(folder, skeleton, bodies):
    """Add the body to a split's clips.json."""
    content = json.loads((folder / "clips.json").read_text())
    content |= {
        "joint_parents": list(skeleton.parents),
        "joint_offsets_m": skeleton.offsets_m.tolist(),
        "bodies": [np.asarray(body).tolist() for body in bodies],
    }
    for k, clip in enumerate(content["clips"]):
        clip["body"] = k % len(bodies)
    (folder / "clips.json").write_text(json.dumps(content))


def test_clips_stand_on_their_subjects_bones(tmp_path):
    write_split(tmp_path / "train", [30, 30])
    describe(tmp_path / "train", TINY, [TINY.offsets_m, TINY.offsets_m * 1.2])
    data = MotionSet(tmp_path / "train")
    first, second = data.cut_clips(2, 30, TINY, 30.0)
    assert np.array_equal(first.motion.skeleton.offsets_m, TINY.offsets_m)
    assert np.abs(second.motion.skeleton.offsets_m - TINY.offsets_m * 1.2).max() < 1e-6
    assert data.skeleton.same_joints(TINY)


def test_a_set_without_a_body(split):
    assert MotionSet(split).skeleton is None
    assert MotionSet(split).bodies == []


def test_a_set_of_another_body_or_rate_is_not_evaluated(split):
    data = MotionSet(split)
    with pytest.raises(
        ModelError,
        match=r"6 joints from Hips at 30 frames a second",
    ):
        data.cut_clips(1, 20, SMPL24, 30.0)
    with pytest.raises(ModelError, match="the network's 6 from Hips at 60"):
        data.cut_clips(1, 20, TINY, 60.0)


def many(joints):
    """A chain of joints."""
    names = tuple(f"bone{j}" for j in range(joints))
    return Skeleton(names, tuple(range(-1, joints - 1)), np.full((joints, 3), 0.02))


@pytest.mark.parametrize(
    ("skeleton", "width", "said"),
    [(TINY, 256, ""), (many(31), 320, "31 joints: common widened to 320")],
)
def test_training_takes_the_sets_body(tmp_path, monkeypatch, skeleton, width, said):
    small = {"hidden_size": 256, "intermediate_size": 32, "encoder_layers": 1, "max_frames": 40}
    monkeypatch.setitem(PRESETS, "common", small)
    folder = tmp_path / "set" / "train"
    write_split(folder, [40, 36], 0, skeleton, 30.0, music=False)
    describe(folder, skeleton, [skeleton.offsets_m])
    done = run_training(
        "pretrain",
        "--preset",
        "common",
        "--data",
        str(tmp_path / "set"),
        "--out",
        str(tmp_path / "net"),
        "--run-dir",
        str(tmp_path / "run"),
        "--steps",
        "1",
        "--batch",
        "2",
        "--max-frames",
        "20",
        "--threads",
        "1",
    )
    assert done.exit_code == 0, done.output
    assert said in done.output
    config = load_model(tmp_path / "net").config
    assert config.hidden_size == width
    assert config.skeleton.same_joints(skeleton)
    assert np.abs(config.skeleton.offsets_m - skeleton.offsets_m).max() < 1e-6
    assert config.fps == 30.0

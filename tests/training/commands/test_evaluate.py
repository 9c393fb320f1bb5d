"""Which patterns a set is judged by, and where the results go."""

import json

import numpy as np
import pytest

from mmm import masks
from mmm.checkpoints import describe, save_model
from mmm.models import make_config, make_model
from tests.mmm.making import TINY, clip_of
from tests.training.conftest import write_split
from tests.training.running import run_training
from training.commands import evaluate

SIZES = {"hidden_size": 256, "intermediate_size": 32, "encoder_layers": 1, "max_frames": 40}


@pytest.fixture
def checkpoint(tmp_path):
    """An untrained motion network of the tiny body, that says it was trained on ``own``."""
    fields = {
        "joint_names": list(TINY.names),
        "joint_parents": list(TINY.parents),
        "joint_offsets_m": TINY.offsets_m.tolist(),
        "fps": 30.0,
        "representation": "joints",
    }
    training = {
        "command": "c",
        "plan": {
            "steps": 1,
            "batch": 1,
            "min_frames": 1,
            "max_frames": 1,
            "seed": 0,
            "learning_rate": 1.0,
            "loss": "mse",
        },
        "clips": 1,
        "frames": 1,
        "data": "own",
        "curve": [],
        "parents": [{"name": "p", "data": "before"}],
    }
    save_model(
        make_model(make_config("common-small", **SIZES, **fields)),
        tmp_path / "net",
        {"training": training},
    )
    return tmp_path / "net"


def told(checkpoint, data, *more):
    return run_training("evaluate", "--checkpoint", checkpoint, "--data", data, *more)


def test_gaps_by_frame_rate():
    at_60, at_30 = evaluate.specs_for(60, 300), evaluate.specs_for(30, 240)
    assert at_60[-3:] == ("span:135-164", "span:120-179", "span:105-194")
    assert (
        at_30[:-4]
        == at_60[:-3]
        == ("random:0.15", "every:5", "every:10", "every:15", "every:20", "keep:5,hide:5")
    )
    clip = clip_of(240)
    gaps = [masks.parse(spec, clip).frames for spec in at_30[-4:]]
    assert [int(gap.sum()) for gap in gaps] == [15, 30, 60, 90]
    assert all(
        abs(int(np.argmax(gap)) - int(np.argmax(gap[::-1]))) <= 1 for gap in gaps
    )  # in the middle
    assert evaluate.specs_for(30, 62)[-3:] == ("span:23-37", "span:16-45", "span:1-60")
    assert (evaluate.default_frames(60), evaluate.default_frames(30)) == (300, 240)


@pytest.mark.slow
def test_short_clips_are_left_out_and_counted(checkpoint, tmp_path):
    write_split(tmp_path / "own" / "test", [250, 30, 241, 100, 99], 0, TINY, 30.0, music=False)
    done = told(checkpoint, tmp_path / "own")
    assert done.exit_code == 0, done.output
    section = describe(checkpoint).metrics["evaluation"]
    assert {key: section[key] for key in ("clips", "frames", "left_out", "available")} == {
        "clips": 2,
        "frames": 240,
        "left_out": 3,
        "available": 5,
    }
    assert {row["clips"] for row in section["rows"]} == {2}
    assert list(dict.fromkeys(row["hide"] for row in section["rows"])) == list(
        evaluate.specs_for(30, 240)
    )
    assert done.stdout.endswith("3 of the split's 5 clips are shorter than 240 frames: left out\n")
    assert (
        "3 of the split's 5 clips are shorter than 240 frames and were left out."
        in describe(checkpoint).card
    )


def test_unseen_sets_stand_side_by_side(checkpoint, tmp_path):
    for number, name in enumerate(("lafan1", "other")):
        write_split(tmp_path / name / "test", [40, 45], number, TINY, 30.0, music=False)
        done = told(
            checkpoint, tmp_path / name, "--into", "unseen", "--frames", "40", "--hide", "every:5"
        )
        assert done.exit_code == 0, done.output
    metrics = describe(checkpoint).metrics
    assert list(metrics["unseen"]) == ["lafan1", "other"]
    assert "evaluation" not in metrics
    assert metrics["unseen"]["lafan1"]["rows"] != metrics["unseen"]["other"]["rows"]
    assert (
        "### other\n\nPrepared set `other`. Never trained on. 2 clips of 40 frames"
        in describe(checkpoint).card
    )


@pytest.mark.parametrize("name", ["own", "before"])
def test_what_it_was_trained_on_is_not_unseen(checkpoint, tmp_path, name):
    write_split(tmp_path / name / "test", [40], 0, TINY, 30.0, music=False)
    done = told(checkpoint, tmp_path / name, "--into", "unseen", "--frames", "40")
    assert done.exit_code == 2
    assert f"was trained on {name}; expected a set it has never seen" in done.stderr
    assert "unseen" not in json.loads((checkpoint / "metrics.json").read_text())


def test_an_unknown_section(checkpoint, tmp_path):
    done = told(checkpoint, tmp_path, "--into", "hearing")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --into hearing: no such section")


@pytest.mark.slow
def test_parts_of_a_split_are_judged_by_themselves(checkpoint, tmp_path):
    write_split(tmp_path / "own" / "test", [250, 260, 241], 0, TINY, 30.0, music=False)
    stored = json.loads((tmp_path / "own" / "test" / "clips.json").read_text())
    for clip, source in zip(stored["clips"], ("a/1.bvh", "b/2.bvh", "a/3.bvh"), strict=True):
        clip["source"] = source
    (tmp_path / "own" / "test" / "clips.json").write_text(json.dumps(stored))
    done = told(
        checkpoint, tmp_path / "own", "--into", "parts", "--only", "^a/", "--hide", "every:10"
    )
    assert done.exit_code == 0, done.output
    part = describe(checkpoint).metrics["parts"]["^a/"]
    assert (part["clips"], part["available"]) == (2, 2)
    whole = told(checkpoint, tmp_path / "own", "--hide", "every:10")
    assert whole.exit_code == 0, whole.output
    assert {row["clips"] for row in describe(checkpoint).metrics["evaluation"]["rows"]} == {3}
    assert "whose sources match `^a/`" in describe(checkpoint).card
    for options, message in (
        (("--into", "parts"), "no --only"),
        (("--only", "x"), "--only x"),
        (("--into", "parts", "--only", "("), "--only: '('"),
        (("--into", "parts", "--only", "zz"), "'zz' is in no clip's source"),
    ):
        refused = told(checkpoint, tmp_path / "own", *options)
        assert refused.exit_code == 2
        assert message in refused.stderr

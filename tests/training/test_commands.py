"""The trainer's commands end to end, at toy size."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from mmm.checkpoint import describe, load_model
from mmm.features import Stats
from mmm.models import presets
from tests.mmm.making import smooth_motion
from training import evaluate, pretrain
from training.card import write_card

TINY_SIZES = {"hidden_size": 256, "intermediate_size": 32, "encoder_layers": 1, "cross_layers": 1, "max_frames": 40}


@pytest.fixture
def small_presets(monkeypatch):
    """The presets' topology, at sizes that train in a second."""
    for name in ("ecm-small", "ecm"):
        monkeypatch.setitem(presets.PRESETS, name, presets.PRESETS[name] | TINY_SIZES)


def pretrained(prepared, folder, *more):
    told = CliRunner().invoke(pretrain.app, [
        "--preset", "ecm-small", "--data", str(prepared), "--out", str(folder / "toy-ecm"),
        "--run-dir", str(folder / "run"), "--steps", "2", "--batch", "2", "--max-frames", "24", *more])
    return told, folder / "toy-ecm"


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    """One checkpoint for the tests that only read it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "ecm-small", presets.PRESETS["ecm-small"] | TINY_SIZES)
        told, out = pretrained(prepared, tmp_path_factory.mktemp("trained"))
    assert told.exit_code == 0, told.output
    return out


def test_pretrain_writes_a_checkpoint_that_loads(trained):
    model, info = load_model(trained), describe(trained)
    assert (model.config.max_frames, model.config.fps, model.config.joints) == (40, 60, 24)
    training = info.metrics["training"]
    assert (training["clips"], training["frames"], training["data"]) == (2, 76, "toy")
    assert (training["plan"]["steps"], training["plan"]["max_frames"], training["curve"][-1]["step"]) == (2, 24, 2)
    assert "every:4..40" in model.config.trained_masks
    assert "Not evaluated yet." in info.card


def test_the_original_recipe(prepared, tmp_path, small_presets):
    """The faithful preset: zeroed frames, BERT's corruption, MSE, absolute poses, dropout, a constant rate."""
    told, out = pretrained(prepared, tmp_path, "--preset", "ecm")
    assert told.exit_code == 0, told.output
    info = describe(out)
    plan = info.metrics["training"]["plan"]
    assert (plan["loss"], plan["corruption"], plan["decay"], plan["learning_rate"]) == ("mse", True, False, 1e-4)
    assert (info.config.fill, info.config.output, info.config.dropout) == ("zero", "absolute", 0.1)
    assert info.config.trained_masks == ["random:0.15"]


def test_statistics_are_of_the_train_split_alone(trained, prepared, tmp_path, small_presets):
    """Fault 2: statistics were fitted over train, validation and test together. Here the others are poisoned."""
    roots = [smooth_motion(i, n).root_m for i, n in enumerate((40, 36))]
    music = np.load(prepared / "train" / "music.npy")
    expected = Stats.fit(roots, [music[:40], music[40:]], 40)
    stats = describe(trained).config.fitted_stats
    assert np.abs(stats.root_min - expected.root_min).max() < 1e-5
    assert np.abs(stats.music_max - expected.music_max).max() < 1e-5
    poisoned = tmp_path / "toy"
    shutil.copytree(prepared, poisoned)
    for split in ("val", "test"):
        for name in ("root_m", "music"):
            np.save(poisoned / split / f"{name}.npy", np.load(poisoned / split / f"{name}.npy") * 1e6)
    told, out = pretrained(poisoned, tmp_path)
    assert told.exit_code == 0
    assert describe(out).config.stats == describe(trained).config.stats
    for one, other in zip(load_model(out).parameters(), load_model(trained).parameters(), strict=True):
        assert np.array_equal(one.detach().numpy(), other.detach().numpy())


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "toy-ecm")


def test_evaluate_writes_metrics_and_card(copy, prepared):
    arguments = ["--checkpoint", str(copy), "--data", str(prepared), "--clips", "2", "--frames", "30",
                 "--hide", "every:5", "--hide", "span:10-19"]
    told = CliRunner().invoke(evaluate.app, arguments)
    assert told.exit_code == 0, told.output
    rows = describe(copy).metrics["evaluation"]["rows"]
    assert [(row["hide"], row["method"]) for row in rows] == [
        (hide, method) for hide in ("every:5", "span:10-19") for method in ("toy-ecm", "hold", "slerp", "spline")]
    assert describe(copy).metrics["evaluation"]["split"] == "test"
    assert describe(copy).metrics["training"]["clips"] == 2  # kept
    for row in rows:
        assert f"{row['rotation_deg']:.3f}" in told.stdout
    again = CliRunner().invoke(evaluate.app, arguments)
    assert again.exit_code == 0
    assert describe(copy).metrics["evaluation"]["rows"] == rows  # fault 3: nothing random


def test_the_card(copy):
    metrics = json.loads((copy / "metrics.json").read_text())
    rows = [{"hide": "every:5", "method": method, "rotation_deg": rotation, "position_cm": position, "root_cm": 1.0}
            for method, rotation, position in [("toy-ecm", 1.5, None), ("hold", 4.0, None), ("slerp", 2.0, None),
                                               ("spline", 1.75, None)]]
    metrics["evaluation"] = {"split": "test", "data": "toy", "clips": 2, "frames": 30, "rows": rows}
    (copy / "metrics.json").write_text(json.dumps(metrics))
    write_card(copy)
    card = (copy / "README.md").read_text()
    assert card.startswith("# toy-ecm\n\nA `ecm` network")
    assert "hidden frames of motion on a 24-joint body at 60 frames a second, listening to music." in card
    assert "| `every:5` | rotation, deg | **1.50** | 4.00 | 2.00 | 1.75 |" in card
    assert "| `every:5` | position, cm | - | - | - | - |" in card
    assert "2 clips of 30 frames of the test split, never seen in training" in card
    assert "| trained on | 2 clips, 76 frames of the train split |" in card
    assert "window | 40 frames; longer clips in overlapping windows" in card
    assert "--clips 2`" in card
    assert "/tmp" not in card.replace(metrics["training"]["command"], "")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--preset", "gpt"], "error: preset 'gpt': no such preset; expected 3bert, ecm, common"),
    (["--data", "nowhere"], "error: nowhere/train: no clips.json"),
    (["--max-frames", "400"], "error: training windows: 112 to 400 frames"),
])
def test_what_cannot_be_trained_is_said_in_one_line(prepared, tmp_path, small_presets, arguments, message):
    told, out = pretrained(prepared, tmp_path, *arguments)
    assert told.exit_code == 2
    assert told.stderr.startswith(message)
    assert told.stderr.count("\n") == 1
    assert not out.exists()


def test_a_set_of_another_skeleton(prepared, tmp_path, small_presets):
    other = shutil.copytree(prepared, tmp_path / "toy")
    stored = json.loads((other / "train" / "clips.json").read_text())
    (other / "train" / "clips.json").write_text(json.dumps(stored | {"skeleton": ["Hips", "Spine"]}))
    told, _ = pretrained(other, tmp_path)
    assert told.exit_code == 2
    assert "a skeleton of 2 joints from Hips; expected the network's 24" in told.stderr


def test_evaluate_without_a_checkpoint(prepared):
    told = CliRunner().invoke(evaluate.app, ["--checkpoint", "nowhere", "--data", str(prepared)])
    assert told.exit_code == 2
    assert told.stderr.startswith("error: nowhere: no checkpoint")

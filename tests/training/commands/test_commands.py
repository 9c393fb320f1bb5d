"""The trainer's commands end to end, at toy size."""

import json
import shutil

import numpy as np
import pytest

from mmm.checkpoints import describe, load_model
from mmm.models import presets
from mmm.motion.features import Stats
from tests.mmm.making import smooth_motion
from tests.training.running import run_training
from training.cards.card import write_card
from training.commands import options, pretrain

TINY_SIZES = {
    "hidden_size": 256,
    "intermediate_size": 32,
    "encoder_layers": 1,
    "cross_layers": 1,
    "max_frames": 40,
}


@pytest.fixture
def small_presets(monkeypatch):
    """The presets' topology, at sizes that train in a second."""
    for name in ("ecm-small", "ecm"):
        monkeypatch.setitem(presets.PRESETS, name, presets.PRESETS[name] | TINY_SIZES)


def test_help_tells_options_and_no_errors_of_functions(capsys):
    from training.commands.app import app

    for name in ("pretrain", "results"):
        with pytest.raises(SystemExit):
            app([name, "--help"])
        told = capsys.readouterr().out
        assert "--help" in told
        assert "Raises" not in told


def pretrained(prepared, folder, *more):
    told = run_training(
        "pretrain",
        "--preset",
        "ecm-small",
        "--data",
        str(prepared),
        "--out",
        str(folder / "toy-ecm"),
        "--run-dir",
        str(folder / "run"),
        "--steps",
        "2",
        "--batch",
        "2",
        "--max-frames",
        "24",
        *more,
    )
    return told, folder / "toy-ecm"


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    """One checkpoint for the tests that only read it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "ecm-small", presets.PRESETS["ecm-small"] | TINY_SIZES)
        told, out = pretrained(prepared, tmp_path_factory.mktemp("trained"))
    assert told.exit_code == 0, told.output
    return out


@pytest.mark.slow
def test_pretrain_writes_a_checkpoint_that_loads(trained):
    model, info = load_model(trained), describe(trained)
    assert (model.config.max_frames, model.config.fps, model.config.joints) == (40, 60, 24)
    training = info.metrics["training"]
    assert (training["clips"], training["frames"], training["data"]) == (2, 76, "toy")
    assert (
        training["plan"]["steps"],
        training["plan"]["max_frames"],
        training["curve"][-1]["step"],
    ) == (2, 24, 2)
    assert "every:4..40" in model.config.trained_masks
    assert "Not evaluated yet." in info.card


@pytest.mark.slow
def test_the_original_recipe(prepared, tmp_path, small_presets):
    """The faithful preset: zeroed frames, BERT's corruption, MSE, absolute poses, dropout, a constant rate."""
    told, out = pretrained(prepared, tmp_path, "--preset", "ecm")
    assert told.exit_code == 0, told.output
    info = describe(out)
    plan = info.metrics["training"]["plan"]
    assert (plan["loss"], plan["corruption"], plan["decay"], plan["learning_rate"]) == (
        "mse",
        True,
        False,
        1e-4,
    )
    assert (info.config.fill, info.config.output, info.config.dropout) == ("zero", "absolute", 0.1)
    assert info.config.trained_masks == ["random:0.15"]


@pytest.mark.slow
def test_statistics_are_of_the_train_split_alone(trained, prepared, tmp_path, small_presets):
    """The original fitted them over train, validation and test together. Here the others are poisoned."""
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
            np.save(
                poisoned / split / f"{name}.npy", np.load(poisoned / split / f"{name}.npy") * 1e6
            )
    told, out = pretrained(poisoned, tmp_path)
    assert told.exit_code == 0
    assert describe(out).config.stats == describe(trained).config.stats
    for one, other in zip(
        load_model(out).parameters(), load_model(trained).parameters(), strict=True
    ):
        assert np.array_equal(one.detach().numpy(), other.detach().numpy())


def finetuned(prepared, parent, folder, *more):
    told = run_training(
        "finetune",
        "--preset",
        "ecm-small",
        "--from",
        str(parent),
        "--data",
        str(prepared),
        "--out",
        str(folder / "tuned"),
        "--run-dir",
        str(folder / "tuning"),
        "--steps",
        "2",
        "--batch",
        "2",
        "--max-frames",
        "24",
        *more,
    )
    return told, folder / "tuned"


@pytest.mark.slow
def test_fine_tuning_starts_at_the_checkpoint(trained, prepared, tmp_path, monkeypatch):
    """Its weights, statistics and body; and it stays as it is."""
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    started = []
    real = options.train
    monkeypatch.setattr(
        options,
        "train",
        lambda model, data, *a, **k: (
            started.append([p.detach().clone() for p in model.parameters()] + [data.stats])
            or real(model, data, *a, **k)
        ),
    )
    told, out = finetuned(prepared, trained, tmp_path)
    assert told.exit_code == 0, told.output
    parent = load_model(trained)
    for mine, its in zip(started[0], parent.parameters(), strict=False):
        assert np.array_equal(mine.numpy(), its.detach().numpy())
    assert started[0][-1].to_dict() == parent.config.stats
    assert describe(out).config.stats == parent.config.stats
    assert any(
        not np.array_equal(a.detach().numpy(), b.detach().numpy())
        for a, b in zip(load_model(out).parameters(), parent.parameters(), strict=True)
    )
    assert {path.name: path.read_bytes() for path in trained.iterdir()} == before


@pytest.mark.slow
def test_a_checkpoint_remembers_its_ancestors(trained, prepared, tmp_path):
    told, out = finetuned(prepared, trained, tmp_path)
    assert told.exit_code == 0, told.output
    training = describe(out).metrics["training"]
    assert training["from"] == "toy-ecm"
    assert training["command"].startswith("python -m training finetune")
    assert (training["plan"]["normalise_by_fill"], training["plan"]["stages"][0]["steps"]) == (
        True,
        2,
    )
    assert (training["data"], training["clips"], training["curve"][-1]["step"]) == ("toy", 2, 2)
    first = describe(trained).metrics["training"]
    assert training["parents"] == [{"name": "toy-ecm", **first}]
    masks = describe(out).config.trained_masks
    assert (
        masks[: len(describe(trained).config.trained_masks)]
        == describe(trained).config.trained_masks
    )
    assert {"every:5", "every:20", "keep:5,hide:5"} <= set(masks)
    told, again = finetuned(prepared, out, tmp_path / "more")
    assert told.exit_code == 0, told.output
    assert [p["name"] for p in describe(again).metrics["training"]["parents"]] == [
        "toy-ecm",
        "tuned",
    ]
    assert all("parents" not in p for p in describe(again).metrics["training"]["parents"])


@pytest.mark.slow
def test_an_unfinished_fine_tuning_of_another_checkpoint(trained, prepared, tmp_path):
    told, out = finetuned(prepared, trained, tmp_path)
    assert told.exit_code == 0, told.output
    told, _ = finetuned(prepared, out.rename(tmp_path / "second"), tmp_path)
    assert told.exit_code == 2
    assert "another plan or other data" in told.stderr


def test_a_checkpoint_is_not_fine_tuned_into_itself(trained, prepared, tmp_path):
    told, _ = finetuned(prepared, trained, tmp_path, "--out", str(trained))
    assert told.exit_code == 2
    assert "the checkpoint to start from" in told.stderr
    assert load_model(trained)


def test_fine_tuning_on_a_set_without_music(trained, prepared, tmp_path):
    silent = shutil.copytree(prepared, tmp_path / "toy")
    (silent / "train" / "music.npy").unlink()
    told, _ = finetuned(silent, trained, tmp_path)
    assert told.exit_code == 2
    assert "no music" in told.stderr


@pytest.mark.slow
def test_options_reach_the_plan(prepared, tmp_path, small_presets):
    told, out = pretrained(
        prepared,
        tmp_path,
        "--accumulation",
        "2",
        "--optimizer",
        "adam",
        "--precision",
        "fp32",
        "--rate",
        "0.001",
        "--loss",
        "mse",
        "--window-stride",
        "4",
        "--curriculum",
        "0.5",
        "--normalise-by-fill",
        "--balance",
        "0.5",
        "--fill",
        "zero",
        "--output",
        "absolute",
        "--seed",
        "3",
    )
    assert told.exit_code == 0, told.output
    info = describe(out)
    plan = info.metrics["training"]["plan"]
    expected = {
        "accumulation": 2,
        "optimizer": "adam",
        "bfloat16": False,
        "learning_rate": 0.001,
        "loss": "mse",
        "window_stride": 4,
        "gap_curriculum": 0.5,
        "normalise_by_fill": True,
        "balance": 0.5,
        "seed": 3,
    }
    assert {name: plan[name] for name in expected} == expected
    assert (info.config.fill, info.config.output) == ("zero", "absolute")


def test_a_rate_scales_every_stage():
    plan = options.PlanOptions(steps=138, rate=1e-3).change(pretrain.PRETRAINING["ecm"].plan)
    assert [(stage.steps, stage.learning_rate) for stage in plan.stages] == [
        (53, pytest.approx(1e-3)),
        (16, pytest.approx(1e-4)),
        (69, pytest.approx(1e-5)),
    ]


@pytest.mark.slow
def test_a_full_disk_while_the_checkpoint_is_written(
    prepared, tmp_path, small_presets, monkeypatch
):
    def full(*_, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(options, "save_model", full)
        told, out = pretrained(prepared, tmp_path)
    assert told.exit_code == 2
    assert "No space left on device" in told.stderr
    assert f"repeat the command: {tmp_path}/run holds the finished run" in told.stderr
    told, out = pretrained(prepared, tmp_path)
    assert told.exit_code == 0
    assert load_model(out)


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "toy-ecm")


@pytest.mark.slow
def test_evaluate_writes_metrics_and_card(copy, prepared):
    arguments = [
        "--checkpoint",
        str(copy),
        "--data",
        str(prepared),
        "--clips",
        "2",
        "--frames",
        "30",
        "--hide",
        "every:5",
        "--hide",
        "span:10-19",
    ]
    told = run_training("evaluate", *arguments)
    assert told.exit_code == 0, told.output
    rows = describe(copy).metrics["evaluation"]["rows"]
    assert [(row["hide"], row["method"]) for row in rows] == [
        (hide, method)
        for hide in ("every:5", "span:10-19")
        for method in ("toy-ecm", "hold", "slerp", "inertial", "spline")
    ]
    assert describe(copy).metrics["evaluation"]["split"] == "test"
    assert describe(copy).metrics["training"]["clips"] == 2  # kept
    for row in rows:
        assert f"{row['rotation_deg']:.3f}" in told.stdout
    again = run_training("evaluate", *arguments)
    assert again.exit_code == 0
    assert describe(copy).metrics["evaluation"]["rows"] == rows  # fault 3: nothing random


def test_the_card(copy):
    metrics = json.loads((copy / "metrics.json").read_text())
    rows = [
        {
            "hide": "every:5",
            "method": method,
            "rotation_deg": rotation,
            "position_cm": position,
            "root_cm": 1.0,
        }
        for method, rotation, position in [
            ("toy-ecm", 1.5, None),
            ("hold", 4.0, None),
            ("slerp", 2.0, None),
            ("spline", 1.75, None),
        ]
    ]
    metrics["evaluation"] = {"split": "test", "data": "toy", "clips": 2, "frames": 30, "rows": rows}
    (copy / "metrics.json").write_text(json.dumps(metrics))
    write_card(copy)
    card = (copy / "README.md").read_text()
    assert card.startswith("# toy-ecm\n\nA masked motion network of type `ecm`")
    assert "hidden frames of motion on a 24-joint body at 60 frames a second, with music." in card
    assert "| `every:5` | rotation, deg | **1.50** | 4.00 | 2.00 | 1.75 |" in card
    assert "| `every:5` | position, cm | - | - | - | - |" in card
    assert "2 clips of 30 frames of the test split, never seen in training" in card
    assert "| trained on | 2 clips, 76 frames of the train split |" in card
    assert "window | 40 frames; longer clips in overlapping windows" in card
    assert "--clips 2`" in card
    assert "/tmp" not in card.replace(metrics["training"]["command"], "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "gpt"], "error: preset 'gpt': no such preset; expected 3bert, ecm, common"),
        (["--data", "nowhere"], "error: nowhere/train: no clips.json"),
        (["--max-frames", "400"], "error: training windows: 112 to 400 frames"),
        (
            ["--optimizer", "lion"],
            "error: optimizer 'lion': no such optimizer; expected adamw, adam, muon",
        ),
        (["--precision", "fp8"], "error: --precision: 'fp8'; expected bf16 or fp32"),
        (["--accumulation", "3"], "error: batch of 2: 3 shares to divide it into"),
        (["--loss", "huber"], "error: loss 'huber': no such loss"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    prepared, tmp_path, small_presets, arguments, message
):
    told, out = pretrained(prepared, tmp_path, *arguments)
    assert told.exit_code == 2
    assert told.stderr.startswith(message)
    assert told.stderr.count("\n") == 1
    assert not out.exists()


def test_a_set_of_another_skeleton(prepared, tmp_path, small_presets):
    other = shutil.copytree(prepared, tmp_path / "toy")
    stored = json.loads((other / "train" / "clips.json").read_text())
    (other / "train" / "clips.json").write_text(
        json.dumps(stored | {"skeleton": ["Hips", "Spine"]})
    )
    told, _ = pretrained(other, tmp_path)
    assert told.exit_code == 2
    assert "a skeleton of 2 joints from Hips" in told.stderr


def test_evaluate_without_a_checkpoint(prepared):
    told = run_training("evaluate", "--checkpoint", "nowhere", "--data", prepared)
    assert told.exit_code == 2
    assert told.stderr.startswith("error: nowhere: no checkpoint")

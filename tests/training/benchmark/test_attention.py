"""The attention benchmark: against counting by hand, and on a network whose ears are known."""

import json

import numpy as np
import pytest
import torch

from data.dance.song import make_song
from data.dance.style import make_dancer
from data.dance.truth import Influence, Truth, save_truths, truth_of
from mmm.checkpoints import save_model
from mmm.errors import FileError, SpecError
from mmm.models import make_config, make_model
from mmm.motion.features import Stats
from mmm.motion.skeleton import SMPL24
from tests.training.conftest import write_split
from tests.training.running import run_training
from training.benchmark import attention
from training.benchmark.dance_truth import TruthTable
from training.cards.card import write_card
from training.data.dataset import MotionSet

HEARD = slice(84, 87)
"""The music frames that the listening network follows."""


def test_precision_and_area_by_hand():
    truth = np.array([True, False, True, False, False, True])
    scores = np.array(
        [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]
    )  # ranked: true, false, true, true, false, false
    assert attention.precision_at_k(scores, truth) == pytest.approx(2 / 3)
    assert attention.average_precision(scores, truth) == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3)
    assert attention.precision_at_k(-scores, truth) == pytest.approx(1 / 3)
    assert attention.average_precision(truth.astype(float), truth) == 1


def test_chance_is_the_share_that_decides():
    rng = np.random.default_rng(0)
    truth = np.arange(180) < 9
    drawn = [attention.precision_at_k(rng.random(180), truth) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(9 / 180, rel=0.1)


def test_the_table_says_what_the_rule_says(tmp_path):
    song, dancer = make_song("test", 4), make_dancer("test", 3)
    truths = [truth_of(song, dancer, start, 300) for start in (0, 626)]
    save_truths(tmp_path / "truth.npz", truths)
    table = TruthTable(tmp_path)
    for number, truth in enumerate(truths):
        for frame in (0, 90, 151):
            for rules in (("chord", "kick", "snare"), ("kick", "snare")):
                wanted = truth.deciding(frame, None, rules)[:180]
                assert np.array_equal(table.deciding(number, frame, 180, rules), wanted)
            assert np.array_equal(table.deciding(number, frame, 300), truth.deciding(frame))
    with pytest.raises(
        FileError,
        match=r"truth\.npz: no such table",
    ):
        TruthTable(tmp_path / "elsewhere")


@pytest.fixture
def dance_set(tmp_path):
    """Four clips on the SMPL body; three music frames are the drum stroke that decides the middle."""
    folder = tmp_path / "data" / "test"
    write_split(folder, [200, 190, 185, 180], 3, SMPL24, 60.0)
    chord, stroke = (
        Influence("chord", "Am", (60, 120), (60, 120)),
        Influence("kick", "kick", (84, 87), (80, 100)),
    )
    last = Truth(180, (chord,))  # no drum is struck
    save_truths(folder / "truth.npz", [Truth(200, (chord, stroke))] * 3 + [last])
    return folder


def listening():
    """An ecm network that bends the knees as the stroke's frames sound, and whose maps look there."""
    model = make_model(make_config("ecm-small", encoder_layers=1, cross_layers=1)).eval()

    def decode(inputs, music, maps, positions):
        frames = inputs.shape[1]
        raw = inputs.new_zeros(*inputs.shape[:2], 24 * 9 + 3)
        raw[..., 9 * 4 : 9 * 6] = 0.2 * music[:, HEARD].mean((1, 2))[:, None, None]
        if maps is not None:
            cross = torch.full((1, 4, 2 * frames, 2 * frames), 0.0)
            cross[..., frames + HEARD.start : frames + HEARD.stop] = 1 / 3
            maps["cross"] = (cross,)
        return raw

    object.__setattr__(model, "decode", decode)
    return model


@pytest.mark.slow
def test_a_network_whose_ears_are_known(dance_set):
    model = listening()
    found = attention.summary(
        list(attention.clip_entries(model, MotionSet(dance_set), TruthTable(dance_set), 4))
    )
    rows = {(row["rule"], row["method"]): row for row in found["rows"]}
    assert rows["drums", "random"]["by_chance"] == pytest.approx(3 / 180, abs=1e-4)
    assert rows["drums", "random"]["clips"] == 3 and rows["all", "random"]["clips"] == 4
    for method in (
        "attention",
        "rollout",
        "gradients",
        "integrated_gradients",
        "occlusion",
        "mute",
    ):
        precision = rows["drums", method]["precision"][0]
        assert precision > 0.6, method
        assert rows["drums", method]["times_chance"] == pytest.approx(precision * 60, rel=0.01)
    assert rows["drums", "random"]["precision"][0] < 0.4
    assert rows["drums", "attention"]["area"] == 1
    moved = {row["method"]: row["moved"] for row in found["deletion"]["rows"]}
    assert moved["integrated_gradients"] == pytest.approx(
        [1, 1], abs=0.02
    )  # the stroke is all there is
    assert (
        "100% are drum strokes" in found["sentence"]
        and "By chance it would be 2%" in found["sentence"]
    )


@pytest.mark.slow
def test_a_stopped_run_goes_on(dance_set, tmp_path, monkeypatch):
    model, work = listening(), tmp_path / "work.jsonl"
    first = next(
        attention.clip_entries(model, MotionSet(dance_set), TruthTable(dance_set), 4, work)
    )
    assert [json.loads(line)["clip"] for line in work.read_text().splitlines()] == ["clip0"]
    asked = []
    once = attention.score_clip
    monkeypatch.setattr(
        attention, "score_clip", lambda *given: asked.append(given[1].name) or once(*given)
    )
    whole = list(
        attention.clip_entries(model, MotionSet(dance_set), TruthTable(dance_set), 4, work)
    )
    assert asked == ["clip1", "clip2", "clip3"]
    assert whole[0] == first
    with pytest.raises(SpecError, match="--clips 5: the split has 4"):
        next(attention.clip_entries(model, MotionSet(dance_set), TruthTable(dance_set), 5))


@pytest.mark.slow
def test_the_command_writes_metrics_and_card(dance_set, tmp_path):
    torch.manual_seed(0)
    model = make_model(
        make_config(
            "3bert-small", encoder_layers=1, cross_layers=1, stats=Stats.identity().to_dict()
        )
    )
    with torch.no_grad():
        model.head.weight.normal_(std=0.1)
    save_model(model.eval(), tmp_path / "c", {})
    write_card(tmp_path / "c")
    done = run_training(
        "benchmark",
        "attention",
        "--checkpoint",
        str(tmp_path / "c"),
        "--data",
        str(dance_set.parent),
        "--clips",
        "2",
        "--work",
        str(tmp_path / "w"),
    )
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "c" / "metrics.json").read_text())["attention"]
    assert kept["clips"] == 2
    assert {row["method"] for row in kept["rows"]} == set(attention.METHODS)
    card = (tmp_path / "c" / "README.md").read_text()
    assert "## Does attention show which music it uses?" in card
    assert kept["sentence"] in card
    row = next(row for row in kept["rows"] if (row["rule"], row["method"]) == ("drums", "mute"))
    assert f"| mute | {row['precision'][0]:.3f} (" in card
    options = ("--checkpoint", tmp_path / "c", "--data", tmp_path / "none")
    wrong = run_training("benchmark", "attention", *options)
    assert wrong.exit_code == 2

"""The card says where a checkpoint comes from, what it was measured on, and on whose terms."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from mmm.checkpoints import describe, save_model
from mmm.models import make_config, make_model
from training.cards.card import record, trained_on, write_card
from training.cards.licences import DATA_NOTES, data_note, licence_lines
from training.engine.curve import curve_svg, stage_starts, ticks

SIZES = {
    "hidden_size": 256,
    "intermediate_size": 32,
    "encoder_layers": 1,
    "cross_layers": 1,
    "max_frames": 40,
}
PLAN = {
    "steps": 1500,
    "batch": 12,
    "min_frames": 112,
    "max_frames": 160,
    "learning_rate": 3e-4,
    "seed": 0,
    "loss": "pose",
    "stages": [],
}
CURVE = [
    {"step": 100, "loss": 0.5, "seconds": 1.0},
    {"step": 800, "loss": 0.25, "seconds": 1.0},
    {"step": 1500, "loss": 0.2, "seconds": 1.0},
]
TRAINING = {
    "command": "python -m training pretrain --preset ecm-small",
    "plan": PLAN,
    "clips": 2,
    "frames": 76,
    "data": "dance",
    "curve": CURVE,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "toy"
    save_model(make_model(make_config("ecm-small", **SIZES)), folder, {})
    return folder


@pytest.fixture
def card(saved):
    """Writes metrics and gives back the card's text."""

    def written(metrics):
        (saved / "metrics.json").write_text(json.dumps(metrics))
        write_card(saved)
        return (saved / "README.md").read_text()

    return written


def evaluation(data="dance", **more):
    means = [
        ("toy", 1.5, 2.0),
        ("hold", 4.0, 5.0),
        ("slerp", 2.0, 1.0),
        ("inertial", 1.9, 1.1),
        ("spline", 1.75, 3.0),
    ]
    rows = [
        {
            "hide": hide,
            "method": method,
            "rotation_deg": rotation,
            "position_cm": position,
            "root_cm": 1.0,
        }
        for hide in ("every:10", "span:105-134")
        for method, rotation, position in means
    ]
    return {"split": "test", "data": data, "clips": 2, "frames": 240, "rows": rows} | more


def test_a_fine_tuned_checkpoint_names_its_parents(card):
    grandparent = {"name": "first", **TRAINING, "data": "common"}
    parent = {
        "name": "second",
        "command": "python -m training finetune --from first",
        "plan": PLAN,
        "data": "dance",
    }
    stages = [
        {
            "steps": 600,
            "learning_rate": 1e-4,
            "patterns": ["every:5", "every:10"],
            "masks": None,
            "fixed": 0.6,
        },
        {"steps": 900, "learning_rate": 1e-5, "patterns": [], "masks": None, "fixed": 1.0},
    ]
    text = card(
        {
            "training": {
                **TRAINING,
                "plan": PLAN | {"stages": stages},
                "parents": [grandparent, parent],
            }
        }
    )
    assert (
        "| fine-tuned from | `first`, 1,500 steps on `common`: `python -m training pretrain --preset ecm-small` |\n"
        "| fine-tuned from | `second`, 1,500 steps on `dance`: `python -m training finetune --from first` |"
    ) in text
    assert (
        "| stage 1 | 600 steps, learning rate 0.0001, `every:5`, `every:10` in 60% of the windows, random masks in "
        "the others |\n| stage 2 | 900 steps, learning rate 1e-05, random masks |"
    ) in text
    # What the parents learned from is in the weights, too.
    assert DATA_NOTES["common"] in text
    assert DATA_NOTES["dance"] in text
    assert "Whoever passes the weights on keeps the acknowledgements above." in text


def test_a_parent_of_which_nothing_is_known(card):
    assert "| fine-tuned from | `old` |" in card(
        {"training": {**TRAINING, "parents": [{"name": "old"}]}}
    )


def test_acknowledgements_of_the_common_set(card):
    text = card({"training": TRAINING | {"data": "common"}})
    assert (
        "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding "
        "from NSF EIA-0196217."
    ) in text
    assert "Apache-2.0" in text
    assert "there is no separate grant for the motion data" in text


def test_a_network_that_only_generates_has_no_section_on_gaps(card):
    assert "Not evaluated yet." in card({"training": TRAINING})
    assert "Not evaluated yet." not in card({"training": TRAINING, "generation": {}})


def test_sets_it_has_never_seen(card):
    unseen = {
        "lafan1": evaluation("lafan1"),
        "bandai-namco": evaluation("bandai-namco", clips=5, left_out=170, available=175, asked=60),
    }
    text = card({"training": TRAINING, "evaluation": evaluation(), "unseen": unseen})
    own, _, others = text.partition("## Results on other sets")
    assert "2 clips of 240 frames of the test split, never seen in training. Rotation" in own
    lafan, _, bandai = others.partition("### bandai-namco")
    assert (
        lafan.count(
            "### lafan1\n\nUbisoft La Forge Animation Dataset (LAFAN1), CC BY-NC-ND 4.0. Never trained on. "
            "2 clips"
        )
        == 1
    )
    assert (
        "(c) Bandai Namco Research Inc., CC BY-NC 4.0. Never trained on. 5 clips of 240 frames"
        in bandai
    )
    assert "170 of the split's 175 clips are shorter than 240 frames and were left out." in bandai
    assert "left out" not in lafan
    assert "--data data/processed/bandai-namco --into unseen --frames 240 --clips 60`" in bandai
    for part in (own, lafan, bandai):
        assert "| `every:10` | rotation, deg | **1.50** | 4.00 | 2.00 | 1.90 | 1.75 |" in part
        assert "| `span:105-134` | position, cm | 2.00 | 5.00 | **1.00** | 1.10 | 3.00 |" in part


def test_a_set_it_was_trained_on_is_not_called_unseen(card):
    text = card(
        {
            "training": TRAINING | {"data": "lafan1"},
            "unseen": {"lafan1": evaluation("lafan1")},
            "evaluation": evaluation("lafan1", split="train"),
        }
    )
    assert "CC BY-NC-ND 4.0. **trained on**." in text
    assert "ever trained on" not in text
    assert "of the train split, which it was trained on." in text
    assert "--split train" in text


def test_the_licence_follows_the_data(card):
    assert card({"training": TRAINING}).endswith("## Licence\n\nMIT, like the project.\n")
    text = card({"training": TRAINING | {"data": "lafan1-22"}})
    assert (
        "The weights were made from `lafan1-22` (CC BY-NC-ND 4.0). Those terms may also apply"
        in text
    )
    assert "Prepared set `lafan1-22`. Ubisoft" in text
    assert licence_lines(["dance", "my_bvh"]) == ["MIT, like the project."]
    assert data_note("my_bvh") == "Prepared set `my_bvh`."


def test_a_section_keeps_what_stands_beside_it(saved):
    (saved / "metrics.json").write_text(json.dumps({"training": TRAINING}))
    record(saved, "unseen", evaluation("lafan1"), "lafan1")
    record(saved, "unseen", evaluation("aistpp"), "aistpp")
    record(saved, "unseen", evaluation("lafan1", clips=9), "lafan1")
    record(saved, "evaluation", evaluation())
    metrics = describe(saved).metrics
    assert list(metrics["unseen"]) == ["lafan1", "aistpp"]
    assert metrics["unseen"]["lafan1"]["clips"] == 9
    assert metrics["training"] == TRAINING
    assert "9 clips of 240 frames" in describe(saved).card


def test_what_it_was_trained_on():
    assert trained_on({}) == []
    older = [{"name": "of which nothing is known"}, {"data": "a"}, {"data": "b"}]
    assert trained_on({"training": {"data": "b", "parents": older}}) == ["a", "b"]


def test_the_curve_lies_beside_the_card(card, saved):
    text = card({"training": TRAINING})
    assert "![Loss over 1,500 training steps](curve.svg)" in text
    assert "toy: loss in training" in (saved / "curve.svg").read_text()
    text = card({"training": TRAINING | {"curve": CURVE[:1]}})  # a line needs two points
    assert "curve.svg" not in text
    assert not (saved / "curve.svg").exists()
    assert "curve.svg" not in card({})


def points(svg):
    line = next(e for e in ET.fromstring(svg).iter() if e.tag.endswith("polyline"))
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def labels(svg):
    return [e.text for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


def test_the_curve_is_drawn_to_scale():
    svg = curve_svg(CURVE, "a & b", "pose loss", [800])
    (x1, y1), (x2, y2), (x3, y3) = points(svg)
    assert y1 < y2 < y3  # downwards, as the loss
    assert (x2 - x1) / (x3 - x1) == pytest.approx(700 / 1400, abs=1e-3)
    assert (y2 - y1) / (y3 - y1) == pytest.approx(0.25 / 0.3, abs=0.01)
    said = labels(svg)
    assert "a & b" in said
    assert {"training step", "pose loss", "0", "1,000", "0.4", "0.2"} <= set(said)
    stage = next(e for e in ET.fromstring(svg).iter() if e.get("class") == "stage")
    assert float(stage.get("x1")) == pytest.approx(x2, abs=0.1)


def test_a_long_fall_is_drawn_logarithmically():
    svg = curve_svg(
        [{"step": s, "loss": loss} for s, loss in ((0, 10.0), (50, 1.0), (100, 0.1))],
        "t",
        "mse loss",
    )
    (_, y1), (_, y2), (_, y3) = points(svg)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    assert "mse loss, logarithmic" in labels(svg)


def test_every_colour_has_one_for_dark_pages():
    style = re.search(r"<style>(.*?)</style>", curve_svg(CURVE, "t", "u"))[1]
    light, _, dark = style.partition("@media (prefers-color-scheme:dark)")
    coloured = set(re.findall(r"\.([a-z]+)\{[^}]*#", light))
    assert coloured == set(re.findall(r"\.([a-z]+)\{[^}]*#", dark))
    assert "http" not in curve_svg(CURVE, "t", "u").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.13, 0.42, [0.2, 0.3, 0.4]),
        (0, 6200, [0, 2000, 4000, 6000]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_odd_curves():
    curve = [*CURVE, {"step": 1600, "loss": float("nan")}]
    assert len(points(curve_svg(curve, "t", "u"))) == 3
    assert (
        len(points(curve_svg([{"step": 0, "loss": 0.0}, {"step": 1, "loss": 0.0}], "t", "u"))) == 2
    )
    with pytest.raises(ValueError, match="without a finite loss"):
        curve_svg(curve[3:], "t", "u")
    assert stage_starts({"stages": [{"steps": 3}, {"steps": 4}, {"steps": 5}]}) == [3, 7]
    assert stage_starts({}) == []

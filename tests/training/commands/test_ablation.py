"""The ablation tables: variants differ in what they say, what is finished is kept, figures are the networks' own."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from mmm.checkpoints import load_model
from mmm.errors import ModelError
from mmm.evaluation.evaluate import evaluate
from mmm.models import MaskedMotionOutput, make_config, make_model
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from tests.training.conftest import write_split
from tests.training.roles_set import write_roles
from tests.training.running import run_training
from training.benchmark.ablation import STUDIES, markdown, table
from training.commands import ablation
from training.commands.ablation import Settings
from training.data.batch import Batch
from training.data.dataset import MotionSet
from training.engine import loop
from training.losses.registry import LOSSES
from training.plans.recipes import PRETRAINING

pytestmark = pytest.mark.slow  # its networks are trained, its set is made

ABRUPT = {"ramp_s": 0.0, "smooth_s": 0.0}
DIFFERENCES = {
    "inbetween": {},
    "inbetween-again": {"seed": 1},
    "inbetween-absolute": {"output": "absolute", **ABRUPT},
    "inbetween-hold": {"fill": "hold", **ABRUPT},
    "inbetween-slerp": {"fill": "slerp"},
    "inbetween-world": {"relative_input": False},
    "inbetween-blind": {"distance_input": False},
    "inbetween-turns": {"loss": "roles-turns"},
    "inbetween-pelvis": {"loss": "roles-pelvis"},
    "inbetween-plain": {"augment": None},
    "inbetween-abrupt": ABRUPT,
    "inbetween-even": {"loss": "roles-even"},
    "ecm-small": {},
    "ecm-small-again": {"seed": 1},
    "ecm-small-slerp": {"fill": "slerp"},
    "ecm-small-absolute": {"output": "absolute"},
    "ecm-small-zero": {"fill": "zero", "output": "absolute"},
    "ecm-small-mse": {"loss": "mse"},
    "ecm-small-strided": {"window_stride": 300},
    "ecm-small-curriculum": {"gap_curriculum": 0.5},
    "ecm-small-relative": {"normalise_by_fill": True},
    "ecm-small-abrupt": ABRUPT,
}
"""Of each variant from the full one, in the network's configuration or in the plan."""


@pytest.fixture(scope="module")
def roles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "made"
    write_roles(folder / "train", [120, 110], 0)
    write_roles(folder / "val", [62, 60, 30], 10)
    return folder


@pytest.fixture(scope="module")
def tiny():
    """The study of the inbetween network at a size for tests."""
    return replace(
        STUDIES["inbetween"],
        batch=2,
        size={
            "hidden_size": 16,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "encoder_layers": 1,
        },
    )


@pytest.fixture(scope="module")
def settings(tiny, roles, tmp_path_factory):
    return Settings(tiny, roles, 3, 2, 60, "val", 0, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def finished(settings):
    """Every variant, trained and judged once."""
    return ablation.run(settings, [], settings.runs / "table.md")


def small(study, name):
    return Settings(STUDIES[study], None, 400, 1, 1, "val", 0, None).recipe(name)


@pytest.mark.parametrize(
    ("study", "name"), [(s.name, v) for s in STUDIES.values() for v in s.variants()]
)
def test_variants_differ_from_the_full_one_in_what_they_say_and_in_nothing_else(study, name):
    full, variant = (small(study, n) for n in (STUDIES[study].full, name))
    before, after = (
        {**make_config(r.network, **r.changes).to_dict(), **asdict(r.plan)} for r in (full, variant)
    )
    assert before.keys() == after.keys()
    assert {key: after[key] for key in after if after[key] != before[key]} == DIFFERENCES[name]


@pytest.mark.parametrize("study", STUDIES)
def test_the_full_one_is_its_recipe_but_for_size(study):
    recipe, own = PRETRAINING[STUDIES[study].full], small(study, STUDIES[study].full)
    assert own.network == recipe.network
    assert own.changes == recipe.changes | dict(STUDIES[study].size)
    assert own.plan == replace(recipe.plan, steps=400, batch=STUDIES[study].batch, warmup=40)
    config = make_config(own.network, **own.changes)
    assert sum(p.numel() for p in make_model(config).parameters()) < 2_500_000


def test_all_variants_and_baselines_are_in_the_table(finished, settings):
    names = [row["name"] for row in finished["rows"]]
    assert names == ["hold", "slerp", "inertial", "spline", *STUDIES["inbetween"].variants()]
    assert finished["missing"] == []
    assert json.loads((settings.runs / "table.json").read_text()) == finished
    text = (settings.runs / "table.md").read_text()
    assert text == markdown(finished)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(names)
    assert rows[0] == (
        "| variant | what is different | gap of 5 | gap of 15 | gap of 30 | gap of 45 | "
        "difference to the full variant |"
    )
    assert (
        "each trained for 3 steps of 2 windows, seed 0; position_cm as a ratio to slerp's" in text
    )
    assert "of 2 clips of 60 frames of `made`, val split" in text
    assert any(
        line.startswith("| slerp | (baseline) | 1.00 | 1.00 | 1.00 | 1.00 |") for line in rows
    )


@pytest.mark.parametrize("name", ["inbetween", "inbetween-hold"])
def test_ratios_are_those_of_a_direct_evaluation(name, finished, settings, roles):
    model = load_model(settings.runs / name / "net")
    pool = MotionSet(roles / "val").cut_clips(2, 60, model.config.skeleton, 30.0)
    rows = evaluate(model, pool, ["span:27-31", "span:22-36", "span:15-44", "span:7-51"])
    errors = {
        method: [row["position_cm"] for row in rows if row["method"] == method]
        for method in ("net", "slerp")
    }
    found = next(row for row in finished["rows"] if row["name"] == name)
    assert found["values"] == pytest.approx(
        [a / b for a, b in zip(errors["net"], errors["slerp"], strict=True)], abs=1e-4
    )
    assert found["position_cm"] == errors["net"]


def test_differences_are_to_the_full_one(finished):
    rows = {row["name"]: row for row in finished["rows"]}
    expected = np.subtract(rows["inbetween-hold"]["values"], rows["inbetween"]["values"])
    assert rows["inbetween-hold"]["difference"] == pytest.approx(list(expected), abs=1e-6)
    assert rows["inbetween"]["difference"] == [0, 0, 0, 0]
    assert "difference" not in rows["spline"]


def test_every_variant_is_another_network(finished, settings):
    weights = {}
    for name in STUDIES["inbetween"].variants():
        state = load_model(settings.runs / name / "net").state_dict()
        weights[name] = torch.cat([value.flatten() for value in state.values()]).numpy().tobytes()
    assert len(set(weights.values())) == len(weights)


def test_what_is_finished_is_neither_trained_nor_judged_again(finished, settings, monkeypatch):
    def never(*_, **__):
        raise AssertionError("again")

    monkeypatch.setattr(ablation, "train", never)
    monkeypatch.setattr(ablation, "evaluate", never)
    assert ablation.run(settings, [], settings.runs / "again.md") == finished
    with pytest.raises(
        AssertionError, match="again"
    ):  # other clips are judged anew, by the networks that are there
        ablation.run(replace(settings, clips=1), ["inbetween"], settings.runs / "again.md")


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(settings, tmp_path, monkeypatch):
    trained, real = [], ablation.train

    def interrupted(model, split, plan, folder, **more):
        if len(trained) == 1:
            raise KeyboardInterrupt
        trained.append(folder.name)
        return real(model, split, plan, folder, **more)

    mine, only = replace(settings, runs=tmp_path), ["inbetween", "inbetween-blind"]
    monkeypatch.setattr(ablation, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ablation.run(mine, only, tmp_path / "table.md")
    kept = json.loads((tmp_path / "table.json").read_text())
    assert kept["rows"][-1]["name"] == "inbetween"
    assert "inbetween-blind" in kept["missing"]
    assert "Not trained yet: inbetween-again, " in (tmp_path / "table.md").read_text()
    trained.append("interrupted here")

    def counted(model, split, plan, folder, **more):
        trained.append(folder.name)
        return real(model, split, plan, folder, **more)

    monkeypatch.setattr(ablation, "train", counted)
    done = ablation.run(mine, only, tmp_path / "table.md")
    assert trained == ["inbetween", "interrupted here", "inbetween-blind"]
    assert [row["name"] for row in done["rows"]][-2:] == only


def test_a_variant_trained_otherwise_is_not_taken_for_this_one(finished, settings, tmp_path):
    longer = replace(settings, steps=4)
    with pytest.raises(
        ModelError, match=r"inbetween: trained otherwise \(steps 3, now 4\)"
    ) as caught:
        ablation.run(longer, ["inbetween"], tmp_path / "table.md")
    assert "--fresh" in str(caught.value)
    split = MotionSet(settings.data / "train")
    assert not ablation.is_trained(longer, "inbetween", ablation.asked(longer, "inbetween", split))
    assert ablation.is_trained(settings, "inbetween", ablation.asked(settings, "inbetween", split))


def test_fresh_trains_anew(settings, tmp_path):
    mine = replace(settings, runs=tmp_path)
    ablation.run(mine, ["inbetween"], tmp_path / "table.md")
    found = ablation.run(replace(mine, steps=2), ["inbetween"], tmp_path / "table.md", fresh=True)
    assert found["steps"] == 2
    assert (
        json.loads((tmp_path / "inbetween" / "net" / "metrics.json").read_text())["training"][
            "plan"
        ]["steps"]
        == 2
    )


def test_networks_and_losses_that_differ_see_the_same_batches(settings, tmp_path, monkeypatch):
    seen, real = [], loop.draw

    def watched(*given):
        batch = real(*given)
        seen.append((batch.motion.sum().item(), batch.hidden.sum().item()))
        return batch

    monkeypatch.setattr(loop, "draw", watched)
    split, mine = MotionSet(settings.data / "train"), replace(settings, runs=tmp_path)
    drawn = {}
    for name in (
        "inbetween",
        "inbetween-absolute",
        "inbetween-even",
        "inbetween-plain",
        "inbetween-again",
    ):
        seen.clear()
        ablation.train_variant(mine, name, split)
        drawn[name] = tuple(seen)
    assert len(drawn["inbetween"]) == 3
    assert drawn["inbetween"] == drawn["inbetween-absolute"] == drawn["inbetween-even"]
    assert len(set(drawn.values())) == 3


def test_values_are_not_divided_where_there_is_nothing_to_divide_by():
    study = STUDIES["dance"]
    specs = study.specs(240)
    assert specs == ["every:5", "every:15", "span:105-134", "span:90-149"]
    rows = [
        {"hide": spec, "method": method, "rotation_deg": 2.0 + k}
        for k, spec in enumerate(specs)
        for method in ("ecm-small", "slerp")
    ]
    about = {"data": "d", "split": "val", "clips": 1, "frames": 240, "steps": 1, "seed": 0}
    assert [row["values"] for row in table(study, {"ecm-small": rows}, about)["rows"]] == [
        [2, 3, 4, 5]
    ] * 2


# --- The losses that exist to be measured ------------------------------------------------------------------------


def roles_batch():
    motion = match_roles(SMPL24).to_roles(smooth_motion(1, 30, SMPL24, 30.0))
    features = torch.cat(
        [torch.from_numpy(motion.rotations).flatten(1), torch.from_numpy(motion.root_m)], dim=-1
    )
    hidden = torch.zeros(1, 30, 22, dtype=torch.bool)
    hidden[:, 5:8], hidden[:, 12:27] = True, True
    return Batch(features[None], hidden, body=torch.from_numpy(motion.skeleton.offsets_m)[None])


def terms(name, batch, prediction):
    loss = LOSSES[name](make_config("inbetween"))
    output = MaskedMotionOutput(
        prediction=prediction, expected_m=torch.full(batch.hidden.shape[:2], 0.01)
    )
    return dict(
        zip(loss.names, loss.terms(output, batch, loss.counts(batch.hidden)).tolist(), strict=True)
    )


def test_a_loss_of_turns_does_not_see_places():
    batch = roles_batch()
    moved = batch.motion + torch.cat([torch.zeros(198), torch.tensor([0.3, 0, 0])])
    seen = {name: terms(name, batch, moved) for name in ("roles", "roles-turns")}
    assert seen["roles"]["position"] > 1
    assert {name for name, value in seen["roles-turns"].items() if abs(value) > 1e-3} == {
        "expected"
    }
    bent = batch.motion.clone()
    bent[..., 18:27] = batch.motion[..., 9:18]
    assert (
        terms("roles-turns", batch, bent)["rotation"]
        == terms("roles", batch, bent)["rotation"]
        > 1e-3
    )


def test_a_loss_of_the_pelvis_sees_no_other_place():
    batch = roles_batch()
    bent = batch.motion.clone()
    bent[..., 18:27] = batch.motion[..., 9:18]  # its children move
    all_joints, pelvis = (terms(name, batch, bent) for name in ("roles", "roles-pelvis"))
    assert all_joints["position"] > 1e-3
    assert pelvis["position"] < 1e-3 * all_joints["position"] + 1e-4
    moved = batch.motion + torch.cat([torch.zeros(198), torch.tensor([0.3, 0, 0])])
    assert terms("roles-pelvis", batch, moved)["position"] == pytest.approx(4 * 0.3, rel=1e-3)
    assert terms("roles-pelvis", batch, moved)["contact"] == 0


def test_an_even_loss_weighs_short_and_long_gaps_alike():
    batch = roles_batch()
    in_short, in_long = batch.motion.clone(), batch.motion.clone()
    in_short[:, 5:8, -3] += 0.1
    in_long[:, 12:15, -3] += 0.1  # as many frames
    even = [terms("roles-even", batch, wrong)["position"] for wrong in (in_short, in_long)]
    weighed = [terms("roles", batch, wrong)["position"] for wrong in (in_short, in_long)]
    assert even[0] == pytest.approx(even[1], rel=1e-3) == pytest.approx(4 * 0.1 * 3 / 18, rel=1e-2)
    assert weighed[0] > 2 * weighed[1]


# --- The command -------------------------------------------------------------------------------------------------


def test_the_command_for_dance(tmp_path, monkeypatch):
    for seed, name in enumerate(("train", "val")):
        write_split(tmp_path / "toy" / name, [330, 170], seed * 10, SMPL24, 60.0)
    size = {"hidden_size": 256, "intermediate_size": 16, "encoder_layers": 1, "cross_layers": 1}
    monkeypatch.setitem(STUDIES, "dance", replace(STUDIES["dance"], batch=2, size=size))
    only = [part for name in ("ecm-small-zero", "ecm-small-strided") for part in ("--only", name)]
    out = tmp_path / "out.json"
    told = run_training(
        "ablation",
        "dance",
        "--data",
        str(tmp_path / "toy"),
        "--steps",
        "1",
        "--frames",
        "100",
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(out),
        *only,
    )
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("# Ablation: dance\n")
    assert "1 of 2: ecm-small-zero" in told.stderr
    result = json.loads(out.read_text())
    assert [row["name"] for row in result["rows"]][-2:] == ["ecm-small-zero", "ecm-small-strided"]
    assert result["specs"] == ["every:5", "every:15", "span:35-64", "span:20-79"]
    assert all("difference" not in row for row in result["rows"])  # the full one is not there yet
    assert out.with_suffix(".md").is_file()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--only", "inbetween-magic"],
            "--only inbetween-magic: no such variant; expected inbetween, inbetween-again, ",
        ),
        (["--frames", "2000"], "no clip of 2000 frames"),
        (["--split", "none"], "no clips.json"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_line(more, message, roles, tmp_path):
    told = run_training(
        "ablation", "inbetween", "--data", str(roles), "--runs", str(tmp_path), *more
    )
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
    assert message in told.stderr
    assert list(tmp_path.iterdir()) == []

"""What ships: size, card, and whether it does what the card says, on the samples (test songs, test dancers)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import mmm
from mmm.checkpoints import list_checkpoints
from mmm.evaluation.evaluate import evaluate

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = list_checkpoints(ROOT / "checkpoints")
SAMPLES = sorted((ROOT / "data" / "samples").glob("*.npz"))
AIST = ROOT.parent / "shared" / "data" / "aistpp" / "motions" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
MEGABYTE = 1_000_000


DANCE = ("dance-3bert-small", "dance-ecm-small")
ON_ROLES = ("common-small", "inbetween")
FUTURE = ("dance-future", "future")
LAFAN1 = ROOT.parent / "shared" / "data" / "lafan1"


def test_all_of_them_are_there():
    assert [c.name for c in CHECKPOINTS] == sorted((*DANCE, *ON_ROLES, *FUTURE))


def test_sizes_stay_small():
    sizes = {
        folder: sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        for folder in (ROOT / "checkpoints").iterdir()
        if folder.is_dir()
    }
    assert all(size < 25 * MEGABYTE for size in sizes.values()), sizes
    assert sum(sizes.values()) < 100 * MEGABYTE
    assert sum(f.stat().st_size for f in (ROOT / "data" / "samples").iterdir()) < 5 * MEGABYTE


@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda c: c.name)
def test_cards_say_data_split_command_and_baselines(checkpoint):
    baseline = "hold" if checkpoint.name in FUTURE else "| slerp |"
    for words in (
        "python -m training ",
        "## Data",
        "train split",
        "test split",
        baseline,
        "seed",
        "MIT",
    ):
        assert words in checkpoint.card, words
    if checkpoint.name == "future":
        assert {"truth", "motion matching", "future"} <= set(
            checkpoint.metrics["strangers"]["rows"]
        )
        return
    if checkpoint.name in FUTURE:
        columns = {
            name for found in checkpoint.metrics["generation"].values() for name in found["rows"]
        }
        assert {"truth", "hold", checkpoint.name} <= columns
        return
    rows = checkpoint.metrics["evaluation"]["rows"]
    for spec in {row["hide"] for row in rows}:
        assert {"hold", "slerp", "inertial", "spline"} < {
            row["method"] for row in rows if row["hide"] == spec
        }


@pytest.fixture(scope="module", params=DANCE)
def network(request):
    return mmm.load_model(ROOT / "checkpoints" / request.param)


@pytest.fixture(scope="module")
def dances():
    assert len(SAMPLES) == 12
    # A third of them: the cards hold the figures of the whole split.
    return [mmm.load_clip(path, frames=(150, 450)) for path in SAMPLES[::3]]


@pytest.mark.slow
def test_beats_every_interpolation_in_gaps(network, dances):
    rows = evaluate(network, dances, ["every:20", "span:135-164", "span:120-179", "span:105-194"])
    for spec in {row["hide"] for row in rows}:
        means = {row["method"]: row for row in rows if row["hide"] == spec}
        ours = means.pop(network.name_or_path)
        for metric in ("rotation_deg", "position_cm"):
            assert ours[metric] < min(row[metric] for row in means.values()), (spec, metric)


@pytest.mark.slow
def test_close_keyframes_are_no_worse_than_slerp(network, dances):
    means = {row["method"]: row for row in evaluate(network, dances, ["every:5"])}
    for metric in ("rotation_deg", "position_cm"):
        assert means[network.name_or_path][metric] <= means["slerp"][metric], metric


@pytest.mark.parametrize(
    "checkpoint", [c for c in CHECKPOINTS if c.name in DANCE], ids=lambda c: c.name
)
def test_the_cards_keep_the_promises(checkpoint):
    """On the test split: better than every interpolation at every:20 and in gaps, at every:5 no worse than slerp."""
    rows = checkpoint.metrics["evaluation"]["rows"]
    for metric in ("rotation_deg", "position_cm"):
        of = {(row["hide"], row["method"]): row[metric] for row in rows}
        for spec in ("every:20", "span:135-164", "span:120-179", "span:105-194"):
            assert of[spec, checkpoint.name] < min(
                of[spec, m] for m in ("hold", "slerp", "inertial", "spline")
            ), spec
        assert of["every:5", checkpoint.name] <= of["every:5", "slerp"]
    saved = {
        row["gap"]: row["saved_against_another"] for row in checkpoint.metrics["hearing"]["rows"]
    }
    assert min(saved[60][1], saved[90][1]) > 0.3  # the lower end of the interval


@pytest.mark.parametrize(
    "checkpoint", [c for c in CHECKPOINTS if c.name in ON_ROLES], ids=lambda c: c.name
)
def test_networks_on_roles_place_joints_better_in_gaps_on_held_out_subjects_and_scenes(checkpoint):
    """What the cards claim of them, and no more: positions in a gap of a second."""
    for part in ("^cmu/", "^snu/"):
        rows = checkpoint.metrics["parts"][part]["rows"]
        of = {(row["hide"], row["method"]): row["position_cm"] for row in rows}
        best = min(of["span:105-134", method] for method in ("hold", "slerp", "spline"))
        assert of["span:105-134", checkpoint.name] < best, part
        assert of["every:10", checkpoint.name] < of["every:10", "slerp"], part
    assert {"lafan1", "bandai_namco"} <= set(checkpoint.metrics["unseen"])


def test_the_common_network_beats_the_best_baseline_on_held_out_subjects_and_scenes():
    """Between keyframes ten apart and in gaps of half a second and a second, in rotations and positions."""
    metrics = next(c.metrics for c in CHECKPOINTS if c.name == "common-small")
    for part in ("^cmu/", "^snu/"):
        for metric in ("rotation_deg", "position_cm"):
            of = {
                (row["hide"], row["method"]): row[metric] for row in metrics["parts"][part]["rows"]
            }
            for spec in ("every:10", "span:112-126", "span:105-134"):
                best = min(of[spec, method] for method in ("hold", "slerp", "spline"))
                assert of[spec, "common-small"] < best, (part, metric, spec)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not LAFAN1.exists(), reason="the LAFAN1 recordings are not beside the project")
@pytest.mark.parametrize("name", ON_ROLES)
def test_a_recording_never_seen_comes_back_closer_than_by_slerp(name):
    clip = mmm.load_clip(next(LAFAN1.glob("walk1_subject1*.bvh")), frames=(300, 700))
    rows = evaluate(mmm.load_model(ROOT / "checkpoints" / name), [clip], ["every:10", "every:15"])
    for spec in ("every:10", "every:15"):
        of = {row["method"]: row["position_cm"] for row in rows if row["hide"] == spec}
        assert of[name] < of["slerp"], spec


@pytest.mark.slow
def test_listens_to_the_music(network, dances):
    """In a gap the right song must serve better than another clip's, on the average of the samples."""
    right, wrong = [], []
    for number, clip in enumerate(dances):
        hidden = mmm.masks.span(clip, 105, 194)
        other = replace(clip, music=dances[(number + 2) % len(dances)].music)
        right.append(mmm.recover(network, clip, hidden).errors.summary()["rotation_deg"])
        wrong.append(mmm.recover(network, other, hidden).errors.summary()["rotation_deg"])
    assert sum(right) < 0.95 * sum(wrong), (sum(right), sum(wrong))


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not AIST.exists(), reason="the AIST++ recordings are not beside the project")
def test_a_genuine_dance_from_the_command_line(tmp_path, capsys):
    """The README's promise on a recording that no one trained on; the interpolations' figures are published."""
    from mmm.cli.app import main

    metrics = tmp_path / "m.json"
    status = main(
        [
            "recover",
            str(AIST),
            "--frames",
            "0:300",
            "--checkpoint",
            str(ROOT / "checkpoints/dance-ecm-small"),
            "--hide",
            "every:15",
            "--metrics",
            str(metrics),
            "--out",
            str(tmp_path / "r.bvh"),
        ]
    )
    assert status == 0
    methods = json.loads(metrics.read_text())["methods"]
    for name, figures in {
        "slerp": (2.992, 3.589, 1.781),
        "spline": (2.615, 2.763, 1.560),
        "hold": (7.273, 9.713, 5.248),
    }.items():
        found = [methods[name][metric] for metric in ("rotation_deg", "position_cm", "root_cm")]
        assert found == pytest.approx(figures, abs=0.01), name
    assert "silence" in capsys.readouterr().err
    assert len(mmm.load_clip(tmp_path / "r.bvh").motion) == 300


def test_dance_future_keeps_what_it_promises():
    """What the card measured on 40 dances of 20 s, beside the truth and real motion with another song."""
    found = next(c for c in CHECKPOINTS if c.name == "dance-future").metrics["generation"][
        "dance-long"
    ]
    made, truth, other = (found["rows"][name] for name in ("dance-future", "truth", "another song"))
    assert (found["clips"], found["seconds"], found["seed_frames"]) == (40, 20.0, 120)
    assert all(0.7 <= share <= 1.3 for share in made["energy_shares"])
    for beats in ("per_music_beat", "per_motion_beat"):
        assert made[beats] >= 0.9 * truth[beats] > 1.3 * other[beats]
    assert made["skate_cm_s"] <= 1.5 * truth["skate_cm_s"]
    assert made["frozen"] == 0
    assert made["moves"]["move_and_side"] >= 0.7
    assert made["frames_per_second"] >= 120


def test_future_keeps_strangers_on_the_ground_and_moving():
    """What the card measured on recordings of four sets that nobody here trained on."""
    found = next(c for c in CHECKPOINTS if c.name == "future").metrics["strangers"]
    made, people = found["rows"]["future"], found["rows"]["truth"]
    matching = found["rows"]["motion matching"]
    assert made["floor_cm"] < 5
    assert made["under_cm"] < 2
    assert 0.8 < made["head"] < 1.15
    assert made["skate_cm_s"] <= 1.2 * people["skate_cm_s"]
    assert made["top_m_s"] <= 1.2 * people["top_m_s"]
    for figure in ("failed", "skate_cm_s", "jerk", "fid_kinetic", "fid_geometric"):
        assert made[figure] < matching[figure], figure
    # Its random seeds give different motions; plain motion matching has no chance in it.
    assert made["apart_cm"] > 10


def test_the_name_before_still_loads():
    with pytest.warns(UserWarning, match="common-future has become future"):
        assert mmm.load_model("common-future").name_or_path == "future"


@pytest.mark.slow
@pytest.mark.parametrize("path", SAMPLES[::4], ids=lambda path: path.stem)
def test_dance_future_dances_on_from_a_sample(path):
    clip = mmm.load_clip(path)
    model = mmm.load_model(ROOT / "checkpoints" / "dance-future")
    judged = mmm.generate_clip(model, clip, prefix_frames=120, frames=480).evaluate()
    assert not judged.generated.frozen
    assert 0.5 < judged.generated.energy_share < 1.6
    assert judged.generated.skate_cm_s < 4  # a network without held feet slides 12
    assert judged.generated.under_floor_cm < 1

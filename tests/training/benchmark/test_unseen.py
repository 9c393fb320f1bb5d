"""The benchmark on unseen recordings: its windows, its ratios, and the page that it writes."""

import json

import numpy as np
import pytest

from mmm.checkpoints import save_model
from mmm.interpolation.baselines import BASELINES, fill
from mmm.metrics.errors import errors
from mmm.metrics.inbetweening import npss
from mmm.motion.clip import Clip
from mmm.motion.humanoid import match_roles
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import recover
from tests.mmm.making import TINY, smooth_motion
from tests.training.roles_set import tiny_roles_model, write_roles
from tests.training.running import run_training
from training.benchmark.protocol import outcome
from training.benchmark.unseen import (
    CONTEXT,
    METRICS,
    SETS,
    GapScores,
    content_of,
    gap_windows,
    measure,
)
from training.benchmark.unseen_report import (
    CURVES,
    calibrated_share,
    lines,
    ratio,
    summary,
    worse_share,
    worst,
)


def clip_of(frames, seed=0, name="walk1_subject1.bvh"):
    return Clip(name, smooth_motion(seed, frames, TINY, 30.0))


@pytest.fixture(scope="module")
def roles_clip():
    motion = match_roles(SMPL24).to_roles(smooth_motion(3, 80, SMPL24, 30.0))
    return Clip("walk1_subject1.bvh", motion)


def test_gaps_of_a_clip_do_not_overlap_and_stay_inside():
    clip = clip_of(200)
    for gap in (5, 15, 40):
        windows = gap_windows([clip], gap, 1000)
        size = gap + 2 * CONTEXT
        assert windows.rotations.shape[1] == size
        # Local rotations below the root tell which frames a window was cut from.
        starts = [
            int(np.abs(clip.motion.rotations[:, 1] - window[0, 1]).sum((1, 2)).argmin())
            for window in windows.rotations
        ]
        assert np.diff(starts).min() >= gap
        assert starts[0] == 0
        assert starts[-1] + size <= len(clip)


def test_the_limit_spreads_over_all_clips_and_short_clips_give_none():
    clips = [clip_of(100, k, f"clip{k}") for k in range(6)]
    assert len(set(gap_windows(clips, 15, 6).labels)) == 6
    assert len(gap_windows(clips, 15, 4)) == 4
    assert gap_windows(clips, 90, 10) is None


@pytest.mark.parametrize(
    ("title", "source", "content"),
    [
        ("LAFAN1", "lafan1/jumps1_subject1.bvh", "jumps"),
        ("LAFAN1", "lafan1/multipleActions1_subjectX.bvh", "multipleActions"),
        ("Bandai-Namco 1", "bandai_namco/dataset-1/dataset-1_bow_active_001.bvh", "bow"),
        (
            "Bandai-Namco 2",
            "x/dataset-2_raise-up-both-hands_elderly_009.bvh",
            "raise-up-both-hands",
        ),
        ("AIST++", "motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl", "gBR"),
        ("AIST++", "motions/else.pkl", "motions/else.pkl"),
    ],
)
def test_contents_are_read_from_names(title, source, content):
    unseen = next(one for one in SETS if one.title == title)
    assert content_of(unseen, source) == content


def test_scores_are_those_of_the_metrics_over_the_gap_alone(roles_clip):
    model = tiny_roles_model()
    scores = measure(model, "net", SETS[0], [roles_clip], [20], 1)
    assert [(s.title, s.gap, s.clip, s.content) for s in scores] == [
        ("LAFAN1", 20, roles_clip.name, "walk")
    ]
    window = gap_windows([roles_clip], 20, 1)
    clip = Clip("w", roles_clip.motion.crop(0, 50))
    hidden = np.zeros((50, len(clip.motion.skeleton)), bool)
    hidden[CONTEXT : CONTEXT + 20] = True
    motions = {name: curve(clip, hidden) for name, curve in BASELINES.items()}
    motions["net"] = recover(model, clip, hidden).recovered.motion
    for name, motion in motions.items():
        expected = errors(clip.motion, motion, hidden).summary()
        # Windows are moved and turned, which changes neither errors nor, but for rounding, curves.
        tolerance = 2e-2 if name == "net" else 1e-3
        assert scores[0].scores[name]["rotation"] == pytest.approx(
            expected["rotation_deg"], rel=tolerance
        )
        assert scores[0].scores[name]["position"] == pytest.approx(
            expected["position_cm"], rel=tolerance
        )
    inside = slice(CONTEXT, CONTEXT + 20)
    truth, slerp = (
        outcome(window, (r[:, inside], p[:, inside]), CONTEXT - 1)
        for r, p in (
            (window.rotations, window.root_m),
            _filled(window, hidden, "slerp"),
        )
    )
    flat = [o.quats.reshape(1, 20, -1) for o in (truth, slerp)]
    assert scores[0].scores["slerp"]["npss"] == pytest.approx(npss(*flat))


def _filled(window, hidden, method):
    rotations, root_m = fill(window.rotations[0], window.root_m[0], hidden, method, 30.0)
    return rotations[None], root_m[None]


def gap_of(net, curves, expected=None, power=1.0, clip="c", content="walk"):
    """Scores that are the same in all metrics; ``curves`` as hold, slerp, inertial, spline."""
    scores = {name: dict.fromkeys(METRICS, v) for name, v in zip(CURVES, curves, strict=True)}
    scores["net"] = dict.fromkeys(METRICS, net)
    return GapScores("LAFAN1", 30, clip, content, power, scores, expected)


def test_the_ratio_is_to_the_curve_that_is_best_over_all_gaps():
    # Slerp is best in the first gap, the spline over both: 6 / 5.
    found = ratio([gap_of(2, (9, 1, 9, 3)), gap_of(4, (9, 9, 9, 2))], "net", "position")
    assert (found.value, found.curve) == (1.2, "spline")
    assert found.low <= found.value <= found.high


def test_npss_counts_gaps_by_their_power():
    gaps = [gap_of(1, (2, 2, 2, 2), power=3.0), gap_of(4, (2, 2, 2, 2), power=1.0)]
    assert ratio(gaps, "net", "npss").value == pytest.approx((3 + 4) / 8)
    assert ratio(gaps, "net", "l2q").value == pytest.approx(5 / 4)


def test_intervals_hold_what_resampled_gaps_give():
    rng = np.random.default_rng(0)
    gaps = [gap_of(v, (2, 2, 1, 2)) for v in rng.normal(1.0, 0.3, 100)]
    found = ratio(gaps, "net", "rotation")
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.3 / 10, rel=0.2)


def test_shares_of_worse_gaps_and_of_right_expectations():
    gaps = [
        gap_of(1.04, (0.1, 0.1, 1.0, 0.1), expected=0.70),
        gap_of(1.06, (9, 9, 1.0, 9), expected=0.70),
        gap_of(0.50, (9, 9, 1.0, 9), expected=0.76),
        gap_of(0.50, (9, 9, 1.0, 9), expected=0.32),
    ]
    assert worse_share(gaps, "net", "rotation") == 0.25
    assert calibrated_share(gaps, "net") == 0.25
    assert calibrated_share([gap_of(1, (1, 1, 1, 1))], "net") is None


def test_the_worst_content_has_enough_gaps_where_any_has():
    few = [gap_of(3, (1, 1, 1, 1), content="bow", clip="b")] * 5
    many = [gap_of(0.9, (1, 1, 1, 1), content="walk", clip="w")] * 20
    assert worst(few + many, "net", "position", "content")["name"] == "walk"
    assert worst(few, "net", "position", "content") == {"name": "bow", "gaps": 5, "ratio": 3.0}
    assert worst(few + many, "net", "position", "clip")["name"] == "b"


def test_a_summary_has_a_row_a_set_and_length_and_one_for_all():
    rows = summary([gap_of(1, (2, 2, 2, 2)), gap_of(1, (2, 2, 2, 4))], "net")
    assert [(row["set"], row["gap"], row["gaps"]) for row in rows] == [
        ("LAFAN1", 30, 2),
        ("all sets", 30, 2),
    ]


def test_the_terminal_shows_intervals_and_the_worst_places():
    gaps = [gap_of(value, (2, 2, 2, 4), content="bow", clip="b") for value in (1, 2, 3)]
    head, row, whole, worst_places = lines(summary(gaps, "net"))
    assert head.split()[:7] == ["gap", "gaps", "rotation", "position", "L2P", "L2Q", "NPSS"]
    found = ratio(gaps, "net", "rotation")
    assert f"{found.value:.2f} ({found.low:.2f}-{found.high:.2f})" in row
    assert whole.startswith("all sets")
    assert worst_places.startswith("LAFAN1 30, worst: rotation bow 1.00")


def test_the_command_writes_a_page_and_names_absent_sets(tmp_path):
    write_roles(tmp_path / "lafan1-roles" / "test", [120, 70], 4)
    save_model(tiny_roles_model(), tmp_path / "net", {})
    done = run_training(
        *("benchmark", "unseen", "--checkpoint", tmp_path / "net", "--data", tmp_path),
        *("--gap", 10, "--gap", 60, "--gap", 120, "--limit", 3),
        *("--page", tmp_path / "unseen.md", "--json", tmp_path / "unseen.json"),
    )
    assert done.exit_code == 0, done.output
    page = (tmp_path / "unseen.md").read_text()
    for title in ("Bandai-Namco 1", "Bandai-Namco 2", "AIST++"):
        assert f"**{title} is not in this table**" in page
    assert "## LAFAN1" in page
    assert "no clips.json" in page
    kept = json.loads((tmp_path / "unseen.json").read_text())
    assert [(row["set"], row["gap"], row["gaps"]) for row in kept["rows"]] == [
        (title, gap, gaps) for title in ("LAFAN1", "all sets") for gap, gaps in ((10, 3), (60, 1))
    ]
    assert len(kept["gaps"]) == 4


def test_without_any_set_one_line_says_so(tmp_path):
    save_model(tiny_roles_model(), tmp_path / "net", {})
    done = run_training("benchmark", "unseen", "--checkpoint", tmp_path / "net", "--data", tmp_path)
    assert done.exit_code == 2
    assert "none of the unseen sets" in done.stderr

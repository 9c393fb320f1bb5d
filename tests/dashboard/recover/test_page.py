"""The page's Python, without a browser: what each control leads to, and what goes wrong politely."""

import io
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from dashboard.work import recoveries
from mmm import load_clip, masks, save_clip
from tests.dashboard.conftest import MODEL, ROOT, SAMPLE

SHORT = {"sequence": SAMPLE, "frames": "0-120", "hide": "span:40-79"}
LAFAN1 = ROOT.parent / "shared" / "data" / "lafan1" / "walk1_subject1.bvh"


@pytest.fixture
def slow(monkeypatch):
    """A recovery that stands still until the test lets it go on (or stops when cancelled), as on a long clip."""
    import mmm

    go_on = threading.Event()
    real = mmm.recover

    def slowly(model, clip, mask, joint_names, progress):
        for share in range(1, 400):
            if go_on.wait(0.02):
                break
            progress(share / 400)
        return real(model, clip, mask, joint_names=joint_names, progress=progress)

    monkeypatch.setattr(mmm, "recover", slowly, raising=False)
    yield go_on
    go_on.set()


@pytest.mark.slow
def test_it_opens_on_a_sample_and_the_recovery_arrives_by_itself(open_workbench):
    page = open_workbench(frames="0-150")
    assert page.address["sequence"] == SAMPLE
    assert page.address["method"] == MODEL
    page.recovered()
    assert page.panels == ["Truth", MODEL]
    assert [name in page.table for name in (MODEL, "hold", "slerp", "inertial", "spline")] == [
        True
    ] * 5
    assert page.fed("mmm_heatmap")[0]["frames"] == page.fed("mmm_curves")[0]["frames"] == 150
    assert page.errors == []


@pytest.mark.slow
def test_another_pattern_shows_slerp_until_recover_is_pressed(open_workbench):
    page = open_workbench(**SHORT).recovered()
    page.set("span", (10, 99))
    assert page.panels == ["Truth", "Slerp, before Recover"]
    assert "Preview by slerp" in page.said
    assert page.table == ""
    np.testing.assert_array_equal(
        np.flatnonzero(page.stage[1]["hidden"].any(axis=1)), np.arange(10, 100)
    )
    page.press("recover").recovered()
    assert page.panels == ["Truth", MODEL]


@pytest.mark.slow
def test_a_new_pattern_waits_for_recover_even_where_the_first_one_was_known(open_workbench):
    open_workbench(**SHORT).recovered()
    page = open_workbench(**SHORT)  # another visitor: nothing had to be run for this one
    assert page.table
    page.set("span", (10, 20))
    assert page.panels == ["Truth", "Slerp, before Recover"]
    assert not page.has("cancel")


@pytest.mark.slow
def test_going_back_to_a_pattern_shows_its_recovery_at_once(open_workbench):
    page = open_workbench(**SHORT).recovered()
    page.set("span", (10, 20))
    assert page.table == ""
    page.set("span", (40, 79))
    assert page.table
    assert open_workbench(**SHORT).table  # and so does another visitor


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "changes", "spec"),
    [
        ("span", {"span": (5, 25)}, "span:5-25"),
        ("every", {"every": 7}, "every:7"),
        ("keep", {"keep": 3, "hide": 9}, "keep:3,hide:9"),
        ("random", {"share": 0.4, "seed": 7}, "random:0.4"),
        ("first", {}, "first"),
        (
            "spec",
            {"spec_text": "frames:3,9,40-60 + span:70-80@legs"},
            "frames:3,9,40-60+span:70-80@legs",
        ),
        ("span", {"span": (5, 25), "groups": ["left_arm", "head"]}, "span:5-25@left_arm,head"),
    ],
)
def test_each_kind_of_pattern_hides_what_its_spec_says(open_workbench, kind, changes, spec):
    page = open_workbench(sequence=SAMPLE, frames="0-100", method="hold").set("kind", kind)
    for key, value in changes.items():
        page.set(key, value)
    assert page.errors == []
    assert page.address["hide"].replace(" ", "") == spec
    clip = load_clip(ROOT / "data" / "samples" / f"{SAMPLE.split('/')[1]}.npz", frames=(0, 100))
    wanted = masks.parse(spec, clip, changes.get("seed", 0))
    np.testing.assert_array_equal(page.stage[1]["hidden"].astype(bool), wanted.hidden)
    assert page.address.get("seed") == ("7" if kind == "random" else None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bad", ["banana", "span:90-20", "span:5-900", "frames:3@nose", "random:0", "", "+"]
)
def test_a_bad_spec_is_one_line_and_the_page_lives_on(open_workbench, bad):
    page = (
        open_workbench(sequence=SAMPLE, frames="0-100", method="hold")
        .set("kind", "spec")
        .set("spec_text", bad)
    )
    assert len(page.errors) == 1
    assert "\n" not in page.errors[0]
    assert page.app.button(key="recover").disabled
    assert page.panels == ["Truth"]
    page.set("spec_text", "span:20-30")
    assert page.errors == []
    assert not page.app.button(key="recover").disabled


@pytest.mark.slow
def test_nothing_known_and_nothing_hidden_cannot_be_recovered(open_workbench):
    page = open_workbench(sequence=SAMPLE, frames="0-100", hide="span:0-99", method="slerp")
    assert page.app.button(key="recover").disabled
    assert page.errors == [
        "Some joints are hidden in all frames: leave at least one frame visible."
    ]
    page.set("kind", "spec").set("spec_text", "none")
    assert page.app.button(key="recover").disabled
    assert "Nothing is hidden." in page.said
    assert page.errors == []


@pytest.mark.slow
def test_a_recovery_under_way_can_be_cancelled(open_workbench, slow):
    page = open_workbench(**SHORT)
    page.until(
        lambda p: p.app.get("progress") and p.app.get("progress")[0].proto.text == "Recovering"
    )
    first = page.app.get("progress")[0].proto.value
    page.until(lambda p: p.app.get("progress")[0].proto.value > first)
    assert page.app.button(key="recover").disabled
    page.press("cancel").until(lambda p: not p.has("cancel"), 10)
    assert "Cancelled. Press Recover to start again." in page.said
    assert page.panels == ["Truth", "Slerp, before Recover"]
    slow.set()
    page.press("recover").recovered()
    assert "Cancelled" not in page.said


@pytest.mark.slow
def test_while_one_recovery_runs_other_patterns_can_be_looked_at(open_workbench, slow):
    page = open_workbench(**SHORT).until(lambda p: p.has("cancel"))
    page.set("span", (10, 20))
    assert not page.has("cancel")
    assert not page.app.button(key="recover").disabled
    page.set("span", (40, 79))
    assert page.has("cancel")
    slow.set()
    page.recovered()


@pytest.mark.slow
def test_what_a_network_cannot_do_is_said_where_recover_was_pressed(open_workbench, monkeypatch):
    import mmm
    from mmm.errors import ModelError

    def fails(*_, **__):
        raise ModelError("weights", "torn in two", "whole ones", "restore them")

    monkeypatch.setattr(mmm, "recover", fails, raising=False)
    page = open_workbench(**SHORT).until(lambda p: p.app.warning)
    assert page.said.count("weights: torn in two") == 1
    assert page.panels == ["Truth", "Slerp, before Recover"]


@pytest.mark.slow
def test_up_to_three_interpolations_can_stand_beside_the_method(open_workbench):
    page = open_workbench(**SHORT).recovered()
    assert "beside" not in page.address
    page.set("beside", ["spline"])
    assert page.panels == ["Truth", MODEL, "spline"]
    page.set("beside", ["spline", "slerp", "inertial"])
    assert page.panels == ["Truth", MODEL, "slerp", "inertial", "spline"]
    assert page.stage[0]["errors"] == [MODEL, "slerp", "inertial", "spline"]
    assert page.address["beside"] == "spline,slerp,inertial"
    page.set("beside", ["spline", "slerp", "inertial", "hold"])  # the first one makes room
    assert page.panels == ["Truth", MODEL, "hold", "slerp", "inertial"]
    page.set("span", (10, 20))
    page.press("recover").recovered()
    assert page.panels == [
        "Truth",
        MODEL,
        "hold",
        "slerp",
        "inertial",
    ]  # another pattern, the same company
    page.set("beside", [])
    assert page.panels == ["Truth", MODEL]
    assert "beside" not in page.address


@pytest.mark.slow
@pytest.mark.shared_data
def test_another_skeleton_is_offered_networks_on_roles_and_told_why_not_the_others(
    open_workbench, page_env
):
    if not LAFAN1.is_file():
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    shutil.copy(LAFAN1, page_env)
    page = open_workbench(
        sequence=f"{page_env.name}/{LAFAN1.name}", frames="0-120", hide="every:15"
    )
    assert page.app.selectbox(key="method").options == [
        "inbetween",
        "common-small",
        "Hold (keep the last pose)",
        "Slerp (straight interpolation)",
        "Inertial (slerp that keeps its speed)",
        "Spline (smooth interpolation)",
    ]
    assert page.app.selectbox(key="method").value == "inbetween"
    assert (
        f"Not for this clip: {MODEL} and dance-ecm-small expect a skeleton of 24 joints"
        in page.said
    )
    page.recovered()
    assert page.panels == ["Truth", "inbetween"]


@pytest.mark.slow
def test_another_frame_rate_is_told_apart_too(open_workbench, page_env, made_clip):
    from dataclasses import replace

    save_clip(replace(made_clip, motion=replace(made_clip.motion, fps=30.0)), page_env / "slow.npz")
    page = open_workbench(sequence="mine/slow.npz")
    assert (
        f"{MODEL} and dance-ecm-small expect the network's 60; the clip has 30 frames a second."
        in page.said
    )
    assert page.app.selectbox(key="method").value == "inbetween"


@pytest.mark.slow
def test_a_clip_without_music_is_recovered_in_silence(open_workbench, page_env, made_clip):
    save_clip(made_clip, page_env / "made.npz")
    page = open_workbench(sequence="mine/made.npz", method=MODEL, hide="span:20-40").recovered()
    assert "the clip has none, so it was given silence" in page.said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("torn.bvh", b"HIERARCHY\nROOT Hips\n{\n", "torn.bvh"),
        ("noise.npz", bytes(range(256)), "noise.npz"),
        ("noise.pkl", b"\x80\x04cos\nsystem\n.", "noise.pkl"),
    ],
)
def test_a_broken_file_is_one_line_and_other_sequences_still_open(
    open_workbench, page_env, name, content, found
):
    (page_env / name).write_bytes(content)
    page = open_workbench(sequence=f"mine/{name}", method="hold")
    assert len(page.errors) == 1
    assert found in page.errors[0]
    assert "\n" not in page.errors[0]
    page.set("sequence", SAMPLE)
    assert page.errors == []
    assert page.panels[0] == "Truth"


@pytest.mark.slow
def test_a_sequence_of_two_frames_is_too_short_and_says_so(open_workbench, page_env, made_clip):
    save_clip(made_clip.crop(0, 2), page_env / "two.npz")
    page = open_workbench(sequence="mine/two.npz")
    assert len(page.errors) == 1
    assert "2 frames" in page.errors[0]


@pytest.mark.slow
def test_without_any_file_the_page_says_where_to_put_one(open_workbench, monkeypatch, tmp_path):
    from dashboard.files import entries as library

    monkeypatch.setattr(library, "ROOT", tmp_path)
    page = open_workbench()
    assert "`data/raw`" in page.said
    assert "`MMM_DATA`" in page.said


@pytest.mark.slow
def test_without_a_checkpoint_interpolations_are_left_and_that_is_said(
    open_workbench, monkeypatch, tmp_path
):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path))
    page = open_workbench(**SHORT).recovered()
    assert page.panels == ["Truth", "spline"]
    assert "No trained network" in page.said


@pytest.mark.slow
@pytest.mark.parametrize(
    "link",
    [
        {
            "sequence": "Samples/dance_140bpm_test023_dancer11",
            "frames": "60-200",
            "hide": "keep:4,hide:11@left_arm,legs",
            "method": "slerp",
        },
        {
            "sequence": SAMPLE,
            "frames": "10-300",
            "hide": "random:0.3",
            "seed": "12",
            "method": "hold",
        },
        {
            "sequence": SAMPLE,
            "frames": "0-90",
            "hide": "every:9@left_wrist",
            "method": "spline",
            "beside": "slerp,hold",
        },
    ],
)
def test_a_link_brings_back_the_page_as_it_was(open_workbench, link):
    page = open_workbench(**link)
    assert page.address == link
    assert page.errors == []
    low, high = (int(x) for x in link["frames"].split("-"))
    assert page.stage[0]["frames"] == high - low


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        # Two or three wrong words a link, because each opens a page.
        {"frames": "7", "hide": "random:7"},
        {"frames": "900-100", "hide": "every:999999999"},
        {"frames": "0-99999999999999999999", "hide": "span:5000-9000"},
        {"method": "gpt", "hide": "span:30-10"},
        {"beside": "spline,nobody,", "hide": "keep:0,hide:0"},
        {"role": "tail=x", "hide": "every:5@"},
        {"seed": "99999999999", "hide": "random:0.2", "colour": "red"},
        {"seed": "²", "hide": "random:0.2", "role": "left_hip"},
    ],
)
def test_a_link_that_makes_no_sense_still_opens_the_page(open_workbench, wrong):
    page = open_workbench(**({"method": "hold"} | wrong))
    assert page.errors == []
    assert page.panels[0] == "Truth"
    assert page.stage[0]["frames"] >= 2


@pytest.mark.slow
def test_a_link_to_an_unknown_sequence_opens_no_other_one(open_workbench):
    page = open_workbench(sequence="Samples/nowhere")
    assert len(page.errors) == 1
    assert "it asks for the sequence Samples/nowhere, which is not here" in page.errors[0]
    assert not page.has("recover")
    page.set("pick-unlinked", SAMPLE)
    assert page.errors == []
    assert page.address["sequence"] == SAMPLE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"frames": "900-1100"}, "asks for frames 900-1100, but"),
        ({"frames": "0-9000"}, "asks for frames 0-9000, but"),
        ({"frames": "seven"}, "asks for frames seven, but"),
        ({"method": "gpt"}, "asks for the model gpt, which does not exist here. Used: "),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said_until_something_else_is_chosen(
    open_workbench, wrong, sentence
):
    page = open_workbench(**({"sequence": SAMPLE, "method": "hold"} | wrong))
    assert page.said.count(sentence) == 1
    assert page.run().said.count(sentence) == 1
    key, value = ("method", "slerp") if "method" in wrong else (f"frames-{SAMPLE}", (0, 50))
    assert sentence not in page.set(key, value).said


@pytest.mark.slow
def test_the_default_gap_is_a_second_inside_the_clip(open_workbench):
    page = open_workbench(sequence=SAMPLE, method="hold")
    assert page.address["hide"] == "span:150-209"
    assert "1.0 s. The networks are good for gaps up to 2 s." in page.said
    page.set(f"frames-{SAMPLE}", (0, 90))
    assert page.address["hide"] == "span:22-51"
    page.set("span", (5, 25)).set(f"frames-{SAMPLE}", (0, 100))
    assert page.address["hide"] == "span:5-25"  # a gap of the user's own does not follow the clip


@pytest.mark.slow
def test_downloads_can_be_read_back(open_workbench, page_env, monkeypatch):
    from dashboard.common import downloads as films
    from dashboard.recover import downloads

    page = open_workbench(**(SHORT | {"method": "spline"})).recovered()
    assert [b.label for b in page.app.get("download_button")] == [
        "BVH",
        "GLB",
        "NPZ",
        "AIST++",
        "Error map",
        "JSON",
        "CSV",
        "Web page",
    ]
    # The store is the server's: a recovery of an earlier test may end, and be kept, during this one.
    kept = [entry.value for entry in recoveries.kept_results()._kept.values()]
    results = next(results for results in kept if results[0].model_name == "spline")
    for suffix in ("bvh", "npz", "pkl"):
        path = page_env / f"back.{suffix}"
        path.write_bytes(films.bytes_of(results[0], suffix))
        back = load_clip(path)
        np.testing.assert_allclose(
            back.motion.positions(), results[0].recovered.motion.positions(), atol=2e-3
        )
    mask = masks.parse(SHORT["hide"], results[0].clip)
    table = json.load(io.BytesIO(downloads._metrics(results, mask.label, 0, "json")))
    assert list(table["methods"]) == ["spline", "hold", "slerp", "inertial"]
    assert table["hidden"] == 40 * 24
    rows = downloads._metrics(results, mask.label, 0, "csv").decode().splitlines()
    assert [row.split(",")[3] for row in rows] == ["method", "spline", "hold", "slerp", "inertial"]


@pytest.mark.slow
def test_a_film_is_made_behind_the_page_and_can_be_stopped(open_workbench, monkeypatch):
    import mmm.recovery.recover  # noqa: F401  here, not behind a page that asks every moment whether it is there
    from mmm.viewer import video

    monkeypatch.setattr(video.Film, "__len__", lambda film: 6)
    page = open_workbench(**(SHORT | {"method": "spline"})).recovered()
    page.press("make-film").until(
        lambda page: any(b.label.startswith("Save MP4") for b in page.app.get("download_button"))
    )
    assert page.app.session_state.film_job.results[4:8] == b"ftyp"
    assert page.app.session_state.film_job.request.frames == (0, 120)
    page.set("film_frames-120", (30, 90))
    assert "1.0 s" in page.said
    page.press("make-film")
    assert page.app.session_state.film_job.request.frames == (30, 90)
    page.set("film_kind", "webp")
    assert not any(
        b.label.startswith("Save") for b in page.app.get("download_button")
    )  # that was another film
    monkeypatch.setattr(video.Film, "__len__", lambda film: 100_000)
    page.press("make-film")
    page.until(lambda page: page.has("cancel-film")).press("cancel-film")
    page.until(lambda page: "Cancelled. Press Make WebP to start again." in page.said)
    assert page.has("make-film")


@pytest.mark.slow
def test_the_page_does_not_wait_for_torch():
    import subprocess
    import sys

    code = "import sys, dashboard.recover.page; print([m for m in ('torch', 'librosa', 'pandas') if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(ROOT), capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"

"""The mode Generate in Python, without a browser: what each control leads to, and what goes wrong politely."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

import mmm.generation.generate
from dashboard.common import downloads as films
from dashboard.files import entries as library
from dashboard.files import songs
from dashboard.generate import export
from dashboard.generate.controls import Plan
from dashboard.work import generations
from mmm import Clip, load_clip, save_clip
from mmm.cli.app import main
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import encode_ogg
from mmm.viewer import video
from tests.dashboard.conftest import ROOT, SAMPLE
from tests.dashboard.files.test_songs import tone
from tests.dashboard.futures import CHANCE, DANCE
from tests.mmm.making import smooth_motion

pytestmark = pytest.mark.slow

HERE = {"mode": "generate", "sequence": SAMPLE, "method": CHANCE, "length_s": "1.5"}


@pytest.fixture
def workbench(open_workbench, networks, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))
    return open_workbench


def made(page, variants=1):
    """Press Generate and wait for so many variants."""
    page.press("gen_go")
    return page.until(
        lambda p: (
            not p.has("gen_cancel") and sum(p.has(f"gen_drop-{n}") for n in range(3)) == variants
        )
    )


def test_the_seed_stands_on_the_stage_before_anything_is_generated(workbench):
    page = workbench(**HERE)
    header, arrays = page.stage
    assert page.panels == ["Truth"]
    assert header["frames"] == 120 + 90
    assert header["future"]["seed"] == 120
    assert not header["future"]["live"]
    assert "audio" in arrays and len(arrays["beats"])
    assert "Press Generate" in page.said
    assert page.errors == []


def test_generate_puts_the_dance_beside_the_truth_with_numbers(workbench):
    page = made(workbench(**HERE))
    header, arrays = page.stage
    assert page.panels == ["Truth", f"{CHANCE}, seed 0"]
    np.testing.assert_allclose(arrays["positions1"][:120], arrays["positions0"][:120], atol=1e-5)
    assert np.abs(arrays["positions1"][150:] - arrays["positions0"][150:]).max() > 0.01
    assert len(arrays["positions1"]) == header["future"]["ready"] == 210
    assert header["future"]["run"]
    assert f"{CHANCE}, seed 0" in page.table
    assert "Truth" in page.table
    lines = page.fed("mmm_curves")[0]["series"]
    assert [line["name"] for line in lines] == [f"{CHANCE}, seed 0", "Truth"]
    assert "Generated 1.5 s in" in page.said


def test_the_pages_figures_are_the_command_lines(workbench, networks, tmp_path):
    page = made(workbench(**HERE, seed="3"))
    one = generations.kept().get(page.app.session_state.variants[0])
    told = json.loads(export._metrics(one))
    assert (
        main(
            [
                "generate",
                str(ROOT / "data" / "samples" / f"{SAMPLE.split('/')[1]}.npz"),
                "--checkpoint",
                str(networks / CHANCE),
                "--frames",
                "90",
                "--seed",
                "3",
                "--metrics",
                str(tmp_path / "m.json"),
            ]
        )
        == 0
    )
    by_command = json.loads((tmp_path / "m.json").read_text())
    assert list(told["methods"].values()) == list(by_command["methods"].values())
    assert told["usual_energy"] == by_command["usual_energy"]
    for number in (one.numbers.generated.energy, one.numbers.reference.energy):
        assert f"<td>{number:.3f}</td>" in page.table
    curve = page.fed("mmm_curves")[1]["series0"]
    assert np.isnan(curve[:120]).all()
    assert curve[150] == pytest.approx(
        one.numbers.generated.energy_shares[0] * one.numbers.energy_scale, rel=1e-4
    )


def test_a_variant_is_taken_home_beside_the_truth(workbench, monkeypatch):
    monkeypatch.setattr(video.Film, "__len__", lambda film: 6)
    page = made(workbench(**HERE))
    made(page.set("gen_number", 1), 2)
    assert {b.label for b in page.app.get("download_button")} == {
        "BVH",
        "GLB",
        "NPZ",
        "AIST++",
        "JSON",
        "Web page",
    }
    first, second = (generations.kept().get(ask) for ask in page.app.session_state.variants)
    assert page.app.session_state.gen_exported == second.ask.label
    page.set("gen_exported", first.ask.label)
    assert films.bytes_of(first.generation, "glb")[:4] == b"glTF"
    assert films.bytes_of(first.generation, "html").startswith(b"<!doctype html>")
    page.press("gen_get-make-film")
    page.until(
        lambda page: any(b.label.startswith("Save MP4") for b in page.app.get("download_button"))
    )
    assert page.app.session_state.gen_film_job.results[4:8] == b"ftyp"
    page.set("gen_exported", second.ask.label)
    assert page.has("gen_get-make-film")  # that was another dance
    page.set("mode", "Recover").set("mode", "Generate")
    assert page.errors == []


def test_while_it_is_made_the_stage_has_what_is_there_so_far(workbench, monkeypatch):
    gate, real = threading.Semaphore(0), mmm.generation.generate.generate

    def waiting(*args, **settings):
        for chunk in real(*args, **settings):
            assert gate.acquire(timeout=60)
            yield chunk

    monkeypatch.setattr(mmm.generation.generate, "generate", waiting)
    page = workbench(**{**HERE, "length_s": "4"}).press("gen_go")
    assert page.has("gen_cancel")
    assert page.stage[0]["future"] | {"mark": "", "sound": ""} == {
        "seed": 120,
        "ready": 120,
        "live": True,
        "run": "",
        "start": 102,
        "mark": "",
        "sound": "",
    }
    ready = []
    for _ in range(4):
        gate.release()
        page.until(lambda p: p.stage[0]["future"]["ready"] > max(ready, default=120))
        header, arrays = page.stage
        ready.append(header["future"]["ready"])
        assert header["frames"] == 360
        assert header["panels"][1]["frames"] == len(arrays["positions1"]) == ready[-1]
        if len(ready) < 4:
            assert header["future"]["live"]
            assert "audio" not in arrays  # it plays already
    assert ready == [180, 240, 300, 360]
    page.until(lambda p: not p.has("gen_cancel"))
    assert not page.stage[0]["future"]["live"]
    assert page.stage[0]["future"]["run"] == header["future"]["run"]  # no jump at the end
    assert "audio" in page.stage[1]


def test_variants_stand_side_by_side_the_fourth_pushes_the_first_out(workbench):
    page = made(workbench(**HERE))
    for number in (1, 2, 3):
        made(page.set("gen_number", number), min(number + 1, 3))
    assert page.panels == ["Truth", *(f"{CHANCE}, seed {n}" for n in (1, 2, 3))]
    assert [panel.get("look") for panel in page.stage[0]["panels"]] == [
        None,
        None,
        "second",
        "third",
    ]
    assert [line["look"] for line in page.fed("mmm_curves")[0]["series"]] == [
        None,
        "second",
        "third",
        None,
    ]
    page.press("gen_drop-1")
    assert page.panels == ["Truth", f"{CHANCE}, seed 1", f"{CHANCE}, seed 3"]
    page.set("gen_variety", 0.5)
    assert made(page, 3).panels[-1] == f"{CHANCE}, seed 3, temperature 0.5"


def test_another_seed_length_has_variants_of_its_own_and_keeps_the_others(workbench):
    page = made(workbench(**HERE))
    page.set("gen_seed_s", 1.0)
    assert page.panels == ["Truth"]
    assert page.stage[0]["future"]["seed"] == 60
    page.set("gen_seed_s", 2.0)
    assert page.panels == ["Truth", f"{CHANCE}, seed 0"]


def test_to_another_song_there_is_no_truth(workbench):
    page = workbench(**HERE).set("gen_song", "Samples/dance_140bpm_test023_dancer11")
    assert page.panels == ["Seed"]
    assert len(page.stage[1]["positions0"]) == 120
    made(page)
    assert page.panels == [f"{CHANCE}, seed 0"]
    assert "no recording to compare with" in page.said


def test_without_music_up_to_a_minute_and_the_truth_ends_before(workbench):
    page = workbench(**{**HERE, "song": "none", "length_s": "60", "method": DANCE})
    assert page.stage[0]["frames"] == 120 + 60 * 60
    assert "waveform" not in page.stage[1]
    assert len(page.stage[1]["positions0"]) == 600
    if (ROOT / "checkpoints" / DANCE).is_dir():
        assert "gets silence" in page.said


def test_an_uploaded_song_decides_how_long_the_dance_may_be(workbench):
    page = workbench(**HERE)
    page.app.get("file_uploader")[0].upload("Mine.ogg", encode_ogg(tone(5)), "audio/ogg")
    page.taken_in()
    assert page.errors == []
    assert page.picker("gen_song").value == "upload/Mine.ogg"
    assert page.app.slider(key="gen_length_s").max == 3.0
    assert page.panels == ["Seed"]
    assert "upload" not in str(page.address)
    assert made(page).panels == [f"{CHANCE}, seed 0"]
    assert "Mine.ogg, 120 bpm" in "".join(e.proto.body for e in page.app.get("html"))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.wav", b"", "empty.wav: the file is empty"),
        ("letter.ogg", b"Dear Sir or Madam", "letter.ogg: not a sound file"),
        ("blip.ogg", encode_ogg(tone(0.4)), "blip.ogg: 0.4 s of sound"),
    ],
)
def test_a_bad_upload_is_one_line_and_the_song_stays(workbench, name, data, said):
    page = workbench(**HERE)
    page.app.get("file_uploader")[0].upload(name, data, "audio/ogg")
    page.taken_in()
    assert len(page.errors) == 1
    assert page.errors[0].startswith(said)
    assert page.picker("gen_song").value == "own"
    assert not page.app.button(key="gen_go").disabled
    assert len(page.run().errors) == 1  # said until other files are brought


def test_a_song_that_ends_with_the_seed_cannot_be_danced_to(workbench):
    page = workbench(**HERE)
    page.app.get("file_uploader")[0].upload("short.ogg", encode_ogg(tone(2.4)), "audio/ogg")
    page.taken_in()
    (error,) = page.errors
    assert error.startswith("short.ogg: lasts 2.4 s")
    assert page.app.button(key="gen_go").disabled
    page.set("gen_seed_s", 1.0)
    assert page.errors == []


def test_any_humanoid_goes_on_where_its_file_ends(workbench, page_env):
    save_clip(Clip("walk", smooth_motion(5, 60, SMPL24, 30.0)), page_env / "walk.bvh")
    page = workbench(mode="generate", sequence=f"{page_env.name}/walk.bvh", length_s="3")
    assert page.app.selectbox(key="gen_method").value == CHANCE
    assert "Not for this clip" in page.said or not (ROOT / "checkpoints" / DANCE).is_dir()
    assert page.panels == ["Seed"]
    assert made(page).panels == [f"{CHANCE}, seed 0"]
    assert len(page.stage[1]["positions0"]) == 150
    assert "it ends with the seed" in page.said


def test_a_clip_too_short_for_a_seed_says_so(workbench, page_env):
    save_clip(Clip("blink", smooth_motion(5, 10, SMPL24, 60.0)), page_env / "blink.bvh")
    page = workbench(mode="generate", sequence=f"{page_env.name}/blink.bvh")
    (error,) = page.errors
    assert error.startswith("blink: 10 frames at 60 fps")


def test_networks_that_fill_gaps_come_last_with_a_remark(workbench, checkpoint_folder, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(checkpoint_folder))
    page = workbench(mode="generate", sequence=SAMPLE)
    names = page.app.selectbox(key="gen_method").options
    assert [name.endswith("(fills gaps)") for name in names] == sorted(
        name.endswith("(fills gaps)") for name in names
    )
    page.set("gen_method", "dance-3bert-small")
    assert "not to continue a motion" in page.said
    assert "other keys" in page.app.slider(key="gen_variety").help
    page.set(
        "gen_method", next(name for name in names if name.startswith("inbetween")).split(" ")[0]
    )
    assert "deterministic" in page.said


def test_both_modes_keep_their_controls(workbench):
    page = workbench(**HERE).set("gen_seed_s", 1.5)
    page.set("mode", "Recover").set("kind", "every").set("every", 7)
    assert page.address["hide"] == "every:7"
    assert "mode" not in page.address
    page.set("mode", "Generate")
    assert page.stage[0]["future"]["seed"] == 90
    assert page.address["mode"] == "generate"
    page.set("mode", "Recover")
    assert page.address["hide"] == "every:7"


def test_the_address_holds_the_state(workbench):
    page = workbench(**HERE).set("gen_number", 7).set("gen_variety", 0.4).set("gen_seed_s", 1.5)
    page.set("gen_song", "none").set(f"gen_start-{SAMPLE}", 30)
    other = workbench(**page.address)
    assert other.address == page.address
    assert other.stage[0]["future"] == page.stage[0]["future"]
    assert other.app.number_input(key="gen_number").value == 7
    truth = load_clip(ROOT / "data" / "samples" / f"{SAMPLE.split('/')[1]}.npz").motion.positions()
    np.testing.assert_allclose(
        other.stage[1]["positions0"][:, :24], truth[30 : 30 + 90 + 90], atol=1e-4
    )


def test_the_python_code_makes_the_same_dance(workbench, monkeypatch, tmp_path):
    page = made(workbench(**HERE, start="30", variety="0.5", seed="7"))
    ask = page.app.session_state.variants[0]
    found = generations.kept().get(ask)
    song = songs.Song("own", "", None)
    entry = next(entry for entry in library.find_entries() if entry.key == SAMPLE)
    plan = Plan(entry, 30, found.generation.clip, song, ask, 210)
    assert export.command_line(plan) == ""  # the command goes on from the first frames
    assert "--variety 0.5 --seed 7" in export.command_line(replace(plan, start=0))
    monkeypatch.chdir(ROOT)
    scope = {}
    code = export.python_code(plan).replace("generated.bvh", str(tmp_path / "generated.bvh"))
    exec(compile(code, "code", "exec"), scope)
    np.testing.assert_array_equal(
        scope["made"].clip.motion.rotations, found.generation.clip.motion.rotations
    )
    assert (tmp_path / "generated.bvh").stat().st_size > 1000

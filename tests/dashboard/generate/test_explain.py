"""What a generated dance listened to, without a browser: maps by window, changed music on the stage."""

import io

import numpy as np
import pytest
import soundfile

import mmm
from dashboard.generate import explain as generate_listening
from dashboard.work import questions
from mmm.checkpoints import load_model
from tests.dashboard.conftest import ROOT, SAMPLE
from tests.dashboard.futures import CHANCE, DANCE
from tests.dashboard.generate.test_page import made

pytestmark = pytest.mark.slow

HERE = {"mode": "generate", "sequence": SAMPLE, "method": DANCE, "length_s": "3"}


@pytest.fixture
def workbench(open_workbench, networks, monkeypatch):
    if not (networks / DANCE).is_dir():
        pytest.skip(f"{DANCE} is not shipped")
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))
    return open_workbench


def opened(page):
    """Open the section, and wait for its maps."""
    page.app.session_state[generate_listening.OPEN] = True
    return page.run().until(
        lambda p: any(
            e.proto.component_name == "mmm_attention" for e in p.app.get("bidi_component")
        )
    )


def about(page) -> tuple[str, int]:
    """Title and last frame of the maps on the page; nothing while they are being made."""
    if not any(e.proto.component_name == "mmm_attention" for e in page.app.get("bidi_component")):
        return "", 0
    header = page.fed("mmm_attention")[0]
    return header["title"], header["window"][1] - 1


def test_the_maps_are_those_of_the_window_that_made_the_frame(workbench, networks):
    page = made(workbench(**HERE))
    assert questions.answers()._kept == {}  # nothing is captured before it is asked for
    header, arrays = opened(page).fed("mmm_attention")
    assert header["channel"] == "future"
    assert header["frames"] == 300
    clip = mmm.load_clip(ROOT / "data" / "samples" / f"{SAMPLE.split('/')[1]}.npz")
    chunks = list(
        mmm.generate(
            load_model(str(networks / DANCE)),
            clip,
            prefix_frames=120,
            frames=180,
            attention_frame=130,
        )
    )
    trace = chunks[0].attention
    assert header["window"] == list(trace.frames)
    mean = trace.encoders["cross"].mean(axis=(0, 1), dtype=np.float32)
    assert header["view"] == "cross//0/mean"
    shown = (arrays["map"].astype(float) / 255) ** 2 * header["top"]
    np.testing.assert_allclose(shown, mean, atol=2.1 * header["top"] / 255)
    assert arrays["hidden"].argmax() == 120  # what the window hid begins where its frames were made
    ask = page.app.session_state.variants[0]
    page.app.session_state["future_frame"] = (ask, 250)
    page.run().until(lambda p: about(p)[1] >= 250)
    second = next(chunk for chunk in chunks if chunk.first <= 250 < chunk.first + len(chunk.motion))
    assert page.fed("mmm_attention")[1]["hidden"].argmax() == second.first
    assert about(page)[1] > 300  # the last window looks beyond the end
    assert "Not measured for this checkpoint" in page.said


def test_a_dance_to_changed_music_stands_beside_the_dance_and_is_heard(workbench):
    page = opened(made(workbench(**HERE)))
    own = page.stage[1]["audio"].tobytes()
    page.set("gen_change_kind", "mute").press("future-change")
    page.until(lambda p: len(p.panels) == 3)
    assert page.panels == ["Truth", f"{DANCE}, as it is", "Muted"]
    header, arrays = page.stage
    assert header["future"]["seed"] == 120
    np.testing.assert_allclose(arrays["positions1"][:120], arrays["positions2"][:120], atol=1e-6)
    assert np.abs(arrays["positions1"] - arrays["positions2"])[200:].max() > 0.02
    silent, _ = soundfile.read(io.BytesIO(arrays["audio"].tobytes()))
    assert np.abs(silent).max() < 1e-3
    assert any("first differs by more than 5 cm" in m.value for m in page.app.markdown)
    page.set("gen_change_sound", "own").until(lambda p: p.stage[1]["audio"].tobytes() == own)
    page.press("future-change-off")
    assert page.panels == ["Truth", f"{DANCE}, seed 0"]
    page.set("mode", "Recover").set("mode", "Generate")
    assert page.panels == ["Truth", f"{DANCE}, seed 0"]


def test_a_network_without_music_has_maps_and_no_music_to_change(workbench):
    page = opened(made(workbench(**(HERE | {"method": CHANCE, "length_s": "1"}))))
    assert "motion only" in page.said
    assert not page.has("future-change")


def test_another_variant_has_maps_of_its_own(workbench):
    page = opened(made(workbench(**(HERE | {"method": CHANCE, "length_s": "1"}))))
    first = page.fed("mmm_attention")[1]["map"]
    made(page.set("gen_number", 1), 2)
    page.until(lambda p: "seed 1" in about(p)[0])
    second = page.fed("mmm_attention")[1]["map"]
    assert first.shape == second.shape
    page.set("gen_explained", page.app.session_state.variants[0].label)
    np.testing.assert_array_equal(page.fed("mmm_attention")[1]["map"], first)

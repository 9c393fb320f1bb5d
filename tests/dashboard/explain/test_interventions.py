"""Changing the music and asking what decided a frame, without a browser."""

import io

import numpy as np
import pytest
import soundfile

from dashboard.common import downloads as films
from dashboard.work import questions
from mmm.music.audio import encode_ogg, write_audio
from mmm.viewer import video
from tests.dashboard.conftest import SAMPLE
from tests.dashboard.explain.test_attention import ECM, OPEN, opened
from tests.dashboard.files.test_songs import tone

pytestmark = pytest.mark.slow


@pytest.fixture
def page(open_workbench, checkpoint_folder):
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    return opened(open_workbench(**OPEN).recovered())


def maps_of(page) -> list[str]:
    from mmm.viewer.payload import unpack

    return [
        unpack(e.proto.bytes)[0]["title"]
        for e in page.app.get("bidi_component")
        if e.proto.component_name == "mmm_heatmap"
    ]


def test_a_change_of_the_music_stands_beside_the_recovery_on_the_stage(page):
    page.set("change_kind", "shift").set("change_ms", -200).press("change")
    page.until(lambda p: len(p.panels) == 3)
    assert page.panels == ["Truth", f"{ECM}, as it is", "Music 200 ms earlier"]
    _, arrays = page.stage
    hidden = arrays["hidden"].astype(bool).any(axis=1)
    assert np.abs(arrays["positions1"] - arrays["positions2"])[hidden].max() > 1e-4
    np.testing.assert_array_equal(arrays["positions1"][~hidden], arrays["positions2"][~hidden])
    assert "Position change by joint and frame: music 200 ms earlier" in maps_of(page)
    assert any("hidden joints turn by" in m.value for m in page.app.markdown)
    page.press("change_off")
    assert page.panels == ["Truth", ECM]


def test_without_a_span_there_is_none_to_silence(page):
    page.set("change_kind", "span")
    assert "Drag across the map to select a span." in page.said
    assert page.app.button(key="change").disabled
    page.set("change_kind", "shift").set("change_ms", 0)
    assert page.app.button(key="change").disabled


def test_what_cannot_be_changed_is_said(page, monkeypatch):
    import mmm.explain.interventions
    from mmm.errors import SpecError

    def fails(*_, **__):
        raise SpecError("without:drums", "no sound at hand", "a clip with its recording", "give it")

    monkeypatch.setattr(mmm.explain.interventions, "intervene", fails)
    page.set("change_kind", "without:drums").press("change").until(lambda p: p.app.warning)
    assert "without:drums: no sound at hand" in page.said


def songs_offered(page) -> list[str]:
    return page.app.selectbox(key="change_song").options


def test_another_song_may_be_brought_along_or_lie_in_an_own_folder(
    open_workbench, checkpoint_folder, page_env
):
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    (page_env / "songs").mkdir()
    write_audio(tone(3), page_env / "songs" / "folder.wav")
    page = opened(open_workbench(**OPEN).recovered())
    page.app.get("file_uploader")[0].upload("Mine.ogg", encode_ogg(tone(5)), "audio/ogg")
    page.taken_in().set("song", "own").recovered()
    page.set("change_kind", "swap")
    options = songs_offered(page)
    assert options[0] == "Mine.ogg"
    assert "folder.wav" in options
    assert "Dance, 140 bpm, dancer 12" in options
    assert SAMPLE.split("/")[1].replace("_", " ") not in options
    page.set("change_song_start", 1.5).press("change").until(lambda p: len(p.panels) == 3)
    assert page.panels[2] == "Another song (Mine)"
    sound, rate = soundfile.read(io.BytesIO(page.stage[1]["audio"].tobytes()))
    assert len(sound) / rate == pytest.approx(100 / 60, abs=0.02)
    assert np.abs(np.fft.rfft(sound)).argmax() * rate / len(sound) == pytest.approx(440, abs=5)


def test_the_stage_plays_what_the_network_heard_or_the_music_as_it_is(page):
    own, named = page.stage[1]["audio"].tobytes(), page.stage[0]["edit"]["sound"]
    page.set("change_kind", "mute").press("change").until(lambda p: len(p.panels) == 3)
    header, arrays = page.stage
    assert (
        header["edit"]["sound"] != named
    )  # by its name the stage knows that it must play another recording
    silent, _ = soundfile.read(io.BytesIO(arrays["audio"].tobytes()))
    assert np.abs(silent).max() < 1e-3
    assert not arrays["waveform"].any()
    assert not len(arrays["beats"])
    page.set("change_sound", "own").until(lambda p: p.stage[1]["audio"].tobytes() == own)
    assert page.panels[2] == "Muted"
    assert len(page.stage[1]["beats"])
    page.press("change_off")
    assert page.stage[1]["audio"].tobytes() == own


def test_a_change_is_taken_home_as_film_and_page(page, monkeypatch):
    monkeypatch.setattr(video.Film, "__len__", lambda film: 6)
    page.set("change_kind", "mute").press("change").until(lambda p: len(p.panels) == 3)
    found = questions.answers().get(
        questions.Question(page.app.session_state.change_asked[0], "intervention", ("mute", ""))
    )
    html = films.bytes_of(found, "html").decode()
    assert html.startswith("<!doctype html>")
    page.press("get-change-make-film")
    page.until(lambda p: any(b.label.startswith("Save MP4") for b in p.app.get("download_button")))
    assert page.app.session_state.change_film_job.results[4:8] == b"ftyp"


def influence(page) -> str:
    """The subtitle of the curve of an attribution."""
    from mmm.viewer.payload import unpack

    headers = [
        unpack(e.proto.bytes)[0]
        for e in page.app.get("bidi_component")
        if e.proto.component_name == "mmm_curves"
    ]
    return next((one["subtitle"] for one in headers if one["shines"]), "")


def test_an_estimate_comes_first_and_the_exact_attribution_takes_its_place(page):
    request = page.app.session_state["attention_job"].request.request
    page.app.session_state["explain_asked"] = (request, 45, "left_arm", "integrated_gradients")
    page.run().until(influence)
    assert influence(page).endswith("estimated; the exact figure follows")
    page.until(lambda p: influence(p).endswith("share of the total"))
    asked = (45, "left_arm", "integrated_gradients")
    estimate, exact = (
        questions.answers().get(questions.Question(request, kind, asked))
        for kind in ("estimate", "attribution")
    )
    assert np.corrcoef(estimate.per_frame(), exact.per_frame())[0, 1] > 0.98


def test_an_attribution_is_a_strip_over_the_waveform(page):
    request = page.app.session_state["attention_job"].request.request
    page.app.session_state["explain_asked"] = (request, 50, "left_arm", "gradients")
    page.run().until(
        lambda p: any(
            "the strongest influence is the music at frame" in m.value for m in p.app.markdown
        )
    )
    from mmm.viewer.payload import unpack

    curve = [
        unpack(e.proto.bytes)
        for e in page.app.get("bidi_component")
        if e.proto.component_name == "mmm_curves"
    ]
    header, arrays = next(one for one in curve if one[0]["shines"])
    assert header["title"] == "Influence of the music on frame 50"
    assert arrays["series0"].sum() == pytest.approx(100, rel=1e-3)
    assert "By music feature" in maps_of(page)
    page.app.session_state["deletion_open"] = True
    page.run().until(lambda p: any('wb-deletion"' in e.proto.body for e in p.app.get("html")))
    assert any("chosen at random" in m.value for m in page.app.markdown)
    figure = next(e.proto.body for e in page.app.get("html") if 'wb-deletion"' in e.proto.body)
    assert "the nearest frames" in figure
    assert "data:image/svg+xml" in figure


def test_a_network_without_music_is_not_offered_other_music(open_workbench):
    page = opened(
        open_workbench(**(OPEN | {"sequence": SAMPLE, "method": "inbetween"})).recovered()
    )
    assert "frame to frame" in page.said
    assert not page.has("change")

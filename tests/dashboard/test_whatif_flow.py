"""Changing the music and asking what decided a frame, without a browser."""

import numpy as np
import pytest

from dashboard import whatif_view
from tests.dashboard.conftest import SAMPLE
from tests.dashboard.test_attention_flow import ECM, OPEN, opened


@pytest.fixture
def page(open_workbench, checkpoint_folder):
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    return opened(open_workbench(**OPEN).recovered())


def maps_of(page) -> list[str]:
    from mmm.stage.payload import unpack

    return [unpack(e.proto.bytes)[0]["title"] for e in page.app.get("bidi_component")
            if e.proto.component_name == "mmm_heatmap"]


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
    import mmm.interventions
    from mmm.errors import SpecError

    def fails(*_, **__):
        raise SpecError("without:drums", "no sound at hand", "a clip with its recording", "give it")

    monkeypatch.setattr(mmm.interventions, "intervene", fails)
    page.set("change_kind", "without:drums").press("change").until(lambda p: p.app.warning)
    assert "without:drums: no sound at hand; expected a clip with its recording; give it" in page.said


@pytest.mark.parametrize(("spec", "label"), [
    ("mute", "Muted"), ("mute:20-40", "Muted 20-40"), ("shift:-200", "Music 200 ms earlier"),
    ("shift:50", "Music 50 ms later"), ("stretch:1.1", "Stretched ×1.1"), ("without:drums", "Without drums"),
    ("swap:a/b:c.npz", "Another song"),
])
def test_changes_are_named_in_words(spec, label):
    assert whatif_view.label_of(spec) == label


def test_an_attribution_is_a_strip_over_the_waveform(page):
    request = page.app.session_state["attention_job"].request.request
    page.app.session_state["explain_asked"] = (request, 50, "left_arm", "gradients")
    page.run().until(lambda p: any("most comes from the music at frame" in m.value for m in p.app.markdown))
    from mmm.stage.payload import unpack

    curve = [unpack(e.proto.bytes) for e in page.app.get("bidi_component") if e.proto.component_name == "mmm_curves"]
    header, arrays = next(one for one in curve if one[0]["shines"])
    assert header["title"] == "music that decided frame 50"
    assert arrays["series0"].sum() == pytest.approx(100, rel=1e-3)
    assert "by kind of music feature" in maps_of(page)


def test_a_network_without_music_is_not_offered_other_music(open_workbench):
    page = opened(open_workbench(**(OPEN | {"sequence": SAMPLE, "method": "inbetween"})).recovered())
    assert "frame to frame" in page.said
    assert not page.has("change")

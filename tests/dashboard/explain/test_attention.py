"""The attention section without a browser: on demand, said plainly, of the window that is asked for."""

import pytest

from dashboard.explain import attention as attention_view
from dashboard.work import questions
from tests.dashboard.conftest import MODEL, SAMPLE

ECM = "dance-ecm-small"
OPEN = {"sequence": SAMPLE, "hide": "span:40-59", "method": ECM, "frames": "0-100"}


def opened(page):
    """Open the section, and wait for its maps."""
    page.app.session_state["attention_open"] = True
    return page.run().until(
        lambda p: (
            p.app.get("bidi_component")
            and any(e.proto.component_name == "mmm_attention" for e in p.app.get("bidi_component"))
        )
    )


@pytest.mark.slow
def test_nothing_is_captured_before_it_is_asked_for(open_workbench, checkpoint_folder):
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    page = open_workbench(**OPEN).recovered()
    assert questions.answers()._kept == {}
    header, arrays = opened(page).fed("mmm_attention")
    assert header["view"] == "cross/motion-music/mean/mean"
    assert header["window"] == [0, 100]
    assert arrays["map"].shape == (100, 100)
    assert [group["stage"] for group in header["tiles"]] == ["cross", "music", "motion"]
    assert [label for _, label in header["blocks"]] == [
        "motion → music",
        "motion → motion",
        "music → motion",
        "music → music",
    ]
    assert arrays["hidden"].nonzero()[0].tolist() == list(range(40, 60))
    assert "four blocks" in page.said
    assert "where a network looked, not why it moved that way" in page.said


@pytest.mark.slow
def test_a_network_that_joins_features_says_that_its_maps_go_from_frame_to_frame(open_workbench):
    page = opened(open_workbench(**(OPEN | {"method": MODEL})).recovered())
    header, _ = page.fed("mmm_attention")
    if header["blocks"]:
        pytest.skip("the stand-in for the shipped checkpoint joins in time")
    assert "frame to frame" in page.said
    assert header["sides"] == ["frame", "frame"]


@pytest.mark.slow
def test_an_interpolation_looks_at_nothing_and_says_so(open_workbench):
    page = open_workbench(**(OPEN | {"method": "slerp"})).recovered()
    page.app.session_state["attention_open"] = True
    page.run()
    assert "slerp is an interpolation, which has no attention." in page.said


@pytest.mark.slow
def test_of_a_long_clip_the_window_with_the_gap_comes_first(open_workbench):
    page = opened(
        open_workbench(
            **(OPEN | {"frames": "0-600", "hide": "span:500-519", "method": MODEL})
        ).recovered()
    )
    first, end = page.fed("mmm_attention")[0]["window"]
    assert first <= 510 < end
    assert first > 0


@pytest.mark.slow
def test_what_fails_is_said_and_can_be_tried_again(open_workbench, monkeypatch):
    import mmm
    from mmm.errors import ModelError

    page = open_workbench(**(OPEN | {"method": MODEL})).recovered()
    real = mmm.recover

    def fails(*_, **__):
        raise ModelError("weights", "torn in two", "whole ones", "restore them")

    monkeypatch.setattr(mmm, "recover", fails, raising=False)
    page.app.session_state["attention_open"] = True
    page.run().until(lambda p: p.app.warning)
    assert page.said.count("weights: torn in two") == 1
    monkeypatch.setattr(mmm, "recover", real, raising=False)
    page.press("attention_again")
    opened(page)


def test_answers_are_bounded_and_found_by_frame():
    from types import SimpleNamespace

    store, request = questions.Answers(250), attention_view.Request("digest", "every:5", 0, "m")
    windows = [(0, 300), (200, 500), (400, 700)]
    for window in windows:
        atlas = SimpleNamespace(trace=SimpleNamespace(frames=window))
        store.put(questions.Question(request, "attention", window), atlas, 100)
    assert store.find(request, 100) is None  # the oldest made room
    assert store.find(request, 250).trace.frames == (200, 500)
    assert store.find(request, 450).trace.frames == (400, 700)  # the latest of two
    assert store.find(attention_view.Request("other", "every:5", 0, "m"), 450) is None


@pytest.mark.slow
def test_the_address_says_which_map_is_open(open_workbench, checkpoint_folder):
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    view = "cross/music-motion/0/3"
    page = open_workbench(**OPEN, maps=view).until(
        lambda p: any(
            e.proto.component_name == "mmm_attention" for e in p.app.get("bidi_component")
        )
    )
    assert page.fed("mmm_attention")[0]["view"] == view
    assert page.address["maps"] == view
    page.app.session_state["attention_open"] = False
    assert "maps" not in page.run().address
    wrong = opened(open_workbench(**OPEN, maps="cross/nowhere/9/9"))
    assert wrong.fed("mmm_attention")[0]["view"] == "cross/motion-music/mean/mean"
    assert wrong.errors == []

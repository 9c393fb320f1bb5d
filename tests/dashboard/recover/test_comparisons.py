"""Comparing recoveries of one clip: by other networks, of other patterns; on the stage, in the table, in the curves."""

import numpy as np
import pytest

from dashboard.common import escape
from dashboard.work.store import Store
from mmm.viewer.payload import unpack
from tests.dashboard.conftest import MODEL, SAMPLE

pytestmark = pytest.mark.slow

SHORT = {"sequence": SAMPLE, "frames": "0-120", "hide": "span:40-79"}


def curve_names(page) -> list[str]:
    drawn = [
        unpack(e.proto.bytes)[0]
        for e in page.app.get("bidi_component")
        if e.proto.component_name == "mmm_curves"
    ]
    return [line["name"] for line in drawn[0]["series"]]


def test_an_earlier_recovery_stands_beside_the_shown_one(open_workbench):
    page = open_workbench(**SHORT, method=MODEL).recovered()
    page.set("kind", "every").press("recover").until(lambda p: p.table and p.panels[-1] == MODEL)
    other = f"{MODEL}, span:40-79"
    pills = next(g for g in page.app.get("button_group") if g.key == "beside")
    assert pills.options[-1] == f"Add {escape.markdown(other)}"
    page.set("beside", [other])
    pills = next(g for g in page.app.get("button_group") if g.key == "beside")
    assert pills.options[-1] == f"Remove {escape.markdown(other)}"
    header, arrays = page.stage
    assert page.panels == ["Truth", MODEL, other]
    assert [panel.get("look") for panel in header["panels"]] == [None, None, "second"]
    own = arrays["hidden2"].reshape(120, -1)
    assert own[40:80].all()
    assert not own[:40].any()
    assert not np.array_equal(own, arrays["hidden"].reshape(120, -1))
    assert f"{other}</th>" in page.table
    assert other in curve_names(page)
    assert "measured over what that pattern hides" in page.said
    page.set("beside", [])
    assert other not in page.table
    assert page.panels == ["Truth", MODEL]
    assert page.errors == []


def test_another_clip_offers_nothing_of_this_one(open_workbench):
    page = open_workbench(**SHORT, method=MODEL).recovered()
    page.set("kind", "every").press("recover").until(lambda p: p.table and p.panels[-1] == MODEL)
    page.set(f"frames-{SAMPLE}", (0, 100)).press("recover").recovered()
    pills = next(g for g in page.app.get("button_group") if g.key == "beside")
    assert not any(MODEL in option for option in pills.options)


def test_a_link_brings_what_stood_beside_by_another_pattern(open_workbench):
    page = open_workbench(**SHORT, method=MODEL).recovered()
    page.set("kind", "every").press("recover").until(lambda p: p.table and p.panels[-1] == MODEL)
    page.set("beside", [f"{MODEL}, span:40-79"])
    link, table = page.address, page.table
    assert link["also"] == f"{MODEL}~0~span:40-79"
    other = open_workbench(**link)
    other.until(lambda p: p.panels == page.panels)
    assert other.table == table
    assert other.address == link
    assert other.app.session_state.also == []
    other.set("beside", [])
    assert "also" not in other.address


@pytest.mark.parametrize(
    ("also", "told"),
    [
        ("gpt~0~span:40-79", "gpt, which cannot be recovered here"),
        ("hold~0~span:4000-4001", "hold, which cannot be recovered here"),
        ("hold~0~retime:40-50=30", "hold, which cannot be recovered here"),
        ("~~", ""),
        ("hold", ""),
        ("hold~x~first", ""),
    ],
)
def test_what_a_link_cannot_bring_is_said_and_left_out(open_workbench, also, told):
    page = open_workbench(**SHORT, method=MODEL, also=also).recovered()
    page.until(lambda p: p.app.session_state.also == [])
    assert page.panels == ["Truth", MODEL]
    assert page.errors == []
    assert "also" not in page.address
    said = [toast.value for toast in page.app.toast]
    assert len(said) == bool(told)
    assert told in "".join(said)


def test_another_motion_is_not_recovered_for_the_link(open_workbench):
    page = open_workbench(**SHORT, method=MODEL, also="hold~0~every:9").recovered()
    page.app.session_state.also = [("hold", 0, "every:8")]
    page.set(f"frames-{SAMPLE}", (0, 100)).press("recover").recovered()
    assert page.app.session_state.also == []
    assert page.panels == ["Truth", MODEL]


def test_a_link_that_opened_without_a_recovery_does_not_follow_to_another_motion(open_workbench):
    page = open_workbench(**SHORT | {"hide": "unpin:3"}, method=MODEL, also="hold~0~every:9")
    assert "also" in page.address
    page.set(f"frames-{SAMPLE}", (300, 400))
    assert "also" not in page.address
    page.set("kind", "every").press("recover").recovered()
    assert page.panels == ["Truth", MODEL]


def test_a_link_to_a_file_that_is_still_to_come_does_not_ask_for_its_recoveries_here(
    open_workbench,
):
    page = open_workbench(
        **SHORT | {"sequence": "Uploads/mine.bvh"}, method=MODEL, also="hold~0~every:9"
    ).recovered()
    assert "This link needs the file" in page.said
    assert "also" not in page.address
    assert page.app.session_state.also == [("hold", 0, "every:9")]


def test_what_others_push_out_of_the_store_is_brought_all_the_same(open_workbench, monkeypatch):
    pushed, put = [], Store.put

    def crowded(self, request, results, nbytes):
        if request.method == "hold" and not pushed:
            pushed.append(request)
        else:
            put(self, request, results, nbytes)

    monkeypatch.setattr(Store, "put", crowded)
    page = open_workbench(**SHORT, method=MODEL, also="hold~0~every:9").recovered()
    page.until(lambda p: p.panels == ["Truth", MODEL, "hold, every:9"])
    assert len(pushed) == 1

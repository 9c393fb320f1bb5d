"""The library page in AppTest, its reader and its cards."""

import time

import pytest

from dashboard.files import entries as library
from dashboard.files.entries import Entry
from dashboard.files.file_facts import FileIndex, file_index
from dashboard.views import library as library_view
from mmm import save_clip
from mmm.evaluation.library import FileFacts


@pytest.fixture
def with_files(page_env, made_clip):
    """Two motions and a broken file in the visitor's folder."""
    save_clip(made_clip, page_env / "walk.bvh")
    save_clip(made_clip.crop(0, 30), page_env / "short.npz")
    (page_env / "broken.bvh").write_text("HIERARCHY\nROOT <b>Hips")
    return page_env


def cards(page) -> list[str]:
    """The cards' HTML, in order."""
    return [
        e.proto.body for e in page.app.get("html") if e.proto.body.startswith('<div class="wb-card')
    ]


def read(page):
    """All files are read: wait for the reader, not by drawing the page again and again."""
    end = time.monotonic() + 60
    while any(file_index().get(entry) is None for entry in library.find_entries()):
        assert time.monotonic() < end
        file_index().want(library.find_entries())
        time.sleep(0.1)
    page.run()
    assert not any("waits" in card for card in cards(page))
    return page


@pytest.mark.slow
def test_all_files_stand_there_with_facts_and_a_broken_one_says_why(open_workbench, with_files):
    page = read(open_workbench(method="spline").go("library"))
    shown = cards(page)
    assert len(shown) == 15
    assert "600 frames · 10.0 s · 60 fps · 24 joints · SMPL · 81 bpm · test split" in shown[0]
    assert all("data:image/webp;base64," in card for card in shown[:12])
    broken = next(card for card in shown if '<b title="broken' in card)
    assert "broken.bvh line 2" in broken
    assert str(with_files) not in broken
    assert "15 files" in page.said
    disabled = [b.disabled for b in page.app.button if b.key.startswith(("open-", "generate-"))]
    assert disabled.count(True) == 2


@pytest.mark.slow
def test_words_groups_and_orders(open_workbench, with_files):
    page = read(open_workbench(method="spline").go("library"))
    page.app.text_input[0].set_value("no music 24")
    page.run()
    assert [
        card.split(">")[card.split(">").index("</div") + 2].removesuffix("</b")
        for card in cards(page)
    ] == ["short.npz", "walk.bvh"]
    assert "2 of 15 files" in page.said
    page.app.text_input[0].set_value("")
    page.set("library_order", "tempo")
    assert "81 bpm" in cards(page)[0]
    page.set("library_group", "mine")
    page.set("library_order", "longest")
    assert ["walk" in cards(page)[0], "short" in cards(page)[1], "broken" in cards(page)[2]] == [
        True
    ] * 3
    page.app.text_input[0].set_value("elephant")
    page.run()
    assert cards(page) == []
    assert "No file matches all of these words" in page.said


@pytest.mark.slow
def test_the_group_is_told_to_a_browser_that_missed_the_first_drawing(open_workbench, with_files):
    page = read(open_workbench(method="spline").go("library"))  # drawn again when all is read
    group = page.app.get("button_group")[0].proto
    assert list(group.default) == [0]
    assert page.app.session_state.library_group == "All"


@pytest.mark.slow
def test_a_card_opens_the_workbench_and_its_controls_are_as_they_were(open_workbench, with_files):
    page = open_workbench(method="hold", hide="every:7", frames="0-90", beside="spline")
    read(page.go("library"))
    keys = [b.key for b in page.app.button if b.key.startswith("open-") and not b.disabled]
    page.press(keys[-1])
    assert page.app.session_state.sequence == "mine/walk.bvh"
    assert page.stage[0]["frames"] == 90
    assert page.address["hide"] == "every:7"
    assert page.address["method"] == "hold"
    assert page.address["beside"] == "spline"


@pytest.mark.slow
def test_many_files_come_page_by_page(open_workbench, with_files, monkeypatch):
    monkeypatch.setattr(library_view, "CARDS_PER_PAGE", 10)
    page = read(open_workbench(method="spline").go("library"))
    first = cards(page)
    assert (len(first), "1 / 2" in page.said) == (10, True)
    page.press("library-on-above")
    assert (len(cards(page)), "2 / 2" in page.said) == (5, True)
    page.press("library-back-below")
    assert cards(page) == first


class TestFileIndex:
    def wait(self, index, entry):
        end = time.monotonic() + 20
        while index.get(entry) is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        return index.get(entry)

    def test_what_is_asked_for_first_is_read_first(self, with_files, monkeypatch):
        order, index = [], FileIndex()
        monkeypatch.setattr(
            "dashboard.files.file_facts.find_facts",
            lambda path: order.append(path.name) or FileFacts(1),
        )
        entries = [
            Entry(with_files / name, name, "mine")
            for name in ("walk.bvh", "short.npz", "broken.bvh")
        ]
        index.want(entries[::-1])
        self.wait(index, entries[0])
        assert order == ["broken.bvh", "short.npz", "walk.bvh"]

    def test_a_changed_file_is_read_anew_and_a_lost_one_says_so(self, with_files, made_clip):
        index, entry = FileIndex(), Entry(with_files / "short.npz", "short.npz", "mine")
        index.want([entry])
        assert self.wait(index, entry).frames == 30
        save_clip(made_clip.crop(0, 31), entry.path)
        assert index.get(entry) is None
        index.want([entry])
        assert self.wait(index, entry).frames == 31
        entry.path.unlink()
        assert "No such file" in index.get(entry).problem

    def test_nothing_of_an_upload_is_kept_on_disk(self, with_files, tmp_path):
        index, entry = FileIndex(), Entry(with_files / "short.npz", "short.npz", library.UPLOADS)
        index.want([entry])
        assert self.wait(index, entry).frames == 30
        assert not (tmp_path / "cache").exists()

    def test_a_bug_with_one_file_does_not_stop_the_others(self, with_files, monkeypatch):
        def fail(path):
            if path.name == "walk.bvh":
                raise ZeroDivisionError
            return FileFacts(1)

        monkeypatch.setattr("dashboard.files.file_facts.find_facts", fail)
        index, entries = (
            FileIndex(),
            [Entry(with_files / name, name, "mine") for name in ("walk.bvh", "short.npz")],
        )
        index.want(entries)
        assert self.wait(index, entries[1]).frames == 1
        assert "fault of the workbench" in index.get(entries[0]).problem

    def test_it_rests_when_nobody_asks(self, with_files, monkeypatch):
        monkeypatch.setattr("dashboard.files.file_facts.REST_S", -1.0)
        index, entry = FileIndex(), Entry(with_files / "short.npz", "short.npz", "mine")
        index.want([entry])
        time.sleep(0.2)
        assert index.get(entry) is None


def test_what_a_card_says_is_no_html():
    entry = Entry(library.ROOT / "x.bvh", "<i>x.bvh", "mine")
    assert "<i>" not in library_view.card_html(entry, None)
    assert "<i>" not in library_view.card_html(entry, FileFacts(problem="<i>"))
    assert "&lt;i&gt;x" in library_view.card_html(entry, FileFacts(3, 30.0, 2, "<i>"))

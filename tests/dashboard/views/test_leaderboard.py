"""The leaderboard page in AppTest: measured behind the page, stopped, kept, shown beside the interpolations."""

import csv
import io
import time

import pytest

from dashboard.files.entries import Entry
from dashboard.views import leaderboard as leaderboard_view
from dashboard.work import leaderboard_run
from mmm import save_clip
from mmm.evaluation import leaderboard, measurements
from mmm.interpolation.baselines import BASELINES


@pytest.fixture
def board(open_workbench, page_env, made_clip, monkeypatch):
    """The page, with two clips of the visitor's own and interpolations only."""
    monkeypatch.setattr(leaderboard_view, "list_checkpoints", list)
    for name, frames in (("one", 60), ("two", 90)):
        save_clip(made_clip.crop(0, frames), page_env / f"{name}.npz")
    page = open_workbench(method="spline").go("leaderboard").set("board_group", "mine")
    return page.set("board_patterns", "every:5 gap:10 gap:20")


def measured(page):
    """The run has ended."""
    end = time.monotonic() + 60
    while leaderboard_run.runner().busy:
        assert time.monotonic() < end
        time.sleep(0.05)
    return page.run()


@pytest.mark.slow
def test_measure_show_and_export(board):
    assert "Nothing has been measured" in board.said
    measured(board.press("measure"))
    header, _ = board.fed("mmm_table")
    assert [column["title"] for column in header["columns"]] == [
        "every:5",
        "gap of 10",
        "gap of 20",
    ]
    assert header["columns"][0]["note"].startswith("2 clips, ")
    assert [row["name"] for row in header["rows"]] == list(BASELINES)
    for column in range(3):
        cells = [row["cells"][column] for row in header["rows"]]
        assert [cell["best"] for cell in cells] == [
            cell["value"] == min(c["value"] for c in cells) for cell in cells
        ]
    board.set("board_metric", "rotation_deg")
    assert board.fed("mmm_table")[0]["rows"] != header["rows"]
    files = measurements.ResultsFile().read()
    assert len(files) == 2 * 3 * len(BASELINES)
    assert [b.label for b in board.app.get("download_button")] == ["CSV", "Markdown"]


@pytest.mark.slow
def test_a_pattern_that_makes_no_sense_is_one_line_and_the_page_lives_on(board):
    board.set("board_patterns", "every:5 evry:9")
    assert any("evry:9" in error for error in board.errors)
    assert next(b.disabled for b in board.app.button if b.key == "measure")
    board.set("board_patterns", "every:5")
    assert board.errors == []


@pytest.mark.slow
def test_a_run_can_be_stopped_and_what_was_measured_is_kept(board, monkeypatch):
    measure = leaderboard._missing

    def slow(*given):
        time.sleep(0.3)
        return measure(*given)

    monkeypatch.setattr(leaderboard, "_missing", slow)
    board.press("measure").until(lambda page: len(measurements.ResultsFile().read()) > 0)
    if board.has("measure-cancel"):
        board.press("measure-cancel")
    measured(board)
    assert "Finished results are kept." in board.said
    assert 0 < len(measurements.ResultsFile().read()) < 2 * 3 * len(BASELINES)


def test_clips_are_spread_over_the_whole(tmp_path):
    entries = [Entry(tmp_path / str(i), str(i), "mine") for i in range(100)]
    assert [e.label for e in leaderboard_view.spread(entries, 4)] == ["0", "25", "50", "75"]
    assert leaderboard_view.spread(entries[:3], 4) == entries[:3]


def test_the_csv_reads_back():
    from mmm.evaluation.standings import as_csv

    assert list(csv.DictReader(io.StringIO(as_csv([])))) == []

"""The leaderboard in a real browser: measured, sorted by a click on a head."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tests.browser import ROOT, AppServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIMIT_MS = 60_000

SCRIPT = """import sys
sys.path.insert(0, {root!r})
from dashboard.views import leaderboard as leaderboard_view
leaderboard_view.list_checkpoints = list
# One clip: what is looked at here is the table, not the figures.
leaderboard_view.find_entries = lambda find=leaderboard_view.find_entries: find()[:1]
leaderboard_view.page()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """The page with interpolations alone, and a folder of its own to keep them in."""
    folder = tmp_path_factory.mktemp("board")
    script = folder / "page.py"
    script.write_text(SCRIPT.format(root=str(ROOT)))
    servers = AppServer()
    yield servers.url(str(script), {"MMM_DATA": "", "XDG_CACHE_HOME": str(folder)})
    servers.close()


def test_measure_and_sort(new_page, server):
    page = new_page().page
    page.set_default_timeout(LIMIT_MS)
    page.goto(server)
    patterns = page.get_by_role("textbox", name="Patterns")
    patterns.fill("every:30 gap:20")
    patterns.press("Enter")
    page.get_by_role("button", name="Measure").click()
    table = page.get_by_role("table", name="Joint position by method and pattern")
    expect(table.get_by_role("row")).to_have_count(5, timeout=LIMIT_MS)
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=LIMIT_MS)

    def column() -> list[float]:
        return [
            float(text)
            for text in table.locator("tbody tr td:nth-child(3) > span").all_inner_texts()
        ]

    table.get_by_role("button", name="gap of 20").click()
    expect(table.get_by_role("columnheader", name="gap of 20")).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert column() == sorted(column())
    table.get_by_role("button", name="gap of 20").click()
    assert column() == sorted(column(), reverse=True)
    expect(table.locator("td.best")).to_have_count(2)
    expect(page.get_by_role("button", name="Markdown")).to_be_visible()

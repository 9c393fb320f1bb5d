"""Generate as a user meets it: a real Chromium; frames play while later ones still come. Nothing waits a fixed time."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect

from mmm.music.audio import encode_ogg
from tests.browser import AppServer
from tests.dashboard.conftest import SAMPLE
from tests.dashboard.files.test_songs import tone
from tests.dashboard.futures import CHANCE, save_future_networks

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = "tests/dashboard/slow_generate_app.py"
LIMIT_MS = 60_000  # only ever waited out where something is wrong
HERE = f"?mode=generate&sequence={SAMPLE}&method={CHANCE}"
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def gate_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def served(tmp_path_factory, gate_folder) -> Iterator[str]:
    """Where the page is whose network waits for the test before each second that it makes."""
    servers = AppServer()
    networks = save_future_networks(tmp_path_factory.mktemp("futures"))
    yield servers.url(
        SLOW,
        {
            "MMM_CHECKPOINTS": str(networks),
            "MMM_DATA": "",
            # Here even where these tests are run on a server's networks, which wait for nobody.
            "MMM_SERVER": "",
            "TEST_GATE": str(gate_folder),
        },
    )
    servers.close()


@pytest.fixture
def gate(gate_folder) -> Iterator[Callable[[object], None]]:
    """``gate(n)`` lets the network make its part ``n``, ``gate("all")`` everything."""
    yield lambda part: (gate_folder / str(part)).touch()
    (gate_folder / "all").touch()  # whatever still waits may end


@pytest.fixture(autouse=True)
def shut(gate_folder) -> None:
    for file in gate_folder.iterdir():
        file.unlink()


@pytest.fixture
def open_(new_page, served) -> Callable[..., Page]:
    """``open_(more, width, dark, moving)``; afterwards the console must be free of errors."""

    def go(more: str = "", width: int = 1400, dark: bool = False, moving: bool = False) -> Page:
        page = new_page(width, dark=dark, moving=moving).page
        page.set_default_timeout(LIMIT_MS)
        page.goto(served + HERE + more)
        page.locator("canvas[data-checksum]").first.wait_for()
        return page

    return go


def timeline(page: Page) -> Locator:
    return page.get_by_role("slider", name="Timeline")


def frame(page: Page) -> int:
    return int(timeline(page).get_attribute("aria-valuenow") or -1)


def ready(page: Page) -> int:
    return int(timeline(page).get_attribute("data-ready") or -1)


def panel(page: Page, number: int = 0) -> Locator:
    return page.locator(f'canvas[data-panel^="{CHANCE}, seed {number}"]')


def until(page: Page, what: Callable[[], bool], tries: int = 600) -> None:
    for _ in range(tries):
        if what():
            return
        page.wait_for_timeout(50)
    raise AssertionError("the condition was never met")


def generate(page: Page) -> None:
    page.get_by_role("button", name="Generate", exact=True).click()


def settled(page: Page, number: int = 0) -> Page:
    """Generated to the end, with its numbers below."""
    page.get_by_role("button", name=f"Remove {CHANCE}, seed {number}", exact=True).filter(
        visible=True
    ).first.wait_for()
    expect(page.locator(".wb-table")).to_contain_text(f"seed {number}")
    return page


def test_it_plays_generated_frames_while_later_ones_still_come(open_, gate):
    page = open_("&length_s=4", moving=True)
    expect(page.locator(".seedrule")).to_have_text("seed ends")
    assert timeline(page).get_attribute("data-seed") == "120"
    page.locator(".viewer").evaluate("node => { node.dataset.kept = 'yes'; }")
    generate(page)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    gate(0)
    panel(page).wait_for()
    # Past the seed, on frames that a network made, with more of them still to come.
    until(page, lambda: frame(page) >= 120)
    assert ready(page) == 180
    expect(page.locator(".coming")).to_be_visible()
    expect(page.locator(".viewer .name[data-role=model] .state")).to_have_text("generated")
    until(page, lambda: frame(page) == 179)  # where they end the playhead waits
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    pose = panel(page).get_attribute("data-checksum")
    gate(1)
    until(page, lambda: frame(page) > 179)  # and goes on from there, not from the beginning
    assert ready(page) == 240
    assert panel(page).get_attribute("data-checksum") != pose
    gate("all")
    settled(page)
    assert ready(page) == 360
    expect(page.locator(".coming")).to_be_hidden()
    assert page.locator(".viewer").get_attribute("data-kept") == "yes"  # never mounted anew
    box, rule = timeline(page).bounding_box(), page.locator(".seedrule").bounding_box()
    assert abs(rule["x"] - (box["x"] + box["width"] * 120 / 360)) < 3


def test_the_playhead_cannot_leave_what_was_made(open_, gate):
    page = open_("&length_s=3")
    generate(page)
    gate(0)
    panel(page).wait_for()
    page.locator(".viewer").focus()
    page.keyboard.press("End")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "179")
    page.keyboard.press("ArrowRight")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "179")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    gate("all")
    settled(page)
    assert frame(page) == 179  # paused by the user: new frames do not start it
    page.locator(".viewer").focus()
    page.keyboard.press("End")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "299")


def test_cancel_keeps_what_was_made(open_, gate):
    page = open_("&length_s=8")
    generate(page)
    gate(0)
    panel(page).wait_for()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Stopping")).to_be_visible()
    gate(1)
    expect(page.get_by_text(re.compile(r"Cancelled; kept 2\.0 s"))).to_be_visible()
    settled(page)
    expect(timeline(page)).to_have_attribute("data-ready", "240")
    expect(timeline(page)).to_have_attribute("aria-valuemax", "239")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_enabled()


def test_two_variants_stand_beside_the_truth_and_one_is_taken_off(open_, gate):
    gate("all")
    page = open_("&length_s=1", width=900, dark=True, moving=True)
    generate(page)
    settled(page)
    number = page.get_by_role("spinbutton", name="Random seed")
    number.fill("5")
    number.press("Enter")
    until(page, lambda: "seed=5" in page.url)
    generate(page)
    settled(page, 5)
    names = page.locator("canvas[data-panel]").evaluate_all(
        "nodes => nodes.map((n) => n.dataset.panel)"
    )
    assert names == ["Truth", f"{CHANCE}, seed 0", f"{CHANCE}, seed 5"]
    dots = page.locator(".viewer .dot").evaluate_all(
        "nodes => nodes.map((n) => getComputedStyle(n).backgroundColor)"
    )
    assert len(set(dots)) == 3
    until(page, lambda: frame(page) > 130)
    assert panel(page, 0).get_attribute("data-checksum") != panel(page, 5).get_attribute(
        "data-checksum"
    )
    page.get_by_role("button", name=f"Remove {CHANCE}, seed 0", exact=True).first.click()
    expect(panel(page, 0)).to_have_count(0)
    expect(panel(page, 5)).to_have_count(1)


def test_an_uploaded_song_is_danced_to_and_a_bad_one_is_one_line(open_, gate):
    gate("all")
    page = open_("&length_s=1")
    page.get_by_text("Your own files").click()
    chooser = page.locator("input[type=file]")
    chooser.set_input_files(
        {"name": "nothing.mp3", "mimeType": "audio/mpeg", "buffer": b"not a sound at all"}
    )
    expect(page.get_by_text(re.compile("nothing.mp3: not a sound file"))).to_be_visible()
    chooser.set_input_files(
        {"name": "Mine.ogg", "mimeType": "audio/ogg", "buffer": encode_ogg(tone(6))}
    )
    expect(page.get_by_text("Mine.ogg, 120 bpm")).to_be_visible()
    expect(page.locator('canvas[data-panel="Seed"]')).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Sound o"))).to_be_visible()
    generate(page)
    settled(page)
    expect(page.get_by_text("There is no recording to compare with")).to_be_visible()


def test_recover_is_a_switch_away_and_back(open_):
    page = open_("&length_s=1")
    page.get_by_role("radio", name="Recover").or_(
        page.get_by_role("button", name="Recover")
    ).first.click()
    page.get_by_role("combobox", name=re.compile("Hide")).wait_for()
    expect(page.locator(".seedrule:visible")).to_have_count(0)
    until(page, lambda: "hide=" in page.url)
    page.get_by_role("radio", name="Generate").or_(
        page.get_by_role("button", name="Generate")
    ).first.click()
    expect(page.locator(".seedrule:visible")).to_have_count(1)
    assert "mode=generate" in page.url

"""From page to page, and the library, in a real browser."""

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from mmm import save_clip
from tests.browser import AppServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 60_000
QUERY = "?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-120&hide=every:9&method=spline"
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def server(checkpoint_folder, made_clip, tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mine")
    save_clip(made_clip, folder / "walk.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\nROOT")
    servers = AppServer()
    yield servers.url(
        "dashboard/app.py",
        {
            "MMM_CHECKPOINTS": str(checkpoint_folder),
            "MMM_DATA": str(folder),
            "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        },
    )
    servers.close()


def opened(new_page, address: str, width: int = 1400, dark: bool = False) -> Page:
    page = new_page(width, 1000, dark).page
    page.set_default_timeout(LIMIT_MS)
    page.goto(address)
    return page


def card(page: Page, name: str):
    return page.locator('[class*="st-key-card-"]').filter(has_text=name)


def test_to_the_library_and_back_with_another_sequence(new_page, server):
    page = opened(new_page, server + QUERY)
    page.locator(".wb-table").wait_for()
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/library$"))
    expect(page.locator(".wb-card img")).to_have_count(13)
    expect(page.locator(".wb-card .bad")).to_have_count(1)
    picture = page.locator(".wb-card img").first
    assert (
        picture.evaluate("async (node) => { await node.decode(); return node.naturalWidth; }")
        == 176
    )
    search = page.get_by_role("textbox", name="Search")
    search.fill("walk humanoid")
    search.press("Enter")
    expect(page.locator(".wb-card")).to_have_count(0)
    search.fill("walk smpl")
    search.press("Enter")
    expect(page.locator(".wb-card")).to_have_count(1)
    box = card(page, "walk.bvh").locator(".pose").bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + 30)  # anywhere on the card
    expect(page.get_by_role("heading", name="walk")).to_be_visible()
    expect(page).to_have_url(
        re.compile(r"sequence=mine0%2Fwalk.bvh.*hide=every%3A9.*method=spline")
    )
    page.locator("canvas[data-checksum]").first.wait_for()


def test_a_card_opens_generate(new_page, server):
    page = opened(new_page, server + "library", 900, True)
    card(page, "Dance, 92 bpm").get_by_role("button", name="Generate").click()
    expect(page).to_have_url(re.compile("mode=generate.*dance_092bpm"))
    expect(page.get_by_role("heading", name="Dance, 92 bpm")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(900, False), (900, True), (1400, True)])
def test_the_page_fits_and_follows_the_theme(new_page, server, width, dark):
    page = opened(new_page, server + "library", width, dark)
    expect(page.locator(".wb-card img")).to_have_count(13)
    wide = page.locator("[data-testid=stMain]").evaluate(
        "node => [node.scrollWidth, node.clientWidth, innerWidth]"
    )
    assert wide[0] <= wide[1] <= wide[2]
    head = page.get_by_role("heading", name="Library").bounding_box()
    bar = page.locator("[data-testid=stHeader]").bounding_box()
    assert head["y"] >= bar["y"] + bar["height"]  # the way between the pages covers nothing
    text = page.locator(".wb-card b").first.evaluate("node => getComputedStyle(node).color")
    assert (sum(int(part) for part in re.findall(r"\d+", text)[:3]) > 380) == dark

"""Every page, in both themes, as axe-core sees it; and what a page does when the theme switches."""

from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import MODEL

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 90_000
axe_playwright_python = pytest.importorskip("axe_playwright_python")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SHORT = "?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-120&hide=span:40-79&method=spline"
PAGES = {
    "recover": (SHORT, ".wb-table"),
    "attention": (
        SHORT.replace("spline", MODEL) + "&maps=cross//mean/mean",
        ".st-key-maps-dock .attention[data-painted]",
    ),
    "generate": ("?mode=generate", "canvas[data-checksum]"),
    "library": ("library", ".wb-card img"),
    "leaderboard": ("leaderboard", "h1"),
    "how it works": ("how-it-works", ".how-strip"),
}


def findings(page: Page) -> list[str]:
    """What axe-core finds on the finished page, one line for each kind of finding."""
    # Streamlit fades elements that a rerun has not drawn yet, and buttons change colour slowly.
    # Until then their contrast is not the final one.
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=LIMIT_MS)
    page.wait_for_function("() => document.getAnimations().every((a) => a.playState !== 'running')")
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
        for rule in found["violations"]
    ]


def heading_levels(page: Page) -> list[int]:
    """The levels of the visible headings, in order."""
    headings = page.get_by_role("heading").all()
    return [int(heading.evaluate("node => node.tagName[1]")) for heading in headings]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_headings_are_in_order(new_page, address, name, dark):
    page = new_page(dark=dark).page
    query, ready = PAGES[name]
    page.goto(address + query)
    page.locator(ready).first.wait_for(timeout=LIMIT_MS)
    page.wait_for_load_state("networkidle")
    assert findings(page) == []
    levels = heading_levels(page)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(lower <= upper + 1 for upper, lower in pairwise(levels)), levels


def test_colours_follow_a_switch_of_the_theme(new_page, address):
    page = new_page().page
    page.goto(address + SHORT)
    dot = page.locator(".wb-table tbody i").first
    dot.wait_for(timeout=LIMIT_MS)
    light = dot.evaluate("node => getComputedStyle(node).backgroundColor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "(light) => getComputedStyle(document.querySelector('.wb-table tbody i')).backgroundColor"
        " !== light",
        arg=light,
    )
    page.keyboard.press("?")
    page.get_by_role("button", name="Camera").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("menu", name="Camera").is_visible()
    assert findings(page) == []

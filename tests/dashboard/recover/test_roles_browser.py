"""Networks on joint roles as a user meets them: a real Chromium, files without music."""

import re
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from tests.browser import AppServer
from tests.dashboard.conftest import MODEL

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 60_000  # only ever waited out where something is wrong
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def served(roles_folder, humanoids) -> Iterator[str]:
    """Where a page with a network on roles and files without music is."""
    servers = AppServer()
    yield servers.url(
        "dashboard/app.py", {"MMM_CHECKPOINTS": str(roles_folder), "MMM_DATA": str(humanoids)}
    )
    servers.close()


@pytest.fixture
def open_(new_page, served, humanoids) -> Callable[..., Page]:
    """``open_(file, more, width, dark)``; afterwards the console must be free of errors."""

    def go(
        file: str = "plain.bvh",
        more: str = "&hide=span:40-59%2Bspan:80-84",
        width: int = 1400,
        dark: bool = False,
    ) -> Page:
        page = new_page(width, dark=dark).page
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{served}?sequence={humanoids.name}/{file}&frames=0-100{more}")
        page.locator("canvas[data-checksum]").first.wait_for()
        return page

    return go


def names(page: Page) -> list[str | None]:
    return page.locator("canvas[data-panel]").evaluate_all(
        "nodes => nodes.map((n) => n.dataset.panel)"
    )


def test_a_file_without_music_opens_with_the_network_on_roles_and_its_confidence(open_):
    page = open_()
    page.locator('canvas[data-panel="inbetween"]').wait_for()
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("inbetween")
    cells = page.locator(".wb-gaps [role=listitem]")
    expect(cells).to_have_count(2)
    expect(cells.first).to_have_text(
        re.compile(r"frames 40–59\s*expected \d+\.\d cm\s*measured \d+\.\d cm")
    )
    expect(page.get_by_text("is the mean joint distance that")).to_be_visible()
    expect(page.locator(".curves .series[data-role=expected]")).to_have_count(1)
    assert page.get_by_text("22 of 22 joint roles were found").count() == 1


@pytest.mark.parametrize(("width", "rows"), [(1400, 1), (900, 2)])
def test_model_slerp_and_spline_beside_the_truth(open_, width, rows):
    page = open_(width=width, dark=width == 900)
    page.locator('canvas[data-panel="inbetween"]').wait_for()
    for name in ("slerp", "spline"):
        page.get_by_text(f"Add {name}", exact=True).click()
        page.locator(f'canvas[data-panel="{name}"]').wait_for()
    assert names(page) == ["Truth", "inbetween", "slerp", "spline"]
    page.wait_for_function("() => location.search.includes('beside=slerp%2Cspline')")
    boxes = page.locator(".viewer .panel").evaluate_all(
        "nodes => nodes.map((n) => { const b = n.getBoundingClientRect(); return [b.top, b.width, b.height]; })"
    )
    assert len({round(top) for top, _, _ in boxes}) == rows
    assert min(wide for _, wide, _ in boxes) > 200
    assert min(high for *_, high in boxes) > 150
    dots = page.locator(".viewer .panel .name").evaluate_all(
        "nodes => nodes.map((n) => getComputedStyle(n).getPropertyValue('--dot').trim())"
    )
    assert len(set(dots)) == 4
    buttons = page.get_by_role("toolbar", name="Playback").evaluate("""node => [...node.querySelectorAll('button')]
        .filter((b) => b.offsetParent)
        .map((b) => { const box = b.getBoundingClientRect(); return box.top + box.height / 2; })""")
    assert max(buttons) - min(buttons) < 5, (
        buttons
    )  # the errors of four do not push a button into another row
    # Their marks are lines, whatever else on the stage has marks.
    marks = page.locator(".viewer .errors .key").evaluate_all(
        "nodes => nodes.map((n) => getComputedStyle(n, '::before')).map((s) => [s.position, s.transform])"
    )
    assert marks and all(mark == ["static", "none"] for mark in marks)
    before = page.locator('canvas[data-panel="spline"]').get_attribute("data-checksum")
    page.wait_for_function(
        """(before) => document.querySelector('canvas[data-panel="spline"]')
        ?.dataset.checksum !== before""",
        arg=before,
    )
    page.reload()
    page.locator('canvas[data-panel="spline"]').wait_for()
    assert names(page) == ["Truth", "inbetween", "slerp", "spline"]


def test_joints_are_named_by_hand(open_):
    page = open_("nameless.bvh")
    page.locator('canvas[data-panel="spline"]').wait_for()
    expect(page.get_by_text("no joint found for left_hip, left_knee")).to_be_visible()
    page.get_by_text("Name the joints", exact=True).click()
    for role, joint in (("Left hip", "Bone1"), ("Left knee", "Bone4")):
        page.get_by_role("combobox", name=re.compile(role)).click()
        page.get_by_role("option", name=joint, exact=True).click()
        expect(page.get_by_role("combobox", name=re.compile(role))).to_have_value(joint)
        # The page is drawn anew after each choice, and the boxes with it.
        page.locator('[data-test-script-state="notRunning"]').first.wait_for()
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("inbetween")
    page.get_by_role("button", name="Recover", exact=True).click()
    page.locator('canvas[data-panel="inbetween"]').wait_for()
    expect(page.locator(".wb-gaps [role=listitem]")).to_have_count(2)
    assert MODEL not in names(page)

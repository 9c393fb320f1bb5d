"""Attention, interventions and attributions on the workbench itself, with the shipped network that joins in time."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import Watched
from tests.dashboard.explain.test_attention import ECM

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 120_000  # only ever waited out where something is wrong
QUERY = f"?sequence=Samples/dance_099bpm_test015_dancer04&frames=0-120&hide=span:40-79&method={ECM}"


@pytest.fixture(scope="module")
def page(chromium, checkpoint_folder, address) -> Iterator[Page]:
    """The workbench with the attention section open and the playhead at rest."""
    if not (checkpoint_folder / ECM).is_dir():
        pytest.skip(f"{ECM} is not shipped")
    watched = Watched(chromium.new_context(viewport={"width": 1400, "height": 1000}))
    page = watched.page
    page.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    try:
        page.goto(address + QUERY)
        page.locator(".wb-table").wait_for()
        page.get_by_role("button", name="Pause").click()
        page.get_by_text("Attention: what the network looked at").click()
        page.locator(".attention[data-painted]").wait_for()
        yield page
    finally:
        watched.context.close()
    assert not watched.problems, watched.problems


def seek(page: Page, frame: int) -> None:
    page.evaluate(
        """(frame) => window.mmmPlayhead.dispatchEvent(
        new CustomEvent("seek", { detail: { channel: "main", frame, pause: true } }))""",
        frame,
    )
    expect(page.get_by_role("slider", name="Timeline")).to_have_attribute(
        "aria-valuenow", str(frame)
    )


def across(page: Page) -> dict[str, list[float]]:
    """Left edge and width of the frames of the timeline and of each chart, pixels of the page."""
    return page.locator(".timeline, .plot[data-width]").evaluate_all(
        """(nodes) => Object.fromEntries(nodes.map((node) => {
          const { left, width } = node.getBoundingClientRect(), { data } = { data: node.dataset };
          return [node.getAttribute("aria-label"),
            data.width ? [left + Number(data.left), Number(data.width)] : [left, width]];
        }))"""
    )


def aligned(page: Page, count: int) -> bool:
    """Whether timeline and charts, so many in all, have the same frames at the same pixels."""
    places = across(page)
    return len(places) == count and all(
        place == pytest.approx(places["Timeline"], abs=0.5) for place in places.values()
    )


def test_the_map_stands_beside_the_dancers_and_charts_under_the_timeline(page):
    stage, large = page.locator(".viewer"), page.locator(".attention .large")
    viewer, maps = stage.bounding_box(), large.bounding_box()
    assert maps["x"] > viewer["x"] + viewer["width"]
    assert abs(maps["y"] - viewer["y"]) < 200
    assert maps["y"] + maps["height"] < 1000
    assert aligned(page, 3)
    page.set_viewport_size({"width": 1000, "height": 1000})
    expect(page.get_by_role("button", name="Below the viewer")).to_be_hidden()
    page.wait_for_function(
        "(x) => document.querySelector('.st-key-maps-dock').getBoundingClientRect().left < x",
        arg=viewer["x"] + 200,
    )
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.get_by_role("button", name="Below the viewer").click()
    page.get_by_role("button", name="Beside the viewer").wait_for()
    page.locator(".st-key-attention_open .attention[data-painted]").wait_for()
    assert stage.bounding_box()["width"] > 1.5 * viewer["width"]
    page.wait_for_timeout(100)  # two pictures, in which the charts follow the timeline
    assert aligned(page, 3)
    page.get_by_role("button", name="Beside the viewer").click()
    page.locator(".st-key-maps-dock .attention[data-painted]").wait_for()
    page.mouse.move(5, 5)
    page.evaluate("scrollTo(0, 0)")


def test_the_pointer_on_the_map_shows_a_frame_and_a_click_stays_there(page):
    seek(page, 7)
    plot, line = page.locator(".attention .map"), page.get_by_role("slider", name="Timeline")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    side = box["height"] - 52 - 86
    at = box["x"] + 80 + side * 0.4, box["y"] + 52 + side * 0.5
    page.mouse.move(*at)
    expect(line).to_have_attribute("aria-valuenow", "60")
    expect(plot).to_have_attribute("data-frame", "60")
    page.mouse.move(5, 5)
    expect(line).to_have_attribute("aria-valuenow", "7")
    page.mouse.click(*at)
    page.mouse.move(5, 5)
    expect(line).to_have_attribute("aria-valuenow", "60")


def test_another_head_is_shown_and_shines(page):
    page.get_by_role("button", name="Cross-modal encoder, motion → music: layer 1, head 4").click()
    expect(page.locator(".attention")).to_have_attribute("data-view", "cross/motion-music/0/3")
    seek(page, 50)
    expect(page.get_by_role("slider", name="Timeline")).to_have_attribute("data-glow", "attention")
    expect(page.locator(".attention .map")).to_have_attribute("data-frame", "50")


def test_silencing_a_dragged_span_stands_beside_the_recovery(page):
    plot = page.locator(".attention .map")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    side = box["height"] - 52 - 86
    page.mouse.move(box["x"] + 80 + side * 0.25 + 2, box["y"] + 52 + side * 0.8)
    page.mouse.down()
    page.mouse.move(box["x"] + 80 + side * 0.75 - 2, box["y"] + 52 + side * 0.8, steps=4)
    page.mouse.up()
    option = page.get_by_role("option", name="Mute the selected span")
    for _ in range(6):  # the page hears of the span while the list opens, and may close it
        page.get_by_role("combobox", name="Change the music").click()
        try:
            option.click(timeout=4_000)
            break
        except PlaywrightTimeout:
            page.keyboard.press("Escape")
    page.get_by_text("Frames 30 to 89").wait_for()
    page.get_by_role("button", name="Change and recover").click()
    page.locator('canvas[data-panel="Muted 30-89"]').wait_for()
    page.get_by_text("The viewer shows both recoveries").wait_for()
    page.locator(
        'canvas[data-panel="Muted 30-89"]'
    ).scroll_into_view_if_needed()  # out of sight it is not drawn
    seek(page, 60)
    expect(page.locator('canvas[data-panel="Muted 30-89"]')).to_have_attribute("data-frame", "60")
    before, after = (
        page.locator(f'canvas[data-panel="{name}"]').get_attribute("data-checksum")
        for name in (f"{ECM}, as it is", "Muted 30-89")
    )
    assert before != after
    page.get_by_role("slider", name="Position change by joint and frame: muted 30-89").wait_for()


def test_the_music_that_decided_a_frame_is_a_strip_over_the_waveform(page):
    seek(page, 10)
    expect(page.get_by_role("button", name="Frame 10 is not hidden")).to_be_disabled()
    seek(page, 60)
    page.get_by_role("button", name="Explain frame 60").click()
    page.get_by_role("slider", name="Influence of the music on frame 60").wait_for()
    expect(page.locator(".glowlabel")).to_contain_text("strip: Influence of the music on frame 60")

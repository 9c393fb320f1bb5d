"""The workbench as a user meets it: one server, a real Chromium, real clicks and keys. Nothing waits a fixed time."""

import re
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect

from tests.browser import AppServer
from tests.dashboard.conftest import MODEL

pytestmark = [pytest.mark.browser, pytest.mark.slow]

APP = "dashboard/app.py"
LIMIT_MS = 60_000  # only ever waited out where something is wrong
SHORT = "?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-120&hide=span:40-79"
expect.set_options(timeout=LIMIT_MS)


SLOW = "tests/dashboard/slow_app.py"


@pytest.fixture
def slow_address(checkpoint_folder) -> Iterator[str]:
    """Where the page is whose network takes its time."""
    servers = AppServer()
    # Here even where these tests are run on a server's networks, which take no extra time.
    environment = {"MMM_CHECKPOINTS": str(checkpoint_folder), "MMM_DATA": "", "MMM_SERVER": ""}
    yield servers.url(SLOW, environment)
    servers.close()


@pytest.fixture
def open_(new_page, address) -> Callable[..., Page]:
    """``open_(query, width, height, dark, moving, at)``; afterwards the console must be free of errors."""

    def go(
        query: str = SHORT,
        width: int = 1400,
        height: int = 1000,
        dark: bool = False,
        moving: bool = False,
        at: str = address,
    ) -> Page:
        page = new_page(width, height, dark, moving).page
        page.set_default_timeout(LIMIT_MS)
        page.goto(at + query)
        page.locator("canvas[data-checksum]").first.wait_for()
        return page

    return go


def timeline(page: Page) -> Locator:
    return page.get_by_role("slider", name="Timeline")


def frame(page: Page) -> int:
    return int(timeline(page).get_attribute("aria-valuenow") or -1)


def panel(page: Page, name: str) -> Locator:
    return page.locator(f'canvas[data-panel="{name}"]')


def pose(page: Page, name: str) -> str:
    return panel(page, name).get_attribute("data-checksum") or ""


def recovered(page: Page) -> Page:
    """The recovery is on the stage and its errors below."""
    panel(page, MODEL).wait_for()
    page.locator(".wb-table").wait_for()
    return page


def paused(page: Page, at: int = 0) -> Page:
    """Still, on a known frame."""
    if page.get_by_role("button", name="Pause").count():
        page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.evaluate(
        """(frame) => window.mmmPlayhead.dispatchEvent(
        new CustomEvent("seek", { detail: { channel: "main", frame } }))""",
        at,
    )
    expect(timeline(page)).to_have_attribute("aria-valuenow", str(at))
    return page


def hidden_frames(page: Page) -> int:
    """How many columns of the timeline's picture carry the mark of hidden frames, in frames."""
    return page.evaluate("""() => {
      const find = (root) => root.querySelector("canvas.strip")
        || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
      const strip = find(document), ratio = strip.width / strip.clientWidth;
      const row = strip.getContext("2d").getImageData(0, Math.round(19 * ratio), strip.width, 1).data;
      let marked = 0;
      for (let i = 0; i < row.length; i += 4) if (row[i] > row[i + 2] + 90 && row[i + 3] > 200) marked += 1;
      const slider = find(document).parentElement;
      return Math.round((marked / strip.width) * (Number(slider.getAttribute("aria-valuemax")) + 1));
    }""")


def until(page: Page, what: Callable[[], bool], tries: int = 300) -> None:
    for _ in range(tries):
        if what():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the condition was never met")


def choose(page: Page, label: str, option: str) -> None:
    """Pick from a select box, as with the mouse."""
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option).click()


def test_it_plays_at_once_and_both_dancers_move(open_):
    page = recovered(open_(moving=True))
    for name in ("Truth", MODEL):
        before, at = pose(page, name), frame(page)
        until(page, lambda name=name, before=before: pose(page, name) != before)
        until(page, lambda at=at: frame(page) != at)


def test_another_dance_another_pattern_recover(open_):
    page = recovered(open_())
    choose(page, "Sequence", "Dance, 140 bpm, dancer 12")
    expect(page.get_by_role("heading", name="Dance, 140 bpm, dancer 12")).to_be_visible()
    expect(page.locator("canvas[data-panel]").nth(1)).to_have_attribute(
        "data-panel", "Slerp, before Recover"
    )
    choose(page, "Hide", "All but every n-th frame")
    expect(page.get_by_text(re.compile(r"560 of 600 frames hidden: 93.3%"))).to_be_visible()
    until(page, lambda: "hide=every%3A15" in page.url)
    page.get_by_role("button", name="Recover", exact=True).click()
    recovered(page)
    before = pose(page, MODEL)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, lambda: pose(page, MODEL) != before)


def errors_of(page: Page) -> list[list[str]]:
    """Of every method its name and errors; how long it took is another matter."""
    return page.locator(".wb-table tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].slice(0, -1).map((cell) => cell.textContent))"
    )


def test_the_address_gives_a_colleague_the_same_numbers(open_, new_page, checkpoint_folder):
    """Another machine, that is another server: nothing is kept there of what was recovered here."""
    page = recovered(open_())
    choose(page, "Hide", "All but every n-th frame")
    until(page, lambda: "hide=every%3A15" in page.url)
    page.get_by_role("button", name="Recover", exact=True).click()
    until(page, lambda: "112 of 120" in page.content() and page.locator(".wb-table").count() == 1)
    recovered(page)
    numbers = errors_of(page)
    assert len(numbers) == 5
    assert all(re.fullmatch(r"\d+\.\d{2}", cell) for row in numbers for cell in row[1:])
    theirs = AppServer()
    try:
        other = new_page().page
        other.set_default_timeout(LIMIT_MS)
        other.goto(
            theirs.url(APP, {"MMM_CHECKPOINTS": str(checkpoint_folder), "MMM_DATA": ""})
            + "?"
            + page.url.partition("?")[2]
        )
        assert errors_of(recovered(other)) == numbers
    finally:
        theirs.close()


def test_hidden_frames_on_the_timeline_follow_the_pattern(open_):
    page = paused(recovered(open_()))
    until(page, lambda: abs(hidden_frames(page) - 40) <= 1)
    handle = page.get_by_role("slider", name="Hidden frames").last
    handle.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("30 of 120 frames hidden")).to_be_visible()
    until(page, lambda: abs(hidden_frames(page) - 30) <= 1)
    expect(panel(page, "Slerp, before Recover")).to_be_visible()


def test_play_pause_scrub_and_keys(open_):
    page = paused(recovered(open_()), 30)
    box = timeline(page).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5 + 1, middle, steps=4)
    expect(timeline(page)).to_have_attribute("aria-valuenow", "60")
    page.mouse.up()
    page.locator(".viewer").focus()
    page.keyboard.press("ArrowRight")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "61")
    page.keyboard.press("Shift+ArrowLeft")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "51")
    expect(page.get_by_text("frame hidden")).to_be_visible()
    page.keyboard.press("Home")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "0")
    expect(page.get_by_text("frame known")).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    until(page, lambda: frame(page) > 0)


def test_nothing_fades_after_a_scrub(open_):
    page = paused(recovered(open_()), 10)
    page.evaluate("""() => {
      window.faded = [];
      const until = performance.now() + 1500;
      const look = () => {
        for (const node of document.querySelectorAll("[data-testid=stElementContainer]")) {
          const seen = Number(getComputedStyle(node).opacity);
          if (node.dataset.stale === "true" || seen < 1) window.faded.push(node.className);
        }
        if (performance.now() < until) requestAnimationFrame(look); else window.looked = true;
      };
      look();
    }""")
    box = timeline(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    page.wait_for_function("window.looked")
    assert page.evaluate("window.faded") == []
    assert frame(page) == pytest.approx(84, abs=1)


def test_overlay_and_a_third_dancer(open_):
    page = recovered(open_())
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator("canvas[data-panel]")).to_have_count(1)
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator("canvas[data-panel]")).to_have_count(2)
    page.get_by_text("Add spline", exact=True).click()
    expect(page.locator("canvas[data-panel]")).to_have_count(3)
    expect(panel(page, "spline")).to_be_visible()
    page.get_by_text("Remove spline", exact=True).click()
    expect(page.locator("canvas[data-panel]")).to_have_count(2)


def test_a_click_on_the_map_or_the_curves_moves_the_dancers(open_):
    page = paused(recovered(open_()), 5)
    for plot, share in (
        (page.locator(".heatmap .plot"), 0.6),
        (page.locator(".curves .plot"), 0.8),
    ):
        plot.wait_for()
        plot.scroll_into_view_if_needed()
        box, before, pose_before = plot.bounding_box(), frame(page), pose(page, MODEL)
        page.mouse.click(box["x"] + 100 + (box["width"] - 100) * share, box["y"] + 40)
        expect(timeline(page)).not_to_have_attribute("aria-valuenow", str(before))
        first, end = map(int, (plot.get_attribute("data-view") or "").split("-"))
        assert (first, end) == (0, 120)  # as the timeline
        assert frame(page) == pytest.approx(first + (end - first) * share, abs=4)
        expect(plot).to_have_attribute("aria-valuenow", str(frame(page)))
        page.locator(".viewer").scroll_into_view_if_needed()
        until(page, lambda pose_before=pose_before: pose(page, MODEL) != pose_before)


def test_one_colour_a_method_everywhere(open_):
    page = recovered(open_())
    rgb = re.compile(r"\d+")

    def colours(selector: str, style: str) -> dict[str, list[str]]:
        found = page.locator(selector).evaluate_all(
            f"nodes => nodes.map((n) => [n.closest('th, button, .key').innerText.split('\\n')[0].trim(), "
            f"getComputedStyle(n).{style}])"
        )
        return {name.split(" ")[0]: rgb.findall(colour)[:3] for name, colour in found}

    dots, marks = (
        colours(".wb-table i", "backgroundColor"),
        colours(".curves .series .mark", "backgroundColor"),
    )
    assert dots == marks
    assert set(dots) == {MODEL, "hold", "slerp", "inertial", "spline"}
    assert len({tuple(colour) for colour in dots.values()}) == 5
    bars = (
        page.locator(".wb-bars .limb")
        .first.locator("i")
        .evaluate_all("nodes => nodes.map((n) => getComputedStyle(n).backgroundColor)")
    )
    assert [rgb.findall(bar)[:3] for bar in bars] == list(dots.values())


def test_no_sideways_scrolling_at_900_pixels_and_a_dark_page(open_):
    page = recovered(open_(SHORT, 900, 900, True))
    page.locator(".heatmap .plot").wait_for()
    wide = page.locator("[data-testid=stMain]").evaluate(
        "node => [node.scrollWidth, node.clientWidth, innerWidth]"
    )
    assert wide[0] <= wide[1] <= wide[2]
    bar = page.get_by_role("toolbar", name="Playback")
    tops = bar.evaluate("""node => [...node.querySelectorAll('button')].filter((b) => b.offsetParent)
        .map((b) => { const box = b.getBoundingClientRect(); return box.top + box.height / 2; })""")
    assert max(tops) - min(tops) < 5, tops  # all buttons stand in one row
    colour = page.locator("[data-testid=stApp]").evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    assert sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 150, colour
    text = page.locator(".wb-bars .limb span").first.evaluate(
        "node => getComputedStyle(node).color"
    )
    assert sum(int(part) for part in re.findall(r"\d+", text)[:3]) > 380, text


def test_a_recovery_can_be_cancelled_and_the_dancers_dance_on(open_, slow_address):
    page = open_(at=slow_address, moving=True)
    bar = page.get_by_role("progressbar")
    expect(bar).to_be_visible()
    before = bar.get_attribute("aria-valuenow")
    until(page, lambda: bar.get_attribute("aria-valuenow") != before)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Press Recover to start again.")).to_be_visible()
    expect(page.locator(".wb-table")).to_have_count(0)
    before = pose(page, "Truth")
    until(page, lambda: pose(page, "Truth") != before)
    expect(page.get_by_role("button", name="Recover", exact=True)).to_be_enabled()


def test_the_page_asks_nothing_of_the_outside(chromium, address):
    context = chromium.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address + SHORT)
    page.locator(".wb-table").wait_for(timeout=LIMIT_MS)
    assert (
        sum("PlotlyChart" in url or "SyntaxHighlighter" in url for url in asked) == 0
    )  # megabytes before the stage
    page.get_by_text("Command line and Python").click()
    page.get_by_text("mmm.load_clip").first.wait_for(timeout=LIMIT_MS)
    context.close()
    assert [
        url
        for url in asked
        if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
    ] == []


def test_the_link_is_copied_or_stands_there_to_be_copied(new_page, address):
    tab = new_page(1400, 900)
    page = tab.page
    page.goto(
        f"{address}?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-60&hide=every:7&method=slerp"
    )
    page.locator(".wb-table").wait_for()
    button = page.locator(".linkbutton button")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    expect(button).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert re.search("hide=every(:|%3A)7", page.url)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    button.click()
    expect(page.get_by_label("The page's address")).to_have_value(page.url)
    expect(button).to_have_text("Press Ctrl+C to copy")


def test_the_tour_walks_through_the_controls_and_is_remembered(open_):
    page = open_()
    button, bubble = page.locator(".tour > button"), page.get_by_role("dialog")
    page.locator(".tour > button.new").click()
    expect(bubble).to_contain_text("1 of 5")
    for title in ("Pick a sequence", "Hide frames", "Recover them", "Watch and listen"):
        expect(bubble.locator("b")).to_have_text(title)
        page.keyboard.press("ArrowRight")
    # The ring is drawn inside the component, where the page's own query does not reach.
    ring = page.locator(".tour .ring").element_handle()
    around = """ring => {
      const drawn = ring.getBoundingClientRect();
      const target = document.querySelector(".st-key-attention_open").getBoundingClientRect();
      const gaps = [target.left - drawn.left, target.top - drawn.top,
        drawn.right - target.right, drawn.bottom - target.bottom];
      return gaps.every((gap) => gap > 2 && gap < 14);
    }"""
    page.wait_for_function(around, arg=ring)
    # What is drawn later pushes the control down: the ring goes with it.
    page.locator(".st-key-attention_open").evaluate("node => { node.style.marginTop = '60px'; }")
    page.wait_for_timeout(300)
    page.wait_for_function(around, arg=ring)
    assert bubble.locator(".next").inner_text() == "Done"
    page.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    page.reload()
    button.wait_for()
    expect(page.locator(".tour > button.new")).to_have_count(0)
    button.click()
    page.locator(".tour .next").click()
    expect(bubble).to_contain_text("2 of 5")
    bubble.get_by_role("button", name="Close").click()
    expect(bubble).to_be_hidden()


def test_keys_work_without_a_click_on_the_viewer(open_):
    page = paused(recovered(open_()), 5)
    page.evaluate("() => document.activeElement.shadowRoot?.activeElement?.blur()")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "6")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard and mouse")
    expect(keys).to_contain_text("recover; also Ctrl+Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    for key in ("r", "Control+Enter"):
        page.keyboard.press("h")
        expect(page.get_by_text("Preview by slerp")).to_be_visible()
        page.keyboard.press(key)
        page.locator(".wb-table").wait_for()
        expect(page.get_by_text("Preview by slerp")).to_have_count(0)
        page.keyboard.press("ArrowRight")


def test_recover_stays_in_sight_in_a_low_window(open_):
    page = recovered(open_(height=520))
    box = page.get_by_role("button", name="Recover", exact=True).bounding_box()
    assert box["y"] + box["height"] <= 520

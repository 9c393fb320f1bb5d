"""How long the attention view takes: ``python -m tests.benchmarks.map_speed [--repeats 5]``.

Ten layers of four heads, 600 x 600, as the page shows them, on a stage that stands still:

- open: from the click on the section until map and thumbnails are painted (the maps are at hand);
- another head: from the click on a thumbnail until its map is painted;
- click: from the press on the map until the stage's timeline says the new frame.

Not a test: times depend on the machine, which the first line names.
"""

import argparse
import statistics
from typing import Any

from tests.benchmarks.page_speed import LIMIT_MS, chromium, machine
from tests.browser import FLAGS, AppServer

DEMO = "tests/dashboard/attention_demo.py"
TARGETS_MS = {"open": 500.0, "another head": 200.0, "click": 50.0}
WATCH = """() => {
  const deep = (pick, root = document) => pick(root)
    || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && deep(pick, n.shadowRoot)).find(Boolean);
  window.since = null;
  window.until = (done) => new Promise((resolve) => {
    const look = () => (window.since !== null && done() ? resolve(performance.now() - window.since)
      : requestAnimationFrame(look));
    look();
  });
  window.find = (selector) => deep((root) => root.querySelector(selector));
  addEventListener("pointerdown", () => { window.since = performance.now(); }, { capture: true });
}"""
TAKES = {
    "open": "() => window.until(() => window.find('.attention')?.dataset.painted)",
    "another head": "(view) => window.until(() => window.find('.attention')?.dataset.view === view)",
    "click": "(frame) => window.until(() => window.find('.timeline')?.getAttribute('aria-valuenow') === frame)",
}


def timed(page: Any, kind: str, act: Any, wanted: str | None = None, *at: float) -> float:
    """Milliseconds from the press that ``act(*at)`` makes until what is wanted is on the page."""
    page.evaluate(
        f"(wanted) => {{ window.since = null; window.taken = ({TAKES[kind]})(wanted); }}", wanted
    )
    act(*at)
    return float(page.evaluate("() => window.taken"))


def measure(browser: Any, url: str) -> dict[str, list[float]]:
    """One opening in a new context, four heads, four clicks."""
    context = browser.new_context(viewport={"width": 1400, "height": 1500})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(url)
    page.locator("canvas[data-checksum]").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    page.evaluate(WATCH)
    page.wait_for_timeout(500)
    found = {
        "open": [
            timed(page, "open", page.get_by_text("Attention: what the network looked at").click)
        ],
        "another head": [],
        "click": [],
    }
    for layer, head in ((3, 1), (7, 0), (2, 2), (9, 3)):
        page.wait_for_timeout(300)
        tile = page.locator(f'.tile[data-view="motion//{layer}/{head}"]')
        tile.scroll_into_view_if_needed()
        found["another head"].append(
            timed(page, "another head", tile.click, f"motion//{layer}/{head}")
        )
    plot = page.locator(".attention .map")
    plot.scroll_into_view_if_needed()
    for share in (0.3, 0.5, 0.7, 0.4):
        page.wait_for_timeout(300)
        box = plot.bounding_box()
        side = box["height"] - 52 - 86
        y = 52 + share * side
        frame = int((y - 52) / side * 600)
        found["click"].append(
            timed(page, "click", page.mouse.click, str(frame), box["x"] + 300, box["y"] + y)
        )
    context.close()
    return found


def main() -> None:
    """Measure and print medians beside the targets."""
    parser = argparse.ArgumentParser(description="How long the attention view takes.")
    parser.add_argument("--repeats", type=int, default=5, help="openings")
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in TARGETS_MS}
    from playwright.sync_api import sync_playwright

    print(machine())
    servers = AppServer()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        url = servers.url(DEMO) + "?layers=10&frames=600"
        measure(browser, url)  # the server makes the maps
        for _ in range(repeats):
            for name, values in measure(browser, url).items():
                times[name] += values
        browser.close()
    servers.close()
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"{name:14} median {median:6.0f} ms   ({min(values):.0f} to {max(values):.0f}, {len(values)} times)   "
            f"target {TARGETS_MS[name]:g} ms: {'met' if median <= TARGETS_MS[name] else 'missed'}"
        )


if __name__ == "__main__":
    main()

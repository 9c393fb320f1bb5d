"""Clicks, keys and seconds of three users, from the open page to the exported file:
``python -m tests.benchmarks.journeys [--url http://127.0.0.1:8501/] [--repeats 2]``.

- researcher: another pattern, two networks side by side, the table of errors as a file;
- animator: an own BVH, a gap drawn on the timeline, the recovered motion as BVH;
- student: what a network looked at, which music decided a frame, a film of the gap.

Without an address it starts a workbench, whose first run in the first journey is a cold one: torch and the network
are loaded then. Not a test: times depend on the machine, which the first line names.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmm import Clip, save_clip
from tests.benchmarks.page_speed import APP, SAMPLE, chromium, machine
from tests.browser import FLAGS, ROOT, AppServer
from tests.mmm.making import smooth_motion

RECORDED = ROOT.parent / "shared" / "data" / "lafan1" / "walk1_subject1.bvh"
LIMIT_MS = 240_000
STUDENT = "dance-ecm-small"


class Walk:
    """A visit to the page that counts clicks and keys, and notes the seconds of each stop."""

    def __init__(self, page: Any, number: int) -> None:
        self.page = page
        # Of the walk: each asks for another part, since the workbench keeps what it has recovered.
        self.number = number
        self.clicks = self.keys = 0
        self.begun = self.since = time.perf_counter()
        self.stops: dict[str, float] = {}

    def click(self, what: Any, **how: Any) -> None:
        what.click(**how)
        self.clicks += 1

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)
        self.keys += 1

    def button(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name, exact=True).last)

    def choose(self, box: str, option: str) -> None:
        """From a list: one click opens it, one takes the option."""
        self.click(self.page.get_by_role("combobox", name=box))
        self.click(self.page.get_by_role("option", name=option).first)

    def drag(self, first: int, last: int, frames: int) -> None:
        """Over frames of the timeline; counts as a click."""
        box = self.page.get_by_role("slider", name="Timeline").bounding_box()
        ends = [box["x"] + box["width"] * (frame + 0.5) / frames for frame in (first, last)]
        self.page.mouse.move(ends[0], box["y"] + 40)
        self.page.mouse.down()
        self.page.mouse.move(ends[1], box["y"] + 40, steps=4)
        self.page.mouse.up()
        self.clicks += 1

    def save(self, name: str) -> int:
        """Press a download button; the bytes of its file."""
        with self.page.expect_download() as waiting:
            self.click(self.page.get_by_role("button", name=name).last)
        return Path(waiting.value.path()).stat().st_size

    def stop(self, name: str) -> None:
        now = time.perf_counter()
        self.stops[name], self.since = now - self.since, now


def researcher(walk: Walk, url: str) -> None:
    page = walk.page
    page.goto(f"{url}?sequence={SAMPLE}&frames=0-{300 - walk.number}")
    page.locator(".wb-table").wait_for()
    walk.stop("first recovery")
    walk.choose("Hide", "All but every n-th frame")
    page.locator('canvas[data-panel="Slerp, before Recover"]').wait_for()
    page.locator(".viewer").focus()
    walk.key("r")
    page.locator(".wb-table").wait_for()
    walk.stop("own pattern")
    walk.choose("Model", STUDENT)
    page.locator('canvas[data-panel="Slerp, before Recover"]').wait_for()
    page.locator(".viewer").focus()
    walk.key("r")
    page.locator(f'canvas[data-panel="{STUDENT}"]').wait_for()
    walk.click(page.get_by_text("Add dance-3bert-small").first)
    page.locator("canvas[data-panel]").nth(2).wait_for()
    walk.stop("second network beside it")
    assert walk.save("CSV") > 200
    walk.stop("table saved")


def animator(walk: Walk, url: str, motion: Path) -> None:
    page = walk.page
    page.goto(url)
    page.locator(".viewer").wait_for()
    walk.stop("page")
    walk.click(page.get_by_text("Your own files"))
    page.locator('input[type="file"]').set_input_files(str(motion))
    walk.clicks += 1  # in the browser's own box
    page.get_by_role("heading", name=motion.stem.replace("_", " ")).wait_for()
    page.locator('canvas[data-panel="Truth"]').wait_for()
    walk.stop("own file on the stage")
    timeline = page.get_by_role("slider", name="Timeline")
    frames = int(timeline.get_attribute("aria-valuemax")) + 1
    page.locator(".viewer").focus()
    walk.key("e")
    walk.drag(0, frames - 1, frames)
    walk.key("k")
    page.locator('.timeline[data-hidden=""]').wait_for()
    walk.drag(frames // 3 + walk.number, frames // 3 + 24, frames)
    walk.key("h")
    page.locator('.timeline[data-hidden]:not([data-hidden=""])').wait_for()
    walk.stop("gap drawn")
    walk.button("Recover")
    page.locator(".wb-table").wait_for()
    walk.stop("recovered")
    assert walk.save("BVH") > 10_000
    walk.stop("BVH saved")


def student(walk: Walk, url: str) -> None:
    page = walk.page
    page.goto(
        f"{url}?sequence={SAMPLE}&frames=0-{240 - walk.number}&hide=span:80-139&method={STUDENT}"
    )
    page.locator(".wb-table").wait_for()
    walk.stop("first recovery")
    walk.click(page.get_by_text("Attention: what the network looked at"))
    page.locator(".attention[data-painted]").wait_for()
    walk.stop("map beside the dancers")
    plot = page.locator(".attention .map")
    box = plot.bounding_box()
    walk.click(plot, position={"x": 180, "y": 52 + (box["height"] - 138) * 0.45})
    frame = plot.get_attribute("data-frame")
    walk.button(f"Explain frame {frame}")
    page.get_by_role("slider", name=f"Influence of the music on frame {frame}").wait_for()
    walk.stop("music of a frame, estimated")
    page.get_by_text("estimated; the exact figure follows").wait_for(state="hidden")
    walk.stop("the same, exact")
    page.locator(".viewer").focus()
    walk.key("g")
    walk.click(page.get_by_role("button", name="As zoomed, "))
    page.get_by_text("2.0 s", exact=True).wait_for()
    walk.button("Make MP4")
    page.get_by_role("button", name="Save MP4").wait_for()
    assert walk.save("Save MP4") > 10_000
    walk.stop("film of the gap saved")


def walked(browser: Any, journey: Callable[[Walk], None], number: int) -> Walk:
    """One journey in a new browser context, at 1400 x 1000."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 1000}, accept_downloads=True, reduced_motion="reduce"
    )
    context.set_default_timeout(LIMIT_MS)
    walk = Walk(context.new_page(), number)
    journey(walk)
    context.close()
    return walk


def own_file(folder: Path) -> Path:
    """A genuine recording where there is one, else a made one."""
    if RECORDED.is_file():
        return RECORDED
    save_clip(Clip("walk", smooth_motion(1, 600)), folder / "walk.bvh")
    return folder / "walk.bvh"


def main() -> None:
    """Walk and print clicks, keys and median seconds."""
    parser = argparse.ArgumentParser(description="Clicks and seconds of three users.")
    parser.add_argument("--url", help="of a running workbench; by default one is started")
    parser.add_argument("--repeats", type=int, default=2, help="of each journey")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    print(machine())
    servers = AppServer()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        url = options.url or servers.url(APP, {"MMM_DATA": ""})
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        motion = own_file(Path(folder))
        journeys: dict[str, Callable[[Walk], None]] = {
            "researcher": lambda walk: researcher(walk, url),
            "animator": lambda walk: animator(walk, url, motion),
            "student": lambda walk: student(walk, url),
        }
        try:
            for name, journey in journeys.items():
                report(name, [walked(browser, journey, n) for n in range(options.repeats)])
        finally:
            browser.close()
            servers.close()


def report(name: str, walks: list[Walk]) -> None:
    """One line for the journey and one for each stop; the first walk, which may be cold, by itself."""
    first, later = walks[0], walks[1:] or walks
    print(
        f"{name}: {first.clicks} clicks, {first.keys} keys, {sum(first.stops.values()):.1f} s at first, "
        f"{statistics.median(sum(walk.stops.values()) for walk in later):.1f} s again"
    )
    for stop, seconds in first.stops.items():
        again = statistics.median(walk.stops[stop] for walk in later)
        print(f"  {stop:30} {seconds:6.1f} s {again:6.1f} s")


if __name__ == "__main__":
    main()

"""How long a user waits for the page: ``python -m tests.benchmarks.page_speed [--repeats 5]``.

Starts the workbench's server and a headless Chromium, and measures, each time in a new browser context:

- cold: the server has just started; until the first text and until the playhead moves;
- warm: the same on a server that has served the page before;
- recover: from pressing Recover (300 frames, dance-3bert-small, a pattern not yet recovered) until the recovered body
  moves on the stage.

Not a test: times depend on the machine, which the first line names.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.browser import FLAGS, AppServer

APP = "dashboard/app.py"
MODEL = "dance-3bert-small"
SAMPLE = "Samples/dance_081bpm_test032_dancer00"
TARGETS_S = {
    "cold: first text": None,
    "cold: playing": None,
    "warm: first text": 2.0,
    "warm: playing": 4.0,
    "recover: new motion": 1.0,
}
LIMIT_MS = 120_000

MOVING = """() => {
  const now = window.mmmPlayhead?.now.get("main");
  if (!now) return false;
  window.firstFrame ??= now.frame;
  return now.frame !== window.firstFrame;
}"""
MODEL_MOVES = """(name) => {
  const find = (root) => root.querySelector(`canvas[data-panel="${name}"]`)
    || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
  const pose = find(document)?.dataset.checksum;
  if (!pose) return false;
  window.firstPose ??= pose;
  return pose !== window.firstPose;
}"""


def opening(browser: Any, url: str) -> tuple[float, float]:
    """Seconds from navigating until the first text and until the playhead moves, in a new context."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.get_by_text("Masked motion workbench").first.wait_for()
    text = time.perf_counter() - start
    page.wait_for_function(MOVING, polling=20)
    playing = time.perf_counter() - start
    context.close()
    return text, playing


def recovering(browser: Any, url: str, number: int) -> float:
    """Seconds from pressing Recover until the recovered body moves, for a pattern that no one has recovered before."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{url}?sequence={SAMPLE}&frames=0-300&hide=every:15&method={MODEL}")
    page.locator(".wb-table").wait_for()
    handle = page.get_by_role("slider", name="Known: every n-th frame")
    handle.focus()
    for _ in range(number + 1):
        page.keyboard.press("ArrowRight")
    page.locator('canvas[data-panel="Slerp, before Recover"]').wait_for()
    page.get_by_text(f"{300 - -(-300 // (16 + number))} of 300 frames hidden").wait_for()
    start = time.perf_counter()
    page.get_by_role("button", name="Recover", exact=True).click()
    page.wait_for_function(MODEL_MOVES, arg=MODEL, polling=20)
    taken = time.perf_counter() - start
    context.close()
    return taken


def with_server(browser: Any, measure: Callable[[str], None]) -> None:
    """Run a measurement on a server of its own."""
    servers = AppServer()
    try:
        measure(servers.url(APP))
    finally:
        servers.close()


def machine() -> str:
    """One line: processor, cores that may be used, load, Python, Chromium."""
    chip = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as info:  # noqa: PTH123 - not a file of ours
        chip = next(
            (line.split(":")[1].strip() for line in info if line.startswith("model name")), chip
        )
    browser = subprocess.run(
        [chromium(), "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{chip}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {browser}, software rendering"
    )


def chromium() -> str:
    """The browser's path."""
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        sys.exit("page_speed: no chromium or google-chrome on this machine; install one")
    return path


def main() -> None:
    """Measure and print medians beside the targets."""
    parser = argparse.ArgumentParser(description="How long a user waits for the page.")
    parser.add_argument(
        "--repeats", type=int, default=5, help="of each measurement (cold: at most 3)"
    )
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in TARGETS_S}

    def cold(url: str) -> None:
        text, playing = opening(browser, url)
        times["cold: first text"].append(text)
        times["cold: playing"].append(playing)

    def warm(url: str) -> None:
        recovering(browser, url, 0)  # loads torch and the network
        for _ in range(repeats):
            text, playing = opening(browser, url)
            times["warm: first text"].append(text)
            times["warm: playing"].append(playing)
        for number in range(1, repeats + 1):
            times["recover: new motion"].append(recovering(browser, url, number))

    from playwright.sync_api import sync_playwright

    print(machine())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        opening(
            browser,
            "data:text/html,Masked motion workbench<script>window.mmmPlayhead={now:new Map()};"
            "setInterval(()=>mmmPlayhead.now.set('main',{frame:Math.random()}),9)</script>",
        )
        for _ in range(min(repeats, 3)):
            with_server(browser, cold)
        with_server(browser, warm)
        browser.close()
    for name, values in times.items():
        target, median = TARGETS_S[name], statistics.median(values)
        beside = (
            ""
            if target is None
            else f"   target {target:g} s: {'met' if median <= target else 'missed'}"
        )
        print(
            f"{name:22} median {median:5.2f} s   ({min(values):.2f} to {max(values):.2f}, "
            f"{len(values)} times){beside}"
        )


if __name__ == "__main__":
    main()

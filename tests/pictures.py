"""The pictures of the README, made by the workbench itself: ``python -m tests.pictures [NAME ...]``.

Needs chromium and playwright (requirements-dev.txt). Without names all are made, into ``docs/images``.
"""

import argparse
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

import mmm
from mmm.viewer.video import write_film
from tests.browser import FLAGS, ROOT, AppServer

FOLDER = ROOT / "docs" / "images"
SAMPLE = "dance_092bpm_test004_dancer03"
QUALITY = 88
LIMIT_MS = 240_000


def workbench(page: Any, address: str) -> None:
    """Truth and recovery, errors on the timeline."""
    page.goto(
        f"{address}?sequence=Samples/{SAMPLE}&frames=0-300&hide=span:120-179&method=dance-3bert-small&beside=slerp"
    )
    page.locator(".wb-table").wait_for()
    seek(page, 150)


def compare(page: Any, address: str) -> None:
    """Two networks on the same frames, the table under them."""
    page.goto(
        f"{address}?sequence=Samples/{SAMPLE}&frames=0-300&hide=every:20&method=dance-3bert-small"
    )
    page.locator(".wb-table").wait_for()
    page.locator(".st-key-method").get_by_role("combobox").click()
    page.get_by_role("option", name="dance-ecm-small").first.click()
    page.get_by_text("its maps show").or_(page.get_by_text("uses music")).first.wait_for()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Recover", exact=True).last.click()
    page.get_by_role("button", name="Add dance-3bert-small").click()
    page.locator("tr", has_text="dance-3bert-small").first.wait_for()
    seek(page, 110)


def generate(page: Any, address: str) -> None:
    """A dance that goes on from its seed, beside the truth."""
    page.goto(f"{address}?mode=generate&sequence=Samples/{SAMPLE}&method=dance-future&length_s=8")
    page.locator("canvas[data-checksum]").first.wait_for()
    page.get_by_role("button", name="Generate", exact=True).last.click()
    page.locator(".wb-table").first.wait_for()
    seek(page, 330)


def library(page: Any, address: str) -> None:
    """What there is to open."""
    page.goto(f"{address}library")
    page.locator("img").nth(8).wait_for()
    page.wait_for_timeout(6000)


def leaderboard(page: Any, address: str) -> None:
    """Networks beside the interpolations."""
    page.goto(f"{address}leaderboard")
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    page.mouse.move(900, 40)
    page.locator(".js-plotly-plot").wait_for()
    page.wait_for_timeout(1500)


def seek(page: Any, frame: int) -> None:
    """The playhead still, at a frame."""
    timeline = page.get_by_role("slider", name="Timeline")
    page.wait_for_timeout(1500)
    timeline.focus()
    if page.get_by_role("button", name="Pause").count():
        page.keyboard.press("Space")
    page.keyboard.press("Home")
    for _ in range(frame // 10):
        page.keyboard.press("Shift+ArrowRight")
    timeline.evaluate("node => node.blur()")  # no ring around it
    page.wait_for_timeout(1200)


def film(path: Path) -> None:
    """A short loop: truth, recovery and slerp."""
    clip = mmm.load_clip(ROOT / "data" / "samples" / f"{SAMPLE}.npz", frames=(100, 220))
    hidden = mmm.masks.parse("span:20-79", clip)
    result = mmm.recover(mmm.load_model("dance-3bert-small"), clip, hidden)
    write_film(result.scene(mmm.interpolate("slerp", clip, hidden)), path, size=(640, 360), fps=15)


SHOTS: dict[str, tuple[Callable[[Any, str], None], tuple[int, int], str]] = {
    "workbench": (workbench, (1400, 900), "light"),
    "compare": (compare, (1400, 1180), "light"),
    "generate": (generate, (1400, 1000), "dark"),
    "library": (library, (1400, 900), "light"),
    "leaderboard": (leaderboard, (1400, 900), "dark"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*SHOTS, "recovery", []], help="which; all without"
    )
    wanted = parser.parse_args().names or [*SHOTS, "recovery"]
    if "recovery" in wanted:
        film(FOLDER / "recovery.webp")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        servers = AppServer()
        address = servers.url("dashboard/app.py", {"MMM_DATA": ""})
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name in wanted:
            if name not in SHOTS:
                continue
            take, (width, height), scheme = SHOTS[name]
            page = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            ).new_page()
            page.set_default_timeout(LIMIT_MS)
            page.add_init_script("localStorage.setItem('mmm-tour-taken', 'yes')")
            take(page, address)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)
            print(
                f"{name}.webp: {(FOLDER / f'{name}.webp').stat().st_size / 1000:.0f} kB", flush=True
            )
            page.context.close()
        browser.close()
        servers.close()


if __name__ == "__main__":
    main()

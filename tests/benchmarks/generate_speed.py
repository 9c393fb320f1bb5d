"""How long until a dance goes on: ``python -m tests.benchmarks.generate_speed [--repeats 5] [--method dance-future]``.

- generated: frames a second that the network makes, without a page (20 s of a song after 120 frames of seed);
- there: on the page, from pressing Generate until the stage has generated frames;
- on the stage: from pressing Generate until one of them is drawn;
- whole: from pressing until all are there (8 s after a seed of 2 s).

The page is measured on a server that has loaded the network, each time on a sample that was not generated before.
Not a test: times depend on the machine, which the first line names.
"""

import argparse
import statistics
import time
from typing import Any

from tests.benchmarks.page_speed import LIMIT_MS, chromium, machine
from tests.browser import FLAGS, ROOT, AppServer

TARGETS = {"generated": 120.0, "there": 1.0, "on the stage": 1.0, "whole": None}
LENGTH_S = 20.0

WATCH = """(name) => {
  const find = (root, what) => root.querySelector(what)
    || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot, what)).find(Boolean);
  const line = find(document, ".timeline"), seed = Number(line.dataset.seed);
  window.seen = {};
  const look = () => {
    const body = find(document, `canvas[data-panel^="${name}"]`), at = performance.now();
    if (body && Number(body.dataset.frames) > seed) window.seen.there ??= at;
    if (body && Number(body.dataset.frame) >= seed) window.seen.stage ??= at;
    if (body && Number(body.dataset.frames) > Number(line.getAttribute("aria-valuemax"))) window.seen.whole ??= at;
    if (!window.seen.whole) requestAnimationFrame(look);
  };
  const button = [...document.querySelectorAll("button")].find((b) => b.textContent.includes("Generate") &&
    b.closest("[class*=gen_go]"));
  button.addEventListener("click", () => { window.seen.click = performance.now(); }, { capture: true });
  look();
}"""


def frames_a_second(method: str) -> float:
    """Without a page: the network alone, after a first window that warms it up."""
    import mmm
    from mmm.generation.generate import generate
    from mmm.music.features import features_of

    clip = mmm.load_clip(next(iter(sorted((ROOT / "data" / "samples").glob("*.npz")))))
    model, fps = mmm.load_model(method), clip.motion.fps
    frames, music = round(LENGTH_S * fps), None
    if clip.music is not None and clip.music.audio is not None:
        music = features_of(
            clip.music.audio, fps, frames + 120
        )  # silence after the song: the cost is the same
    list(generate(model, clip, frames=60, music=music))
    start = time.perf_counter()
    made = sum(len(chunk.motion) for chunk in generate(model, clip, frames=frames, music=music))
    return made / (time.perf_counter() - start)


def on_the_page(browser: Any, url: str, method: str, sample: str) -> dict[str, float]:
    """Seconds from the press, for a sample not generated before."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{url}?mode=generate&sequence={sample}&method={method}")
    page.locator("canvas[data-checksum]").first.wait_for()
    page.wait_for_function("""() => document.querySelector("[data-testid=stApp]").dataset.testScriptState ===
                           "notRunning" """)
    page.evaluate(WATCH, method)
    page.get_by_role("button", name="Generate", exact=True).click()
    page.wait_for_function("() => window.seen.whole")
    seen = page.evaluate("window.seen")
    context.close()
    return {
        name: (seen[key] - seen["click"]) / 1000
        for name, key in (("there", "there"), ("on the stage", "stage"), ("whole", "whole"))
    }


def main() -> None:
    """Measure and print medians beside the targets."""
    parser = argparse.ArgumentParser(description="How long until a dance goes on.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--method", default="dance-future")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    print(machine())
    speeds = [frames_a_second(asked.method) for _ in range(asked.repeats)]
    times: dict[str, list[float]] = {
        "generated": speeds,
        "there": [],
        "on the stage": [],
        "whole": [],
    }
    samples = [f"Samples/{file.stem}" for file in sorted((ROOT / "data" / "samples").glob("*.npz"))]
    servers = AppServer()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        url = servers.url("dashboard/app.py", {"MMM_DATA": ""})
        on_the_page(browser, url, asked.method, samples[0])  # loads torch and the network
        for number in range(asked.repeats):
            for name, value in on_the_page(
                browser, url, asked.method, samples[1 + number % 11]
            ).items():
                times[name].append(value)
        browser.close()
    servers.close()
    for name, values in times.items():
        target, median, unit = (
            TARGETS[name],
            statistics.median(values),
            "frames/s" if name == "generated" else "s",
        )
        met = target is not None and (median >= target if name == "generated" else median <= target)
        beside = (
            "" if target is None else f"   target {target:g} {unit}: {'met' if met else 'missed'}"
        )
        print(
            f"{name:14} median {median:7.2f} {unit}   ({min(values):.2f} to {max(values):.2f}, "
            f"{len(values)} times){beside}"
        )


if __name__ == "__main__":
    main()

"""The components as a user meets them: a real Chromium, real clicks and keys."""

import math
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from tests.browser import Watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=20_000)  # only ever waited out where something is wrong

DEMO = "tests/dashboard/components/demo_app.py"
FRAMES = 300


def timeline(page: Page):
    return page.get_by_role("slider", name="Timeline")


def frame(page: Page) -> int:
    return int(timeline(page).get_attribute("aria-valuenow") or -1)


def poses(page: Page) -> list[str | None]:
    return [
        canvas.get_attribute("data-checksum") for canvas in page.locator("canvas[data-panel]").all()
    ]


def ready(page: Page) -> Page:
    page.locator("canvas[data-checksum]").first.wait_for()
    return page


def paused_at(page: Page, number: int) -> Page:
    """Still, on a known frame, with the keyboard on the stage."""
    ready(page)
    if page.get_by_role("button", name="Pause").count():
        page.get_by_role("button", name="Pause").click()
    page.locator(".viewer").focus()
    page.evaluate(
        """(frame) => window.mmmPlayhead.dispatchEvent(
        new CustomEvent("seek", { detail: { channel: "main", frame } }))""",
        number,
    )
    expect(timeline(page)).to_have_attribute("aria-valuenow", str(number))
    return page


@pytest.fixture(scope="module")
def plain(chromium, app_server) -> Iterator[Page]:
    """One stage without maps that several tests use in turn; each first puts it where it needs it."""
    watched = Watched(chromium.new_context(viewport={"width": 1400, "height": 900}))
    watched.page.goto(app_server.url(DEMO) + "?maps=0")
    yield watched.page
    watched.context.close()
    assert not watched.problems, watched.problems


def test_it_opens_moving_and_both_bodies_move(open_page):
    page = ready(open_page(DEMO, moving=True).page)
    first, before = frame(page), poses(page)
    page.wait_for_timeout(500)
    after = poses(page)
    assert len(before) == 2
    assert frame(page) != first
    assert all(a != b for a, b in zip(before, after, strict=True))
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()


def test_pause_holds_still_and_tells_the_server_the_frame(open_page):
    page = ready(open_page(DEMO, "?maps=0", moving=True).page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    held, pose = frame(page), poses(page)
    expect(page.get_by_text(f"Stopped on frame {held} ")).to_be_visible()
    page.wait_for_timeout(300)
    assert (frame(page), poses(page)) == (held, pose)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(300)
    assert frame(page) != held


def test_keys_step_jump_and_switch(plain):
    page = paused_at(plain, 0)
    page.keyboard.press("ArrowRight")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("Shift+ArrowRight")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "11")
    page.keyboard.press("ArrowLeft")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "10")
    page.keyboard.press("End")
    expect(timeline(page)).to_have_attribute("aria-valuenow", str(FRAMES - 1))
    expect(timeline(page)).to_have_attribute(
        "aria-valuetext", re.compile(rf"0:04\.98, frame 299 of {FRAMES}")
    )
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Loop")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Speed 1/4")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard and mouse")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard and mouse")).to_be_hidden()
    page.keyboard.press("l")
    page.keyboard.press("3")


def test_buttons_step_a_frame(plain):
    page = paused_at(plain, 12)
    page.get_by_role("button", name="Next frame").click()
    expect(timeline(page)).to_have_attribute("aria-valuenow", "13")
    page.get_by_role("button", name="Previous frame").click()
    page.get_by_role("button", name="Previous frame").click()
    expect(timeline(page)).to_have_attribute("aria-valuenow", "11")


def test_dragging_the_timeline_scrubs_and_commits_once_on_release(plain):
    page = paused_at(plain, 0)
    box = timeline(page).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    expect(timeline(page)).to_have_attribute("aria-valuenow", "60")
    page.mouse.move(box["x"] + box["width"] * 0.5 + 1, middle, steps=6)
    expect(timeline(page)).to_have_attribute("aria-valuenow", "150")
    page.wait_for_timeout(400)
    assert page.get_by_text("Stopped on frame 150 ").count() == 0
    page.mouse.up()
    expect(page.get_by_text("Stopped on frame 150 ")).to_be_visible()
    expect(
        page.get_by_role("button", name="Play", exact=True)
    ).to_be_visible()  # it was paused before


def test_quarter_speed_takes_four_times_as_long(open_page):
    page = ready(open_page(DEMO, "?maps=0&sound=0", moving=True).page)

    def frames_per_second() -> float:
        """By the page's own clock: a busy machine delays what is seen, not what is true."""
        page.locator(".viewer").focus()
        page.keyboard.press("Home")
        return page.evaluate("""() => new Promise((done) => {
          let first = null;
          const look = ({ detail }) => {
            const now = performance.now();
            if (first === null) first = [now, detail.frame];
            else if (now - first[0] > 900) {
              window.mmmPlayhead.removeEventListener("playhead", look);
              done(((detail.frame - first[1]) * 1000) / (now - first[0]));
            }
          };
          window.mmmPlayhead.addEventListener("playhead", look);
        })""")

    full = frames_per_second()
    page.keyboard.press("1")
    quarter = frames_per_second()
    assert full == pytest.approx(60, rel=0.15)
    assert quarter == pytest.approx(15, rel=0.15)


def test_loop_wraps_and_without_loop_it_stops_on_the_last_frame(open_page):
    page = ready(open_page(DEMO, "?maps=0&frames=30", moving=True).page)  # half a second
    page.evaluate("""() => {
      window.seen = [];
      window.mmmPlayhead.addEventListener("playhead", (event) => window.seen.push(event.detail.frame));
    }""")
    page.wait_for_function("window.seen.some((frame, i) => i && frame < window.seen[i - 1])")
    assert page.evaluate("Math.max(...window.seen)") <= 29
    page.locator(".viewer").focus()
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert frame(page) == 29


def test_overlay_lays_both_bodies_into_one_panel(plain):
    page = paused_at(plain, 100)
    apart = poses(page)
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator("canvas[data-panel]")).to_have_count(1)
    expect(page.locator("canvas[data-panel=Overlay]")).to_have_attribute(
        "data-checksum", " ".join(apart)
    )
    page.keyboard.press("o")
    expect(page.locator("canvas[data-panel]")).to_have_count(2)


def test_chips_say_what_was_hidden(plain):
    page = paused_at(plain, 50)
    expect(page.get_by_text("frame known")).to_be_visible()
    paused_at(page, 110)
    expect(page.get_by_text("frame hidden")).to_be_visible()
    paused_at(page, 210)
    expect(page.get_by_text("10 of 24 joints hidden")).to_be_visible()


def centre_of(page: Page) -> tuple[float, float]:
    """The middle of the first panel."""
    box = page.locator("canvas[data-panel=Original]").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixels(page: Page, name: str) -> str:
    return page.evaluate(
        """(name) => {
      const find = (root) => root.querySelector(`canvas[data-panel="${name}"]`)
        || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
      return find(document).toDataURL();
    }""",
        name,
    )


def test_dragging_a_panel_orbits_all_of_them_and_double_click_comes_back(plain):
    page = paused_at(plain, 50)
    names = ("Original", "Recovered")

    def still() -> list[str]:
        """What both panels show once the camera has come to rest on the dancer."""
        last: list[str] = []
        for _ in range(60):
            page.wait_for_timeout(250)
            now = [pixels(page, name) for name in names]
            if now == last:
                return now
            last = now
        raise AssertionError("the camera never came to rest")

    home = still()
    x, y = centre_of(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 20, steps=4)
    page.mouse.up()
    turned = still()
    assert turned[0] != home[0]
    assert turned[1] != home[1]
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(200)
    assert still()[1] != turned[1]
    page.mouse.dblclick(x, y)
    assert still() == home


def camera(page: Page) -> dict:
    return page.evaluate("window.mmmPlayhead.memory.get('viewer:main').camera")


def test_camera_presets_bones_and_framing_by_keys_and_by_the_menu(plain):
    page = paused_at(plain, 0)
    page.mouse.dblclick(*centre_of(page))
    before, body = camera(page), pixels(page, "Recovered")
    page.keyboard.press("4")
    front = camera(page)
    assert (front["preset"], front["pitch"], front["zoom"]) == ("front", 0, 1)
    button = page.get_by_role("button", name="Camera")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Camera")
    expect(menu.get_by_role("menuitemradio", name="Front")).to_be_focused()
    expect(menu.get_by_role("menuitemradio", name="Front")).to_have_attribute(
        "aria-checked", "true"
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    assert camera(page)["yaw"] - front["yaw"] == pytest.approx(math.pi / 2)
    page.keyboard.press("6")
    assert camera(page)["pitch"] == pytest.approx(math.pi / 2)
    # A camera that follows keeps its side of the body while the body turns.
    page.mouse.dblclick(*centre_of(page))
    page.keyboard.press("7")
    paused_at(page, 30)
    following = camera(page)
    assert following["preset"] == "follow"
    page.wait_for_timeout(100)
    page.keyboard.press("7")  # what it has turned by becomes its own side
    assert abs(camera(page)["yaw"] - following["yaw"]) > 0.2
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Bones")).to_have_attribute("aria-pressed", "true")
    assert pixels(page, "Recovered") != body
    page.keyboard.press("f")  # the figure fills more of the panel than before
    framed = camera(page)
    assert framed["zoom"] > before["zoom"]
    assert framed["offset"] != [0, 0, 0]
    page.get_by_role("button", name="Bones").click()
    page.mouse.dblclick(*centre_of(page))
    assert camera(page) == before
    # The bar stays one line, also where there is little room for the errors.
    page.set_viewport_size({"width": 1060, "height": 900})
    expect(page.locator(".viewer .errors")).to_be_visible()
    assert page.locator(".viewer .bar").bounding_box()["height"] < 50
    page.set_viewport_size({"width": 1400, "height": 900})


def test_the_timeline_zooms_by_keys_buttons_and_pinch_and_pages_on(open_page):
    page = paused_at(open_page(DEMO).page, 5)
    line, stage = timeline(page), page.locator(".mmm.viewer")
    assert view(line) == (0, FRAMES)
    expect(page.get_by_role("button", name="Show the whole clip (0)")).to_be_disabled()
    stage.focus()
    page.keyboard.press("+")
    first, end = view(line)
    assert first <= 5 < end
    assert end - first == pytest.approx(FRAMES / 1.6, abs=1)
    page.keyboard.press("End")  # the view follows the playhead
    assert view(line)[1] == FRAMES
    page.keyboard.press("0")
    assert view(line) == (0, FRAMES)
    page.keyboard.press("Home")
    page.keyboard.press("g")
    gap = [int(x) for x in line.get_attribute("data-hidden").split(",")[0].split("-")]
    first, end = view(line)
    assert first <= gap[0]
    assert gap[1] < end
    box = line.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 8)
    assert frame(page) == pytest.approx((first + end) / 2, abs=1)
    page.keyboard.press("0")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    first, end = view(line)
    assert first > 0
    assert end < FRAMES
    page.get_by_role("button", name="Ruler in frames (U)").click()
    expect(page.get_by_role("button", name="Ruler in seconds (U)")).to_be_visible()


def view(plot) -> tuple[int, int]:
    """The frames that the timeline or a chart shows, the last one excluded."""
    first, end = plot.get_attribute("data-view").split("-")
    return int(first), int(end)


def across(plot) -> list[float]:
    """Left edge and width of the frames of the timeline or a chart, pixels of the page."""
    return plot.evaluate(
        """(node) => { const { left, width } = node.getBoundingClientRect(), { data } = { data: node.dataset };
        return data.width ? [left + Number(data.left), Number(data.width)] : [left, width]; }"""
    )


@pytest.mark.parametrize("width", [1400, 390])
def test_charts_stand_under_the_timeline_and_share_its_zoom(open_page, width):
    page = paused_at(open_page(DEMO, width=width, height=1500).page, 5)
    line = timeline(page)
    charts = [
        page.get_by_role("slider", name=name) for name in ("Position error", "Error over time")
    ]

    def together(shown: tuple[int, int]) -> None:
        for chart in charts:
            expect(chart).to_have_attribute("data-view", f"{shown[0]}-{shown[1]}")
            assert across(chart) == pytest.approx(across(line), abs=0.5)

    together((0, FRAMES))
    page.locator(".viewer").focus()
    page.keyboard.press("g")
    assert view(line) != (0, FRAMES)
    together(view(line))
    page.locator(".heatmap button.view").click()
    together((0, FRAMES))
    page.locator(".heatmap button.view").click()
    together(view(line))
    box = charts[1].bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    before = view(line)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    expect(line).not_to_have_attribute("data-view", f"{before[0]}-{before[1]}")
    together(view(line))


def test_a_click_on_the_error_map_moves_the_stage_and_the_stage_moves_the_map(open_page):
    page = paused_at(open_page(DEMO, height=1500).page, 5)
    error_map = page.get_by_role("slider", name="Position error")
    curves = page.get_by_role("slider", name="Error over time")
    expect(error_map).to_have_attribute("aria-valuenow", "5")
    box = error_map.bounding_box()
    first, end = view(error_map)
    page.mouse.click(box["x"] + 92 + (box["width"] - 93) * 0.6, box["y"] + 100)
    expect(timeline(page)).not_to_have_attribute("aria-valuenow", "5")
    clicked = frame(page)
    assert clicked == pytest.approx(first + 0.6 * (end - first), abs=2)
    expect(error_map).to_have_attribute("aria-valuenow", str(clicked))
    expect(curves).to_have_attribute("aria-valuenow", str(clicked))
    expect(page.locator("canvas[data-panel=Original]")).to_have_attribute(
        "data-frame", str(clicked)
    )
    page.locator(".viewer").focus()
    page.keyboard.press("ArrowRight")
    expect(error_map).to_have_attribute("aria-valuenow", str(clicked + 1))
    curves.focus()
    page.keyboard.press("Home")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "0")


def test_the_error_map_names_joint_frame_and_value_and_curves_can_be_switched_off(open_page):
    page = paused_at(open_page(DEMO, height=1500).page, 0)
    error_map = page.get_by_role("slider", name="Position error")
    box, (first, end) = error_map.bounding_box(), view(error_map)
    share = (100.5 - first) / (end - first)
    page.mouse.move(box["x"] + 92 + (box["width"] - 93) * share, box["y"] + 16)
    expect(page.locator(".heatmap .tip")).to_have_text(
        re.compile(r"^[\d.]+ cm pelvis · frame 100 · hidden$")
    )
    model = page.get_by_role("button", name="Model")
    model.click()
    expect(model).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Log scale").click()
    expect(page.get_by_role("button", name="Log scale")).to_have_attribute("aria-pressed", "true")


def test_sound_starts_with_the_first_gesture_and_stays_with_the_picture(open_page):
    page = ready(open_page(DEMO, "?maps=0", moving=True).page)
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    page.locator("canvas[data-panel=Original]").click()
    off = page.get_by_role("button", name="Sound off")
    expect(off).to_be_visible()
    first = frame(page)
    page.wait_for_timeout(500)
    assert (frame(page) - first) % FRAMES == pytest.approx(
        30, abs=12
    )  # the sound's clock runs like the picture's
    expect(page.locator(".viewer")).to_have_attribute("data-clock", "sound")
    before = frame(page)
    page.keyboard.press("1")  # a change of speed must not move the playhead
    assert (frame(page) - before) % FRAMES < 25
    page.wait_for_timeout(400)
    assert (frame(page) - before) % FRAMES < 45
    off.click()
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    expect(page.locator(".viewer")).to_have_attribute("data-clock", "timer")


def test_another_recovery_of_the_same_clip_keeps_playhead_camera_and_view(open_page):
    page = paused_at(open_page(DEMO, "?maps=0&switch=1", moving=True).page, 123)
    page.keyboard.press("o")
    expect(page.get_by_text("frame hidden")).to_be_visible()
    box = page.locator(".panel").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 100, steps=3)
    page.mouse.up()
    camera = page.evaluate("window.mmmPlayhead.memory.get('viewer:main').camera")
    page.get_by_text("Another mask").click()
    expect(page.get_by_text("frame known")).to_be_visible()
    assert frame(page) == 123
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Overlay")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.mmmPlayhead.memory.get('viewer:main').camera") == camera
    page.get_by_text("Another clip").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(timeline(page)).to_have_attribute("aria-valuemax", "239")


def test_a_stage_in_a_tab_that_is_not_shown_waits(open_page):
    page = ready(open_page(DEMO, "?maps=0&tabs=1", moving=True).page)
    page.get_by_role("tab", name="Elsewhere").click()
    page.wait_for_timeout(200)
    held = page.evaluate("window.mmmPlayhead.now.get('main').frame")
    page.wait_for_timeout(400)
    assert page.evaluate("window.mmmPlayhead.now.get('main').frame") == held
    page.get_by_role("tab", name="Stage").click()
    page.wait_for_timeout(400)
    assert page.evaluate("window.mmmPlayhead.now.get('main').frame") != held


def test_dark_theme_and_no_overflow_at_900_pixels(open_page):
    page = ready(open_page(DEMO, width=900, dark=True).page)
    colour = page.locator(".viewer").evaluate("node => getComputedStyle(node).backgroundColor")
    assert sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 150, colour
    page.set_viewport_size({"width": 640, "height": 900})
    page.wait_for_timeout(400)
    for part in (".viewer", ".heatmap", ".curves"):
        assert page.locator(part).evaluate("node => node.scrollWidth <= node.clientWidth + 1"), part
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel, canvas = (
        page.locator(".panel").first.bounding_box(),
        page.locator("canvas[data-panel]").first.bounding_box(),
    )
    assert canvas["width"] == pytest.approx(panel["width"], abs=3)


def test_nothing_to_show_is_said_kindly(open_page):
    page = open_page(DEMO, "?panels=0&maps=0").page
    expect(page.get_by_text("Nothing to play yet")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()


def test_what_goes_wrong_in_the_browser_is_said_on_the_page(open_page):
    watched = open_page(DEMO, "?broken=1&maps=0")
    expect(watched.page.get_by_role("alert")).to_contain_text("does not begin with MMM1")
    assert any("MMM1" in problem for problem in watched.problems)
    watched.problems.clear()


def test_a_sound_that_cannot_be_decoded_does_not_stop_the_picture(open_page):
    watched = open_page(DEMO, "?sound=broken&maps=0", moving=True)
    page = ready(watched.page)
    expect(page.get_by_role("alert")).to_contain_text("The sound could not be decoded")
    first = frame(page)
    page.wait_for_timeout(300)
    assert frame(page) != first
    expect(page.get_by_role("button", name=re.compile("Sound"))).to_be_hidden()
    watched.problems.clear()


def test_the_picture_follows_a_change_of_theme(open_page):
    page = paused_at(open_page(DEMO, "?maps=0").page, 110)
    page.wait_for_timeout(500)

    def brightness() -> float:
        return page.evaluate("""() => {
          const find = (root) => root.querySelector("canvas.strip")
            || [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
          const strip = find(document), context = strip.getContext("2d");
          const picture = context.getImageData(0, 0, strip.width, strip.height).data;
          let sum = 0, weight = 0;
          for (let i = 0; i < picture.length; i += 4) { sum += picture[i] * picture[i + 3]; weight += picture[i + 3]; }
          return sum / weight;
        }""")

    light = brightness()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(1500)
    assert brightness() > light + 30  # light marks on a dark page


def test_reduced_motion_opens_still(open_page):
    page = ready(open_page(DEMO, "?maps=0", moving=False).page)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert frame(page) == 0

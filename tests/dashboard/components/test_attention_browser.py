"""The attention view as a user meets it, on maps whose answer is known."""

import io
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from tests.browser import Watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=20_000)

DEMO = "tests/dashboard/attention_demo.py"
FRAMES = 120


def opened(watched: Watched, url: str) -> Page:
    page = watched.page
    page.goto(url)
    page.locator("canvas[data-checksum]").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Attention: what the network looked at").click()
    page.locator(".attention[data-painted]").wait_for()
    return page


@pytest.fixture(scope="module")
def joined(chromium, app_server) -> Iterator[Page]:
    """Maps with four blocks, opened; several tests use it in turn."""
    watched = Watched(
        chromium.new_context(viewport={"width": 1400, "height": 1500}, accept_downloads=True)
    )
    yield opened(watched, app_server.url(DEMO) + f"?joined=1&layers=2&frames={FRAMES}")
    watched.context.close()
    assert not watched.problems, watched.problems


def stage_frame(page: Page) -> int:
    return int(page.get_by_role("slider", name="Timeline").get_attribute("aria-valuenow") or -1)


def big(page: Page):
    return page.get_by_role("slider", name="Attention map")


def place(page: Page, row: float, column: float) -> tuple[float, float]:
    """Where on the screen this row and column of the map lie."""
    box, (left, top, side) = big(page).bounding_box(), geometry(page)
    return box["x"] + left + (column + 0.5) * side / FRAMES, box["y"] + top + (
        row + 0.5
    ) * side / FRAMES


def geometry(page: Page) -> tuple[float, float, float]:
    """Left, top and side of the map inside its element, as attention_map.js lays it out."""
    box = big(page).bounding_box()
    left, top, below = 46 + 18 + 16, 18 + 18 + 16, 8 + 74 + 4
    return left, top, box["height"] - top - below


def click(page: Page, row: float, column: float) -> None:
    page.mouse.click(*place(page, row, column))


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".attention .title")).to_have_text(name.replace(", motion → music: ", ", "))


def glow(page: Page) -> int:
    return int(page.get_by_role("slider", name="Timeline").get_attribute("data-glow-frame") or -1)


def test_a_click_moves_the_stage_at_once_and_without_the_server(joined):
    page = joined
    sent: list[object] = []
    page.get_by_role("slider", name="Timeline").evaluate("""(line) => {
      addEventListener("pointerdown", () => { window.down = performance.now(); }, { capture: true });
      const seen = () => { if (window.down) { window.took = performance.now() - window.down; window.down = 0; } };
      new MutationObserver(seen).observe(line, { attributes: true, attributeFilter: ["aria-valuenow"] });
    }""")
    session = page.context.new_cdp_session(page)  # the protocol sees every message to the server
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", lambda message: sent.append(message))
    took = []
    for row in (100, 30, 77):
        click(page, row, 20)
        expect(page.get_by_role("slider", name="Timeline")).to_have_attribute(
            "aria-valuenow", str(row)
        )
        took.append(page.evaluate("() => window.took"))
    assert big(page).get_attribute("aria-valuenow") == "77"
    assert sorted(took)[1] < 50, took
    assert sent == []


def test_the_playhead_moves_the_crosshair(joined):
    page = joined
    page.locator(".viewer").focus()
    page.keyboard.press("Home")
    expect(big(page)).to_have_attribute("data-frame", "0")
    page.keyboard.press("ArrowRight")
    expect(big(page)).to_have_attribute("data-frame", "1")


def test_the_chosen_head_shines_on_the_waveform_and_so_does_the_reverse(joined):
    page = joined
    choose(page, "Cross-modal encoder, motion → music: layer 2, head 3")
    click(page, 40, 70)
    ahead = 10 * 2 + 2
    expect(page.get_by_role("slider", name="Timeline")).to_have_attribute(
        "data-glow-frame", str(40 + ahead)
    )
    expect(page.get_by_text("highlighted: music that this frame looks at")).to_be_visible()
    lit = page.locator(".timeline canvas.glow").evaluate("""(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, Math.floor(canvas.height * 0.35), canvas.width, 1);
      let best = 0;
      for (let x = 0; x < canvas.width; x++) if (data[4 * x + 3] > data[4 * best + 3]) best = x;
      return best / canvas.width;
    }""")
    assert lit == pytest.approx((40 + ahead + 0.5) / FRAMES, abs=1.5 / FRAMES)
    page.get_by_role("button", name="Is looked at by").click()
    expect(page.get_by_role("slider", name="Timeline")).to_have_attribute(
        "data-glow-frame", str(40 - ahead)
    )
    page.get_by_role("button", name="Looks at", exact=True).click()


def test_another_block_is_another_map(joined):
    page = joined
    choose(page, "Cross-modal encoder, motion → music: layer 1, head 1")
    click(page, 50, 10)
    expect(page.get_by_role("slider", name="Timeline")).to_have_attribute("data-glow-frame", "60")
    page.get_by_role("button", name="motion → motion").click()
    expect(page.locator(".attention")).to_have_attribute("data-view", "cross/motion-motion/0/0")
    page.get_by_role("button", name="motion → music").click()
    expect(page.locator(".attention")).to_have_attribute("data-view", "cross/motion-music/0/0")


def test_dragging_selects_a_span_and_a_click_lets_go(joined):
    page = joined
    choose(page, "Cross-modal encoder, motion → music: layer 1, head 1")
    page.mouse.move(*place(page, 20, 60))
    page.mouse.down()
    page.mouse.move(*place(page, 39, 61), steps=5)
    page.mouse.up()
    expect(page.get_by_text("highlighted: music that this span looks at")).to_be_visible()
    span = page.evaluate("() => window.mmmPlayhead.memory.get('glow:main').span")
    assert span == [20, 39]
    assert 30 <= glow(page) <= 49  # ten frames ahead of the span
    click(page, 5, 5)
    expect(page.get_by_text("highlighted: music that this frame looks at")).to_be_visible()
    assert page.evaluate("() => window.mmmPlayhead.memory.get('glow:main').span") is None


def test_heads_can_be_sorted_by_how_near_the_diagonal_they_look(joined):
    page = joined
    page.get_by_label("Sort heads").select_option("diagonal")
    assert page.locator(".tile").count() == 8
    page.get_by_label("Sort heads").select_option("across")
    first = page.locator(".tile .caption").first.inner_text()
    assert first.endswith("%")
    page.get_by_label("Sort heads").select_option("network")
    assert page.locator(".tile").count() == 2 * 5 + 5 + 1


def test_log_scale_says_its_range(joined):
    page = joined
    scale = page.locator(".attention .scale")
    before = scale.text_content()
    page.get_by_role("button", name="Log", exact=True).click()
    expect(scale).not_to_have_text(before)
    page.get_by_role("button", name="Linear").click()
    expect(scale).to_have_text(before)


def test_the_map_is_kept_as_a_picture_and_all_maps_as_arrays(joined, tmp_path):
    from PIL import Image

    page = joined
    choose(page, "Cross-modal encoder, motion → music: layer 2, head 1")
    with page.expect_download() as kept:
        page.get_by_role("button", name="PNG").click()
    assert kept.value.suggested_filename.endswith("cross-motion-music-1-0.png")
    kept.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        assert min(picture.size) > 600
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10
    with page.expect_download() as kept:
        page.get_by_role("button", name="All maps, NPZ").click()
    kept.value.save_as(tmp_path / "maps.npz")
    with np.load(io.BytesIO((tmp_path / "maps.npz").read_bytes())) as arrays:
        assert arrays["cross"].shape == (2, 4, 2 * FRAMES, 2 * FRAMES)
        assert arrays["cross"].dtype == np.float16
        assert arrays["segment_music"].tolist() == [FRAMES, 2 * FRAMES]
        np.testing.assert_allclose(arrays["cross"].astype(np.float32).sum(-1), 1, atol=1e-3)


def test_closing_the_section_puts_the_light_out(joined):
    page = joined
    timeline = page.get_by_role("slider", name="Timeline")
    assert timeline.get_attribute("data-glow") == "attention"
    page.get_by_text("Attention: what the network looked at").click()
    expect(timeline).to_have_attribute("data-glow", "")


def test_in_the_dark_and_narrow_it_stands_below_one_another(new_page, app_server):
    watched = new_page(700, 1000, dark=True, moving=True)
    page = opened(watched, app_server.url(DEMO) + f"?layers=1&frames={FRAMES}")
    assert page.locator(".board.beside").count() == 0
    box = page.locator(".attention").bounding_box()
    assert big(page).bounding_box()["width"] <= box["width"] + 1
    expect(page.get_by_text("from frame to frame")).to_be_visible()
    assert page.get_by_role("group", name="Block").count() == 0

"""A visitor with files of their own, in a real browser: a genuine BVH and a genuine song, uploaded and recovered."""

import re
from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from mmm import save_clip
from tests.dashboard.conftest import ROOT
from tests.mmm.io.fbx_scene import ascii_fbx, walker

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 90_000  # only ever waited out where something is wrong
expect.set_options(timeout=LIMIT_MS)
QUERY = "?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-60&hide=span:20-39&method=slerp"
SHARED = ROOT.parent / "shared" / "data"
LAFAN1 = SHARED / "lafan1" / "walk1_subject1.bvh"
SONG = SHARED / "music" / "sorohanro_-_solo-trumpet-06.hq.ogg"


@pytest.fixture
def open_(new_page, address) -> Callable[..., Page]:
    """``open_(width, dark)``: the workbench, its stage drawn and the upload box open."""

    def go(width: int = 1400, dark: bool = False) -> Page:
        page = new_page(width, 1000, dark).page
        page.set_default_timeout(LIMIT_MS)
        page.goto(address + QUERY)
        page.locator("canvas[data-checksum]").first.wait_for()
        page.get_by_text("Your own files").click()
        page.locator('input[type="file"]').wait_for(state="attached")
        return page

    return go


def bring(page: Page, *files: object) -> None:
    page.locator('input[type="file"]').set_input_files(list(files))


@pytest.mark.slow
@pytest.mark.shared_data
def test_a_genuine_bvh_and_a_song_are_uploaded_recovered_and_their_errors_shown(
    open_, checkpoint_folder
):
    if not (LAFAN1.is_file() and SONG.is_file()):
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    page = open_()
    bring(page, str(LAFAN1), str(SONG))
    expect(page.locator(".wb-title h1")).to_have_text("walk1 subject1", timeout=LIMIT_MS)
    expect(page.locator(".wb-facts")).to_contain_text("bpm", timeout=LIMIT_MS)
    expect(page.locator(".wb-file")).to_have_count(2)
    song = page.get_by_role("slider", name="Part of sorohanro")
    expect(song).to_have_attribute("aria-valuetext", re.compile("^0:00.0 to 0:05.3 of "))
    song.press("End")
    page.wait_for_timeout(400)  # the server has been asked, and has perhaps not answered
    song.press("Home")
    page.wait_for_timeout(400)
    song.press("End")
    expect(page).to_have_url(re.compile("song_start=4.3"))
    expect(song).to_have_attribute("aria-valuetext", re.compile("^0:04.3 to 0:05.3 of "))
    whole = page.get_by_role("slider", name="Shown part of the file, over the amount of motion")
    expect(whole).to_have_attribute("aria-valuetext", re.compile("^0 to 600 of 1,800"))
    box = whole.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    expect(page).to_have_url(re.compile(r"frames=(59\d|60\d)-"))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 10, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"frames=7\d\d-13\d\d"))
    expect(page.get_by_text(re.compile("Read in centimetres, Y up, facing"))).to_be_visible()
    page.get_by_role("button", name="Recover", exact=True).last.click()
    page.locator(".wb-table").wait_for()
    assert page.locator('canvas[data-panel="Truth"]').get_attribute("data-checksum")
    assert page.get_by_test_id("stAlert").count() == 0


@pytest.mark.slow
def test_bad_files_get_a_line_each_and_the_good_one_outlives_a_reload(open_, made_clip, tmp_path):
    page = open_()
    save_clip(made_clip, tmp_path / "mine.bvh")
    good = (tmp_path / "mine.bvh").read_bytes()
    bring(
        page,
        {"name": "empty.bvh", "mimeType": "", "buffer": b""},
        {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG"},
        {"name": "noise.ogg", "mimeType": "audio/ogg", "buffer": b"OggS" + bytes(99)},
        {"name": "torn.bvh", "mimeType": "", "buffer": good[: len(good) // 2]},
        {"name": "mine.bvh", "mimeType": "", "buffer": good},
    )
    expect(page.locator(".wb-title h1")).to_have_text("mine", timeout=LIMIT_MS)
    expect(page.get_by_test_id("stAlert")).to_have_count(4)
    for name in (
        "empty.bvh: the file is empty",
        "picture.png: a file of kind .png",
        "noise.ogg",
        "torn.bvh line ",
    ):
        expect(page.get_by_test_id("stAlert").filter(has_text=name)).to_have_count(1)
    page.get_by_role("button", name="Close the messages").click()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    # A reload is a new session of the same visit.
    page.reload()
    expect(page.locator(".wb-title h1")).to_have_text("mine", timeout=LIMIT_MS)
    expect(page.locator(".wb-file")).to_have_count(1)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".wb-title h1")).to_contain_text("dance", timeout=LIMIT_MS)


def test_a_take_of_an_fbx_is_chosen_and_kept_in_the_link(open_):
    pytest.importorskip("ufbx", reason="the extra fbx is not installed")
    page = open_()
    text = ascii_fbx(walker(takes=3, frames=20), ("Idle", "Walk", "Run"))
    bring(page, {"name": "steps.fbx", "mimeType": "", "buffer": text.encode()})
    expect(page.locator(".wb-title h1")).to_have_text("steps", timeout=LIMIT_MS)
    picker = page.get_by_role("combobox", name="Take")
    expect(picker).to_have_value("Idle")
    body = page.locator("canvas[data-panel=Truth]")
    expect(body).to_have_attribute("data-frames", "20")
    idle = body.get_attribute("data-checksum")
    assert idle
    picker.click()
    expect(page.get_by_role("option")).to_have_text(["Idle", "Walk", "Run"])
    page.get_by_role("option", name="Run").click()
    expect(picker).to_have_value("Run")
    expect(body).not_to_have_attribute("data-checksum", idle)
    expect(page).to_have_url(re.compile("take=Run"))

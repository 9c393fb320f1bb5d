"""Taking a result home in a real browser: every file is downloaded and read back."""

import csv
import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
import imageio_ffmpeg
from PIL import Image
from playwright.sync_api import Page, expect

from mmm import load_clip, masks, recover
from mmm.checkpoints import load_model
from tests.dashboard.conftest import MODEL, ROOT
from tests.mmm.io.gltf_reader import Glb

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "dance_081bpm_test032_dancer00"
QUERY = f"?sequence=Samples/{NAME}&frames=0-60&hide=span:20-39"


@pytest.fixture
def shown(new_page, address) -> Page:
    """The page with a recovery on it."""
    page = new_page(1400, 1000).page
    page.set_default_timeout(120_000)
    page.goto(address + QUERY)
    page.get_by_role("heading", name="Export").wait_for()
    return page


@pytest.fixture
def take(shown, tmp_path) -> Callable[[str], Path]:
    """``take("BVH")`` presses the button and gives the file."""

    def take_(label: str) -> Path:
        with shown.expect_download() as waiting:
            shown.get_by_role(
                "button", name=re.compile(rf"^\W*(download)?\W*{re.escape(label)}")
            ).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.stem.startswith(f"{NAME}-{MODEL}")
        return path

    return take_


def test_every_file_is_the_recovery_that_is_shown(take, checkpoint_folder):
    clip = load_clip(ROOT / "data" / "samples" / f"{NAME}.npz", frames=(0, 60))
    truth = recover(
        load_model(str(checkpoint_folder / MODEL)), clip, masks.parse("span:20-39", clip)
    )
    positions = truth.recovered.motion.positions()
    for label in ("BVH", "NPZ", "AIST++"):
        back = load_clip(take(label))
        np.testing.assert_allclose(back.motion.positions(), positions, atol=2e-3, err_msg=label)
    glb = Glb(take("GLB").read_bytes())
    world, _ = glb.world(30 / 60)
    np.testing.assert_allclose(
        [world[name][:3, 3] for name in clip.motion.skeleton.names], positions[30], atol=1e-3
    )
    told = json.loads(take("JSON").read_text())
    assert told["methods"][MODEL]["position_cm"] == pytest.approx(
        truth.errors.summary()["position_cm"], abs=1e-2
    )
    rows = list(csv.DictReader(io.StringIO(take("CSV").read_text())))
    assert [row["method"] for row in rows] == list(told["methods"])
    with Image.open(take("Error map")) as picture:
        assert picture.size[0] == 1600
    assert take("Web page").read_text().startswith("<!doctype html>")


def test_a_film_with_progress_and_the_stage_playing_on(shown, take):
    shown.get_by_role("button", name="Play", exact=True).click()
    shown.get_by_role("button", name="Make MP4").click()
    expect(shown.get_by_test_id("stProgress")).to_be_visible()
    timeline = shown.get_by_role("slider", name="Timeline")
    expect(timeline).not_to_have_attribute(
        "aria-valuenow", timeline.get_attribute("aria-valuenow") or ""
    )
    path = take("Save MP4")
    assert path.name == f"{NAME}-{MODEL}-side.mp4"
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True, check=False
    ).stderr.decode()
    assert re.search(r"Video: h264.* 1280x720.* 60 fps", told)
    assert "Audio: aac" in told
    assert re.search(r"Duration: 00:00:01\.0", told)


def test_a_film_of_the_frames_that_the_timeline_shows(shown, take):
    expect(shown.get_by_role("button", name="As zoomed")).to_be_disabled()
    shown.locator(".viewer").focus()
    shown.keyboard.press("g")
    shown.get_by_role("button", name="As zoomed, 10 to 49").click()
    shown.get_by_text("0.7 s", exact=True).wait_for()
    shown.get_by_role("button", name="Make MP4").click()
    path = take("Save MP4")
    assert path.name == f"{NAME}-{MODEL}-10-49-side.mp4"
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True, check=False
    ).stderr.decode()
    assert re.search(r"Duration: 00:00:00\.6", told)
    assert "60 fps" in told


def test_a_film_can_be_stopped(shown):
    shown.get_by_role("button", name="Make MP4").click()
    shown.get_by_role("button", name="Cancel").click()
    expect(shown.get_by_text("Cancelled. Press Make MP4 to start again.")).to_be_visible(
        timeout=120_000
    )

"""The whole way in a real browser: a genuine file of each source goes in, is edited and recovered, and leaves as BVH,
GLB and MP4, each of which is read back by others' rules."""

import pickle
import re
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
import imageio_ffmpeg
from playwright.sync_api import Page, expect

from mmm import load_clip
from mmm.motion.clip import Audio
from mmm.music.audio import encode_wav
from tests.dashboard.conftest import ROOT
from tests.mmm.io.bvh_oracle import scipy_positions
from tests.mmm.io.gltf_reader import Glb
from tests.mmm.io.test_bvh_oracle import bvhio_pose
from tests.mmm.viewer.test_video import ffmpeg_says, sound_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.shared_data]

SHARED = ROOT.parent / "shared" / "data"
FRAMES, HIDDEN = 90, (40, 59)
KNOWN = [0, 20, 39, 60, 89]
CLICKS_S, RATE_HZ = (0.25, 0.7, 1.2), 44_100
LIMIT_MS = 120_000  # only ever waited out where something is wrong


@dataclass(frozen=True)
class Source:
    """A file, and what its own rules say of it."""

    place: str
    member: str = ""
    """Inside an archive, how its name ends."""
    unit_m: float = 0.01
    stretches: bool = False
    """Bones of the file change their length, which no skeleton here does."""
    with_song: bool = False


SOURCES = {
    "CMU": Source("cmu/subjects_bvh_60fps.tar.xz", ".bvh", 0.0254 / 0.45),
    "LAFAN1": Source("lafan1/walk1_subject1.bvh"),
    "Bandai-Namco": Source("bandai_namco/dataset-1.tar.xz", ".bvh", stretches=True),
    "AIST++": Source("aistpp/motions/gBR_sBM_cAll_d04_mBR0_ch01.pkl", with_song=True),
}


def genuine(source: Source, folder: Path) -> Path:
    """The file's first frames, so that others' readers come to an end."""
    place = SHARED / source.place
    if not place.is_file():
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    if place.suffix == ".pkl":
        with place.open("rb") as whole:
            arrays = {
                key: value[:FRAMES]
                for key, value in pickle.load(whole).items()
                if hasattr(value, "shape")
            }
        short = folder / place.name
        short.write_bytes(pickle.dumps(arrays))
        return short
    if not source.member:
        name, text = place.name, place.read_text()
    else:
        with tarfile.open(place) as packed:
            member = next(m for m in packed if m.name.lower().endswith(source.member))
            file = packed.extractfile(member)
            assert file is not None
            name, text = Path(member.name).name, file.read().decode()
    lines = text.replace("\r", "").split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("Frames"))
    short = folder / name
    short.write_text(
        "\n".join([*lines[:at], f"Frames: {FRAMES}", *lines[at + 1 : at + 2 + FRAMES]]) + "\n"
    )
    return short


@pytest.fixture
def page(new_page, address) -> Page:
    page = new_page(1400, 1000).page
    page.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    page.goto(
        address + "?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-60&hide=span:20-39"
    )
    page.locator("canvas[data-checksum]").first.wait_for()
    page.get_by_text("Your own files").click()
    return page


@pytest.fixture
def take(page, tmp_path) -> Callable[[str], Path]:
    """``take("BVH")`` presses the button and gives the file."""

    def take_(label: str) -> Path:
        with page.expect_download() as waiting:
            page.get_by_role(
                "button", name=re.compile(rf"^\W*(download)?\W*{re.escape(label)}")
            ).click()
        path = tmp_path / "taken" / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    return take_


def clicks() -> bytes:
    """A song of silence and three clicks."""
    samples = np.zeros((RATE_HZ * 2, 1), dtype=np.float32)
    for second in CLICKS_S:
        at = round(second * RATE_HZ)
        samples[at : at + 300, 0] = 0.8 * np.sin(np.arange(300) / 4)
    return encode_wav(Audio(samples, RATE_HZ))


def bring(page: Page, path: Path, with_song: bool) -> None:
    """Upload it, perhaps with a song, and wait for it on the stage."""
    files: list[object] = [{"name": path.name, "mimeType": "", "buffer": path.read_bytes()}]
    if with_song:
        files.append({"name": "clicks.wav", "mimeType": "audio/wav", "buffer": clicks()})
    page.locator('input[type="file"]').set_input_files(files)
    expect(page.locator(".wb-title h1")).to_have_text(path.stem.replace("_", " "))
    expect(page.locator(".wb-facts")).to_contain_text(f"{FRAMES} frames")
    expect(page.locator(".wb-facts")).to_contain_text("bpm" if with_song else "no music")


def drag(page: Page, first: int, last: int) -> None:
    """Over these frames of the timeline."""
    timeline = page.get_by_role("slider", name="Timeline")
    timeline.scroll_into_view_if_needed()
    box = timeline.bounding_box()
    assert box is not None
    x = [box["x"] + box["width"] * (frame + 0.5) / FRAMES for frame in (first, last)]
    page.mouse.move(x[0], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(x[1], box["y"] + 40, steps=3)
    page.mouse.up()


def edit(page: Page) -> None:
    """Say on the timeline what is known and what is hidden: all that the pattern hides, and another gap."""
    timeline = page.get_by_role("slider", name="Timeline")
    page.get_by_role("toolbar", name="Edit hidden frames and poses").get_by_role(
        "button", name="Edit", exact=True
    ).click()
    drag(page, 0, FRAMES - 1)
    page.keyboard.press("k")
    expect(timeline).to_have_attribute("data-hidden", "")
    drag(page, *HIDDEN)
    page.keyboard.press("h")
    expect(timeline).to_have_attribute("data-hidden", f"{HIDDEN[0]}-{HIDDEN[1]}")
    expect(
        page.get_by_text(f"{HIDDEN[1] - HIDDEN[0] + 1} of {FRAMES} frames hidden")
    ).to_be_visible()


def recover(page: Page) -> None:
    """Press the button and wait for the files."""
    page.get_by_role("button", name="Recover", exact=True).last.click()
    page.get_by_role("heading", name="Export").wait_for()


def check_bvh(path: Path, positions: np.ndarray, names: tuple[str, ...], unit_m: float) -> None:
    """Two readers of others' see the known frames where they were, within a tenth of a millimetre."""
    theirs, blenders = bvhio_pose(path, KNOWN)[0], scipy_positions(path, KNOWN)
    for found in (theirs, blenders):
        read = np.stack([np.array(found[name]) for name in names], axis=1) * unit_m
        assert 1000 * np.abs(read - positions[KNOWN]).max() < 0.1


def check_mp4(path: Path, fps: float, with_song: bool) -> None:
    told = ffmpeg_says(path)
    count = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-i",
        str(path),
        "-map",
        "0:v",
        "-c",
        "copy",
        "-f",
        "null",
        "-",
    ]
    counted = subprocess.run(count, capture_output=True, check=True).stderr.decode()
    assert int(re.findall(r"frame=\s*(\d+)", counted)[-1]) == FRAMES
    assert float(re.search(r"([\d.]+) fps", told)[1]) == fps
    minutes, seconds = re.search(r"Duration: 00:(\d+):([\d.]+)", told).groups()
    assert int(minutes) * 60 + float(seconds) == pytest.approx(FRAMES / fps, abs=1 / fps)
    assert ("Audio: aac" in told) == with_song
    if with_song:
        loud = np.abs(sound_of(path))
        starts = [
            at
            for at in np.flatnonzero(loud > 0.3)
            if not (loud[max(0, at - 2000) : at] > 0.3).any()
        ]
        np.testing.assert_allclose(np.array(starts) / RATE_HZ, CLICKS_S, atol=1 / fps)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_genuine_file_goes_in_is_edited_recovered_and_taken_home(page, take, tmp_path, name):
    source = SOURCES[name]
    path = genuine(source, tmp_path)
    clip = load_clip(path)
    positions, names = clip.motion.positions(), clip.motion.skeleton.names
    bring(page, path, source.with_song)
    edit(page)
    recover(page)
    bvh = take("BVH")
    check_bvh(bvh, positions, names, source.unit_m)
    recovered = load_clip(bvh)
    assert recovered.motion.skeleton.names == names
    moved = np.abs(recovered.motion.positions() - positions).max(axis=(1, 2))
    assert moved[HIDDEN[0] : HIDDEN[1] + 1].max() > 1e-3  # what was hidden was found anew
    if path.suffix == ".bvh":
        heads = [
            file.read_text().replace("\r", "").partition("MOTION")[0].split()
            for file in (path, bvh)
        ]
        assert [w for w in heads[0] if w.endswith(("position", "rotation"))] == [
            w for w in heads[1] if w.endswith(("position", "rotation"))
        ]
        if not source.stretches:
            own, back = scipy_positions(path, KNOWN), scipy_positions(bvh, KNOWN)
            assert (
                max(np.abs(own[joint] - back[joint]).max() for joint in own) * source.unit_m < 1e-4
            )
    glb = Glb(take("GLB").read_bytes())
    for frame in (*KNOWN, 50):
        world, _ = glb.world(frame / clip.motion.fps)
        there = np.stack([world[joint][:3, 3] for joint in names])
        assert 1000 * np.abs(there - recovered.motion.positions()[frame]).max() < 0.1
    page.get_by_role("button", name="Make MP4").click()
    check_mp4(take("Save MP4"), clip.motion.fps, source.with_song)
    assert page.get_by_test_id("stAlert").count() == 0

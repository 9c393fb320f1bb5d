"""Bringing own files along, without a browser: motions, songs, their parts, units and axes, and bad files."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from dashboard.files import entries as library
from mmm import Audio, Clip, load_clip, save_clip
from mmm.io.body import z_up_to_y_up
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import write_audio
from mmm.music.features import features_of
from tests.dashboard.conftest import SAMPLE
from tests.mmm.io.bodies import HIPS_CM, body
from tests.mmm.making import smooth_motion

QUICK = {"sequence": SAMPLE, "frames": "0-60", "hide": "span:20-39", "method": "slerp"}


@pytest.fixture(scope="module", autouse=True)
def libraries():
    """What the first song and the first recovery import takes a crowded machine longer than a page may run."""
    import mmm.recovery.recover  # noqa: F401

    features_of(Audio(np.ones((8000, 1), np.float32) / 9, 8000), 60.0)


@pytest.fixture
def song(tmp_path) -> Path:
    """Six seconds: silence at first, then clicks, ever louder."""
    samples = np.zeros(6 * 8000, np.float32)
    for at in range(2 * 8000, 6 * 8000, 4000):
        samples[at : at + 400] = 0.1 + 0.8 * at / len(samples)
    write_audio(Audio(samples[:, None], 8000), tmp_path / "clicks.ogg")
    return tmp_path / "clicks.ogg"


def bring(page, *files):
    """Give the upload box files, as (name, bytes)."""
    page.app.get("file_uploader")[0].set_value(
        [(name, data, "application/octet-stream") for name, data in files]
    )
    return page.taken_in()


def written(clip: Clip, path: Path) -> bytes:
    save_clip(clip, path)
    return path.read_bytes()


def sequence(page) -> str:
    return page.picker("sequence").value


@pytest.mark.slow
def test_a_bvh_is_taken_in_shown_and_recovered(open_workbench, made_clip, tmp_path):
    page = open_workbench(**QUICK)
    bring(page, ("dance.bvh", written(made_clip, tmp_path / "dance.bvh")))
    assert page.errors == []
    assert sequence(page) == "Uploads/dance.bvh"
    assert "90 frames, 60 a second, 24 joints" in "".join(
        e.proto.body for e in page.app.get("html")
    )
    assert page.stage[0]["frames"] == 90
    page.press("recover").recovered()
    assert page.panels[0] == "Truth"
    page.press("drop-dance.bvh")
    assert sequence(page) == SAMPLE
    assert page.errors == []


@pytest.mark.slow
def test_motion_and_song_together_and_the_songs_part_is_chosen(
    open_workbench, made_clip, song, tmp_path
):
    page = open_workbench(**QUICK)
    bring(
        page,
        ("dance.npz", written(made_clip, tmp_path / "dance.npz")),
        ("clicks.ogg", song.read_bytes()),
    )
    assert page.errors == []
    assert sequence(page) == "Uploads/dance.npz"
    assert page.picker("song").value == "clicks.ogg"
    assert page.address["song"] == "clicks.ogg"
    assert float(np.abs(page.stage[1]["waveform"]).max()) < 0.01  # 1.5 s of silence
    page.set("song_start-clicks.ogg", 2.0)
    assert float(np.abs(page.stage[1]["waveform"]).max()) > 0.3
    assert page.address["song_start"] == "2"
    part = load_clip(tmp_path / "dance.npz", music=song, music_start_s=2.0)
    link, heard = page.address, page.stage[1]["waveform"]
    page.set("song", "own")
    assert "song" not in page.address
    assert part.music.audio.duration_s == pytest.approx(1.5)
    again = open_workbench(**link)
    bring(
        again,
        ("dance.npz", (tmp_path / "dance.npz").read_bytes()),
        ("clicks.ogg", song.read_bytes()),
    )
    assert again.address == link
    np.testing.assert_array_equal(again.stage[1]["waveform"], heard)


@pytest.mark.slow
def test_a_song_alone_is_heard_with_a_sample(open_workbench, song):
    page = open_workbench(**QUICK)
    before = page.stage[1]["waveform"].copy()
    bring(page, ("clicks.ogg", song.read_bytes()))
    assert sequence(page) == SAMPLE
    assert page.errors == []
    assert not np.array_equal(page.stage[1]["waveform"], before)
    page.set("song", "own")
    np.testing.assert_array_equal(page.stage[1]["waveform"], before)


@pytest.mark.slow
def test_unit_and_axis_are_shown_and_can_be_corrected(open_workbench, made_clip, tmp_path):
    page = open_workbench(**QUICK)
    bring(page, ("dance.bvh", written(made_clip, tmp_path / "dance.bvh")))
    box = next(e for e in page.app.expander if "Read in" in e.label)
    assert box.label == "Read in centimetres, Y up, facing -X"
    floor = page.stage[0]["floor_m"]
    page.set("unit-Uploads/dance.bvh", "inch")
    assert page.errors == []
    box = next(e for e in page.app.expander if "Read in" in e.label)
    assert box.label.startswith("Read in inches, Y up, facing -X, ")
    assert page.stage[0]["floor_m"] == pytest.approx(2.54 * floor, rel=1e-2)
    assert page.address["unit"] == "inch"
    page.set("up-Uploads/dance.bvh", "z")
    assert page.address["up"] == "z"
    assert "Z up; it is turned" in page.said
    page.set("unit-Uploads/dance.bvh", "").set("up-Uploads/dance.bvh", "")
    assert "unit" not in page.address
    assert page.stage[0]["floor_m"] == floor


def two_bodies() -> bytes:
    """A BVH of two people, Hips at the origin and Anna two metres aside, for 40 frames."""
    halves = [
        body(frames=40), body(frames=40, root=(200, HIPS_CM, 0), names={"Hips": "Anna"})
    ]  # fmt: skip
    (one, rows), (two, others) = (half.split("MOTION") for half in halves)
    numbers = [
        f"{left} {right}"
        for left, right in zip(
            rows.strip().split("\n")[2:], others.strip().split("\n")[2:], strict=True
        )
    ]
    head = one + two.replace("HIERARCHY\n", "") + "MOTION\nFrames: 40\nFrame Time: 0.04\n"
    return (head + "\n".join(numbers) + "\n").encode()


@pytest.mark.slow
def test_a_body_of_several_is_chosen_linked_and_written_as_code(open_workbench):
    page = open_workbench(**QUICK)
    bring(page, ("pair.bvh", two_bodies()))
    assert page.errors == []
    picker = page.app.selectbox(key="body-Uploads/pair.bvh")
    assert picker.options == ["Hips", "Anna"]
    assert "body" not in page.address
    start_x = page.stage[1]["positions0"][0, 0, 0]
    page.set("body-Uploads/pair.bvh", "Anna")
    assert page.errors == []
    assert page.address["body"] == "Anna"
    assert page.stage[1]["positions0"][0, 0, 0] - start_x == pytest.approx(2, abs=0.01)
    assert not any(w.label == "Take" for w in page.app.selectbox)
    # Another file of this name holds one body.
    bring(page, ("pair.bvh", body(frames=40).encode()))
    assert page.errors == []
    assert "body" not in page.address


@pytest.mark.slow
def test_the_facing_is_shown_and_the_movement_can_be_turned(open_workbench, made_clip, tmp_path):
    page = open_workbench(**QUICK)
    bring(page, ("dance.bvh", written(made_clip, tmp_path / "dance.bvh")))
    before = page.stage[1]["positions0"]
    assert (
        page.app.selectbox(key="facing-Uploads/dance.bvh").options[0]
        == "As in the file: -X, 36° to the left"
    )
    page.set("facing-Uploads/dance.bvh", "x")
    assert page.errors == []
    assert (
        next(e for e in page.app.expander if "Read in" in e.label).label
        == "Read in centimetres, Y up, facing X"
    )
    assert page.address["facing"] == "x"
    after = page.stage[1]["positions0"]
    np.testing.assert_allclose(after[..., 1], before[..., 1], atol=1e-4)
    legs = [made_clip.motion.skeleton.names.index(f"{side}_hip") for side in ("left", "right")]
    left = after[0, legs[0]] - after[0, legs[1]]
    assert left[2] < -0.05  # who looks along X has the left hand towards -Z
    page.go("library").go("")  # the library does not draw the control
    assert page.app.selectbox(key="facing-Uploads/dance.bvh").value == "x"
    np.testing.assert_allclose(page.stage[1]["positions0"], after, atol=1e-6)
    again = open_workbench(**page.address)
    bring(again, ("dance.bvh", (tmp_path / "dance.bvh").read_bytes()))
    np.testing.assert_array_equal(again.stage[1]["positions0"], after)
    page.set("facing-Uploads/dance.bvh", "")
    assert "facing" not in page.address
    np.testing.assert_array_equal(page.stage[1]["positions0"], before)


@pytest.mark.slow
def test_a_file_with_z_up_is_turned_by_itself_and_back_by_hand(open_workbench, made_clip, tmp_path):
    from dataclasses import replace

    lying = z_up_to_y_up(z_up_to_y_up(z_up_to_y_up(made_clip.motion)))
    page = open_workbench(**QUICK)
    bring(page, ("lying.npz", written(replace(made_clip, motion=lying), tmp_path / "lying.npz")))
    assert next(e for e in page.app.expander if "Read with" in e.label).label.startswith(
        "Read with Y up"
    )
    page.set("up-Uploads/lying.npz", "z")
    assert page.errors == []
    entry = library.Entry(tmp_path / "lying.npz", "lying.npz", "mine", up="z")
    np.testing.assert_allclose(
        library.open_clip(entry).motion.root_m, made_clip.motion.root_m, atol=1e-6
    )


@pytest.mark.slow
def test_bad_files_are_a_line_each_and_good_ones_beside_them_are_taken(
    open_workbench, made_clip, tmp_path
):
    page = open_workbench(**QUICK)
    bring(
        page,
        ("empty.bvh", b""),
        ("torn.bvh", b"HIERARCHY\nROOT Hips\n{\n"),
        ("noise.mp3", bytes(range(256)) * 9),
        ("../../good.npz", written(made_clip, tmp_path / "good.npz")),
        ("talk.pptx", b"PK"),
        ("plain", b"x"),
    )
    assert len(page.errors) == 5
    assert all("\n" not in line and "mmm-uploads" not in line for line in page.errors)
    assert [line.split(":")[0].split(" ")[0] for line in page.errors] == [
        "empty.bvh",
        "torn.bvh",
        "noise.mp3",
        "talk.pptx",
        "plain",
    ]
    assert sequence(page) == "Uploads/good.npz"
    assert page.stage[0]["frames"] == 90
    bring(page, ("again.npz", (tmp_path / "good.npz").read_bytes()))
    assert page.errors == []  # what was said of the last files goes with the next


@pytest.mark.slow
def test_of_a_long_file_a_part_is_sent_and_the_rest_can_be_reached(open_workbench, tmp_path):
    from dashboard.recover.controls import MOST_FRAMES

    clip = Clip("long", smooth_motion(4, 10_000, SMPL24, 60.0))
    page = open_workbench(**QUICK)
    bring(page, ("long.npz", written(clip, tmp_path / "long.npz")))
    assert page.stage[0]["frames"] == 600
    page.set("frames-Uploads/long.npz", (0, 10_000))
    assert page.stage[0]["frames"] == MOST_FRAMES
    assert page.address["frames"] == f"{10_000 - MOST_FRAMES}-10000"  # the end that was moved stays
    page.set("frames-Uploads/long.npz", (500, 10_000))
    assert page.address["frames"] == f"500-{500 + MOST_FRAMES}"
    page.set("frames-Uploads/long.npz", (9_900, 10_000))
    assert page.stage[0]["frames"] == 100
    assert page.errors == []
    header, _ = page.fed("mmm_window_strip")
    assert [header[name] for name in ("first", "length", "total", "last")] == [
        9_900,
        100,
        10_000,
        9_900,
    ]
    assert len(header["heights"]) > 50
    assert max(header["heights"]) == 1


@pytest.mark.slow
def test_a_shorter_file_of_the_same_name_takes_the_place_of_the_longer(
    open_workbench, made_clip, tmp_path
):
    page = open_workbench(**QUICK)
    bring(page, ("a.npz", written(made_clip, tmp_path / "a.npz")))
    page.set("frames-Uploads/a.npz", (50, 90))
    bring(page, ("a.npz", written(made_clip.crop(0, 30), tmp_path / "b.npz")))
    assert page.errors == []
    assert page.stage[0]["frames"] == 30


@pytest.mark.slow
def test_a_link_to_an_upload_asks_for_the_file_and_then_shows_it_as_it_was(
    open_workbench, made_clip, tmp_path
):
    link = {
        "sequence": "Uploads/dance.bvh",
        "frames": "5-65",
        "hide": "span:10-20",
        "method": "hold",
        "unit": "inch",
    }
    page = open_workbench(**link)
    assert "This link needs the file" in page.said
    assert page.errors == []
    file = written(made_clip, tmp_path / "dance.bvh")
    bring(page, ("dance.bvh", file))
    whole = link | {"file": blake2b(file, digest_size=8).hexdigest()[:8]}
    assert page.address == whole
    assert page.stage[0]["frames"] == 60
    assert "a different file named" not in page.said
    again = open_workbench(**whole)
    bring(again, ("dance.bvh", file.replace(b"0.0", b"0.1", 1)))
    assert "a different file named dance.bvh" in again.said

"""Films read back by ffmpeg: length, frames, sound; and what is on the pictures."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from mmm import edits, interpolate, masks
from mmm.errors import FileError, SpecError
from mmm.interpolation.baselines import BASELINES
from mmm.motion.clip import Audio, Clip, Music
from mmm.viewer.palette import MODEL, rgb
from mmm.viewer.raster.film import Film
from mmm.viewer.save import save
from mmm.viewer.scene import Performer, Scene, scene_of
from mmm.viewer.video import write_film
from tests.mmm.making import TINY, smooth_motion, wild_motion

FPS, RATE_HZ = 30.0, 44_100
CLICK_FRAMES = (9, 24, 45)
SMALL = (480, 270)


def clicks(frames):
    """A click at the beginning of some frames."""
    samples = np.zeros((round(frames / FPS * RATE_HZ), 2), dtype=np.float32)
    for frame in CLICK_FRAMES:
        start = round(frame / FPS * RATE_HZ)
        samples[start : start + 300] += (
            np.sin(np.arange(300) / 4)[: max(0, len(samples) - start), None] * 0.8
        )
    return Music(
        np.zeros((frames, 35), np.float32), FPS, np.array([0]), 120.0, Audio(samples, RATE_HZ)
    )


def scene(frames=60, music=True, spec="span:20-39"):
    motion = smooth_motion(1, frames, fps=FPS)
    clip = Clip("made", motion, clicks(frames) if music else None)
    hidden = masks.parse(spec, clip).hidden
    recovered = BASELINES["slerp"](clip, hidden)
    both = Performer("Truth", motion, "truth"), Performer("net", recovered, "model")
    return Scene("made", both, hidden, clip.music)


def ffmpeg_says(path):
    """What ffmpeg says of a file."""
    return subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True, check=False
    ).stderr.decode()


def frames_of(path, size):
    """Every picture (T, h, w, 3), the rate and the length in seconds."""
    raw = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            str(path),
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-",
        ],
        capture_output=True,
        check=True,
    ).stdout
    text = ffmpeg_says(path)
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", text).groups()
    return (
        np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3),
        {
            "fps": float(re.search(r"([\d.]+) fps", text)[1]),
            "ffmpeg": text,
            "duration": int(hours) * 3600 + int(minutes) * 60 + float(seconds),
        },
    )


def sound_of(path):
    raw = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            str(path),
            "-f",
            "f32le",
            "-ac",
            "1",
            "-ar",
            str(RATE_HZ),
            "-",
        ],
        capture_output=True,
        check=True,
    ).stdout
    return np.frombuffer(raw, np.float32)


@pytest.mark.slow
def test_an_mp4_has_every_frame_its_length_and_its_sound_in_time(tmp_path):
    shares = []
    write_film(scene(), tmp_path / "a.mp4", size=SMALL, progress=shares.append)
    pictures, meta = frames_of(tmp_path / "a.mp4", SMALL)
    assert len(pictures) == 60
    assert meta["fps"] == FPS
    assert meta["duration"] == pytest.approx(2.0, abs=0.02)
    assert "yuv420p" in meta["ffmpeg"]
    assert shares == sorted(shares)
    assert (len(shares), shares[-1]) == (60, 1.0)
    loud = np.abs(sound_of(tmp_path / "a.mp4"))
    assert len(loud) / RATE_HZ == pytest.approx(2.0, abs=1 / FPS)
    for frame in CLICK_FRAMES:
        near = loud[round((frame - 4) / FPS * RATE_HZ) : round((frame + 4) / FPS * RATE_HZ)]
        onset_s = (np.argmax(near > 0.3) / RATE_HZ) - 4 / FPS
        assert abs(onset_s) < 1 / FPS
    head = (tmp_path / "a.mp4").read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # plays before it is all there
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.slow
def test_a_part_of_a_film_has_its_own_frames_and_sound(tmp_path):
    clip = Clip("made", smooth_motion(1, 60, fps=FPS), clicks(60))
    save(clip, tmp_path / "a.mp4", film_frames=(20, 40))
    _, meta = frames_of(tmp_path / "a.mp4", (1280, 720))
    assert meta["fps"] == FPS
    assert meta["duration"] == pytest.approx(20 / FPS, abs=0.02)
    loud = np.abs(sound_of(tmp_path / "a.mp4"))
    assert len(loud) / RATE_HZ == pytest.approx(20 / FPS, abs=1 / FPS)
    assert np.argmax(loud > 0.3) / RATE_HZ == pytest.approx((24 - 20) / FPS, abs=1 / FPS)


def test_a_part_of_a_scene_keeps_the_floor_and_its_own_frames():
    whole = scene()
    part = whole.crop(25, 50)
    assert len(part) == len(part.hidden) == 25
    assert part.hidden[:15].all()
    assert not part.hidden[15:].any()
    assert part.music.beats.tolist() == []
    # The lowest foot of a part may be in the air.
    assert part.floor_m == whole.floor_m != scene().performers[0].motion.crop(25, 50).floor_m()
    for start, stop in ((-1, 5), (5, 5), (0, 61)):
        with pytest.raises(SpecError, match="a part of 0:60"):
            whole.crop(start, stop)
    with pytest.raises(SpecError, match="film_frames given"):
        save(Clip("made", smooth_motion(1, 5)), "a.bvh", film_frames=(0, 2))


@pytest.mark.slow
def test_no_music_no_track(tmp_path):
    write_film(scene(music=False), tmp_path / "a.mp4", size=SMALL)
    text = ffmpeg_says(tmp_path / "a.mp4")
    assert re.search(r"Stream.*Video: h264", text)
    assert "Audio" not in text


@pytest.mark.slow
@pytest.mark.parametrize("fps", [15.0, 60.0, 29.97])
def test_another_rate_keeps_the_length(tmp_path, fps):
    write_film(scene(), tmp_path / "a.mp4", size=SMALL, fps=fps)
    pictures, meta = frames_of(tmp_path / "a.mp4", SMALL)
    assert len(pictures) == round(2 * fps)
    assert meta["duration"] == pytest.approx(2.0, abs=0.04)
    assert len(sound_of(tmp_path / "a.mp4")) / RATE_HZ == pytest.approx(2.0, abs=0.04)


@pytest.mark.slow
def test_stopping_leaves_nothing(tmp_path):
    class Stop(Exception):
        pass

    def stop(share):
        if share > 0.1:
            raise Stop

    for name in ("a.mp4", "a.gif", "a.webp"):
        (tmp_path / name).write_bytes(b"before")
        with pytest.raises(Stop):
            write_film(scene(), tmp_path / name, size=SMALL, progress=stop)
        assert (tmp_path / name).read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_loops(tmp_path, name):
    write_film(scene(frames=31, spec="span:10-19"), tmp_path / name, size=(320, 180))
    with Image.open(tmp_path / name) as picture:
        assert picture.is_animated
        assert picture.size == (320, 180)
        assert picture.info["loop"] == 0
        total = 0
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            total += picture.info["duration"]
    assert total == pytest.approx(1000 * 26 / 25, abs=45)


def orange(picture):
    """Share of pixels in the model's colour family."""
    red, green, blue = (picture[..., k].astype(int) for k in range(3))
    return ((red - blue > 90) & (red > green + 40)).mean()


def test_hidden_frames_are_marked_on_the_body_on_the_chip_and_on_the_timeline():
    film = Film(scene(), (960, 540))
    left, top, width, height = film.lettering.panel_box(1, 2)
    given, hidden = (film.frame(n)[top : top + height, left : left + width] for n in (5, 30))
    assert orange(hidden) > 0.03
    assert orange(hidden) > 5 * orange(given)
    truth = film.frame(30)[top : top + height, : left - 20]
    assert orange(truth) == 0
    x0, y0, x1, _ = film.lettering.strip
    row = film.frame(0)[y0 + 1, x0:x1, :3]
    marked = np.flatnonzero((row == rgb(MODEL["light"])).all(axis=1)) / (x1 - x0) * 60
    assert marked.min() == pytest.approx(20, abs=0.5)
    assert marked.max() == pytest.approx(40, abs=0.5)


def test_where_nothing_was_recorded_no_truth_is_shown():
    edited = edits.apply("retime:20-29=20", Clip("made", smooth_motion(1, 50, fps=FPS)))
    film = Film(interpolate("slerp", edited.clip, edited.mask).scene(), (480, 270))
    assert len(film) == 60
    left, top, width, height = film.lettering.panel_box(0, 2)
    body = np.s_[
        top + height // 3 : top + height, left : left + width
    ]  # below the name and its chip
    there, nobody, after = (
        np.ptp(film.frame(n)[body][..., :3].astype(int), axis=(0, 1)).max() for n in (5, 30, 45)
    )
    assert min(there, after) > 2 * nobody
    truth, made = film.scene.performers
    assert [film.lettering._state(truth, n) for n in (5, 30)] == ["", "not recorded"]
    assert film.lettering._state(made, 30) == "frame hidden"


def test_the_body_is_where_the_joints_are():
    only = scene_of(Clip("a", smooth_motion(3, 20, fps=FPS)))
    film = Film(only, (640, 360))
    for number in (0, 19):
        panel = film.panels[0]
        view = film._view
        target = panel.targets[number]
        joints = only.performers[0].motion.positions()[number]
        seen = (joints - view.eye - target) @ view.axes.T
        x = panel.left + panel.ground.size[0] / 2 + view.focal * seen[:, 0] / seen[:, 2]
        y = panel.top + panel.ground.size[1] / 2 - view.focal * seen[:, 1] / seen[:, 2]
        picture = film.frame(number).astype(int)
        blue = (
            picture[..., 2] - picture[..., 0]
        )  # the body is bluish grey, all else warm or neutral
        hits = [
            blue[int(b), int(a)] > 8
            for a, b in zip(x, y, strict=True)
            if 0 <= a < 640 and 0 <= b < 300
        ]
        assert len(hits) > 15
        assert np.mean(hits) > 0.9


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("layout", ["side", "overlay"])
def test_layouts_themes_and_skeletons_without_a_body(layout, theme):
    motion = wild_motion(1, 12, TINY, 30.0)
    hidden = np.zeros((12, 6), bool)
    hidden[4:8, :3] = True
    three = Scene(
        "x",
        (
            Performer("Truth", motion, "truth"),
            Performer("slerp", motion, "baseline"),
            Performer("Ünï 膝", motion, "model"),
        ),
        hidden,
    )
    film = Film(three, (640, 360), layout=layout, theme=theme)
    picture = film.frame(5)
    assert picture.shape == (360, 640, 4)
    assert (picture[..., 3] == 255).all()
    assert (film.frame(0) != film.frame(11)).any()


def test_what_cannot_be_filmed(tmp_path):
    motion = wild_motion(1, 5)
    five = Scene("x", tuple(Performer(f"n{k}", motion, "baseline") for k in range(5)))
    with pytest.raises(SpecError, match="at most 4; choose overlay"):
        write_film(five, tmp_path / "a.mp4")
    with pytest.raises(SpecError, match="even numbers"):
        write_film(scene(), tmp_path / "a.mp4", size=(641, 360))
    with pytest.raises(SpecError, match="pictures per second"):
        write_film(scene(), tmp_path / "a.mp4", fps=1000.0)
    with pytest.raises(FileError, match="does not exist"):
        write_film(scene(), tmp_path / "no" / "a.mp4")
    with pytest.raises(FileError, match="unknown suffix"):
        write_film(scene(), tmp_path / "a.avi")
    with pytest.raises(ValueError, match="bodies"):
        Scene("x", ())
    assert not list(tmp_path.iterdir())

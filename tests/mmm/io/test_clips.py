"""Choosing by suffix, finding music, and writing without leaving half a file."""

import os
import stat

import numpy as np
import pytest

from mmm.errors import FileError, SpecError
from mmm.io import load_clip, save_clip
from mmm.io.body import how_read, parse_unit, short_unit
from mmm.motion.clip import Audio, Clip, Music
from mmm.music.audio import write_audio
from mmm.storage import write_atomically

NAME = "gBR_sBM_cAll_d04_mBR0_ch01"


@pytest.fixture
def pickle_file(tmp_path, smpl_clip):
    folder = tmp_path / "set" / "motions"
    folder.mkdir(parents=True)
    save_clip(smpl_clip, folder / f"{NAME}.pkl")
    return folder / f"{NAME}.pkl"


@pytest.fixture
def heard(monkeypatch):
    """Stands in for the extraction of features, which has its own tests; says what it was asked for."""
    asked = []

    def load_music(path, fps, frames, start_bpm=None, start_s=0.0):
        asked.append((path, fps, frames, start_bpm))
        if path.stat().st_size < 20:
            raise FileError(path.name, "not a sound file")
        return Music(np.full((frames, 35), 0.5, np.float32), fps, np.array([0, 10, 30]), 80.0)

    monkeypatch.setattr("mmm.music.features.load_music", load_music)
    return asked


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(Audio(np.full((800, 1), 0.25, np.float32), 8000), path)
    return path


@pytest.mark.parametrize(
    "place",
    [
        "motions/mBR0.wav",
        "motions/mBR0.flac",
        "motions/music/mBR0.ogg",
        "music/mBR0.wav",
        f"motions/{NAME}.wav",
    ],
)
def test_music_beside_an_aist_file_is_found(pickle_file, heard, place):
    recording = sound(pickle_file.parents[1] / place)
    clip = load_clip(pickle_file)
    assert heard == [(recording, 60.0, 40, 80.0)]
    assert clip.music.tempo_bpm == 80


def test_what_was_made_of_an_aist_file_says_which_part_of_the_music_it_took(
    pickle_file, heard, smpl_clip
):
    """A cropped clip saved under its old name with something behind it would silently get the song's beginning."""
    sound(pickle_file.parent / "mBR0.wav")
    part = pickle_file.with_stem(f"{NAME}-spline")
    save_clip(smpl_clip, part)
    assert load_clip(pickle_file).notes == ()
    assert (
        "mBR0.wav was found by the file's name and taken from its beginning"
        in load_clip(part).notes[-1]
    )
    assert (
        load_clip(part, music=pickle_file.parent / "mBR0.wav").notes == ()
    )  # who asks for it knows


def test_music_in_the_data_folder_is_found(pickle_file, heard, tmp_path, monkeypatch):
    monkeypatch.setenv("MMM_DATA", str(tmp_path / "elsewhere"))
    recording = sound(tmp_path / "elsewhere" / "music" / "mBR0.wav")
    load_clip(pickle_file)
    assert heard[0][0] == recording
    monkeypatch.setenv(
        "MMM_DATA", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "elsewhere")])
    )
    load_clip(pickle_file)
    assert heard[1][0] == recording  # of several folders


def test_without_music_a_clip_loads_all_the_same(pickle_file, heard):
    sound(pickle_file.parent / "mBR1.wav")
    assert load_clip(pickle_file).music is None
    assert not heard


def test_music_given_wins_and_is_cropped_with_the_motion(pickle_file, heard, tmp_path):
    sound(pickle_file.parent / "mBR0.wav")
    clip = load_clip(pickle_file, music=sound(tmp_path / "mine.wav"), frames=(5, 25))
    assert heard[0][:3] == (tmp_path / "mine.wav", 60.0, 40)
    assert (len(clip), len(clip.music)) == (20, 20)
    np.testing.assert_array_equal(clip.music.beats, [5])


def test_a_broken_recording_beside_it_is_left_out_but_a_given_one_is_refused(pickle_file, heard):
    bad = pickle_file.parent / "mBR0.wav"
    bad.write_bytes(b"RIFF")
    clip = load_clip(pickle_file)
    assert clip.music is None
    assert clip.notes == ("The music beside it was left out: mBR0.wav: not a sound file",)
    with pytest.raises(FileError, match="not a sound file"):
        load_clip(pickle_file, music=bad)
    with pytest.raises(FileError, match=r"nothing\.wav: no such recording"):
        load_clip(pickle_file, music="nothing.wav")


def test_music_of_a_real_recording(pickle_file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seconds = np.arange(22050) / 22050
    write_audio(
        Audio(np.sin(2 * np.pi * 440 * seconds)[:, None].astype(np.float32), 22050),
        tmp_path / "a.wav",
    )
    clip = load_clip(pickle_file, music=tmp_path / "a.wav")
    assert clip.music.features.shape == (40, 35)
    assert clip.music.audio.rate_hz == 22050


def test_sound_of_the_same_name_is_attached_to_stored_features(tmp_path, smpl_clip, heard):
    music = Music(np.zeros((40, 35), np.float32), 60.0, np.array([3]), 100.0)
    save_clip(Clip("a", smpl_clip.motion, music), tmp_path / "a.npz")
    assert load_clip(tmp_path / "a.npz").music.audio is None
    sound(tmp_path / "a.flac")
    clip = load_clip(tmp_path / "a.npz", frames=(10, 40))
    assert not heard
    assert clip.music.audio.rate_hz == 8000
    assert len(clip.music.audio.samples) == 4000
    assert len(clip.music.beats) == 0
    write_audio(Audio(np.full((20_000, 1), 0.25, np.float32), 8000), tmp_path / "a.flac")
    assert load_clip(tmp_path / "a.npz").music.audio.duration_s == pytest.approx(
        40 / 60, abs=1e-3
    )  # the motion's
    (tmp_path / "a.flac").write_bytes(b"fLaC")
    assert "The sound beside it was left out" in load_clip(tmp_path / "a.npz").notes[-1]


def test_frames_are_cropped(pickle_file, smpl_clip):
    clip = load_clip(pickle_file, frames=(10, 25))
    np.testing.assert_array_equal(clip.motion.root_m, load_clip(pickle_file).motion.root_m[10:25])


@pytest.mark.parametrize("frames", [(0, 41), (-1, 5), (5, 5), (9, 3)])
def test_frames_outside_are_refused(pickle_file, frames):
    with pytest.raises(SpecError, match=rf"frames {frames[0]}:{frames[1]}: .* has 40 frames"):
        load_clip(pickle_file, frames=frames)


@pytest.mark.parametrize(
    "option", [{"fps": 0.0}, {"fps": float("nan")}, {"unit_m": -1.0}, {"unit_m": float("inf")}]
)
def test_options_above_zero(pickle_file, option):
    with pytest.raises(SpecError, match="expected a number above zero"):
        load_clip(pickle_file, **option)


def test_fps_cannot_be_set_against_stored_music(tmp_path, smpl_clip):
    music = Music(np.zeros((40, 35), np.float32), 60.0, np.array([3]), 100.0)
    save_clip(Clip("a", smpl_clip.motion, music), tmp_path / "a.npz")
    with pytest.raises(SpecError, match=r"a\.npz holds music at 60 frames per second"):
        load_clip(tmp_path / "a.npz", fps=30.0)


def test_fps_can_be_set(pickle_file):
    assert load_clip(pickle_file, fps=30.0).motion.fps == 30


@pytest.mark.parametrize("suffix", [".pkl", ".bvh", ".npz", ".amc"])
def test_what_is_no_file(tmp_path, suffix):
    with pytest.raises(FileError, match=f"a{suffix}: no such file; check the spelling"):
        load_clip(tmp_path / f"a{suffix}")
    (tmp_path / f"b{suffix}").mkdir()
    with pytest.raises(FileError, match=f"b{suffix}: a folder; expected a motion file"):
        load_clip(tmp_path / f"b{suffix}")
    (tmp_path / f"c{suffix}").touch()
    with pytest.raises(FileError, match=f"c{suffix}: the file is empty"):
        load_clip(tmp_path / f"c{suffix}")


@pytest.mark.parametrize("suffix", [".pkl", ".bvh", ".npz", ".amc"])
def test_a_renamed_picture(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100))
    with pytest.raises(
        FileError, match=rf"a{suffix}: (a JPEG picture|not a readable pickle)"
    ) as caught:
        load_clip(path)
    assert "\n" not in str(caught.value)


def test_unknown_suffixes(tmp_path, smpl_clip):
    with pytest.raises(FileError, match=r"unknown suffix '\.c3d'"):
        load_clip("a.c3d")
    with pytest.raises(FileError, match=r"unknown suffix '\.fbx'"):
        save_clip(smpl_clip, tmp_path / "a.fbx")


@pytest.mark.parametrize("suffix", [".pkl", ".bvh", ".npz"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path, smpl_clip, monkeypatch, suffix
):
    path = tmp_path / f"a{suffix}"
    save_clip(smpl_clip, path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(FileError, match=r"cannot be written \(No space left on device\)"):
        save_clip(smpl_clip.crop(0, 5), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def half(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.npz", half)
    assert not list(tmp_path.iterdir())


def test_files_are_as_readable_as_others(tmp_path, smpl_clip):
    save_clip(smpl_clip, tmp_path / "a.bvh")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "a.bvh").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_where_nothing_can_be_written(tmp_path, smpl_clip):
    with pytest.raises(FileError, match=r"the folder .*nowhere does not exist; make it first"):
        save_clip(smpl_clip, tmp_path / "nowhere" / "a.bvh")
    (tmp_path / "b.bvh").mkdir()
    with pytest.raises(FileError, match=r"b\.bvh: a folder"):
        save_clip(smpl_clip, tmp_path / "b.bvh")


@pytest.mark.parametrize(("unit_m", "up"), [(0.0254, None), (None, "z"), (1.0, "z")])
def test_unit_and_axis_against_the_guess(tmp_path, smpl_clip, unit_m, up):
    save_clip(smpl_clip, tmp_path / "a.bvh")
    guessed, said = (
        load_clip(tmp_path / "a.bvh"),
        load_clip(tmp_path / "a.bvh", unit_m=unit_m, up=up),
    )
    assert how_read(guessed) == (0.01, "y")
    assert how_read(said) == (unit_m or 0.01, up or "y")
    wanted = guessed.motion.positions() * (unit_m or 0.01) / 0.01
    if up == "z":
        wanted = wanted[..., [0, 2, 1]] * np.array([1, 1, -1])
    np.testing.assert_allclose(said.motion.positions(), wanted, atol=1e-4 * (unit_m or 0.01) / 0.01)
    save_clip(said, tmp_path / "b.bvh")  # goes back as it was said to be
    back = load_clip(tmp_path / "b.bvh", unit_m=unit_m, up=up)
    np.testing.assert_allclose(
        back.motion.positions(), said.motion.positions(), atol=1e-4 * (unit_m or 0.01) / 0.01
    )


def test_formats_of_metres_are_turned_up_and_take_no_unit(tmp_path, smpl_clip):
    for name in ("a.npz", "a.pkl"):
        save_clip(smpl_clip, tmp_path / name)
        plain, turned = load_clip(tmp_path / name), load_clip(tmp_path / name, up="z")
        assert how_read(plain) is None
        np.testing.assert_allclose(
            turned.motion.positions()[..., 1], plain.motion.positions()[..., 2], atol=1e-5
        )
        assert "The file has Z up" in turned.notes[-1]
        with pytest.raises(SpecError, match=rf"unit: {name} (is in metres|states its own)"):
            load_clip(tmp_path / name, unit_m=0.01)
    with pytest.raises(SpecError, match="up x: no axis that can be up"):
        load_clip(tmp_path / "a.npz", up="x")


@pytest.mark.parametrize(
    ("text", "unit_m"),
    [
        ("cm", 0.01),
        ("M", 1.0),
        ("inch", 0.0254),
        ("mm", 0.001),
        ("0.3", 0.3),
        ("cmu", 0.0254 / 0.45),
    ],
)
def test_units_by_name(text, unit_m):
    assert parse_unit(text) == pytest.approx(unit_m)
    assert parse_unit(short_unit(unit_m)) == pytest.approx(unit_m)


@pytest.mark.parametrize("text", ["furlong", "-1", "0", "nan", "inf", ""])
def test_units_that_are_none(text):
    with pytest.raises(SpecError, match=f"unit {text}: neither a unit nor a length above zero"):
        parse_unit(text)


def test_the_part_of_the_song_that_is_heard(tmp_path, smpl_clip):
    save_clip(smpl_clip, tmp_path / "a.npz")
    samples = np.zeros((4 * 8000, 1), np.float32)
    samples[2 * 8000 :] = np.sin(np.arange(2 * 8000) / 3)[:, None]
    write_audio(Audio(samples, 8000), tmp_path / "song.wav")
    write_audio(Audio(samples / 2, 8000), tmp_path / "song.without_drums.wav")
    clips = {
        start: load_clip(tmp_path / "a.npz", music=tmp_path / "song.wav", music_start_s=start)
        for start in (0.0, 2.0, 3.9)
    }
    heard = {start: clip.music.audio.samples for start, clip in clips.items()}
    assert len({len(sound) for sound in heard.values()}) == 1
    assert not heard[0.0].any()
    np.testing.assert_allclose(heard[2.0], samples[2 * 8000 :][: len(heard[2.0])], atol=1e-4)
    np.testing.assert_allclose(clips[2.0].music.without["drums"].samples, heard[2.0] / 2, atol=1e-4)
    assert heard[3.9][:700].any()
    assert not heard[3.9][801:].any()  # the song is over
    assert (clips[2.0].music.features[:, 0] != clips[0.0].music.features[:, 0]).any()
    for start, says in ((4.0, r"song\.wav lasts 4\.0 s"), (-1.0, "expected 0 to 4.0 s")):
        with pytest.raises(SpecError, match=says):
            load_clip(tmp_path / "a.npz", music=tmp_path / "song.wav", music_start_s=start)
    with pytest.raises(SpecError, match="no recording is named"):
        load_clip(tmp_path / "a.npz", music_start_s=1.0)


@pytest.mark.parametrize("name", ["a.npz", "a.pkl", "a.bvh"])
def test_files_longer_than_is_wanted_are_refused(tmp_path, smpl_clip, name):
    save_clip(smpl_clip, tmp_path / name)
    assert len(load_clip(tmp_path / name, largest=24 * 40 + 200)) == 40
    with pytest.raises(FileError, match=r"cut it into pieces|cut the clip into pieces"):
        load_clip(tmp_path / name, largest=24 * 39 if name != "a.npz" else 300)

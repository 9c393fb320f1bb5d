"""The prepared set on disk, and the samples that ship."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.dance import dataset, samples
from data.dance.choreography import dance
from data.dance.truth import load_truths, truth_of
from mmm.errors import FileError, SpecError
from mmm.io import load_clip
from mmm.motion.clip import Music
from mmm.motion.rotations import geodesic_angle
from tests.data.preparing import run

pytestmark = pytest.mark.slow  # its networks are trained, its set is made

SAMPLES = Path(__file__).resolve().parents[3] / "data" / "samples"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dance")
    sizes = ("--train", 3, "--val", 1, "--test", 1, "--frames", 240)
    assert run("prepare", "dance", "--out", folder, *sizes, "--jobs", 1).exit_code == 0
    return folder


def test_prepared_arrays_hold_the_planned_clips(made):
    rows, arrays = dataset.read_split(made / "train")
    truths = load_truths(made / "train" / "truth.npz")
    assert len(rows) == len(truths) == 3
    assert arrays["rotations"].shape == (720, 24, 6)
    assert arrays["root_m"].shape == (720, 3)
    assert arrays["music"].shape == (720, 35)
    for row, truth in zip(rows, truths, strict=True):
        here = slice(row["first"], row["first"] + row["frames"])
        song, dancer = dataset.song_named(row["song"]), dataset.dancer_named(row["dancer"])
        motion = dance(song, dancer, row["start"], row["frames"])
        stored = dataset.local_matrices(arrays["rotations"][here])
        assert np.rad2deg(geodesic_angle(stored, motion.rotations)).max() < 0.1  # float16
        assert np.array_equal(arrays["root_m"][here], motion.root_m)
        assert truth == truth_of(song, dancer, row["start"], row["frames"])
        assert row["tempo_bpm"] == song.tempo_bpm


def test_music_is_what_the_extractor_hears_in_the_whole_song(made):
    rows, arrays = dataset.read_split(made / "val")
    song = dataset.song_named(rows[0]["song"])
    heard = dataset.song_music(song)
    start = rows[0]["start"]
    assert np.array_equal(arrays["music"], heard.features[start : start + 240])
    assert len(heard) == song.frames(60)


def test_songs_heard_before_are_not_heard_again(made, monkeypatch):
    def deaf(song, sound=False):
        raise AssertionError("rendered again")

    monkeypatch.setattr(dataset, "song_music", deaf)
    dataset.cached_music(dataset.song_named("train000"), made / "songs")
    with pytest.raises(AssertionError, match="rendered again"):
        dataset.cached_music(dataset.song_named("train007"), made / "songs")
    monkeypatch.setattr(dataset, "VERSION", dataset.VERSION + 1)
    with pytest.raises(AssertionError, match="rendered again"):
        dataset.cached_music(dataset.song_named("train000"), made / "songs")


def test_a_set_cut_off_while_it_is_made_anew_is_no_set(made, tmp_path, monkeypatch):
    """Its old list of clips would go with new arrays that are zeros from some row on."""
    shutil.copytree(made / "val", tmp_path / "val")
    mapped = np.load(tmp_path / "val" / "root_m.npy", mmap_mode="r")
    before = np.array(mapped)
    monkeypatch.setattr(dataset, "make_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset._write_split(tmp_path / "val", dataset.plan("val", 1, 240), made / "songs")
    with pytest.raises(FileError, match=r"no clips\.json"):
        dataset.read_split(tmp_path / "val")
    assert np.array_equal(mapped, before)  # a trainer that reads the old one is not disturbed


def interrupted(*_):
    raise KeyboardInterrupt


def test_splits_share_no_song_and_no_dancer():
    plans = {
        split: dataset.plan(split, count, 600)
        for split, count in (("train", 60), ("val", 20), ("test", 40))
    }
    for field in ("song", "dancer", "name"):
        sets = [{getattr(item, field) for item in plans[split]} for split in plans]
        assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert len({item.name for item in plans["train"]}) == 60
    assert len({item.dancer for item in plans["train"]}) > 30
    for item in plans["train"]:
        assert item.start + item.frames <= dataset.song_named(item.song).frames(60)


def test_the_plan_depends_on_its_seed_alone():
    assert dataset.plan("train", 20, 300) == dataset.plan("train", 20, 300)
    assert dataset.plan("train", 20, 300, seed=1) != dataset.plan("train", 20, 300)
    assert dataset.plan("train", 40, 300)[:20] == dataset.plan("train", 20, 300)


def test_a_clip_outside_the_song_and_an_unknown_name_say_so(tmp_path):
    song, dancer = dataset.song_named("val001"), dataset.dancer_named("val_dancer02")
    music = Music(np.zeros((song.frames(60), 35), np.float32), 60.0, np.zeros(0, np.int64), 120.0)
    with pytest.raises(SpecError, match=f"val001 has {song.frames(60)} frames"):
        dataset.make_clip(song, dancer, song.frames(60) - 100, 300, music)
    assert len(dataset.make_clip(song, dancer, 10, 300, music)) == 300
    with pytest.raises(FileError, match="no song or dancer of the dance set"):
        dataset.song_named("waltz1")
    with pytest.raises(FileError, match=r"run python -m data prepare dance first"):
        dataset.read_split(tmp_path)


def test_truth_command_writes_the_table_of_a_clip_or_says_what_is_wrong(tmp_path):
    name = "test004_dancer03_at0626"
    done = run("prepare", "truth", name, "--frames", 300, "--out", tmp_path / "t.npz")
    assert done.exit_code == 0
    song, dancer = dataset.song_named("test004"), dataset.dancer_named("test_dancer03")
    assert load_truths(tmp_path / "t.npz") == [truth_of(song, dancer, 626, 300)]
    waltz = run("prepare", "truth", "waltz", "--out", tmp_path / "u.npz")
    assert waltz.exit_code == 2
    assert "waltz: no clip of the dance set" in waltz.stderr
    assert not (tmp_path / "u.npz").exists()


def test_twelve_samples_ship_small_with_sound_and_truth():
    names = sorted(path.stem for path in SAMPLES.glob("*.npz"))
    assert len(names) == 12
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 5_000_000
    truths = json.loads((SAMPLES / "truth.json").read_text())
    assert sorted(truths) == names
    moves = {
        one["label"].split()[1]
        for truth in truths.values()
        for one in truth["influences"]
        if one["rule"] == "chord"
    }
    assert len(moves) == 12
    titles = json.loads((SAMPLES / "names.json").read_text())
    assert list(titles) == names
    for number, name in enumerate(names, start=1):
        clip = load_clip(SAMPLES / f"{name}.npz")
        assert titles[name] == f"Dance, {truths[name]['tempo_bpm']} bpm, dancer {number}"
        assert (clip.name, clip.split, len(clip)) == (name, "test", 600)
        assert clip.music is not None
        assert clip.music.audio is not None
        assert clip.music.audio.duration_s == pytest.approx(10, abs=0.05)
        assert f"{clip.music.tempo_bpm:03.0f}bpm" in name


@pytest.mark.parametrize("index", [0, 7])
def test_samples_on_disk_are_what_the_code_makes(index):
    clip, truth = samples.make_sample(samples.SAMPLES[index])
    shipped = load_clip(SAMPLES / f"{clip.name}.npz")
    assert np.rad2deg(geodesic_angle(clip.motion.rotations, shipped.motion.rotations)).max() < 0.02
    assert np.abs(clip.motion.root_m - shipped.motion.root_m).max() < 1e-4
    assert np.array_equal(clip.music.beats, shipped.music.beats)
    assert np.abs(clip.music.features - shipped.music.features).max() < 0.05
    assert json.loads((SAMPLES / "truth.json").read_text())[clip.name] == json.loads(
        json.dumps(truth)
    )
    # Vorbis is not exact, but it is the same music at the same moment.
    heard = shipped.music.audio.samples[:, 0]
    made = clip.music.audio.samples[: len(heard), 0]
    assert np.corrcoef(made, heard[: len(made)])[0, 1] > 0.97


def test_samples_are_written_so_that_they_load_again(tmp_path):
    clip, _ = samples.make_sample(samples.SAMPLES[3])
    samples.write_sample(clip, tmp_path)
    again = load_clip(tmp_path / f"{clip.name}.npz")
    smooth = np.linalg.norm(np.diff(again.motion.positions(), n=2, axis=0), axis=-1).max()
    assert (
        smooth < 1.1 * np.linalg.norm(np.diff(clip.motion.positions(), n=2, axis=0), axis=-1).max()
    )

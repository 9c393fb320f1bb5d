"""``python -m training benchmark songs``: sections, changes of movement, and beats that are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mmm.checkpoints import save_model
from mmm.errors import FileError
from mmm.models import make_config, make_model
from mmm.motion.clip import Audio, Music
from mmm.music.audio import write_audio
from mmm.music.features import FEATURE_SLICES, silence
from tests.mmm.generation.people import walker
from tests.training.benchmark.test_continuation import write_dances
from tests.training.running import run_training
from training.benchmark import real_songs
from training.benchmark.real_songs import (
    Run,
    Song,
    changes,
    dances,
    row,
    runs,
    sections,
    seeds_of,
    songs_in,
)
from training.commands import benchmark_songs

FPS = real_songs.FPS


def song_of_two_sections(at_s=10.0, seconds=40.0) -> Music:
    """A song whose timbre and harmony change once."""
    rng = np.random.default_rng(0)
    music = silence(round(seconds * FPS), FPS)
    features = rng.normal(size=music.features.shape).astype(np.float32)
    features[round(at_s * FPS) :, FEATURE_SLICES["mfcc"]] += 3
    features[round(at_s * FPS) :, FEATURE_SLICES["chroma_cens"]] += 3
    return replace(music, features=features, beats=np.arange(30, len(music), 30))


@pytest.fixture(scope="module")
def dance():
    """Walking in place that gets faster where the song changes, 8 s after a seed of 2 s."""
    parts = [walker(8.0, FPS, hz=hz, speed=0.0) for hz in (0.6, 1.4)]
    return replace(
        parts[0],
        rotations=np.concatenate([part.rotations for part in parts]),
        root_m=np.concatenate([part.root_m for part in parts]),
    )


def test_a_section_begins_where_the_sound_changes():
    assert sections(song_of_two_sections()) == pytest.approx([10.0], abs=0.5)


def test_noise_alone_has_no_order_of_sections_near_its_ends():
    found = sections(song_of_two_sections(at_s=200.0))
    assert all(6 <= time <= 34 for time in found)


@pytest.mark.slow
def test_movement_changes_where_it_changes(dance):
    (change,) = changes([dance])
    assert np.nanargmax(change) == pytest.approx(16, abs=1)
    assert np.nanmean(change) == pytest.approx(1)
    # Five seconds are missing on one side of the first and the last steps.
    assert np.isnan(change[:10]).all()
    assert np.isfinite(change[10:22]).all()


@pytest.mark.slow
def test_a_run_is_measured_at_its_own_song_and_at_others(dance):
    own = Song("own", song_of_two_sections(), np.array([10.0]))
    other = Song("other", song_of_two_sections(), np.array([7.5, 12.5]))
    (run,) = runs([dance], own, [other])
    assert run.own_change > 1.5 * run.other_change
    assert run.own_beats == run.other_beats
    assert run.energy > 0


@pytest.mark.slow
def test_boundaries_outside_the_dance_do_not_count(dance):
    own = Song("own", song_of_two_sections(), np.array([1.0, 39.0]))
    (run,) = runs([dance], own, [own])
    assert np.isnan(run.own_change)
    assert row([run, run], 1.0)["change"] is None


def test_a_row_is_a_mean_with_intervals():
    each = [Run(2.0, 0.5, 0.3, 1.5, 1.0), Run(4.0, 0.7, 0.3, 2.0, np.nan)]
    figures = row(each, 6.0)
    assert figures["energy_share"] == 0.5
    assert figures["beats"]["difference"] == [0.3, 0.2, 0.4]
    # The run without boundaries of other songs is left out on both sides.
    assert figures["change"]["own"] == 1.5


def test_songs_and_dances_that_are_missing_are_told(tmp_path):
    with pytest.raises(FileError, match="0 songs of 20 s"):
        songs_in(tmp_path, 20.0, FPS)
    write_dances(tmp_path / "test", 3, 0)
    with pytest.raises(FileError, match="0 songs with a dance"):
        seeds_of(tmp_path, 2, FPS)


def write_set(folder: Path) -> Path:
    """A dance set of three songs, with their features."""
    write_dances(folder / "test", 3, 0)
    (folder / "songs").mkdir()
    music = song_of_two_sections()
    for number in range(3):
        path = folder / "songs" / f"song{number}.npz"
        np.savez(path, features=music.features, beats=music.beats)
    path = folder / "test" / "clips.json"
    entries = json.loads(path.read_text())
    for entry in entries["clips"]:
        entry["tempo_bpm"] = 120
    path.write_text(json.dumps(entries))
    return folder


def small_network():
    torch.manual_seed(0)
    sizes = {"intermediate_size": 32, "encoder_layers": 1, "cross_layers": 1, "hidden_size": 256}
    return make_model(make_config("3bert-small", trained_masks=["the last 40..96"], **sizes)).eval()


def test_every_seed_dances_as_long_as_its_song(tmp_path):
    seeds = seeds_of(write_set(tmp_path), 2, 60.0)
    assert [len(seed.motion) for seed in seeds] == [120, 120]
    made = dances(small_network(), seeds, [seed.ours.crop(0, 150) for seed in seeds], 10.0)
    assert [len(motion) for motion in made] == [30, 30]


def test_our_songs_come_at_the_networks_rate(tmp_path):
    seed = seeds_of(write_set(tmp_path), 1, 30.0)[0]
    assert (seed.motion.fps, len(seed.motion)) == (30.0, 60)
    assert (seed.ours.fps, len(seed.ours)) == (30.0, 1200)
    assert seed.ours.beats[:3].tolist() == [15, 30, 45]


@pytest.mark.slow
def test_the_command_prints_a_table_and_keeps_it(tmp_path, monkeypatch, dance):
    asked = []

    def danced(model, seeds, music, seconds, progress):
        asked.append([len(played) for played in music])
        return [dance for _ in seeds]

    monkeypatch.setattr(benchmark_songs, "dances", danced)
    (tmp_path / "songs").mkdir()
    for name, bpm in (("slow", 90), ("quick", 130)):
        clicks = np.zeros((22050 * 24, 1), dtype=np.float32)
        clicks[:: round(22050 * 60 / bpm)] = 0.8
        write_audio(Audio(clicks, 22050), tmp_path / "songs" / f"{name}.wav")
    save_model(small_network(), tmp_path / "net", {"earlier": 1})
    result = run_training(
        *("benchmark", "songs", "--checkpoint", tmp_path / "net", "--seeds", 2),
        *("--music", tmp_path / "songs", "--data", write_set(tmp_path / "dance")),
    )
    assert result.exit_code == 0, result.output
    assert "| net, quick |" in result.output
    assert "| net, all songs | 1.00 |" in result.output
    # Our own songs come first; they last 40 s, and the others 24 s and a frame.
    assert asked == [[2400, 2400], [1441, 1441], [1441, 1441]]
    kept = json.loads((tmp_path / "net" / "metrics.json").read_text())
    assert kept["songs"]["rows"]["net"]["all songs"]["runs"] == 4
    assert kept["earlier"] == 1

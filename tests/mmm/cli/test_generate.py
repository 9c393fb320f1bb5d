"""``python -m mmm generate``, as it is typed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mmm.generation.rollout as generation
from mmm import load_clip, save_clip
from mmm.motion.clip import Audio, Clip
from mmm.music.audio import write_audio
from tests.mmm.making import smooth_motion
from tests.mmm.networks import save_roles_network

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(run):
    """Runs ``generate``, as the fixture of the folder."""
    return lambda words, *arguments: run(f"generate {words}", *arguments)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Six seconds of clicks, two a second."""
    samples = np.zeros((6 * 8000, 1), dtype=np.float32)
    for click in range(0, len(samples), 4000):
        samples[click : click + 200, 0] = np.sin(np.arange(200))
    path = tmp_path_factory.mktemp("songs") / "clicks.wav"
    write_audio(Audio(samples, 8000), path)
    return path


def test_seed_and_future_are_saved_and_measured(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    status, out, err = run(
        f"{tiny_clip_file} --checkpoint {tiny_checkpoint} --seed-frames 20 "
        f"--frames 36 --out {tmp_path}/g.npz --metrics {tmp_path}/g.json "
        "--seed 3"
    )
    assert (status, err.startswith("note: "), err.count("\n")) == (0, True, 1)
    assert "not trained to continue" in err
    saved, clip = load_clip(tmp_path / "g.npz"), load_clip(tiny_clip_file)
    assert len(saved) == 56
    assert np.array_equal(saved.motion.rotations[:20], clip.motion.rotations[:20])
    assert np.array_equal(saved.music.features, clip.music.features[:56])
    report = json.loads((tmp_path / "g.json").read_text())
    assert [
        report[key]
        for key in ("clip", "checkpoint", "seed_frames", "frames", "seed", "usual_energy_of")
    ] == ["tiny0", "tiny-ecm", 20, 36, 3, "truth"]
    assert list(report["methods"]) == ["tiny-ecm", "truth", "hold"]
    assert report["methods"]["truth"]["energy_share"] == pytest.approx(1)
    assert report["methods"]["hold"]["frozen"]
    assert report["methods"]["hold"]["energy"] == 0
    assert not report["methods"]["truth"]["frozen"]
    rows = {line.split()[0]: line.split() for line in out.splitlines()[2:]}
    assert [name for name in rows if name in report["methods"]] == list(report["methods"])
    for name in ("tiny-ecm", "truth"):
        assert float(rows[name][1]) == pytest.approx(report["methods"][name]["energy"], abs=6e-4)
        assert float(rows[name][4]) == pytest.approx(report["methods"][name]["still_s"], abs=6e-4)


@pytest.mark.parametrize("suffix", [".bvh", ".pkl"])
def test_other_formats(run, smpl_clip_file, tmp_path, suffix):
    save_roles_network(tmp_path / "roles")
    out_file = tmp_path / f"g{suffix}"
    assert (
        run(
            f"{smpl_clip_file} --checkpoint {tmp_path}/roles --seed-frames 40 "
            f"--frames 12 --out {out_file}"
        )[0]
        == 0
    )
    assert len(load_clip(out_file)) == 52
    assert (
        np.abs(
            load_clip(out_file).motion.positions()[:40]
            - load_clip(smpl_clip_file).motion.positions()
        ).max()
        < 1e-4
    )


@pytest.mark.slow
def test_a_song_longer_than_the_clip(run, tiny_checkpoint, tiny_clip_file, song, tmp_path):
    """Six seconds of music, two of motion: generated to the music's end where no length is given."""
    status, _, _ = run(
        f"{tiny_clip_file} --checkpoint {tiny_checkpoint} --seed-frames 30 "
        f"--music {song} --out {tmp_path}/g.npz --metrics {tmp_path}/g.json"
    )
    assert status == 0
    saved, report = load_clip(tmp_path / "g.npz"), json.loads((tmp_path / "g.json").read_text())
    assert len(saved) == report["frames"] + 30 == 181  # a row more than 6 s x 30
    assert len(saved.music.beats) > 5
    assert report["methods"]["tiny-ecm"]["per_music_beat"] is not None
    assert (
        "truth" not in report["methods"]
    )  # what was danced to the clip's own music says nothing about this song
    silent = tmp_path / "silent.npz"
    save_clip(replace(load_clip(tiny_clip_file), music=None), silent)
    assert (
        run(
            f"{silent} --checkpoint {tiny_checkpoint} --seed-frames 30 --music {song} "
            f"--metrics {tmp_path}/s.json"
        )[0]
        == 0
    )
    assert json.loads((tmp_path / "s.json").read_text())["methods"]["truth"]["frames"] == 30


def test_another_frame_rate(run, tiny_clip_file, tmp_path, smpl_clip_file):
    save_roles_network(tmp_path / "roles")
    status, out, _ = run(
        f"{smpl_clip_file} --checkpoint {tmp_path}/roles --seed-frames 15 "
        f"--frames 30 --fps 25 --metrics {tmp_path}/g.json"
    )
    assert status == 0
    assert "30 generated at 25 fps" in out
    assert (
        json.loads((tmp_path / "g.json").read_text())["usual_energy_of"] == "seed"
    )  # too little truth to judge by


def test_variety_and_seed_number(run, tiny_checkpoint, tiny_clip_file, tmp_path):
    motions = []
    for number, (temperature, seed) in enumerate([(1, 0), (1, 0), (0, 5)]):
        path = tmp_path / f"{number}.npz"
        assert (
            run(
                f"{tiny_clip_file} --checkpoint {tiny_checkpoint} --seed-frames 20 "
                f"--frames 10 --variety {temperature} --seed {seed} --out {path}"
            )[0]
            == 0
        )
        motions.append(load_clip(path).motion.rotations)
    assert np.array_equal(motions[0], motions[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed-frames", 5], "seed of 5 frames"),
        (["--seed-frames", 61], "the clip has 60"),
        (["--seed-frames", 60], "more than the 60 of the seed"),
        (["--frames", 0], "0 frames to generate"),
        (["--frames", 500], "at most 40 frames"),
        (["--variety", 9], "temperature 9"),
        (["--variety", "nan"], "temperature nan"),
        (["--seed", -1], "seed"),
        (["--frames", "many"], "--frames"),
        (["--music", "nowhere.wav"], "nowhere.wav"),
        (["--music", __file__], "not a sound file"),
        (["--fps", 12], "network's 30"),
        (["--out", "g.avi"], "unknown suffix"),
        (["--out", "nowhere/g.bvh"], "does not exist"),
        (["--metrics", "g.csv"], "unknown suffix"),
        (["--checkpoint", "nowhere"], "no checkpoint"),
        (["--role", "left_hip"], "left_hip"),
    ],
)
def test_bad_input_in_one_line(
    run, tiny_checkpoint, tiny_clip_file, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(
        f"{tiny_clip_file} --checkpoint {tiny_checkpoint} --seed-frames 20 --metrics m.json",
        *arguments,
    )
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_bad_clips_in_one_line(run, tiny_checkpoint, smpl_clip_file, tmp_path):
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nnonsense")
    for path, message in (
        (tmp_path / "broken.bvh", "broken.bvh"),
        (tmp_path / "none.npz", "none.npz"),
        (smpl_clip_file, "skeleton"),
    ):
        status, _, err = run(path, "--checkpoint", tiny_checkpoint, "--seed-frames", 30)
        assert (status, err.count("\n")) == (2, 1)
        assert message in err


def test_stopped_half_way_leaves_nothing(
    run, tiny_checkpoint, tiny_clip_file, tmp_path, monkeypatch
):
    """Ctrl-C after the first second: status 130, and what lay there before still lies there."""
    kept = tmp_path / "g.npz"
    kept.write_bytes(b"an older one")
    find = generation.recover

    def stop(*_, **__):
        raise KeyboardInterrupt  # as Ctrl-C does; the signal itself may be ignored where tests run in the background

    def once(*arguments, **options):
        monkeypatch.setattr(generation, "recover", stop)
        return find(*arguments, **options)

    monkeypatch.setattr(generation, "recover", once)
    status, out, _ = run(
        f"{tiny_clip_file} --checkpoint {tiny_checkpoint} --seed-frames 20 "
        f"--frames 40 --out {kept} --metrics {tmp_path}/g.json"
    )
    assert (status, out) == (130, "")
    assert [path.name for path in tmp_path.iterdir()] == ["g.npz"]
    assert kept.read_bytes() == b"an older one"


def test_progress_where_somebody_watches(run, tiny_checkpoint, tiny_clip_file, monkeypatch):
    monkeypatch.setattr(
        "mmm.cli.generate.sys",
        type("Watched", (), {"stderr": type("Screen", (), {"isatty": staticmethod(lambda: True)})}),
    )
    _, _, err = run(
        tiny_clip_file, "--checkpoint", tiny_checkpoint, "--seed-frames", 20, "--frames", 40
    )
    assert "100%\n" in err
    assert err.count("\r") == 2


@pytest.mark.slow
def test_help_names_every_option():
    shown = subprocess.run(
        [sys.executable, "-m", "mmm", "generate", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in (
        "--checkpoint",
        "--music",
        "--seed-frames",
        "--frames",
        "--variety",
        "--seed",
        "--fps",
        "--out",
        "--metrics",
        "--role",
    ):
        assert option in shown


def test_a_clip_that_ends_with_its_seed(run, tmp_path):
    save_roles_network(tmp_path / "roles")
    save_clip(Clip("walk", smooth_motion(2, 40)), tmp_path / "walk.npz")
    status, out, err = run(
        f"{tmp_path}/walk.npz --checkpoint {tmp_path}/roles --seed-frames 40 --frames 60"
    )
    assert status == 0
    assert "the reference energy is the seed's" in out
    assert "no truth" in err

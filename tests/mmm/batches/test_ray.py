"""The four commands with ``--ray``: the bits of a local run, what a second run does, bad files."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mmm
from mmm.batches.kept import Kept
from mmm.batches.run import Failure, run
from mmm.errors import MMMError
from tests.data.preparing import prepare, report_of, stored, write_bvh
from tests.mmm.cli.conftest import run as _run
from tests.mmm.networks import tiny_clip

ray = pytest.importorskip("ray", reason="needs pip install .[serve]")

pytestmark = [
    pytest.mark.slow,
    # A Ray starts, and its processes import torch, on two cores.
    pytest.mark.timeout(400),
    # Ray's own: deprecations of pydantic, pipes left open.
    pytest.mark.filterwarnings("ignore"),
]
ROOT = Path(__file__).parents[3]
NOBODY = "127.0.0.1:1"
"""An address at which no Ray answers: whoever has nothing left to do does not ask."""
command = _run


@pytest.fixture(scope="module", autouse=True)
def a_ray():
    """One Ray for all tests; programs that are connected go on with their connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.chdir(ROOT)
        ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=100_000_000,
            include_dashboard=False,
            log_to_driver=False,
        )
        yield
        ray.shutdown()


@pytest.fixture
def takes(tmp_path, monkeypatch):
    """Three clips and a broken file; the user's cache is a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "takes"
    folder.mkdir()
    for number in range(3):
        mmm.save_clip(tiny_clip(40 + number, number), folder / f"{number}.npz")
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    return folder


def without_ray(monkeypatch):
    """From here on a program has no connection to go on with."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


def surroundings(number):
    """What a task finds around it."""
    import torch

    return torch.get_num_threads(), os.environ["OMP_NUM_THREADS"], str(Path.cwd()), number


def test_tasks_have_the_threads_and_the_folder_of_the_local_run(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    outcomes = dict(run(surroundings, [7, 8], ray="auto", threads=2))
    assert outcomes == {n: (2, "3", str(Path.cwd()), 7 + n) for n in (0, 1)}


def die_of(bad, number):
    if number == bad:
        os._exit(1)
    return number


def test_a_process_that_dies_takes_one_file_with_it():
    outcomes = dict(run(partial(die_of, 3), list(range(5)), ray="auto"))
    failure = outcomes.pop(3)
    assert isinstance(failure, Failure)
    assert str(failure).startswith("3: the process that read it died")
    assert outcomes == {n: n for n in (0, 1, 2, 4)}


def test_a_ray_that_is_not_there_is_one_line(monkeypatch):
    without_ray(monkeypatch)

    def refuse(**options):
        raise ConnectionError("nobody\nthere")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(MMMError, match=r"--ray 127.0.0.1:1: no Ray answers there \(nobody there\)"):
        list(run(abs, [1], ray=NOBODY))


def test_evaluate(command, takes, tiny_checkpoint, tmp_path, monkeypatch):
    words = [
        *("evaluate", "--checkpoint", tiny_checkpoint, "--clips", takes),
        *("--hide", "random:0.5", "--hide", "span:5-40", "--json"),
    ]
    here, there, again = (tmp_path / f"{name}.json" for name in ("here", "there", "again"))
    local = command(*words, here)
    assert local[0] == 0
    assert Kept("evaluate").read() == {}
    on_ray = command(*words, there, "--ray", "auto")
    assert on_ray == local
    assert "left out" in local[2]
    assert there.read_bytes() == here.read_bytes()
    assert len(json.loads(here.read_text())["rows"]) == 10
    # All that could be measured is kept; the broken file is tried again.
    (takes / "broken.bvh").unlink()
    without_ray(monkeypatch)
    assert command(*words, again, "--ray", NOBODY)[0] == 0
    assert again.read_bytes() == here.read_bytes()


def measurements(folder):
    """Lines of a leaderboard's file without their times, in one order."""
    lines = map(json.loads, (folder / "measurements.jsonl").read_text().splitlines())
    return sorted(json.dumps({**line, "elapsed_s": 0}) for line in lines)


def test_leaderboard(command, takes, tiny_checkpoint, tmp_path):
    words = [
        *("leaderboard", "--checkpoint", tiny_checkpoint, "--clips", takes),
        *("--hide", "every:5", "--hide", "gap:39", "--folder"),
    ]
    local, on_ray = (
        command(*words, tmp_path / "a"),
        command(*words, tmp_path / "b", "--ray", "auto"),
    )
    assert (local[0], on_ray[0]) == (0, 0)
    assert on_ray[2] == local[2]
    assert "broken.bvh" in local[2]
    assert "is left out of gap:39" in local[2]
    assert measurements(tmp_path / "a") == measurements(tmp_path / "b")
    lines = len(measurements(tmp_path / "b"))
    # A fourth clip: only it is measured.
    mmm.save_clip(tiny_clip(50, 8), takes / "new.npz")
    assert command(*words, tmp_path / "b", "--ray", "auto")[0] == 0
    assert len(measurements(tmp_path / "b")) == lines + 10


def test_convert(command, takes, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    local = command("convert", takes, here, "--to", "bvh", "--fps", 20)
    on_ray = command("convert", takes, there, "--to", "bvh", "--fps", 20, "--ray", "auto")
    assert (local[0], on_ray[0]) == (0, 0)
    assert on_ray[2] == local[2]
    assert "left out" in local[2]
    files = {path.name: path.read_bytes() for path in here.iterdir()}
    assert {path.name: path.read_bytes() for path in there.iterdir()} == files
    assert sorted(files) == ["0.bvh", "1.bvh", "2.bvh"]
    (there / "1.bvh").unlink()
    times = {path.name: path.stat().st_mtime_ns for path in there.iterdir()}
    again = command("convert", takes, there, "--to", "bvh", "--fps", 20, "--ray", "auto")
    assert "(2 of them by an earlier run)" in again[1]
    assert {path.name: path.stat().st_mtime_ns for path in there.iterdir()}.items() >= times.items()
    assert (there / "1.bvh").read_bytes() == files["1.bvh"]
    # Nothing is left to do but the broken file.
    (takes / "broken.bvh").unlink()
    without_ray(monkeypatch)
    nothing = command("convert", takes, there, "--to", "bvh", "--fps", 20, "--ray", NOBODY)
    assert "(3 of them by an earlier run)" in nothing[1]


def test_prepare(tmp_path, capsys):
    for subject in range(4):
        write_bvh(tmp_path / "mocap" / f"{subject:02}_00.bvh", subject, 30)
    (tmp_path / "mocap" / "09_00.bvh").write_text("HIERARCHY\n")
    # Archives are unpacked where all nodes see them.
    packed = shutil.make_archive(str(tmp_path / "mocap"), "zip", tmp_path / "mocap")
    words = ["bvh", "--bvh", packed, "--split-by", r"(\d\d)_", "--min-frames", 20, "--test", "01"]
    here, there = tmp_path / "here", tmp_path / "there"
    assert prepare(capsys, *words, "--out", here)[0] == 0
    status, said, _ = prepare(capsys, *words, "--out", there, "--ray", "auto")
    assert status == 0
    assert "(0 of 5 files were converted before)" in said
    for split in ("train", "test"):
        assert stored(there, split) == stored(here, split)
        for name in ("rotations.npy", "root_m.npy"):
            assert (there / split / name).read_bytes() == (here / split / name).read_bytes()
    assert report_of(there)["reasons"] == report_of(here)["reasons"] == {"cannot be read": 1}
    skipped = [report_of(out)["skipped_files"] for out in (here, there)]
    assert skipped[0] == skipped[1]
    names = sorted(path.name for path in there.iterdir())
    assert names == ["cache", "report.json", "test", "train"]
    times = {path: path.stat().st_mtime_ns for path in (there / "cache").iterdir()}
    again = prepare(capsys, *words, "--out", there, "--ray", "auto")
    assert "(4 of 5 files were converted before)" in again[1]
    assert {path: path.stat().st_mtime_ns for path in (there / "cache").iterdir()} == times


def test_prepare_dance(tmp_path, capsys):
    words = ["dance", "--train", 1, "--val", 0, "--test", 0, "--frames", 60]
    assert prepare(capsys, *words, "--out", tmp_path / "here", "--jobs", 1)[0] == 0
    assert prepare(capsys, *words, "--out", tmp_path / "there", "--ray", "auto")[0] == 0
    for name in ("rotations.npy", "root_m.npy", "music.npy"):
        files = [np.load(tmp_path / out / "train" / name) for out in ("here", "there")]
        assert files[0].tobytes() == files[1].tobytes()


def test_a_ray_of_its_own_starts_and_ends_with_the_run(command, takes, tmp_path):
    ray.shutdown()
    said = command("convert", takes, tmp_path / "o", "--to", "bvh", "--ray", "local")[1]
    assert "wrote 3 files" in said
    assert not ray.is_initialized()

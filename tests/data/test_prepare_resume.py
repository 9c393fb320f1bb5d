"""Runs that are stopped, repeated, or asked for what cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.sources import commands
from tests.data.preparing import prepare, report_of, stored, write_bvh

ROOT = Path(__file__).parents[2]
KILLED = """
import os, sys
from data.sources import convert
done, real = [], convert.convert
def convert_some(task):
    if len(done) == 5:
        os._exit(9)
    done.append(task)
    return real(task)
convert.convert = convert_some
from data.__main__ import app
app(['prepare', *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    for subject in range(8):
        write_bvh(folder / f"{subject:02}_00.bvh", subject, 30)
    return folder


@pytest.fixture
def folder(tmp_path, takes):
    return shutil.copytree(takes, tmp_path / "mocap")


def arguments(folder, *more):
    return [
        "bvh",
        "--bvh",
        str(folder),
        "--out",
        str(folder.parent / "set"),
        "--split-by",
        r"/(\d\d)_",
        "--min-frames",
        "20",
        *more,
    ]


def written(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "cache").glob("[!.]*.npz")}


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(folder, capsys):
    """Killed without a chance to tidy up, after five of eight files: the next run converts the other three."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments(folder)],
        cwd=ROOT,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert killed.returncode == 9
    out = folder.parent / "set"
    first = written(out)
    assert len(first) == 5
    assert not (out / "train").exists()
    status, said, _ = prepare(capsys, *arguments(folder))
    assert status == 0
    assert "(5 of 8 files were converted before)" in said
    second = written(out)
    assert len(second) == 8
    assert {name: second[name] for name in first} == first
    assert prepare(capsys, *arguments(folder))[0] == 0
    assert written(out) == second


def test_only_what_changed_is_converted_again(folder, capsys):
    assert prepare(capsys, *arguments(folder, "--test", "03"))[0] == 0
    first = written(folder.parent / "set")
    write_bvh(folder / "03_00.bvh", 99, 44)
    _, said, _ = prepare(capsys, *arguments(folder, "--test", "03"))
    assert "(7 of 8 files were converted before)" in said
    assert stored(folder.parent / "set", "test")["clips"][0]["frames"] == 44
    second = written(folder.parent / "set")
    assert {name: second[name] for name in first} == first
    _, said, _ = prepare(capsys, *arguments(folder, "--fps", "15", "--min-frames", "10"))
    assert "(0 of 8 files were converted before)" in said
    assert stored(folder.parent / "set", "train")["fps"] == 15


def test_a_damaged_cache_file_is_made_again(folder, capsys):
    assert prepare(capsys, *arguments(folder))[0] == 0
    whole = np.load(folder.parent / "set" / "train" / "root_m.npy")
    for path, content in zip(
        sorted((folder.parent / "set" / "cache").glob("*.npz")), (b"", b"PK\3\4xx"), strict=False
    ):
        path.write_bytes(content)
    _, said, _ = prepare(capsys, *arguments(folder))
    assert "(6 of 8 files were converted before)" in said
    assert np.array_equal(np.load(folder.parent / "set" / "train" / "root_m.npy"), whole)


def test_units_that_move_leave_no_copy_behind(folder, capsys):
    assert prepare(capsys, *arguments(folder, "--val", "01", "--test", "02"))[0] == 0
    assert prepare(capsys, *arguments(folder, "--test", "01"))[0] == 0
    out = folder.parent / "set"
    assert not (out / "val").exists()
    assert [clip["unit"] for clip in stored(out, "test")["clips"]] == ["01"]
    assert sorted(path.name for path in out.iterdir()) == ["cache", "report.json", "test", "train"]


def test_a_trainer_keeps_what_it_has_mapped(folder, capsys):
    assert prepare(capsys, *arguments(folder, "--test", "01"))[0] == 0
    mapped = np.load(folder.parent / "set" / "train" / "root_m.npy", mmap_mode="r")
    before = np.array(mapped)
    write_bvh(folder / "00_00.bvh", 99, 50)
    assert prepare(capsys, *arguments(folder, "--test", "01"))[0] == 0
    assert np.array_equal(mapped, before)


def test_ctrl_c(folder, capsys, monkeypatch):
    def stop(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", stop)
    status, _, error = prepare(capsys, *arguments(folder))
    assert (status, error) == (130, "stopped; the same command continues from here\n")


@pytest.mark.slow
def test_several_processes_give_the_same(folder, capsys):
    assert prepare(capsys, *arguments(folder, "--test", "01"))[0] == 0
    one = np.load(folder.parent / "set" / "train" / "rotations.npy")
    for path in (folder.parent / "set" / "cache").iterdir():
        path.unlink()
    (folder / "05_09.bvh").write_text("HIERARCHY\n")
    assert prepare(capsys, *arguments(folder, "--test", "01", "--jobs", "2"))[0] == 0
    assert np.array_equal(np.load(folder.parent / "set" / "train" / "rotations.npy"), one)
    assert report_of(folder.parent / "set")["reasons"] == {"cannot be read": 1}


def refused(capsys, *more):
    status, said, error = prepare(capsys, *more)
    assert (status, said) == (2, "")
    assert error.count("\n") == 1
    return error


def test_what_cannot_be_is_said_in_one_line(folder, capsys, tmp_path):
    out = folder.parent / "set"
    assert "no unit 77" in refused(capsys, *arguments(folder, "--test", "77"))
    assert "01 stands in both" in refused(capsys, *arguments(folder, "--test", "01", "--val", "01"))
    assert "--shares: 80/20" in refused(capsys, *arguments(folder, "--shares", "80/20"))
    assert "--fps: 0" in refused(capsys, *arguments(folder, "--fps", "0"))
    assert "--fps: nan" in refused(capsys, *arguments(folder, "--fps", "nan"))
    assert "has no group" in refused(capsys, *arguments(folder, "--split-by", r"\d"))
    assert "expected a regular expression" in refused(capsys, *arguments(folder, "--split-by", "("))
    assert "neither it nor --units" in refused(capsys, "bvh", "--bvh", folder, "--out", out)
    assert "no such file or folder" in refused(capsys, *arguments(folder / "gone"))
    assert "no such file" in refused(
        capsys, *arguments(folder, "--skeleton-of", str(folder / "gone.bvh"))
    )
    (tmp_path / "empty").mkdir()
    assert "no .bvh or .amc file" in refused(capsys, *arguments(tmp_path / "empty"))
    assert not (out / "train").exists()


def test_nothing_kept(folder, capsys):
    assert "nothing was kept: shorter than 400 frames (8); 30 frames" in refused(
        capsys, *arguments(folder, "--min-frames", "400")
    )


def test_the_out_folder(folder, capsys):
    out = folder.parent / "set"
    out.write_text("a file")
    assert "set: a file" in refused(capsys, *arguments(folder))
    out.unlink()
    assert prepare(capsys, *arguments(folder))[0] == 0
    lafan = ["lafan1", "--bvh", str(folder), "--out", str(out)]
    assert "a set made by prepare bvh" in refused(capsys, *lafan)
    (out / "report.json").unlink()
    before = {path: path.stat().st_mtime_ns for path in (out / "train").iterdir()}
    assert "splits that another program wrote" in refused(capsys, *arguments(folder))
    assert {path: path.stat().st_mtime_ns for path in (out / "train").iterdir()} == before


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("00_00.bvh\n", "line 1: 00_00.bvh; expected file,unit"),
        ("00_00.bvh,a\n\n00_00.bvh,b\n", "line 3: a second unit for 00_00.bvh; expected a alone"),
        ("# pairs\nx.bvh,a\n", "line 2: x.bvh may be mocap/x.bvh or mocap/more/x.bvh"),
        (None, "cannot be read"),
    ],
)
def test_a_table_of_units_that_is_wrong(folder, capsys, table, said):
    write_bvh(folder / "x.bvh", 1)
    write_bvh(folder / "more" / "x.bvh", 2)
    path = folder.parent / "units.csv"
    if table is not None:
        path.write_text(table)
    assert said in refused(capsys, *arguments(folder, "--units", str(path)))


def test_the_help_names_the_extra_that_ray_needs(capsys):
    """Words in square brackets are part of a sentence, and no markup."""
    for kind in ("bvh", "dance"):
        status, said, _ = prepare(capsys, kind, "--help")
        assert status == 0
        assert ".[serve]" in said

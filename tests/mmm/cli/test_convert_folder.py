"""``mmm convert`` of whole folders: what is written, what is left out, what a second run does."""

import numpy as np
import pytest

import mmm
from mmm.cli import conversion
from tests.mmm.networks import tiny_clip


@pytest.fixture
def takes(tmp_path, monkeypatch):
    """Three good files in two folders, a broken one, and two that would get one name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "takes"
    (folder / "day 2").mkdir(parents=True)
    for number, name in enumerate(("a.npz", "b.npz", "day 2/c.npz")):
        mmm.save_clip(tiny_clip(20 + number, number, music=False), folder / name)
    mmm.save_clip(tiny_clip(30, 9, music=False), folder / "b.glb")
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    (folder / "notes.txt").write_text("no motion")
    return folder


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.rglob("*.bvh"))}


def test_all_files_are_written_and_bad_ones_named(run, takes, tmp_path):
    out = tmp_path / "out"
    status, said, err = run("convert", takes, out, "--to", "bvh")
    assert status == 0
    assert said == f"wrote 3 files into {out}, 72 frames (0 of them by an earlier run)\n"
    lines = err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"left out: {takes}/b.npz: b.glb becomes b.bvh, too")
    assert lines[1].startswith(f"left out: {takes}/broken.bvh")
    files = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert files == ["a.bvh", "b.bvh", "day 2/c.bvh"]
    alone = tmp_path / "alone.bvh"
    assert run("convert", takes / "day 2" / "c.npz", alone)[0] == 0
    assert (out / "day 2" / "c.bvh").read_bytes() == alone.read_bytes()


def test_a_second_run_converts_what_is_new_or_changed(run, takes, tmp_path):
    out = tmp_path / "out"
    run("convert", takes, out, "--to", ".bvh")
    first = times(out)
    assert "(3 of them by an earlier run)" in run("convert", takes, out, "--to", ".bvh")[1]
    assert times(out) == first
    mmm.save_clip(tiny_clip(25, 4, music=False), takes / "a.npz")
    (out / "day 2" / "c.bvh").unlink()
    said = run("convert", takes, out, "--to", ".bvh")[1]
    assert "72 frames" not in said
    assert "(1 of them by an earlier run)" in said
    assert times(out)["b.bvh"] == first["b.bvh"]
    assert len(mmm.load_clip(out / "a.bvh")) == 25
    # Other options make other files.
    assert (
        "(0 of them by an earlier run)" in run("convert", takes, out, "--to", "bvh", "--fps", 15)[1]
    )
    assert mmm.load_clip(out / "a.bvh").motion.fps == pytest.approx(15)


def test_a_run_that_was_cut_short_goes_on(run, takes, tmp_path, monkeypatch):
    out, real = tmp_path / "out", conversion.Conversion.write

    def stop(self, task):
        if task.path.name == "c.npz":
            raise KeyboardInterrupt
        return real(self, task)

    with monkeypatch.context() as patch:
        patch.setattr(conversion.Conversion, "write", stop)
        assert run("convert", takes, out, "--to", "bvh")[0] == 130
    first = times(out)
    assert len(first) == 2
    assert "(2 of them by an earlier run)" in run("convert", takes, out, "--to", "bvh")[1]
    assert {name: times(out)[name] for name in first} == first


def test_a_folder_of_written_files_inside_is_not_converted_again(run, takes):
    for earlier in (0, 3):
        said = run("convert", takes, takes / "written", "--to", "bvh")[1]
        assert f"wrote 3 files into {takes}/written, 72 frames ({earlier} of them" in said


def test_what_cannot_be_is_said_in_one_line(run, takes, tmp_path):
    bad = {
        "is a folder; expected .bvh or": ["convert", takes, tmp_path / "o"],
        "--to: txt; expected .bvh or": ["convert", takes, tmp_path / "o", "--to", "txt"],
        "is one file; expected a folder": ["convert", takes / "a.npz", "o.bvh", "--to", "bvh"],
        "the folder itself, or one above": ["convert", takes, takes, "--to", "bvh"],
        "no motion file in this folder": ["convert", tmp_path / "none", "o", "--to", "bvh"],
    }
    (tmp_path / "none").mkdir()
    for message, words in bad.items():
        status, said, err = run(*words)
        assert (status, said, err.count("\n")) == (2, "", 1)
        assert message in err
    for path in (*takes.glob("*.npz"), takes / "b.glb", takes / "day 2" / "c.npz"):
        path.unlink()
    status, _, err = run("convert", takes, tmp_path / "o", "--to", "bvh")
    assert (status, err.count("\n")) == (2, 1)
    assert "broken.bvh" in err


def test_evaluate_takes_folders_and_leaves_out_what_cannot_be_read(run, tiny_checkpoint, takes):
    (takes / "b.glb").unlink()
    words = ["--checkpoint", tiny_checkpoint, "--hide", "every:5"]
    whole = run("evaluate", "--clips", takes, *words)
    assert whole[0] == 0
    assert whole[1].startswith("means over hidden entries of 3 clips, 63 frames:")
    note, *others = whole[2].splitlines()
    assert note.startswith("note: This network takes music")
    assert [line.partition(": ")[2][: len(f"{takes}/broken.bvh")] for line in others] == [
        f"{takes}/broken.bvh"
    ]
    clips = [mmm.load_clip(takes / name) for name in ("a.npz", "b.npz")]
    # The number of the file is added to the seed, whether those before it could be read or not.
    rows = mmm.evaluate(mmm.load_model(tiny_checkpoint), clips, ["random:0.5"])
    alone = run(
        "evaluate", "--clips", takes / "a.npz", takes / "b.npz", *words[:2], "--hide", "random:0.5"
    )
    assert f"{rows[0]['position_cm']:.3f}" in alone[1]
    assert np.isfinite(rows[0]["position_cm"])
    assert run("evaluate", "--clips", takes / "broken.bvh", *words)[0] == 2

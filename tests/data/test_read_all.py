import tarfile

import numpy as np
import pytest

from data.read_all import check, sources
from mmm.io import save_clip
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24
from tests.data.preparing import run


@pytest.fixture
def folder(tmp_path):
    still = np.repeat(np.eye(3, dtype=np.float32)[None, None], 9, 0).repeat(24, 1)
    clip = Clip("a", Motion(SMPL24, still, np.full((9, 3), 0.9, np.float32), 30.0))
    inside = tmp_path / "inside"
    inside.mkdir()
    save_clip(clip, inside / "a.bvh")
    save_clip(clip, inside / "b.npz")
    (inside / "c.bvh").write_text("HIERARCHY\n")
    (inside / "d.txt").write_text("not read")
    with tarfile.open(tmp_path / "packed.tar.xz", "w:xz") as archive:
        archive.add(inside / "a.bvh", "deep/down/a.bvh")
    return tmp_path


def test_every_file_of_folders_and_archives_is_read_and_failures_are_listed(folder):
    done = run("read-all", folder, "--processes", "1")
    assert done.exit_code == 0
    out = done.stdout.split("\n")
    rows = {line.split()[0]: line.split()[1:5] for line in out if line}
    assert rows["inside"] == ["3", "18", "2", "1"]
    assert rows["packed.tar.xz"] == ["1", "9", "1", "0"]
    assert "4 files, 27 frames, 1 failed" in out
    failed = [line for line in out if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "c.bvh line 2: the file ends without MOTION" in failed[0]


def test_what_bvh_loses_is_measured(folder, monkeypatch):
    report = check(folder / "inside" / "a.bvh")
    assert report.error == ""
    assert report.degrees < 0.001
    assert report.millimetres < 0.01
    assert 1.3 < report.height_m < 1.8
    assert report.floor_m == pytest.approx(0.0, abs=0.1)
    monkeypatch.setattr("data.read_all.WORST_MM", -1.0)
    assert "comes back" in check(folder / "inside" / "a.bvh").error


def test_sources_are_archives_folders_and_single_files(folder):
    found = [path.name for path in sources([folder, folder / "inside" / "a.bvh"])]
    assert found == ["packed.tar.xz", "inside", "a.bvh"]

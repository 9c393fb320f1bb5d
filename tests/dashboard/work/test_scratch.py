"""Temporary folders of servers that were killed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dashboard.work import scratch


def test_folders_of_dead_servers_go_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    alive = tmp_path / f"{scratch.prefix('uploads')}abc"
    gone = [tmp_path / f"mmm-{kind}-{dead.pid}-xyz" for kind in ("uploads", "read", "home")]
    young, old = tmp_path / "mmm-uploads-young123", tmp_path / "mmm-uploads-old456"
    foreign = [tmp_path / name for name in ("mmm-other-1-x", "somebody-mmm-uploads-1-x", "x")]
    for folder in (alive, *gone, young, old, *foreign):
        folder.mkdir()
        (folder / "file").write_text("x")
    link = tmp_path / f"mmm-uploads-{dead.pid}-link"
    link.symlink_to(foreign[0])
    os.utime(old, times=(time.time() - scratch.OLD_S - 60,) * 2)
    assert scratch.clear_stale(tmp_path) == 4
    assert not any(folder.exists() for folder in (*gone, old))
    assert all((folder / "file").exists() for folder in (alive, young, *foreign))
    assert link.is_symlink()


def test_a_folder_made_with_the_prefix_is_known_again(tmp_path):
    folder = tempfile.mkdtemp(prefix=scratch.prefix("read"), dir=tmp_path)
    assert scratch.clear_stale(tmp_path) == 0
    Path(folder).rename(folder.replace(f"-{os.getpid()}-", "-999999999-"))
    assert scratch.clear_stale(tmp_path) == 1

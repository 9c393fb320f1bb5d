"""librosa's compiled functions are stored by one process at a time."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmm.music.compiled import librosa_module

ROOT = Path(__file__).parents[3]
# What is loaded when the lock is taken, when it is given back, and when all is used.
PROGRAM = """
import json, sys
import filelock

def loaded_modules():
    return sorted(name for name in sys.modules if name.split(".")[0] == "librosa")

seen = []

class Watched(filelock.FileLock):
    def acquire(self, *arguments, **options):
        seen.append(loaded_modules())
        return super().acquire(*arguments, **options)

    def release(self, *arguments, **options):
        if self.is_locked:
            seen.append(loaded_modules())
        return super().release(*arguments, **options)

filelock.FileLock = Watched
from mmm.music.compiled import beat_tracker, librosa_module

librosa = librosa_module()
for use in (librosa.effects.hpss, librosa.feature.mfcc, librosa.onset.onset_detect,
            librosa.estimate_tuning, librosa.resample, librosa.power_to_db):
    assert callable(use)
without_beat = loaded_modules()
beat_tracker()
print(json.dumps([seen, without_beat]))
"""


def compiled_modules():
    """The modules of librosa with functions that numba compiles at import and stores in pairs."""
    folder = Path(librosa_module().__file__).parent
    return sorted(
        "librosa." + ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if "guvectorize(" in path.read_text()
    )


def run(cache):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the cache is elsewhere")
def test_they_are_imported_while_the_lock_is_held(tmp_path):
    locked, without_beat = json.loads(run(tmp_path).stdout)
    new = [
        set(after) - set(before) for before, after in zip(locked[::2], locked[1::2], strict=True)
    ]
    assert set(compiled_modules()) <= set().union(*new)
    # The rest is imported without the lock, and must not bring such functions along.
    assert set(compiled_modules()) & set(without_beat) == set(compiled_modules()) & new[0]
    assert (tmp_path / "masked-motion-workbench" / "librosa.lock").exists()


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_no_hindrance(tmp_path):
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file").returncode == 0


def test_there_are_such_functions():
    assert "librosa.beat" in compiled_modules()


def test_librosa_comes_from_there_alone():
    folders = ("mmm", "training", "data", "dashboard", "tests", "examples")
    elsewhere = []
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] == "librosa" for name in names):
                elsewhere.append(path.relative_to(ROOT).as_posix())
    assert set(elsewhere) == {"mmm/music/compiled.py"}

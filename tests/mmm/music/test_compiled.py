"""librosa's compiled functions are stored by one process at a time."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmm.music import compiled
from mmm.music.compiled import librosa_module

ROOT = Path(__file__).parents[3]
# What is loaded when the lock is taken, when it is given back, and when all is used.
PROGRAM = """
import json, sys
import filelock

def loaded_modules():
    return sorted(name for name in sys.modules if name.split(".")[0] == "librosa")

seen, places = [], []

class Watched(filelock.FileLock):
    def acquire(self, *arguments, **options):
        if "unwritable" in sys.argv:
            raise PermissionError(self.lock_file)
        seen.append(loaded_modules())
        places.append(self.lock_file)
        return super().acquire(*arguments, **options)

    def release(self, *arguments, **options):
        if self.is_locked:
            seen.append(loaded_modules())
        return super().release(*arguments, **options)

filelock.FileLock = Watched
from mmm.music.compiled import beat_tracker, librosa_module

librosa = librosa_module()
if "unwritable" in sys.argv:
    print(json.dumps([seen, [], []]))
    sys.exit()
for use in (librosa.effects.hpss, librosa.feature.mfcc, librosa.onset.onset_detect,
            librosa.estimate_tuning, librosa.resample, librosa.power_to_db):
    assert callable(use)
without_beat = loaded_modules()
beat_tracker()
print(json.dumps([seen, without_beat, places]))
"""


def compiled_modules():
    """The modules of librosa with functions that numba compiles at import and stores in pairs."""
    folder = Path(librosa_module().__file__).parent
    return sorted(
        "librosa." + ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if "guvectorize(" in path.read_text()
    )


def run(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


@pytest.mark.slow
def test_they_are_imported_while_the_lock_is_held():
    locked, without_beat, places = run()
    new = [
        set(after) - set(before) for before, after in zip(locked[::2], locked[1::2], strict=True)
    ]
    assert set(compiled_modules()) <= set().union(*new)
    # The rest is imported without the lock, and must not bring such functions along.
    assert set(compiled_modules()) & set(without_beat) == set(compiled_modules()) & new[0]
    assert len(set(places)) == 1


@pytest.mark.slow
def test_a_lock_that_cannot_be_had_is_no_hindrance():
    assert run("unwritable")[0] == []


def test_the_lock_is_where_the_functions_are(monkeypatch, tmp_path):
    """Users and tests have caches of their own, and share the functions of one installation."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    package = Path(librosa_module().__file__).parent
    assert compiled._folders()[0] == package / "__pycache__"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert compiled._folders()[0] == tmp_path / "numba"


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


def test_it_is_prepared_once_in_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    started = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: started.append(command))
    compiled.prepare().join()
    assert started == [[sys.executable, "-c", compiled.COMMAND]]
    monkeypatch.setattr(compiled, "beat_tracker", lambda: lambda **_: None)
    compiled.compile_all()
    assert compiled.prepare() is None
    assert len(started) == 1

"""librosa, whose compiled functions are stored by one process at a time.

numba compiles some functions of librosa at their first import, and stores them beside it in two
files each. Processes that do so at once can store files that do not belong together. From then on
every process that calls such a function crashes (https://github.com/numba/numba/issues/10128).

In a new environment compiling takes up to a minute. :func:`prepare` does it ahead.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from mmm.paths import user_cache

COMMAND = "from mmm.music.compiled import compile_all; compile_all()"
"""The program of the process that compiles ahead."""
_NOTE = "librosa.compiled"
"""A file that says that the functions of this folder are stored."""


@cache
def librosa_module() -> Any:
    """The package, imported while no other process imports it.

    That takes seconds, so it is called only where sound is touched.
    """
    with _alone():
        import librosa

        # All modules with such functions but the beat tracker's. What else librosa loads later has
        # none.
        import librosa.core.audio
        import librosa.core.pitch
        import librosa.util.utils
    return librosa


@cache
def beat_tracker() -> Any:
    """``librosa.beat.beat_track``, whose import takes as long again as all the rest."""
    librosa_module()
    with _alone():
        from librosa.beat import beat_track
    return beat_track


def compile_all() -> None:
    """Compile what the analysis of a song needs, and note that it is done."""
    # Functions without a fixed signature are compiled when they are called.
    noise = np.random.default_rng(0).normal(size=44_100).astype(np.float32)
    beat_tracker()(y=noise, sr=22_050)
    for folder in _folders():
        try:
            (folder / _NOTE).touch()
            return
        except OSError:
            continue  # the folder cannot be written


def prepare() -> threading.Thread | None:
    """Compile in a process of its own, so that the first song need not wait for it.

    Returns:
        The thread that waits for the process; None if it was done before.
    """
    if any((folder / _NOTE).is_file() for folder in _folders()):
        return None
    # A thread: a process that nobody waits for stays in the process table when it has ended.
    thread = threading.Thread(target=_compile_elsewhere, name="compiling", daemon=True)
    thread.start()
    return thread


def _compile_elsewhere() -> None:
    subprocess.run(
        [sys.executable, "-c", COMMAND],
        # Python finds the package in this folder where it is not installed.
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Without what it compiles, songs only take longer.
        check=False,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process is in here that shares the stored functions."""
    lock = None
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / "librosa.lock")
            lock.acquire()
            break
        # A folder that cannot be written, or a file system without locks.
        except (OSError, NotImplementedError):
            lock = None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _folders() -> list[Path]:
    """Where numba stores the functions: beside librosa, else in a folder of the user's."""
    chosen, package = os.environ.get("NUMBA_CACHE_DIR"), find_spec("librosa")
    if chosen:
        return [Path(chosen), user_cache()]
    beside = Path(package.origin).parent / "__pycache__" if package and package.origin else None
    return [*([beside] if beside else []), user_cache()]

"""Importing librosa so that only one process at a time stores its compiled functions.

numba compiles some functions of librosa at their first import, and stores each beside it in two
files. Processes that do so at the same time can store files that do not belong together. From then
on every process that calls such a function crashes
(https://github.com/numba/numba/issues/10128).

In a new environment compiling takes up to a minute. :func:`prepare` does it in advance.
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
"""The program of the process that compiles in advance."""
_MARKER = "librosa.compiled"
"""Name of an empty file that marks a folder in which the compiled functions are stored."""


@cache
def librosa_module() -> Any:
    """The package, imported while no other process imports it.

    The import takes seconds, so only functions that process sound call this.
    """
    with _exclusively():
        import librosa

        # These are all modules with such functions, except the beat tracker's. Those that librosa
        # loads later have none.
        import librosa.core.audio
        import librosa.core.pitch
        import librosa.util.utils
    return librosa


@cache
def beat_tracker() -> Any:
    """``librosa.beat.beat_track``, whose import takes as long as that of all other modules."""
    librosa_module()
    with _exclusively():
        from librosa.beat import beat_track
    return beat_track


def compile_all() -> None:
    """Compile the functions that the analysis of a song needs, and mark their folder."""
    # Functions without a fixed signature are compiled when they are called.
    noise = np.random.default_rng(0).normal(size=44_100).astype(np.float32)
    beat_tracker()(y=noise, sr=22_050)
    for folder in _folders():
        try:
            (folder / _MARKER).touch()
            return
        except OSError:
            continue  # the folder cannot be written


def prepare() -> threading.Thread | None:
    """Compile in a separate process, so that the first song need not wait for it.

    Returns:
        The thread that waits for the process; None if everything is compiled already.
    """
    if any((folder / _MARKER).is_file() for folder in _folders()):
        return None
    # A thread waits for the process, which would otherwise stay in the process table as a zombie.
    thread = threading.Thread(target=_compile_in_process, name="compiling", daemon=True)
    thread.start()
    return thread


def _compile_in_process() -> None:
    subprocess.run(
        [sys.executable, "-c", COMMAND],
        # In this folder Python finds the package even if it is not installed.
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # If it fails, the first song compiles them.
        check=False,
    )


@contextmanager
def _exclusively() -> Iterator[None]:
    """Hold a lock that is shared by all processes with the same stored functions."""
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
    """The folders in which numba may store the functions: beside librosa, or the user's cache."""
    chosen, package = os.environ.get("NUMBA_CACHE_DIR"), find_spec("librosa")
    if chosen:
        return [Path(chosen), user_cache()]
    beside = Path(package.origin).parent / "__pycache__" if package and package.origin else None
    return [*([beside] if beside else []), user_cache()]

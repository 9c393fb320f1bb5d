"""librosa, whose compiled functions are stored by one process at a time.

numba compiles some functions of librosa at their first import, and stores them beside it in two
files each. Processes that do so at once can store files that do not belong together. From then on
every process that calls such a function crashes (https://github.com/numba/numba/issues/10128).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock

from mmm.paths import user_cache


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

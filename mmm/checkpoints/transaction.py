"""Atomic replacement of several files in a folder: all of them change, or none.

The new files are written into a folder inside the target and flushed to disk. Renaming that folder
is the commit. Afterwards its files are moved over the old ones. If the process is killed during
these moves, the next reader finishes them. A full disk fails before the commit, and the old files
stay.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMITTED = ".committed"
MANIFEST = "files.json"


@contextmanager
def replacing(folder: Path, stale: str) -> Iterator[Path]:
    """Replace files of a folder when the block ends without an error.

    Args:
        folder: the target; made if it is missing.
        stale: a glob pattern; matching files of the target that the block does not write are
            removed.

    Yields:
        The folder to write the new files into.
    """
    existed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    finish_interrupted(folder)
    draft = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        yield draft
        names = sorted(path.name for path in draft.iterdir())
        removed = sorted({path.name for path in folder.glob(stale)} - set(names))
        (draft / MANIFEST).write_text(json.dumps({"new": names, "removed": removed}))
        # The commit must not reach the disk before the data does.
        for path in draft.iterdir():
            _flush(path)
        _flush(draft)
        draft.rename(folder / COMMITTED)
    # BaseException, because Ctrl-C must not leave a draft either.
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                folder.rmdir()
        raise
    finish_interrupted(folder)


def finish_interrupted(folder: Path) -> None:
    """Move committed files into place.

    Does nothing if there are none, or if the folder cannot be written.
    """
    committed = folder / COMMITTED
    if not committed.is_dir():
        return
    with suppress(OSError, ValueError, KeyError):
        # The manifest is removed last, so that it can be read again after any interruption.
        manifest = json.loads((committed / MANIFEST).read_text())
        for name in manifest["removed"]:
            (folder / Path(name).name).unlink(missing_ok=True)
        for name in manifest["new"]:
            if (committed / Path(name).name).is_file():
                (committed / Path(name).name).replace(folder / Path(name).name)
        _flush(folder)
        shutil.rmtree(committed)


def _flush(path: Path) -> None:
    # fsync works on folders too, and makes a rename inside them durable.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

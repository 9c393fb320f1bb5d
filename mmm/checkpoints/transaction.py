"""Replacing several files of a folder at once: all of them change, or none.

The new files are written into a folder inside the target and flushed to the disk. Renaming that
folder is the commit: only then are its files moved over the old ones, and a process that is killed
while it moves them leaves everything that the next reader needs to finish. A full disk fails before
the commit, and the old files stay.
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
    """Give a folder to write into; when the block ends without an error, its files replace the old.

    Args:
        folder: the target; made if it is missing.
        stale: a glob pattern; files of the target that match it and are not written anew are
            removed.
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
        for path in draft.iterdir():
            _flush(path)
        _flush(draft)
        draft.rename(folder / COMMITTED)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                folder.rmdir()
        raise
    finish_interrupted(folder)


def finish_interrupted(folder: Path) -> None:
    """Move committed files into place. Does nothing where none wait, or where nothing may be
    written."""
    committed = folder / COMMITTED
    if not committed.is_dir():
        return
    with suppress(OSError, ValueError, KeyError):
        # The manifest goes last, so that an interruption anywhere leaves it to be read again.
        manifest = json.loads((committed / MANIFEST).read_text())
        for name in manifest["removed"]:
            (folder / Path(name).name).unlink(missing_ok=True)
        for name in manifest["new"]:
            if (committed / Path(name).name).is_file():
                (committed / Path(name).name).replace(folder / Path(name).name)
        _flush(folder)
        shutil.rmtree(committed)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

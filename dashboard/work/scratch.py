"""Temporary folders of the server, and the removal of those that killed servers left behind."""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

OLD_S = 24 * 3600.0
"""Age in seconds after which a folder without a process number counts as left behind."""
_NAME = re.compile(r"mmm-(?:uploads|read|home|film)-(?:(\d+)-)?\w+")


def prefix(kind: str) -> str:
    """The beginning of a temporary folder's name: kind and number of this process.

    Args:
        kind: ``uploads``, ``read`` or ``home``.
    """
    # The process number lets ``clear_stale`` spare the folders of servers that still run.
    return f"mmm-{kind}-{os.getpid()}-"


def clear_stale(folder: Path | None = None) -> int:
    """Remove the folders of servers that do not run any more.

    Args:
        folder: the parent folder; by default the system's folder for temporary files.

    Returns:
        The number of removed folders.
    """
    removed = 0
    for path in (folder or Path(tempfile.gettempdir())).glob("mmm-*-*"):
        match = _NAME.fullmatch(path.name)
        try:
            # Not ``stat``, which would follow a link that somebody else put here.
            stat = path.lstat()
            # Folders of other users and links must not be removed.
            if not match or path.is_symlink() or not path.is_dir() or stat.st_uid != _user():
                continue
            old = time.time() - stat.st_mtime > OLD_S
            if old if match[1] is None else not _runs(int(match[1])):
                shutil.rmtree(path)
                removed += 1
        except OSError:
            continue  # another server has just removed it
    return removed


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _runs(process: int) -> bool:
    try:
        # Signal 0 only tests whether the process exists.
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # The process runs and belongs to another user.
    except OSError:
        return True
    return True

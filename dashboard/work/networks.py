"""The list of checkpoints, read again when one of their files changes.

Every run of the page needs the list, often several times. Reading six checkpoints takes a tenth of a
second on a busy server.
"""

from pathlib import Path

import streamlit as st

from mmm import checkpoints
from mmm.checkpoints import CheckpointInfo
from mmm.paths import checkpoint_root

# The list does not depend on the weights; ``jobs.version_of`` detects their changes.
_FILES = ("config.json", "metrics.json", "README.md")


def list_checkpoints() -> list[CheckpointInfo]:
    """All readable checkpoints by name, as ``mmm.checkpoints.list_checkpoints`` returns them."""
    root = checkpoint_root()
    # A copy, because all sessions share the cached list.
    return list(_list(str(root), _stamp(root)))


def _stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Time and size of all files that the list is read from; serves as a cache key."""
    stamps = []
    for folder in sorted(root.glob("*")):
        for name in _FILES:
            try:
                stat = (folder / name).stat()
            # The checkpoint has no such file, or this is not a folder.
            except OSError:
                continue
            stamps.append((f"{folder.name}/{name}", stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


@st.cache_resource(max_entries=4, show_spinner=False)
def _list(root: str, stamp: tuple[tuple[str, int, int], ...]) -> list[CheckpointInfo]:
    return checkpoints.list_checkpoints(Path(root))

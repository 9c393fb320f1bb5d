"""The checkpoints at hand, read again when one of their files changes.

Every run of the page needs the list, often more than once. Reading six checkpoints takes a tenth of
a second on a busy server.
"""

from pathlib import Path

import streamlit as st

from mmm import checkpoints
from mmm.checkpoints import CheckpointInfo
from mmm.paths import checkpoint_root

# The list shows nothing of the weights. ``jobs.version_of`` tells when those change.
_FILES = ("config.json", "metrics.json", "README.md")


def list_checkpoints() -> list[CheckpointInfo]:
    """Every readable checkpoint, by name; as ``mmm.checkpoints.list_checkpoints`` has it."""
    root = checkpoint_root()
    # A copy: the cached list is shared by all sessions, and a caller may sort its own.
    return list(_list(str(root), _stamp(root)))


def _stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file does that the list is read from."""
    stamps = []
    for folder in sorted(root.glob("*")):
        for name in _FILES:
            try:
                stat = (folder / name).stat()
            except OSError:  # it has none, or is no folder
                continue
            stamps.append((f"{folder.name}/{name}", stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


@st.cache_resource(max_entries=4, show_spinner=False)
def _list(root: str, stamp: tuple[tuple[str, int, int], ...]) -> list[CheckpointInfo]:
    return checkpoints.list_checkpoints(Path(root))

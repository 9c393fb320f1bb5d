"""Folders outside the package that it reads and writes.

They are the user's folders by the convention of the platform. Checkpoints may lie elsewhere: where
an environment variable says, or in the source tree, if the package runs from one.
"""

import os
import sys
from pathlib import Path

NAME = "masked-motion-workbench"
_BESIDE = Path(__file__).parent.parent
SOURCE_TREE = _BESIDE if (_BESIDE / "pyproject.toml").is_file() else None
"""The source tree that the package runs from; None if it is installed."""


def checkpoint_root() -> Path:
    """The folder that holds checkpoints.

    ``$MMM_CHECKPOINTS``, else ``checkpoints/`` beside the source tree if it is there, else
    ``checkpoints/`` in :func:`user_data`, which may not exist yet.
    """
    if chosen := os.environ.get("MMM_CHECKPOINTS"):
        return Path(chosen)
    if SOURCE_TREE is not None and (SOURCE_TREE / "checkpoints").is_dir():
        return SOURCE_TREE / "checkpoints"
    return user_data() / "checkpoints"


def user_data() -> Path:
    """The folder for data of this user that cannot be recreated, e.g. checkpoints."""
    # Without an environment variable, each platform has a documented default.
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / NAME


def user_cache() -> Path:
    """The folder for data of this user that can be recreated."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / NAME


def leaderboard_folder() -> Path:
    """The folder with measurements of the leaderboard (``mmm.evaluation.leaderboard``)."""
    return user_cache() / "leaderboard"

"""Where things are kept that can be made again."""

import os
import sys
from pathlib import Path

MEASURED = Path(__file__).parent.parent / "data" / "processed" / "leaderboard"
"""What was measured for the leaderboard: see ``mmm.evaluation.leaderboard``."""


def user_cache() -> Path:
    """The folder where this user's programs keep what they can make again, by the platform's convention."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "masked-motion-workbench"

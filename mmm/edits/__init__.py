"""Manual edits of a clip: hide, reveal or pin entries, set poses, move keyframes, retime gaps.

``docs/spec.md`` explains the terms. They are applied from left to right, each to the timeline that
the terms before it have produced.
"""

from mmm.edits.applying import MOST_POSES, apply
from mmm.edits.edited import Edited
from mmm.edits.gaps import LONGEST_GAP
from mmm.edits.terms import add, changes_motion, place, reach, turn

__all__ = [
    "LONGEST_GAP",
    "MOST_POSES",
    "Edited",
    "add",
    "apply",
    "changes_motion",
    "place",
    "reach",
    "turn",
]

"""Key points of AIST++ in COCO's layout: 17 points per frame, no rotations.

``keypoints3d/NAME.pkl`` holds ``keypoints3d`` and ``keypoints3d_optim`` (T, 17, 3), about
centimetres, Y up, 60 frames a second (Li et al. 2021; google/aistplusplus_api). The same arrays are
read from an ``.npz``. COCO's points are nose, eyes, ears, shoulders, elbows, wrists, hips, knees
and ankles.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.files import LARGEST, check_size
from mmm.io.positions.fitting import calibrated, fitted_clip, with_bone_lengths, without_gaps
from mmm.motion.clip import Clip

Array = np.ndarray

KEYS = ("keypoints3d_optim", "keypoints3d")
"""AIST++'s arrays. The first is preferred, because its bone lengths hardly change."""
FPS = 60.0
"""AIST++'s frame rate."""
UNIT_M = 0.01
"""AIST++'s unit of length, metres."""
_SIDES = ("left", "right")
# For each point its parent, and the offset of the left one in a T-pose that faces +Z, metres. Only
# the directions are used: the lengths come from the recording.
_PAIRS = {
    "eye": ("head", (0.033, 0.02, 0.09)),
    "ear": ("head", (0.075, 0.0, 0.0)),
    "shoulder": ("spine3", (0.18, 0.0, 0.0)),
    "elbow": ("shoulder", (0.26, 0.0, 0.0)),
    "wrist": ("elbow", (0.25, 0.0, 0.0)),
    "hip": ("pelvis", (0.1, 0.0, 0.0)),
    "knee": ("hip", (0.0, -0.4, 0.0)),
    "ankle": ("knee", (0.0, -0.4, 0.0)),
}
# Joints that COCO lacks and a skeleton needs: the root, the parent of both arms, and that of the
# face. Each lies midway between two of COCO's points: (point, parent, offset as above).
_BETWEEN = {
    "pelvis": ("hip", "", (0.0, 0.0, 0.0)),
    "spine3": ("shoulder", "pelvis", (0.0, 0.5, -0.03)),
    "head": ("ear", "spine3", (0.0, 0.18, 0.05)),
}
COCO17 = ("nose", *(f"{side}_{point}" for point in _PAIRS for side in _SIDES))
"""The 17 points of COCO, in its order."""
_NAMES = (*_BETWEEN, *COCO17)
_FEET = tuple(_NAMES.index(f"{side}_ankle") for side in _SIDES)


def _tree() -> tuple[tuple[int, ...], Float[Array, "J 3"]]:
    """Parents and template offsets of all joints."""
    parents, template = [], []
    for name in _NAMES:
        side, _, point = name.rpartition("_")
        if name in _BETWEEN:
            _, above, direction = _BETWEEN[name]
        elif point in _PAIRS:
            above, (x, y, z) = _PAIRS[point]
            direction = (-x if side == "right" else x, y, z)
            above = f"{side}_{above}" if above in _PAIRS else above
        else:
            above, direction = "head", (0.0, -0.02, 0.11)
        parents.append(_NAMES.index(above) if above else -1)
        template.append(direction)
    return tuple(parents), np.array(template)


_PARENTS, _TEMPLATE = _tree()


def holds_keypoints(names: Collection[str]) -> bool:
    """Whether the arrays of these names are AIST++'s key points rather than a motion."""
    return "smpl_poses" not in names and any(key in names for key in KEYS)


def read_keypoints(
    content: Mapping[str, Any],
    path: Path,
    unit_m: float | None = None,
    fps: float | None = None,
    largest: int = LARGEST,
) -> Clip:
    """AIST++'s key points as a clip of 20 joints: COCO's, a pelvis, a chest and a head.

    Args:
        content: the arrays of the file.
        path: the file.
        unit_m: metres per unit; a centimetre if not given.
        fps: frames per second; AIST++'s 60 if not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: an array that is misshapen or empty, or positions that are out of bounds.
    """
    key = next(key for key in KEYS if key in content)
    values = content[key]
    shape = values.shape if isinstance(values, np.ndarray) else ()
    if len(shape) != 3 or shape[1:] != (len(COCO17), 3) or values.dtype.kind not in "fiu":
        problem = f"{key} is {getattr(values, 'dtype', type(values).__name__)} of shape {shape}"
        raise FileError(str(path), problem, "numbers (T, 17, 3)", "download it again")
    check_size(str(path), len(_NAMES), len(values), largest)
    positions, notes = without_gaps(values.astype(np.float64) * (unit_m or UNIT_M), str(path))
    points = dict(zip(COCO17, np.moveaxis(positions, 1, 0), strict=True))
    for name, (point, _, _) in _BETWEEN.items():
        points[name] = (points[f"left_{point}"] + points[f"right_{point}"]) / 2
    placed = np.stack([points[name] for name in _NAMES], axis=1)
    skeleton = with_bone_lengths(placed, _NAMES, _PARENTS, _TEMPLATE, _FEET)
    skeleton = calibrated(placed, skeleton)
    return fitted_clip(path, placed, skeleton, fps or FPS, "keypoints3d", notes, len(_BETWEEN))

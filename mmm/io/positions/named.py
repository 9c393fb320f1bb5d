"""Joint positions of any layout in ``.npz``, as a plain exchange format.

===============  =========  ====================================================================
``positions``    (T, J, 3)  world positions, metres and Y up
``names``        (J,)       names of the joints, parents before their children
``parents``      (J,)       index of each joint's parent, -1 for the first
``fps``          ()         frames per second; if it is missing, the true rate has to be given
===============  =========  ====================================================================

Positions that are NaN are interpolated. The rest pose is the frame in which the body is tallest,
with the median length of every bone.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from mmm.errors import FileError
from mmm.io.files import FPS_RANGE, LARGEST, check_size, npz_arrays
from mmm.io.positions.fitting import calibrated, fitted_clip, with_bone_lengths, without_gaps
from mmm.motion.clip import Clip

Array = np.ndarray

_KEYS = {"positions": "fiu", "names": "U", "parents": "iu", "fps": "fiu"}
_LONGEST_NAME = 200
_CURE = "see the documentation of joint positions"


def holds_positions(names: Collection[str]) -> bool:
    """Whether the arrays of these names are joint positions rather than a clip of our own."""
    return "positions" in names and "offsets_m" not in names


def read_positions(path: Path, fps: float | None = None, largest: int = LARGEST) -> Clip:
    """Joint positions of an ``.npz`` as a clip on a skeleton of their bones.

    Args:
        path: the file.
        fps: frames per second, if the file gives none or a wrong one.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: an array is missing, misshapen or out of bounds.
    """
    source = str(path)
    arrays = npz_arrays(path, tuple(_KEYS), largest)
    _check(arrays, source)
    if fps is None:
        fps = _rate(arrays, source)
    positions = arrays["positions"]
    check_size(source, positions.shape[1], len(positions), largest)
    positions, notes = without_gaps(positions.astype(np.float64), source)
    names = tuple(str(name)[:_LONGEST_NAME] for name in arrays["names"])
    parents = tuple(int(parent) for parent in arrays["parents"])
    tallest = positions[int(np.argmax(np.ptp(positions[..., 1], axis=1)))]
    template = tallest - tallest[[max(parent, 0) for parent in parents]]
    skeleton = with_bone_lengths(positions, names, parents, template)
    return fitted_clip(path, positions, calibrated(positions, skeleton), fps, "positions", notes)


def _check(arrays: dict[str, Array], source: str) -> None:
    for key, kinds in _KEYS.items():
        if key not in arrays and key != "fps":
            raise FileError(source, f"no array {key}", "positions, names and parents", _CURE)
        if key in arrays and arrays[key].dtype.kind not in kinds:
            expected = "text" if kinds == "U" else "numbers"
            raise FileError(source, f"{key} is {arrays[key].dtype}", expected, _CURE)
    shape = arrays["positions"].shape
    if len(shape) != 3 or shape[2] != 3 or not shape[0] or not shape[1]:
        raise FileError(source, f"positions of shape {shape}", "(T, J, 3)", _CURE)
    for key in ("names", "parents"):
        if arrays[key].shape != shape[1:2]:
            raise FileError(
                source, f"{key} of shape {arrays[key].shape}", f"one for each of {shape[1]}", _CURE
            )
    parents = arrays["parents"].tolist()
    if parents[0] != -1 or any(not 0 <= p < j for j, p in enumerate(parents[1:], start=1)):
        raise FileError(source, "parents are no tree", "-1, then earlier joints", _CURE)
    if len(set(arrays["names"].tolist())) != shape[1]:
        raise FileError(source, "a name occurs twice", "each joint with its own name", _CURE)


def _rate(arrays: dict[str, Array], source: str) -> float:
    rate = arrays.get("fps")
    if rate is None or rate.size != 1:
        raise FileError(
            source, "no frame rate", "fps", "add it, or give the true frame rate when opening it"
        )
    value = float(rate.reshape(-1)[0])
    if not FPS_RANGE[0] <= value <= FPS_RANGE[1]:
        raise FileError(
            source, f"{value:g} frames a second", f"{FPS_RANGE[0]:g} to {FPS_RANGE[1]:,.0f}", _CURE
        )
    return value

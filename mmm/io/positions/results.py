"""Results of MDM and related generators: ``results.npy``, a pickled dictionary of many motions.

``motion`` (N, 22, 3, T) are joint positions of HumanML3D's body, metres and Y up, 20 frames a
second; ``text`` holds the prompt of each and ``lengths`` its number of valid frames (Tevet et al.
2023, ``sample/generate.py`` of GuyTevet/motion-diffusion-model). NumPy wraps the dictionary in an
array of one object, which is a pickle: ``mmm.io.pickles`` reads it without executing it.
"""

import io
from typing import Any

import numpy as np

from mmm.errors import FileError
from mmm.io.choosing import Choice, choose
from mmm.io.pickles import unpickle_arrays

Array = np.ndarray

_CURE = "choose the results.npy of a network for HumanML3D"


def pickled_part(data: bytes) -> bytes | None:
    """The pickle in an ``.npy`` that holds one object; None for arrays of numbers."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    except Exception:  # NumPy has several errors for a damaged header; np.load reports them later
        return None
    return data[file.tell() :] if dtype.hasobject and shape == () else None


def read_results(pickled: bytes, source: str, take: str | None) -> tuple[Array, Choice]:
    """The positions (T, 22, 3) of one motion of a file, and the list of its motions.

    Args:
        pickled: see :func:`pickled_part`.
        source: the file's name, for messages.
        take: the prompt or the number from 1 of the motion; the first if not given.

    Raises:
        FileError: not such a dictionary.
        SpecError: no such motion.
    """
    content = unpickle_arrays(pickled, source)
    motion = content.get("motion")
    if not isinstance(motion, np.ndarray):
        raise FileError(source, "no array motion", "a dictionary with motion", _CURE)
    if motion.ndim != 4 or motion.shape[1:3] != (22, 3) or motion.dtype.kind != "f":
        problem = f"motion is {motion.dtype} of shape {motion.shape}"
        raise FileError(source, problem, "positions of 22 joints, (N, 22, 3, T)", _CURE)
    if not len(motion):
        raise FileError(source, "no motion in it", "one at least", _CURE)
    names = _names(content.get("text"), len(motion))
    index = choose("take", names, take, source, 0)
    frames = _length(content.get("lengths"), index, motion.shape[3])
    return np.moveaxis(motion[index, ..., :frames], -1, 0), Choice("take", tuple(names), index)


def _names(texts: Any, count: int) -> list[str]:
    """The prompts; repeated ones get a number."""
    if not isinstance(texts, list) or len(texts) != count:
        texts = [""] * count
    names: list[str] = []
    seen: dict[str, int] = {}
    for number, text in enumerate(texts, start=1):
        plain = " ".join(str(text or "").split())[:200] or f"motion {number}"
        seen[plain] = seen.get(plain, 0) + 1
        names.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return names


def _length(lengths: Any, index: int, frames: int) -> int:
    """Number of valid frames of a motion; the rest is padding."""
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        return frames
    flat = lengths.reshape(-1)
    return int(flat[index]) if index < len(flat) and 0 < flat[index] <= frames else frames

"""HumanML3D: ``.npy`` of joint positions (T, 22, 3) or features (T, 263), 20 frames a second.

The joints are the first 22 of SMPL, in metres with Y up (Guo et al. 2022). MoMask and others write
their results as the same positions; MDM's ``results.npy`` holds many of them
(``mmm.io.positions.results``).

The positions are recovered from the 263 features as their authors do (``recover_from_ric``): the
root's rotations and steps are summed, and the joints are placed relative to it. Normalised features
(mean 0, deviation 1) have to be denormalised before.
"""

import io
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.choosing import Choice, choose
from mmm.io.files import LARGEST, check_size, read_bytes
from mmm.io.positions.fitting import check_positions, fitted_clip, with_bone_lengths
from mmm.io.positions.results import pickled_part, read_results
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24
from mmm.storage import write_atomically

Array = np.ndarray

FPS = 20.0
"""HumanML3D's frame rate."""
JOINTS = 22
# 4 of the root, 21 x 3 positions, 21 x 6 rotations, 22 x 3 velocities and 4 foot contacts.
_FEATURES = 263
_CURE = "choose a file of HumanML3D's new_joints or new_joint_vecs"
_NAMES, _PARENTS = SMPL24.names[:JOINTS], SMPL24.parents[:JOINTS]
_FEET = (7, 8, 10, 11)


def read_humanml3d(
    path: Path, fps: float | None = None, take: str | None = None, largest: int = LARGEST
) -> Clip:
    """Positions or features of an ``.npy`` as a clip on a skeleton of their bones.

    Args:
        path: the file.
        fps: frames per second; HumanML3D's 20 if not given.
        take: which of several motions of MDM's results, by its prompt or its number from 1; the
            first if not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: not such an array, not finite, or out of bounds.
        SpecError: no such take.
    """
    source = str(path)
    values, several = _array(path, take)
    # Generators write a batch of one.
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 2 and values.shape[1] == _FEATURES:
        check_size(source, JOINTS, len(values), largest)
        positions = positions_of(values.astype(np.float64))
    elif values.ndim == 3 and values.shape[1:] == (JOINTS, 3):
        check_size(source, JOINTS, len(values), largest)
        positions = values.astype(np.float64)
    else:
        raise FileError(
            source, f"an array of shape {values.shape}", "(T, 22, 3) or (T, 263)", _CURE
        )
    check_positions(positions, source)
    skeleton = with_bone_lengths(positions, _NAMES, _PARENTS, SMPL24.offsets_m[:JOINTS], _FEET)
    clip = fitted_clip(path, positions, skeleton, fps or FPS, "humanml3d", several.notes())
    return replace(clip, meta=MappingProxyType({**clip.meta, **several.to_meta()}))


def _array(path: Path, take: str | None) -> tuple[Array, Choice]:
    """The array of the chosen motion, and the list of the file's motions."""
    data, source = read_bytes(path), str(path)
    if not data.startswith(b"\x93NUMPY"):
        raise FileError(source, "not an npy file", "joint positions or features", _CURE)
    if (pickled := pickled_part(data)) is not None:
        return read_results(pickled, source, take)
    several = Choice("take", (path.stem,), choose("take", (path.stem,), take, source, 0))
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # NumPy has several errors for a damaged header
        problem = f"not a plain array ({str(error)[:100]})"
        raise FileError(source, problem, "joint positions or features", _CURE) from None
    if values.dtype.kind not in "fiu":
        raise FileError(source, f"an array of {values.dtype}", "numbers", _CURE)
    return np.asarray(values), several


def positions_of(features: Float[Array, "T 263"]) -> Float[Array, "T 22 3"]:
    """World joint positions of HumanML3D's features, metres."""
    # The file's angle is half of the heading, as in a quaternion about Y.
    half = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    cosine, sine = np.cos(2 * half), np.sin(2 * half)

    # Joints and steps are in the frame of the heading.
    def to_world(vectors: Array) -> Array:
        """Rotate vectors about Y, from the frame of the heading to the world's."""
        x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        shape = (len(half), *(1,) * (x.ndim - 1))
        c, s = cosine.reshape(shape), sine.reshape(shape)
        return np.stack([c * x - s * z, y, s * x + c * z], axis=-1)

    # The file stores velocities: row t leads from frame t to frame t + 1, so the first row of the
    # sum is the origin, and the last row of the features is not used.
    steps = np.zeros((len(features), 3))
    steps[1:, [0, 2]] = features[:-1, 1:3]
    root = np.cumsum(to_world(steps), axis=0)
    joints = to_world(features[:, 4 : 4 + 3 * (JOINTS - 1)].reshape(len(features), -1, 3))
    # Heights are absolute in the file, the other two axes are relative to the root.
    joints[..., [0, 2]] += root[:, None, [0, 2]]
    root[:, 1] = features[:, 3]
    return np.concatenate([root[:, None], joints], axis=1)


def write_humanml3d(clip: Clip, path: Path) -> None:
    """World positions of SMPL's first 22 joints, float32, at HumanML3D's 20 frames a second.

    Raises:
        FileError: the clip lacks one of these joints, or the file cannot be written.
    """
    names = clip.motion.skeleton.names
    missing = [name for name in _NAMES if name not in names]
    if missing:
        raise FileError(
            str(path),
            f"the clip has no joint {missing[0]}",
            "the 22 joints of SMPL's body",
            "save it as .bvh or .npz",
        )
    motion = clip.motion.resample(FPS)
    chosen = [names.index(name) for name in _NAMES]
    positions = motion.positions()[:, chosen].astype(np.float32)
    write_atomically(path, lambda file: np.save(file, positions))

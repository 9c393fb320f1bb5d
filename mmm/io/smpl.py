"""SMPL poses in ``.npz`` files, as in AMASS and the datasets that follow its layout.

``poses`` (T, 72), (T, 156) or (T, 165) are axis-angle vectors in radians of the 24, 52 or 55 joints
of SMPL (Loper et al. 2015), SMPL-H (Romero et al. 2017) or SMPL-X (Pavlakos et al. 2019). The same
may be split into ``root_orient``, ``pose_body`` and ``pose_hand``. ``trans`` (T, 3) moves the
body's origin, in metres and with Z up; the pelvis stands ``SMPL_PELVIS_REST_M`` away from it. The
frame rate is ``mocap_framerate`` or ``mocap_frame_rate`` (Mahmood et al. 2019, AMASS).

Applying the shape (``betas``) needs a model file, whose licence forbids redistribution. Bones are
therefore those of the neutral template, and the bones of fingers those of an adult's hand.
"""

from collections.abc import Collection
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.aist import LARGEST_ANGLE_RAD
from mmm.io.body import TURNED_UP, y_up_to_z_up, z_up_to_y_up
from mmm.io.files import LARGEST, check_size, npz_arrays
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, SMPL_PELVIS_REST_M, Skeleton
from mmm.storage import write_atomically

Array = np.ndarray

_NUMBERS = (
    "poses",
    "root_orient",
    "pose_body",
    "pose_hand",
    "pose_jaw",
    "pose_eye",
    "trans",
    "betas",
)
# AMASS writes the first, SMPL-X releases of AMASS write the second.
_RATES = ("mocap_framerate", "mocap_frame_rate")
_BODY = 22  # joints that all three bodies share
_CURE = "choose a file of AMASS, or one that holds SMPL poses"
# Metres; only damaged floats are larger.
_LARGEST_M = 1e5

# From the wrist of a left hand that points along X with its palm down, metres.
_FINGERS = {
    "index": ((0.090, -0.004, 0.024), (0.033, 0.0, 0.002), (0.022, 0.0, 0.001)),
    "middle": ((0.093, -0.002, 0.001), (0.034, 0.0, 0.0), (0.024, 0.0, 0.0)),
    "pinky": ((0.078, -0.006, -0.040), (0.020, 0.0, -0.003), (0.016, 0.0, -0.002)),
    "ring": ((0.086, -0.003, -0.020), (0.030, 0.0, -0.002), (0.023, 0.0, -0.001)),
    "thumb": ((0.024, -0.012, 0.032), (0.026, -0.008, 0.020), (0.026, -0.002, 0.012)),
}
# From the head joint, metres. SMPL-X has these three between the body and the hands.
_FACE = {
    "jaw": (0.0, -0.01, 0.02),
    "left_eye_smplhf": (0.032, 0.06, 0.075),
    "right_eye_smplhf": (-0.032, 0.06, 0.075),
}


def _extended(with_face: bool) -> Skeleton:
    """SMPL-H's 52 joints, or SMPL-X's 55, in their order."""
    names, parents = list(SMPL24.names[:_BODY]), list(SMPL24.parents[:_BODY])
    offsets = [tuple(map(float, offset)) for offset in SMPL24.offsets_m[:_BODY]]
    if with_face:
        for name, offset in _FACE.items():
            names.append(name)
            parents.append(SMPL24.names.index("head"))
            offsets.append(offset)
    for side, mirror in (("left", 1.0), ("right", -1.0)):
        for finger, bones in _FINGERS.items():
            parent = SMPL24.names.index(f"{side}_wrist")
            for number, (x, y, z) in enumerate(bones, start=1):
                names.append(f"{side}_{finger}{number}")
                parents.append(parent)
                offsets.append((mirror * x, y, z))
                parent = len(names) - 1
    return Skeleton(tuple(names), tuple(parents), np.array(offsets), feet=(7, 8, 10, 11))


SMPLH52 = _extended(with_face=False)
"""The SMPL-H body: 22 joints and two hands of 15."""
SMPLX55 = _extended(with_face=True)
"""The SMPL-X body: 22 joints, jaw and eyes, and two hands of 15."""
_SKELETONS = {72: SMPL24, 156: SMPLH52, 165: SMPLX55}


def holds_smpl(names: Collection[str]) -> bool:
    """Whether the arrays of these names are SMPL poses rather than a clip of our own."""
    return "trans" in names and ("poses" in names or "pose_body" in names)


def read_smpl(
    path: Path, fps: float | None = None, up: str | None = None, largest: int = LARGEST
) -> Clip:
    """SMPL, SMPL-H or SMPL-X poses of an ``.npz`` as a clip without music.

    Args:
        path: the file.
        fps: frames per second, if the file gives none or a wrong one.
        up: the axis that points up, ``y`` or ``z``; Z if not given.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: an array is missing, misshapen, not finite or out of bounds.
    """
    source = str(path)
    arrays = _arrays(path, largest)
    poses = _poses(arrays, source)
    skeleton = _SKELETONS[poses.shape[1]]
    frames = len(poses)
    trans = arrays.get("trans")
    if trans is None or trans.shape != (frames, 3) or not frames:
        shape = "none" if trans is None else str(trans.shape)
        raise FileError(source, f"trans: {shape}", f"({frames}, 3), at least one frame", _CURE)
    check_size(source, len(skeleton), frames, largest)
    for name, values, limit in (("poses", poses, LARGEST_ANGLE_RAD), ("trans", trans, _LARGEST_M)):
        if not float(np.abs(values).max()) <= limit:  # false for NaN, too
            raise FileError(
                source, f"{name} is not finite or above {limit:g}", cure="download it again"
            )
    rate = fps or _rate(arrays, source)
    rotations = rot.rotvec_to_matrix(poses.reshape(frames, len(skeleton), 3).astype(np.float64))
    root_m = (trans.astype(np.float64) + SMPL_PELVIS_REST_M).astype(np.float32)
    motion = Motion(skeleton, rotations, root_m, rate)
    notes: tuple[str, ...] = ()
    # AMASS has Z up without exception, so it is not guessed from the body's posture.
    if up != "y":
        motion, notes = z_up_to_y_up(motion), (TURNED_UP,)
    meta: dict[str, Any] = {"z_up": up != "y"}
    betas = arrays.get("betas")
    # SMPL-X has up to 300 components of shape and 100 of expression.
    if betas is not None and betas.size <= 400 and np.isfinite(betas).all():
        meta["betas"] = [float(value) for value in betas.ravel()]
        if np.abs(betas).max(initial=0) > 0:
            notes = (
                *notes,
                "Its bones are those of SMPL's template; the shape (betas) is not applied.",
            )
    if "gender" in arrays:
        meta["gender"] = str(arrays["gender"])[:20]
    return Clip(
        path.stem, motion, source=source, notes=notes, meta=MappingProxyType({"smpl": meta})
    )


def _arrays(path: Path, largest: int) -> dict[str, Array]:
    """The arrays that this module uses, read without unpickling."""
    source = str(path)
    # Some files hold the gender as an object array, which would be unpickled.
    arrays = npz_arrays(path, (*_NUMBERS, *_RATES, "gender"), largest, skip_pickled=("gender",))
    for key in (*_NUMBERS, *_RATES):
        if key in arrays and arrays[key].dtype.kind not in "fiu":
            raise FileError(source, f"{key} is {arrays[key].dtype}", "numbers", _CURE)
    return arrays


def _poses(arrays: dict[str, Array], source: str) -> Float[Array, "T n"]:
    """Axis-angle vectors of all joints, from one array or concatenated from its parts."""
    if "poses" in arrays:
        poses = arrays["poses"]
    else:
        if "root_orient" not in arrays:
            raise FileError(source, "pose_body without root_orient", "both", _CURE)
        parts = [arrays["root_orient"], arrays["pose_body"]]
        hands = arrays.get("pose_hand")
        if hands is not None and "pose_jaw" in arrays and "pose_eye" in arrays:
            parts += [arrays["pose_jaw"], arrays["pose_eye"]]
        # SMPL's 24 joints end with two hands of one joint each, at rest where none are given.
        parts.append(hands if hands is not None else np.zeros((len(parts[0]), 6)))
        if len({(part.ndim, len(part)) for part in parts}) > 1 or parts[0].ndim != 2:
            raise FileError(source, "root_orient, pose_body and pose_hand do not agree", cure=_CURE)
        poses = np.concatenate(parts, axis=1)
    if poses.ndim == 3 and poses.shape[2] == 3:
        poses = poses.reshape(len(poses), -1)
    # SMPL-X without hands and face, or a body of 22 joints: hands at rest make SMPL's 24.
    if poses.ndim == 2 and poses.shape[1] == 66:
        poses = np.concatenate([poses, np.zeros((len(poses), 6))], axis=1)
    if poses.ndim != 2 or poses.shape[1] not in _SKELETONS:
        raise FileError(
            source, f"poses of shape {poses.shape}", "(T, 72), (T, 156) or (T, 165)", _CURE
        )
    return poses.astype(np.float64)


def _rate(arrays: dict[str, Array], source: str) -> float:
    for key in _RATES:
        if key in arrays and arrays[key].size == 1:
            return float(arrays[key].ravel()[0])
    raise FileError(source, "no mocap_framerate", "frames a second", "give the true frame rate")


def fits_smpl(clip: Clip) -> bool:
    """Whether the clip's joints are those of SMPL, SMPL-H or SMPL-X."""
    return any(clip.motion.skeleton.same_joints(skeleton) for skeleton in _SKELETONS.values())


def write_smpl(clip: Clip, path: Path) -> None:
    """Write a clip on an SMPL body in AMASS's layout: ``poses`` (T, 156) or (T, 165), Z up.

    A body of SMPL's 24 joints is written with the fingers of SMPL-H at rest.

    Raises:
        FileError: the clip is on another skeleton, or the file cannot be written.
    """
    if not fits_smpl(clip):
        raise FileError(
            str(path),
            f"the clip has a skeleton of {len(clip.motion.skeleton)} joints that is not SMPL's",
            "the joints of SMPL, SMPL-H or SMPL-X",
            "save it as .bvh or .npz",
        )
    # The layout has Z up, whatever the clip's own file had.
    motion = y_up_to_z_up(clip.motion)
    vectors = rot.matrix_to_rotvec(motion.rotations).reshape(len(motion), -1).astype(np.float64)
    if vectors.shape[1] == 72:
        # AMASS holds SMPL-H, which shares 22 joints with SMPL and lacks SMPL's two hand joints.
        hands = np.zeros((len(motion), 90))
        vectors = np.concatenate([vectors[:, : 3 * _BODY], hands], axis=1)
    kept = clip.meta.get("smpl", {})
    kept = kept if isinstance(kept, dict) else {}
    betas = kept.get("betas")
    content: dict[str, Any] = {
        "poses": vectors,
        "trans": motion.root_m.astype(np.float64) - SMPL_PELVIS_REST_M,
        "mocap_framerate": np.float64(motion.fps),
        "betas": np.array(betas if isinstance(betas, list) else [0.0] * 16, dtype=np.float64),
        "gender": str(kept.get("gender", "neutral")),
    }
    write_atomically(path, lambda file: np.savez_compressed(file, **content))


def as_smpl(motion: Motion) -> Motion:
    """The motion with its joints in SMPL's order, if they are exactly SMPL's; else unchanged."""
    # BVH and FBX nest joints depth first, SMPL orders them by level, and networks identify them by
    # index.
    names = motion.skeleton.names
    if names == SMPL24.names or set(names) != set(SMPL24.names):
        return motion
    order = [names.index(name) for name in SMPL24.names]
    parents = tuple(
        order.index(motion.skeleton.parents[j]) if motion.skeleton.parents[j] >= 0 else -1
        for j in order
    )
    # The same names in another tree are another body.
    if parents != SMPL24.parents:
        return motion
    tips = tuple((order.index(j), tip) for j, tip in motion.skeleton.end_sites)
    skeleton = Skeleton(SMPL24.names, parents, motion.skeleton.offsets_m[order], end_sites=tips)
    return Motion(skeleton, motion.rotations[:, order], motion.root_m, motion.fps)

"""AIST++ motions: pickles of SMPL poses, 60 frames a second.

Their names give genre, dancer, music and choreography. ``smpl_poses`` (T, 72) are 24 axis-angle
vectors in radians. ``smpl_trans`` (T, 3) moves the body's origin, in units of ``smpl_scaling``:
metres = trans / scaling. The pelvis stands ``SMPL_PELVIS_REST_M`` away from that origin (Li et al.
2021, *AI Choreographer*; google/aistplusplus_api).
"""

import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError, SpecError
from mmm.io.body import TURNED_UP, is_z_up, z_up_to_y_up
from mmm.io.files import LARGEST, check_size
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24, SMPL_PELVIS_REST_M
from mmm.music.features import bpm_of_aist
from mmm.storage import write_atomically

Array = np.ndarray

AIST_FPS = 60.0
"""AIST++ motions are 60 frames a second."""
EDGE_FPS = 30.0
"""Motions of EDGE (Tseng et al. 2023) and of models that follow it are 30 frames a second."""
LARGEST_ANGLE_RAD = 1e4
"""Larger rotation vectors are not poses: float32 no longer resolves their angle."""
# In the file's units, which AIST++ makes about a centimetre; only damaged floats are larger.
_LARGEST_TRANSLATION = 1e9
# The scalings of AIST++ lie between 85 and 95. Clips from other formats are written with this one.
_DEFAULT_SCALING = 90.0

# What follows the name may be `_part2`, `.smpl` or ` (1)`, as programs and browsers add it.
_NAME = re.compile(
    r"g(?P<genre>[A-Z]{2})_s(?P<situation>[A-Z]{2})_c(?P<camera>[A-Za-z0-9]+)_d(?P<dancer>\d{2})"
    r"_m(?P<music>[A-Z]{2}\d)_ch(?P<choreography>\d{2})(?=$|[_.\s-])"
)


@dataclass(frozen=True)
class AistName:
    """The parts of an AIST++ file name."""

    genre: str
    """Two letters: BR break, HO house, JB ballet jazz, JS street jazz, KR krump, LH LA hip-hop, LO
    lock, MH middle hip-hop, PO pop, WA waack."""
    situation: str
    """Two letters: BM basic dance, FM advanced dance."""
    camera: str
    """``All`` for AIST++ motions, else a camera's number."""
    dancer: str
    """Two digits."""
    music: str
    """Music id, for example ``BR0``; the recording is ``mBR0.wav``."""
    choreography: str
    """Two digits."""

    @property
    def tempo_bpm(self) -> float:
        """Beats per minute, fixed by the music id."""
        return bpm_of_aist(self.music)

    @property
    def list_name(self) -> str:
        """The name as the split lists write it (all cameras)."""
        start = f"g{self.genre}_s{self.situation}_cAll_d{self.dancer}"
        return f"{start}_m{self.music}_ch{self.choreography}"


def parse_aist_name(name: str) -> AistName | None:
    """The parts of a name such as ``gBR_sBM_cAll_d04_mBR0_ch01``, or None for other names."""
    match = _NAME.match(name)
    return AistName(**match.groupdict()) if match else None


def split_of(path: Path) -> str:
    """The split that a file belongs to.

    Returns:
        ``train``, ``val`` or ``test`` by the ``crossmodal_*.txt`` lists of a ``splits`` folder
        beside the file or its folder; empty if none lists it.
    """
    name = parse_aist_name(path.stem)
    if name is None:
        return ""
    # AIST++ ships `splits` beside `motions`; a copy of a few files often has it inside.
    for folder in (path.parent / "splits", path.parent.parent / "splits"):
        for split in ("train", "val", "test"):
            listed = folder / f"crossmodal_{split}.txt"
            if listed.is_file() and name.list_name in listed.read_text(encoding="utf-8").split():
                return split
    return ""


def _numbers(
    content: dict[str, Any],
    key: str,
    columns: int,
    source: str,
    largest: float = _LARGEST_TRANSLATION,
) -> np.ndarray:
    """An array of the file, reshaped to one row per frame."""
    value = content.get(key)
    if not isinstance(value, np.ndarray):
        raise FileError(
            source,
            f"no array {key}",
            "smpl_poses, smpl_trans and smpl_scaling",
            "choose a file of AIST++'s motions folder",
        )
    # Only the size is checked, so poses of shape (T, 24, 3) are accepted too.
    if value.dtype.kind not in "fiu" or value.ndim < 1 or value.size % columns:
        raise FileError(
            source,
            f"{key} is {value.dtype} of shape {value.shape}",
            f"numbers, {columns} per frame",
            "choose a file of AIST++'s motions folder",
        )
    if not np.isfinite(value).all():
        bad = int(np.argmin(np.isfinite(value.reshape(-1, columns)).all(axis=1)))
        raise FileError(
            source, f"{key} is not a finite number in frame {bad}", cure="download it again"
        )
    if value.size and float(np.abs(value).max()) > largest:
        raise FileError(
            source,
            f"{key} goes up to {np.abs(value).max():.3g}",
            f"at most {largest:g}",
            "download it again",
        )
    return value.reshape(-1, columns)


def read_aist(
    content: dict[str, Any],
    path: Path,
    unit_m: float | None = None,
    fps: float | None = None,
    up: str | None = None,
    largest: int = LARGEST,
) -> Clip:
    """An AIST++ ``.pkl`` as a clip without music.

    Files with the same keys but without ``smpl_scaling`` are read, too. EDGE (Tseng et al. 2023)
    and models that follow it write them at 30 frames a second, with Z up and in metres. They are
    recognised by ``full_pose``, the positions that EDGE adds, or by a body that stands along Z.

    Args:
        content: the file's arrays, see :func:`mmm.io.pickles.unpickle_arrays`.
        path: the file.
        unit_m: metres per unit of translation, for files without ``smpl_scaling``.
        fps: frames per second, where not AIST++'s 60 or EDGE's 30.
        up: the axis that points up, ``y`` or ``z``, where not as the kind of file has it.
        largest: joints times frames of the longest file that is read.

    Raises:
        FileError: an array missing, misshapen, not finite or out of bounds,
            or no frame.
        SpecError: a unit for a file that has ``smpl_scaling``.
    """
    source = str(path)
    content = _one_take(content)
    poses = _numbers(content, "smpl_poses", 72, source, LARGEST_ANGLE_RAD)
    trans = _numbers(content, "smpl_trans", 3, source)
    if len(poses) != len(trans) or not len(poses):
        raise FileError(
            source,
            f"{len(poses)} poses and {len(trans)} translations",
            "as many of both, at least one",
            "download it again",
        )
    # The check comes before the matrices, which take three times the memory of the vectors.
    check_size(source, 24, len(poses), largest)
    rotations = rot.rotvec_to_matrix(poses.reshape(len(poses), 24, 3))
    if "smpl_scaling" not in content:
        motion, notes, z_up = _without_scaling(
            rotations, trans, "full_pose" in content, unit_m, fps, up
        )
        meta: dict[str, Any] = {"z_up": z_up}
    else:
        if unit_m is not None:
            raise SpecError(
                "unit",
                f"{path.name} states its own, smpl_scaling",
                "a unit for files that state none",
                "leave it out",
            )
        scaling = float(_numbers(content, "smpl_scaling", 1, source)[0, 0])
        # With a smaller scaling, positions would exceed the precision of float32.
        if not scaling > 1e-6:
            raise FileError(
                source, f"smpl_scaling is {scaling:g}", "a positive number", "download it again"
            )
        # SMPL's `trans` moves the model's origin; the pelvis joint rests beside it, not on it.
        root_m = (trans.astype(np.float64) / scaling + SMPL_PELVIS_REST_M).astype(np.float32)
        motion, notes = Motion(SMPL24, rotations, root_m, fps or AIST_FPS), ()
        if up == "z":
            motion, notes = z_up_to_y_up(motion), (TURNED_UP,)
        meta = {"smpl_scaling": scaling}
        # The fitting error of AIST++'s authors, kept so that a file can be written back whole.
        if isinstance(content.get("smpl_loss"), float):
            meta["smpl_loss"] = content["smpl_loss"]
    return Clip(
        path.stem,
        motion,
        source=source,
        split=split_of(path),
        notes=notes,
        meta=MappingProxyType({"aist": meta}),
    )


def _one_take(content: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a pickle; of a single named take, those inside it."""
    # PHC and other retargeting code write joblib files of {take name: arrays}.
    takes = [value for value in content.values() if isinstance(value, dict)]
    return takes[0] if len(takes) == len(content) == 1 else content


def _without_scaling(
    rotations: Float[Array, "T 24 3 3"],
    trans: Float[Array, "T 3"],
    has_positions: bool,
    unit_m: float | None,
    fps: float | None,
    up: str | None,
) -> tuple[Motion, tuple[str, ...], bool]:
    """The motion of a file without ``smpl_scaling``, notes, and whether it had Z up."""
    root_m = trans.astype(np.float64) * (unit_m or 1.0) + SMPL_PELVIS_REST_M
    root_m = root_m.astype(np.float32)
    like_edge = has_positions or is_z_up(SMPL24, rotations, root_m)
    z_up = like_edge if up is None else up == "z"
    rate = fps or (EDGE_FPS if like_edge else AIST_FPS)
    motion = Motion(SMPL24, rotations, root_m, rate)
    unit = "metres" if unit_m is None else f"units of {unit_m:g} m"
    note = (
        f"It has no smpl_scaling: read as EDGE writes, {rate:g} frames a second and "
        f"{'Z' if z_up else 'Y'} up, translations in {unit}."
        if like_edge
        else f"It has no smpl_scaling: translations were taken for {unit}, at {rate:g} frames a "
        "second; give the true unit and frame rate if that is wrong."
    )
    return (z_up_to_y_up(motion) if z_up else motion), (note,), z_up


def _positive(value: object, default: float) -> float:
    """A number from a clip's meta; the default if it is not a positive number."""
    # Clips keep their meta in `.npz` files, which others may have edited.
    return float(value) if isinstance(value, int | float) and 0 < value < 1e9 else default


def fits_aist(clip: Clip) -> bool:
    """Whether AIST++'s layout can hold the clip: its body is SMPL's, bone by bone."""
    # The layout has no bone lengths, so a reader puts the poses on the template.
    skeleton = clip.motion.skeleton
    return skeleton.same_joints(SMPL24) and bool(
        np.abs(skeleton.offsets_m - SMPL24.offsets_m).max() <= 1e-4
    )


def write_aist(clip: Clip, path: Path) -> None:
    """A clip on the SMPL body in AIST++'s layout.

    The layout has no frame rate, so other rates are resampled to AIST++'s 60.

    Raises:
        FileError: the clip's skeleton is not SMPL's, or the file cannot be written.
    """
    if not fits_aist(clip):
        raise FileError(
            str(path),
            f"the clip has a skeleton of {len(clip.motion.skeleton)} joints that is not SMPL's",
            "the 24-joint SMPL body, the only one an AIST++ file can hold",
            "save it as .bvh or .npz",
        )
    motion = clip.motion.resample(AIST_FPS)
    kept = clip.meta.get("aist", {})
    kept = kept if isinstance(kept, dict) else {}
    scaling = np.float32(_positive(kept.get("smpl_scaling"), _DEFAULT_SCALING))
    trans = (motion.root_m.astype(np.float64) - SMPL_PELVIS_REST_M) * float(scaling)
    content: dict[str, Any] = {
        "smpl_poses": rot.matrix_to_rotvec(motion.rotations).reshape(-1, 72),
        "smpl_trans": trans.astype(np.float32),
        "smpl_scaling": np.array([scaling], dtype=np.float32),
    }
    if isinstance(kept.get("smpl_loss"), float):
        content["smpl_loss"] = kept["smpl_loss"]
    # Python 3.4 and later read protocol 4, so older training code opens the file, too.
    write_atomically(path, lambda file: pickle.dump(content, file, protocol=4))

"""Clips from joint positions: rotations are solved on a skeleton with constant bones.

``mmm.motion.positions_solver`` finds the rotations, and the clip's notes report the distance of its
joints from the file's.
"""

from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.motion.clip import Clip, Motion
from mmm.motion.positions_solver import bone_lengths, solve_positions
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

# Features that were not denormalised integrate to paths of many kilometres.
_LARGEST_M = 1e4
_CALIBRATIONS = 2


def check_positions(positions_m: Float[Array, "T J 3"], source: str) -> None:
    """Refuse positions that no skeleton can be fitted to.

    Raises:
        FileError: no frame, or positions that are not finite or far away.
    """
    if not len(positions_m) or not float(np.abs(positions_m).max()) <= _LARGEST_M:
        raise FileError(
            source,
            "positions are none, not finite, or far away",
            f"metres, at most {_LARGEST_M:g}",
            "export it again",
        )


def fitted_clip(
    path: Path,
    positions_m: Float[Array, "T J 3"],
    skeleton: Skeleton,
    fps: float,
    kind: str,
    notes: tuple[str, ...] = (),
    added: int = 0,
) -> Clip:
    """The clip whose joints are nearest to given positions.

    Args:
        path: the file.
        positions_m: world positions of the skeleton's joints, metres and Y up.
        skeleton: the skeleton to fit; its bone lengths stay.
        fps: frames per second.
        kind: the format's name, under which the clip keeps the residual.
        notes: the reader's other notes.
        added: number of joints, from the first, that the file does not have itself; they do not
            count in the residual.
    """
    rotations, root_m, residual_m = solve_positions(positions_m, skeleton)
    residual_m = residual_m[:, added:]
    note = (
        f"Its rotations are solved from positions, which do not determine the twist of a bone about "
        f"its own axis; joints end {np.median(residual_m) * 1000:.1f} mm (median) and at most "
        f"{residual_m.max() * 1000:.0f} mm from the file's."
    )
    return Clip(
        path.stem,
        Motion(skeleton, rotations, root_m, fps),
        source=str(path),
        notes=(*notes, note),
        meta=MappingProxyType({kind: {"residual_m": float(np.median(residual_m))}}),
    )


def with_bone_lengths(
    positions_m: Float[Array, "T J 3"],
    names: tuple[str, ...],
    parents: tuple[int, ...],
    template_m: Float[Array, "J 3"],
    feet: tuple[int, ...] = (),
) -> Skeleton:
    """A skeleton with the bone directions of a template and the bone lengths of a recording."""
    offsets = np.asarray(template_m, dtype=np.float64)
    template = np.linalg.norm(offsets, axis=1)
    lengths = bone_lengths(positions_m, parents)
    # The root has no bone, so its template length is zero.
    scale = np.divide(lengths, template, out=np.zeros(len(offsets)), where=template > 0)
    return Skeleton(names, parents, offsets * scale[:, None], feet=feet)


def calibrated(positions_m: Float[Array, "T J 3"], skeleton: Skeleton) -> Skeleton:
    """The skeleton with the recording's own bone directions at branching joints.

    A template may have wider hips or another head. The rotation of a joint with several children is
    determined by them, so their offsets can be replaced by the medians of the recorded ones in that
    joint's frame.
    """
    branches = [
        j for j in range(len(skeleton)) if sum(parent == j for parent in skeleton.parents) > 1
    ]
    for _ in range(_CALIBRATIONS):
        rotations, root_m, _ = solve_positions(positions_m, skeleton)
        world = Motion(skeleton, rotations, root_m, 1.0).world_rotations()
        offsets = skeleton.offsets_m.astype(np.float64)
        for j, parent in enumerate(skeleton.parents):
            if parent in branches:
                bones = positions_m[:, j] - positions_m[:, parent]
                offsets[j] = np.median(np.einsum("tba,tb->ta", world[:, parent], bones), axis=0)
        skeleton = Skeleton(skeleton.names, skeleton.parents, offsets, feet=skeleton.feet)
    return skeleton


def without_gaps(
    positions: Float[Array, "T J 3"], source: str
) -> tuple[Float[Array, "T J 3"], tuple[str, ...]]:
    """Positions with missing joints (NaN) interpolated over time, and a note.

    Raises:
        FileError: a joint is in no frame, there is no frame, or positions are far away.
    """
    lost = ~np.isfinite(positions).all(axis=-1)
    if not lost.any():
        check_positions(positions, source)
        return positions, ()
    filled, frames = positions.copy(), np.arange(len(positions))
    for j in np.flatnonzero(lost.any(axis=0)):
        seen = ~lost[:, j]
        if not seen.any():
            raise FileError(source, f"joint {j + 1} is in no frame", "positions", "export it again")
        for axis in range(3):
            filled[lost[:, j], j, axis] = np.interp(
                frames[lost[:, j]], frames[seen], positions[seen, j, axis]
            )
    check_positions(filled, source)
    share = lost.mean()
    return filled, (f"{share:.1%} of its joint positions are missing; they are interpolated.",)

"""Clips of joint positions: rotations are solved on a skeleton with constant bones.

Positions carry no rotations. ``mmm.motion.positions_solver`` finds them, and the clip's notes say
how far the joints end from where the file has them.
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

# Normalised features that nobody denormalised sum up to walks of many kilometres.
_LARGEST_M = 1e4
_CALIBRATIONS = 2


def check_positions(positions_m: Float[Array, "T J 3"], source: str) -> None:
    """Refuse what no skeleton can be made of.

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
    """The clip whose joints come nearest to positions.

    Args:
        path: the file.
        positions_m: world positions of the skeleton's joints, metres and Y up.
        skeleton: the bones to move; their lengths stay.
        fps: frames per second.
        kind: the format's name, under which the clip keeps the residual.
        notes: what the reader has to say so far.
        added: how many joints, from the first, the file does not have itself.
    """
    rotations, root_m, residual_m = solve_positions(positions_m, skeleton)
    residual_m = residual_m[:, added:]
    note = (
        f"Its rotations are solved from positions, which leaves the turn of a bone about itself "
        f"open; joints end {np.median(residual_m) * 1000:.1f} mm (median) and at most "
        f"{residual_m.max() * 1000:.0f} mm from the file's."
    )
    return Clip(
        path.stem,
        Motion(skeleton, rotations, root_m, fps),
        source=str(path),
        notes=(*notes, note),
        meta=MappingProxyType({kind: {"residual_m": float(np.median(residual_m))}}),
    )


def of_lengths(
    positions_m: Float[Array, "T J 3"],
    names: tuple[str, ...],
    parents: tuple[int, ...],
    template_m: Float[Array, "J 3"],
    feet: tuple[int, ...] = (),
) -> Skeleton:
    """The template's directions with the bone lengths of the recording."""
    offsets = np.asarray(template_m, dtype=np.float64)
    template = np.linalg.norm(offsets, axis=1)
    lengths = bone_lengths(positions_m, parents)
    # The root has no bone, so its template length is zero.
    scale = np.divide(lengths, template, out=np.zeros(len(offsets)), where=template > 0)
    return Skeleton(names, parents, offsets * scale[:, None], feet=feet)


def calibrated(positions_m: Float[Array, "T J 3"], skeleton: Skeleton) -> Skeleton:
    """The skeleton with branches as the recording has them.

    A template may have wider hips or another head. Where a joint's rotation is known from several
    bones, their directions are the medians of where the recording has them in that joint's frame.
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
    """Positions in which joints that a camera lost are interpolated over time, and a note.

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

"""The motion of a body of nodes, from their world matrices.

A node's world matrix includes pivots, scales and whatever else the format composes. A clip has only
rotations and constant bones. So a joint's rotation is the one nearest to its world matrix, and its
offset is the median position of the node in its parent's frame.

The rest pose of the clip, in which no joint is rotated, is the bind pose of the skin, or the
scene's own pose if there is no skin. This makes clips independent of the local frames of joints,
which some programs align with the bones and others with the world.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mmm.errors import FileError
from mmm.io.body import body_height, unit_name, unit_notes
from mmm.io.choosing import Choice
from mmm.io.nodes.tree import Body
from mmm.io.smpl import as_smpl
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import nearest_rotation, project_to_so3
from mmm.motion.skeleton import Skeleton, ancestors, forward_kinematics, subtree

Array = np.ndarray

# Metres. A node that moves farther than this in its parent's frame is not at the end of a bone.
_MOVING_M = 1e-3


def rest_rotations(
    body: Body, static: Float[Array, "J 4 4"], bind: Float[Array, "J 4 4"]
) -> Float[Array, "J 3 3"]:
    """World rotations of the joints in the rest pose.

    Args:
        body: the joints.
        static: world matrices of the scene without animation.
        bind: world matrices in the bind pose; NaN for joints without skin, which keep the scene's
            rotation relative to their parent.
    """
    still = _rotations(static)
    bound = _rotations(np.where(np.isfinite(bind), bind, 0.0))
    rest = np.empty((len(body.nodes), 3, 3))
    for j, parent in enumerate(body.parents):
        if np.isfinite(bind[j]).all():
            rest[j] = bound[j]
        elif parent < 0:
            rest[j] = still[j]
        else:
            rest[j] = rest[parent] @ still[parent].T @ still[j]
    return rest


@dataclass(frozen=True)
class Unit:
    """The unit of length of a file."""

    metres: float
    given: bool
    """Whether the user gave it."""
    origin: str
    """Words that tell the unit's origin in a note, if the user did not give it."""


def body_clip(
    body: Body,
    world: Float[Array, "T J 4 4"],
    rest: Float[Array, "J 3 3"],
    fps: float,
    path: Path,
    kind: str,
    unit: Unit,
    takes: Choice,
    notes: tuple[str, ...],
) -> Clip:
    """The clip of a body.

    Args:
        body: the joints.
        world: their world matrices in every frame, metres and Y up.
        rest: their world rotations in the rest pose.
        fps: frames per second.
        path: the file.
        kind: the format's name, under which the clip keeps the unit.
        unit: the file's unit of length.
        takes: the takes of the file.
        notes: the reader's other notes.

    Raises:
        FileError: a value is not finite.
    """
    motion, more = body_motion(body, world, rest, fps, str(path))
    # A body of few joints has no meaningful height.
    if len(body.nodes) > 4:
        height = body_height(motion.skeleton)
        more += unit_notes(height, unit_name(unit.metres), unit.given, unit.origin)
    choice = {} if body.bodies is None else body.bodies.to_meta()
    meta = {kind: {"unit_m": float(unit.metres)}, **takes.to_meta(), **choice}
    notes = (*takes.notes(), *notes, *more)
    return Clip(path.stem, motion, source=str(path), notes=notes, meta=MappingProxyType(meta))


def body_motion(
    body: Body,
    world: Float[Array, "T J 4 4"],
    rest: Float[Array, "J 3 3"],
    fps: float,
    source: str,
) -> tuple[Motion, tuple[str, ...]]:
    """The motion of a body, and notes.

    Args:
        body: the joints.
        world: their world matrices in every frame, metres and Y up.
        rest: their world rotations in the rest pose.
        fps: frames per second.
        source: the file's name, for messages.

    Raises:
        FileError: a value is not finite.
    """
    if not np.isfinite(world).all() or not np.isfinite(rest).all():
        raise FileError(source, "a joint's place is not a finite number", cure="export it again")
    positions = world[..., :3, 3]
    # Relative to the rest pose, so that the joints' local frames cancel.
    rotations = _rotations(world) @ np.swapaxes(rest, -1, -2)
    above = [max(parent, 0) for parent in body.parents]
    local_positions = np.einsum(
        "tjba,tjb->tja", rotations[:, above], positions - positions[:, above]
    )
    offsets = np.median(local_positions, axis=0)
    moving = np.abs(local_positions - offsets).max(axis=(0, 2)) > _MOVING_M
    top = _moving_root(body.parents, moving)
    keep = subtree(body.parents, top)
    parents = tuple(keep.index(body.parents[j]) if j != top else -1 for j in keep)
    offsets = np.where(np.arange(len(offsets))[:, None] == top, positions[0, top], offsets)[keep]
    local = np.swapaxes(rotations[:, above], -1, -2) @ rotations
    local[:, top] = rotations[:, top]
    skeleton = Skeleton(tuple(body.names[j] for j in keep), parents, offsets)
    motion = Motion(
        skeleton, project_to_so3(local[:, keep])[0], positions[:, top].astype(np.float32), fps
    )
    notes = () if body.bodies is None else body.bodies.notes()
    if len(keep) < len(body.nodes):
        dropped = len(body.nodes) - len(keep)
        notes += (
            f"{body.names[top]} is the root; {dropped} joints above or beside it are left out.",
        )
    notes += _stretch_notes(motion, positions[:, keep])
    return as_smpl(motion), notes


def _stretch_notes(motion: Motion, positions: Float[Array, "T J 3"]) -> tuple[str, ...]:
    """A note if the file's bones change their lengths, which those of a clip cannot."""
    reached, _ = forward_kinematics(motion.skeleton, motion.rotations, motion.root_m)
    error_m = np.linalg.norm(reached - positions, axis=-1)
    if error_m.max() <= _MOVING_M:
        return ()
    worst = motion.skeleton.names[int(error_m.max(axis=0).argmax())]
    return (
        f"Its bones change their lengths, and a clip's do not: joints end up to "
        f"{error_m.max() * 1000:.0f} mm from the file's ({worst}), "
        f"{np.median(error_m) * 1000:.1f} mm in the median.",
    )


def _moving_root(parents: Sequence[int], moving: Array) -> int:
    """The joint that moves the whole body.

    Game engines put the body under a root on the floor, and control rigs put it under controls. The
    search descends from the root to joints that move in their parent's frame and have more than
    half of all joints below them.
    """
    sizes = np.ones(len(parents), dtype=int)
    for j in range(len(parents) - 1, 0, -1):
        sizes[parents[j]] += sizes[j]
    top = 0
    # Such a joint need not be a direct child: below any ancestor, its motion cannot be a bone's.
    for j in range(1, len(parents)):
        if moving[j] and 2 * sizes[j] > len(parents) and top in ancestors(parents, j):
            top = j
    return top


def _rotations(matrices: Float[Array, "*b 4 4"]) -> Float[Array, "*b 3 3"]:
    """The rotations nearest to matrices with scales; matrices that mirror are negated first."""
    linear = np.asarray(matrices, dtype=np.float64)[..., :3, :3]
    # Normalised columns remove scales, and the SVD of an almost orthogonal matrix is accurate.
    lengths = np.linalg.norm(linear, axis=-2, keepdims=True)
    unit = np.divide(linear, lengths, out=np.zeros_like(linear), where=lengths > 1e-300)
    mirrored = np.linalg.det(unit) < 0
    unit = np.where(mirrored[..., None, None], -unit, unit)
    return nearest_rotation(unit)

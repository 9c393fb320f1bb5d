"""Methods that fill gaps: the published baselines, inertial fill, the spline, and a network."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from mmm.checkpoints import load_model
from mmm.interpolation.inertial import inertial_positions, inertial_rotations
from mmm.models import MaskedMotionModel
from mmm.motion import rotations as rot
from mmm.motion.clip import Clip, Motion
from mmm.recovery.recover import recover
from training.benchmark.protocol import Filler, Filling
from training.benchmark.spline import last_segment
from training.benchmark.windows import FPS, PAST, Windows

Array = np.ndarray

NEARLY_ALIKE = 0.99
"""Above this dot product (below 16 degrees) the published code interpolates quaternions
linearly."""


def zero_velocity(shown: Windows) -> Filling:
    """The last known pose, repeated."""
    return shown.rotations[:, PAST:-1], shown.root_m[:, PAST:-1]


def interpolation(shown: Windows) -> Filling:
    """Slerp of local rotations and a straight line for the root, as published."""
    gap = shown.root_m.shape[1] - PAST - 1
    share = np.arange(1, gap + 1) / (gap + 1)
    root = shown.root_m.astype(np.float64)
    start, end = (
        rot.matrix_to_quat_wxyz(shown.rotations[:, frame]).astype(np.float64)[:, None]
        for frame in (PAST - 1, -1)
    )
    cosine = (start * end).sum(-1, keepdims=True)
    # q and -q are one rotation. The nearer of the two gives the shorter way.
    end, cosine = np.where(cosine < 0, -end, end), np.abs(cosine)
    # The bound keeps sin(angle) away from zero where the linear branch is taken.
    angle = np.arccos(np.minimum(cosine, NEARLY_ALIKE))
    along = share[:, None, None]
    alike = cosine > NEARLY_ALIKE
    weights = [
        np.where(alike, part, np.sin(part * angle) / np.sin(angle)) for part in (1 - along, along)
    ]
    rotations = rot.quat_wxyz_to_matrix(weights[0] * start + weights[1] * end)
    root_m = root[:, PAST - 1, None] + share[:, None] * (root[:, -1] - root[:, PAST - 1])[:, None]
    return rotations, root_m.astype(np.float32)


def inertial(shown: Windows) -> Filling:
    """``mmm.interpolation.baselines.inertial``; the last two known poses give the speed before the
    gap."""
    times, missing = _known_and_missing(shown)
    keys, root = _keys(shown)
    rotations = inertial_rotations(times, np.moveaxis(keys, 0, 1), missing, FPS)
    root_m = inertial_positions(times, np.moveaxis(root, 0, 1), missing, FPS)
    return np.moveaxis(rotations, 0, 1).astype(np.float32), np.moveaxis(root_m, 0, 1).astype(
        np.float32
    )


def _known_and_missing(shown: Windows) -> tuple[Int[Array, "11"], Int[Array, "G"]]:
    gap = shown.root_m.shape[1] - PAST - 1
    return np.append(np.arange(PAST), PAST + gap), np.arange(PAST, PAST + gap)


def _keys(shown: Windows) -> tuple[Float[Array, "W 11 J 3 3"], Float[Array, "W 11 3"]]:
    """The known poses of all windows."""
    known = [*range(PAST), -1]
    return shown.rotations[:, known].astype(np.float64), shown.root_m[:, known].astype(np.float64)


def spline(shown: Windows) -> Filling:
    """``mmm.interpolation.baselines.spline``: through the ten known poses and the target, the root
    along a natural cubic spline."""
    known, missing = _known_and_missing(shown)
    times, gap = known.astype(float), len(missing)
    keys, root = _keys(shown)
    windows, _, joints = keys.shape[:3]
    # `last_segment` takes one joint of one window in each row.
    rows = np.moveaxis(keys, 2, 1).reshape(windows * joints, len(times), 3, 3)
    rotvecs = last_segment(times, rows, missing - times[-2])  # from the last known pose on
    turned = (
        Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix().reshape(windows, joints, gap, 3, 3)
    )
    rotations = keys[:, PAST - 1, None] @ np.moveaxis(turned, 1, 2)
    return rotations.astype(np.float32), CubicSpline(times, root, axis=1, bc_type="natural")(
        missing
    ).astype(np.float32)


BASELINES: dict[str, Filler] = {
    "zero-velocity": zero_velocity,
    "interpolation": interpolation,
    "inertial": inertial,
    "spline": spline,
}
"""Baselines by name, from the simplest to the most elaborate."""


def row_name(checkpoint: Path) -> str:
    """The name of a checkpoint in tables, which never equals that of a baseline."""
    name = checkpoint.resolve().name
    return f"{name} network" if name in BASELINES else name


def recovery(model: MaskedMotionModel, shown: Windows) -> Filling:
    """``mmm.recover`` of one window after another."""
    gap = slice(PAST, shown.root_m.shape[1] - 1)
    hidden = np.zeros(shown.rotations.shape[1:3], dtype=bool)
    hidden[gap] = True
    motions = []
    for offsets_m, rotations, root_m, label in zip(
        shown.offsets_m, shown.rotations, shown.root_m, shown.labels, strict=True
    ):
        # The windows of a batch differ in bone lengths, so each gets a skeleton of its own.
        clip = Clip(
            label, Motion(replace(shown.skeleton, offsets_m=offsets_m), rotations, root_m, FPS)
        )
        motions.append(recover(model, clip, hidden).recovered.motion)
    return np.stack([m.rotations[gap] for m in motions]), np.stack([m.root_m[gap] for m in motions])


def network(checkpoint: Path, workers: int, stack: ExitStack) -> Filler:
    """A checkpoint as a filler.

    Args:
        checkpoint: its folder.
        workers: processes that share the windows; with one it runs in this process.
        stack: ends the processes.

    Raises:
        ModelError: it cannot be loaded.
    """
    # Loaded here even if workers load it again: a faulty checkpoint then fails with a clear error
    # instead of breaking the pool.
    model = load_model(checkpoint)
    if workers == 1:
        return partial(recovery, model)
    # Spawned, because a forked process can deadlock on the threads that torch has started.
    pool = stack.enter_context(
        ProcessPoolExecutor(workers, get_context("spawn"), _start, (checkpoint,))
    )

    def fill(shown: Windows) -> Filling:
        parts = [
            shown.take(part) for part in np.array_split(np.arange(len(shown)), workers) if len(part)
        ]
        rotations, root_m = zip(*pool.map(_fill, parts), strict=True)
        return np.concatenate(rotations), np.concatenate(root_m)

    return fill


# A worker loads the network once. The tasks of a pool can reach it only through a global.
_in_this_process: list[MaskedMotionModel] = []


def _start(checkpoint: Path) -> None:
    torch.set_num_threads(1)  # parallelism comes from the processes
    _in_this_process.append(load_model(checkpoint))


def _fill(shown: Windows) -> Filling:
    return recovery(_in_this_process[0], shown)

"""How fast motion files are read: ``python -m tests.benchmarks.file_speed``.

A BVH of 22 joints in LAFAN1's layout, read by this project and by bvhio in turn, and SMPL poses of
10,000 frames as AMASS has them. With ``--profile`` the functions in which the time goes are named.

Not a test: times depend on the machine, which the first line names. The ratio to bvhio, taken in
the same run, does so less.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import mmm
from mmm.motion.clip import Clip, Motion
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.benchmarks.page_speed import machine

JOINTS = 22
AMASS_FRAMES = 10_000
SHOWN = 14


def moving(skeleton: Skeleton, frames: int) -> Motion:
    """Every joint swings."""
    phase = np.arange(frames)[:, None, None] / 60 + np.arange(len(skeleton))[:, None]
    rotations = rotvec_to_matrix(np.sin(phase + np.arange(3)).astype(np.float32))
    return Motion(skeleton, rotations, np.zeros((frames, 3), np.float32), 60.0)


def body(joints: int) -> Skeleton:
    """The first joints of SMPL's body."""
    return Skeleton(SMPL24.names[:joints], SMPL24.parents[:joints], SMPL24.offsets_m[:joints])


def by_bvhio(path: Path) -> object:
    """The hierarchy of joints with all of their poses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # PyGLM's old name
        import bvhio
    return bvhio.readAsHierarchy(str(path))


def seconds(read: Callable[[], object]) -> float:
    """Processor time of one call: readers use one core, and others may use the machine too."""
    started = time.process_time()
    read()
    return time.process_time() - started


def profiled(read: Callable[[], object]) -> None:
    """Print where the time of a call goes."""
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(read)
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(SHOWN)


def main() -> None:
    """Print one line for each reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="frames of the BVH")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        bvh, amass = Path(folder) / "walk.bvh", Path(folder) / "walk.smpl.npz"
        mmm.save_clip(Clip("walk", moving(body(JOINTS), asked.frames)), bvh)
        mmm.save_clip(Clip("walk", moving(SMPL24, AMASS_FRAMES)), amass)
        readers: dict[str, Callable[[], object]] = {
            "BVH": lambda: mmm.load_clip(bvh),
            "BVH by bvhio": lambda: by_bvhio(bvh),
            "AMASS": lambda: mmm.load_clip(amass),
        }
        # In turn, so that a busy moment of the machine falls on all of them.
        times = {name: [] for name in readers}
        for _ in range(asked.repeats):
            for name, read in readers.items():
                times[name].append(seconds(read))
        for name, taken in times.items():
            frames = AMASS_FRAMES if name == "AMASS" else asked.frames
            print(
                f"{name:13} {frames} frames {min(taken):7.2f} s {frames / min(taken):9.0f} frames/s"
            )
        print(f"bvhio takes {min(times['BVH by bvhio']) / min(times['BVH']):.0f} times as long")
        if asked.profile:
            for name in ("BVH", "AMASS"):
                profiled(readers[name])


if __name__ == "__main__":
    main()

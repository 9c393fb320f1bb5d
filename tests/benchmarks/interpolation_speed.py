"""How long gap fills without a network take: ``python -m tests.benchmarks.interpolation_speed``.

Ten thousand frames of 24 joints with one gap of a second, and the same clip with only every
fifteenth frame known. A short gap in a long clip should cost a small part of the second case,
because only the known frames around a gap are read.

Not a test: times depend on the machine, which the first line names.
"""

import argparse
import time

import numpy as np

from mmm.interpolation.baselines import BASELINES
from mmm.motion.clip import Motion
from mmm.motion.rotations import rotvec_to_matrix
from mmm.motion.skeleton import SMPL24
from tests.benchmarks.page_speed import machine

FRAMES = 10_000


def main() -> None:
    """Print one line for each method and pattern."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(machine())
    phase = np.arange(FRAMES)[:, None, None] / 60 + np.arange(24)[:, None]
    rotations = rotvec_to_matrix(np.sin(phase + np.arange(3)).astype(np.float32))
    motion = Motion(SMPL24, rotations, np.zeros((FRAMES, 3), np.float32), 60.0)
    one_gap = np.zeros((FRAMES, 24), dtype=bool)
    one_gap[4000:4060] = True
    keyframes = np.ones((FRAMES, 24), dtype=bool)
    keyframes[::15] = False
    for name, method in BASELINES.items():
        for pattern, hidden in (("one gap", one_gap), ("every 15th frame known", keyframes)):
            seconds = []
            for _ in range(repeats):
                started = time.perf_counter()
                method(motion, hidden)
                seconds.append(time.perf_counter() - started)
            print(f"{name:9} {pattern:23} {1000 * min(seconds):8.1f} ms")


if __name__ == "__main__":
    main()

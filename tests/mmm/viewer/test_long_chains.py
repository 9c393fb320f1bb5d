"""Shapes and pictures of skeletons with thousands of joints take time in proportion to the joints."""

import numpy as np
import pytest

from mmm.motion.clip import Motion
from mmm.motion.skeleton import Skeleton
from mmm.viewer.body import body_of
from mmm.viewer.raster.portrait import portrait

LIMBS = ("Hips", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg", "RightLeg", "RightFoot")
LIMB_PARENTS = (-1, 0, 1, 2, 0, 4, 5)


def chain(prefix: str, count: int, end: int) -> Skeleton:
    """Two legs, and a chain of joints that hangs from one of their joints."""
    names = (*LIMBS, *(f"{prefix}{k}" for k in range(count)))
    parents = (*LIMB_PARENTS, end, *range(7, 6 + count))
    offsets = np.full((len(names), 3), 0.0005, dtype=np.float32)
    return Skeleton(names, parents, offsets)


class Counted(tuple):
    """Parents that count how often they are read one at a time."""

    reads = 0

    def __getitem__(self, index):
        Counted.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(("prefix", "end"), [("Spine", 0), ("LeftToe", 3), ("Head", 0), ("j", 0)])
def test_shapes_are_found_in_linear_time(prefix, end):
    reads = []
    for count in (400, 1600):
        skeleton = chain(prefix, count, end)
        _ = skeleton.limbs  # computed once for all uses
        object.__setattr__(skeleton, "parents", Counted(skeleton.parents))
        Counted.reads = 0
        body_of(skeleton)
        reads.append(Counted.reads)
    assert reads[1] < 6 * max(reads[0], 100)


def test_a_long_chain_has_a_picture():
    skeleton = chain("Spine", 300, 0)
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (1, len(skeleton), 3, 3))
    picture = portrait(Motion(skeleton, rotations, np.zeros((1, 3), np.float32), 30.0))
    assert picture[..., 3].any()

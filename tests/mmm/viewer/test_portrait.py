import io

import numpy as np
from PIL import Image

from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24
from mmm.viewer.raster.portrait import portrait, portrait_webp, typical_frame
from tests.mmm.making import smooth_motion


def still(frames: int) -> Motion:
    rotations = np.tile(np.eye(3, dtype=np.float32), (frames, 24, 1, 1))
    return Motion(SMPL24, rotations, np.zeros((frames, 3)), 30.0)


def test_the_body_fills_the_picture_and_stands_on_nothing():
    for motion in (still(1), smooth_motion(2, 60, SMPL24, 30.0)):
        picture = portrait(motion, (80, 120))
        assert picture.shape == (120, 80, 4)
        opaque = picture[..., 3] > 128
        rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
        assert max(len(rows) / 120, len(columns) / 80) > 0.75
        assert min(rows[0], columns[0], 119 - rows[-1], 79 - columns[-1]) >= 1  # nothing is cut off
        assert (picture[0, 0, 3], picture[-1, -1, 3]) == (0, 0)
        assert 0.05 < opaque.mean() < 0.6


def test_it_is_as_large_whatever_the_unit():
    small = still(1)
    tiny = Motion(
        type(SMPL24)(SMPL24.names, SMPL24.parents, SMPL24.offsets_m * 3),
        small.rotations,
        small.root_m,
        30.0,
    )
    assert (portrait(tiny)[..., 3] > 128).mean() > 0.05


def test_the_pose_is_not_that_of_most_frames_and_not_the_single_odd_one():
    motion = still(100)
    rotations = motion.rotations.copy()
    angle = np.linspace(0, 1.2, 40)
    turn = np.zeros((40, 3, 3), dtype=np.float32)
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
    turn[:, 0, 1], turn[:, 1, 0], turn[:, 2, 2] = -np.sin(angle), np.sin(angle), 1
    rotations[60:, SMPL24.names.index("left_shoulder")] = turn
    rotations[0, 1:3] = np.diag([1, -1, -1])  # legs in the air, in one frame
    assert 60 < typical_frame(Motion(SMPL24, rotations, motion.root_m, 30.0)) < 100


def test_webp():
    data = portrait_webp(smooth_motion(2, 60, SMPL24, 30.0))
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size, picture.mode) == ("WEBP", (176, 208), "RGBA")
    assert len(data) < 12_000

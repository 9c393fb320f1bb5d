"""How far the data's dancers leave the floor."""

import numpy as np
import pytest

from mmm.models import make_config
from mmm.motion.clip import Clip, Motion
from mmm.motion.skeleton import SMPL24
from training.fitting.priors import fit_max_jump_height_m


class Clips:
    """As much of a prepared split as is looked at."""

    def __init__(self, *motions: Motion) -> None:
        self.motions, self.lengths = motions, np.array([len(motion) for motion in motions])

    def cut_clips(self, count, frames, skeleton, fps):
        assert (skeleton.names, fps) == (SMPL24.names, 60.0)
        return [
            Clip("x", motion.crop(0, min(frames, len(motion)))) for motion in self.motions[:count]
        ]


def standing(lift_m: np.ndarray) -> Motion:
    frames = len(lift_m)
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, 24, 3, 3)).copy()
    root = np.stack([np.zeros(frames), lift_m, np.zeros(frames)], axis=1).astype(np.float32)
    return Motion(SMPL24, rotations, root, 60.0)


def test_who_stays_down_and_who_leaps():
    still = standing(np.zeros(300))
    leap = np.zeros(300)
    leap[100:130] = 0.3
    config = make_config("3bert-small")
    assert fit_max_jump_height_m(Clips(still, still), config) == 0.0
    assert fit_max_jump_height_m(Clips(still, standing(leap)), config) == pytest.approx(
        0.3, abs=0.01
    )
    assert fit_max_jump_height_m(Clips(still), make_config("inbetween")) is None

"""How far both feet leave the floor in the data: what a network of one skeleton generates stays as low."""

import numpy as np

from mmm.models import MaskedMotionConfig
from mmm.motion.foot_locking import rest_heights
from training.data.dataset import MotionSet

CLIPS, SECONDS = 60, 10.0
SHARE = 0.999


def fit_max_jump_height_m(split: MotionSet, config: MaskedMotionConfig) -> float | None:
    """Height of the lowest foot above where feet rest, metres, that is hardly ever exceeded.

    Args:
        split: clips of the network's skeleton and rate, spread evenly over which it is taken.

    Returns:
        None for networks on joint roles, whose data may climb what it shows not, and for bodies without feet.
    """
    feet = list(config.skeleton.feet)
    if config.representation == "roles" or not feet:
        return None
    longest = int(split.lengths.max())
    clips = split.cut_clips(
        CLIPS, min(longest, round(SECONDS * config.fps)), config.skeleton, config.fps
    )
    heights = []
    for clip in clips:
        points = clip.motion.positions()
        heights.append(
            (points[:, feet, 1] - rest_heights(points, config.skeleton)[feet]).min(axis=1)
        )
    return round(max(float(np.quantile(np.concatenate(heights), SHARE)), 0.0), 4)

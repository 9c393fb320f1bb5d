"""What generation needs to know of the training data: how the speed of people changes, and how high
they jump."""

import numpy as np

from mmm.generation.activity import log_speed
from mmm.generation.generate import horizon
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from mmm.motion.stances import rest_heights
from training.data.dataset import MotionSet

NORMAL = 1.4826
"""Standard deviation of a normal distribution over the median of its absolute values."""
CLIPS, SECONDS = 400, 6.0
"""Clips that the speed prior is fitted on, and their length."""
JUMP_CLIPS, JUMP_SECONDS = 60, 10.0
"""Clips that the height of jumps is taken from, and their length."""
JUMP_QUANTILE = 0.999
"""Of the heights of the lower foot: the highest few frames may be errors of the capture."""


def fit_speed_prior(split: MotionSet, model: MaskedMotionModel) -> list[float] | None:
    """The fields of ``mmm.generation.activity.SpeedPrior``, by least squares over pasts and what
    came after them.

    Args:
        split: clips spread evenly over it are cut into windows as the network sees them in
        generation.

    Returns:
        None for networks that are given no chance or know one skeleton alone, and for a split
        without clips of six seconds.
    """
    config, plan = model.config, horizon(model)
    chance = config.noise_dim and config.representation == "roles"
    if not chance or int(split.lengths.max()) < SECONDS * config.fps:
        return None
    known, kept = (round(seconds * config.fps) for seconds in (plan.known_s, plan.kept_s))
    before, after = [], []
    for clip in split.cut_clips(CLIPS, round(SECONDS * config.fps), config.skeleton, config.fps):
        for at in range(known, len(clip) - kept + 1, kept):
            before.append(log_speed(clip.motion.crop(at - known, at)))
            after.append(log_speed(clip.motion.crop(at - 1, at + kept)))
    if not before:  # its windows are longer than that
        return None
    x, y = np.array(before), np.array(after)
    pull, level = np.polyfit(x, y, 1)
    # Deviations have long tails: who stops, or starts, does so at once. The middle half tells the
    # spread of the rest.
    spread = NORMAL * np.median(np.abs(y - level - pull * x))
    return [round(float(value), 4) for value in (level, pull, spread)]


def fit_max_jump_height_m(split: MotionSet, config: MaskedMotionConfig) -> float | None:
    """Height of the lowest foot above where feet rest, metres, that is hardly ever exceeded.

    Args:
        split: clips of the network's skeleton and rate, spread evenly over which it is taken.

    Returns:
        None for networks on joint roles, whose data may climb what it shows not, and for bodies
        without feet.
    """
    feet = list(config.skeleton.feet)
    if config.representation == "roles" or not feet:
        return None
    longest = int(split.lengths.max())
    clips = split.cut_clips(
        JUMP_CLIPS, min(longest, round(JUMP_SECONDS * config.fps)), config.skeleton, config.fps
    )
    heights = []
    for clip in clips:
        points = clip.motion.positions()
        heights.append(
            (points[:, feet, 1] - rest_heights(points, config.skeleton)[feet]).min(axis=1)
        )
    return round(max(float(np.quantile(np.concatenate(heights), JUMP_QUANTILE)), 0.0), 4)

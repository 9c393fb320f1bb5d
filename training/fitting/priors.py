"""Priors for generation, fitted on training data: how speed changes, and how high people jump."""

import numpy as np

from mmm.generation.activity import log_speed
from mmm.generation.rollout import horizon
from mmm.models import MaskedMotionConfig, MaskedMotionModel
from mmm.motion.stances import rest_heights
from training.data.dataset import MotionSet

NORMAL = 1.4826
"""Standard deviation of a normal distribution over the median of its absolute values."""
CLIPS, SECONDS = 400, 6.0
"""Clips that the speed prior is fitted on, and their length."""
JUMP_CLIPS, JUMP_SECONDS = 60, 10.0
"""Clips that the height of jumps is measured on, and their length."""
JUMP_QUANTILE = 0.999
"""Quantile of the heights of the lower foot, because the highest few frames may be capture errors."""


def fit_speed_prior(split: MotionSet, model: MaskedMotionModel) -> list[float] | None:
    """Fit the speed prior: an AR(1) model of the logarithm of speed, by least squares.

    Args:
        split: clips are spread evenly over it, and cut into the windows that generation uses.
        model: its configuration gives frame rate, skeleton and window lengths.

    Returns:
        Intercept, slope and sigma of ``mmm.generation.activity.SpeedPrior``; None for networks
        without latent noise or on one skeleton's joints, and for splits without clips of six
        seconds.
    """
    config, plan = model.config, horizon(model)
    samples = config.noise_dim and config.representation == "roles"
    if not samples or int(split.lengths.max()) < SECONDS * config.fps:
        return None
    known, kept = (round(seconds * config.fps) for seconds in (plan.known_s, plan.kept_s))
    before, after = [], []
    for clip in split.cut_clips(CLIPS, round(SECONDS * config.fps), config.skeleton, config.fps):
        # The step of generation: ``known`` frames are seen, the ``kept`` ones after them are used.
        for start in range(known, len(clip) - kept + 1, kept):
            before.append(log_speed(clip.motion.crop(start - known, start)))
            # One frame earlier, because speed needs the frame before the first kept one.
            after.append(log_speed(clip.motion.crop(start - 1, start + kept)))
    if not before:  # the network's windows are longer than the clips
        return None
    x, y = np.array(before), np.array(after)
    slope, intercept = np.polyfit(x, y, 1)
    # The deviations have long tails, because people stop and start suddenly. The median absolute
    # deviation is robust to them.
    sigma = NORMAL * np.median(np.abs(y - intercept - slope * x))
    return [round(float(value), 4) for value in (intercept, slope, sigma)]


def fit_max_jump_height_m(split: MotionSet, config: MaskedMotionConfig) -> float | None:
    """The height that the lower foot hardly ever exceeds, metres above the height of resting feet.

    Args:
        split: clips of the network's skeleton and frame rate, taken evenly.
        config: of the network.

    Returns:
        None for skeletons without feet, and for networks on joint roles: people in their data climb
        stairs and boxes that are not recorded.
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

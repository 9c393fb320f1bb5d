"""How lively people go on in the data: what the energy of generated motion is drawn from."""

import numpy as np

from mmm.generation.activity import log_speed
from mmm.generation.generate import horizon
from mmm.models import MaskedMotionModel
from training.data.dataset import MotionSet

NORMAL = 1.4826
"""Standard deviation of a normal distribution over the median of its absolute values."""
CLIPS, SECONDS = 400, 6.0


def fit_speed_prior(split: MotionSet, model: MaskedMotionModel) -> list[float] | None:
    """The fields of ``mmm.generation.activity.SpeedPrior``, by least squares over pasts and what came after them.

    Args:
        split: clips spread evenly over it are cut into windows as the network sees them in generation.

    Returns:
        None for networks that are given no chance or know one skeleton alone, and for a split without clips of six
        seconds.
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
    # Deviations have long tails: who stops, or starts, does so at once. The middle half tells the spread of the rest.
    spread = NORMAL * np.median(np.abs(y - level - pull * x))
    return [round(float(value), 4) for value in (level, pull, spread)]

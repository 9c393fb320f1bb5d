"""Noise on known frames: networks that generate must continue from an inexact past."""

import torch
from torch import Tensor

from mmm.models import MaskedMotionConfig
from mmm.models.layers import smoothed
from mmm.motion.rotations_torch import quat_exp, quat_to_matrix

HISTORY_NOISE_FRAMES = 8.0
"""Standard deviation, in frames, of the Gaussian that smooths the noise on known frames."""


def perturb_history(
    motion: Tensor, most_rad: float, config: MaskedMotionConfig, generator: torch.Generator
) -> Tensor:
    """Features (B,T,F) with smooth noise on all rotations and the root.

    Args:
        motion: (B,T,F) features.
        most_rad: largest strength, radians; each window draws its own.
        config: of the network, for the scale of the root.
        generator: on the training device.
    """
    batch, frames = motion.shape[:2]
    device = generator.device
    strength = most_rad * torch.rand(batch, 1, 1, generator=generator, device=device)
    raw = torch.randn(batch, frames, 3 * config.joints + 3, generator=generator, device=device)
    smooth = smoothed(raw, HISTORY_NOISE_FRAMES)
    # Smoothing shrinks white noise by a factor that depends on its width; this undoes it.
    smooth = smooth / smooth.std(dim=(0, 1), keepdim=True).clamp(min=1e-6) * strength
    # The root of 3 makes the strength that of the angle rather than of each axis.
    turns = quat_to_matrix(quat_exp(smooth[..., :-3].unflatten(-1, (-1, 3)) / 3**0.5))
    rotations = motion[..., :-3].unflatten(-1, (-1, 3, 3)) @ turns
    stats = config.fitted_stats
    span = torch.from_numpy(stats.root_max - stats.root_min).to(motion)
    return torch.cat(
        # A tenth as many metres as radians, divided by the span because the root is scaled.
        [rotations.flatten(-3), motion[..., -3:] + smooth[..., -3:] / 10 / span],
        dim=-1,
    )

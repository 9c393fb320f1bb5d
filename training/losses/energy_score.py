"""The loss of networks that generate: an energy score over several samples of one future.

A network that minimises the distance to the recorded future predicts the mean of all futures, which
hardly moves. Here each window is drawn ``samples`` times with other latent noise. The loss is the
mean distance of the samples to the recording, minus half their mean distance from each other (the
energy score, a strictly proper scoring rule: Gneiting and Raftery 2007). Its minimum is reached
where samples and recordings have the same distribution.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.models import MaskedMotionConfig, MaskedMotionOutput
from mmm.motion.features import Stats
from mmm.motion.kinematics_torch import Tree
from mmm.motion.skeleton import Skeleton
from training.data.batch import Batch
from training.losses.base import Loss
from training.losses.pose import PoseLoss

DOWN_M = 0.04
"""A foot is down up to this height above its lowest place in the reference, metres."""


@dataclass(frozen=True)
class FutureLoss(Loss):
    """Energy scores of rotations, positions and velocities, of each frame and of all frames
    together."""

    skeleton: Skeleton
    stats: Stats
    roles: bool
    samples: int = 2
    rotation: float = 1.0
    """Weight of world (roles) or local rotations, radians."""
    position: float = 3.0
    """Weight of joint positions, metres."""
    velocity: float = 6.0
    """Weight of joint velocities, metres a frame at 30 frames a second."""
    slide: float = 4.0
    """Weight of the horizontal speed of feet that are down, metres a frame at 30 frames a second.
    Each sample is measured by its own contacts: it may set its feet down at other times than the
    reference."""
    fps: float = 30.0

    names = ("rotation", "position", "velocity", "slide")

    @staticmethod
    def of(config: MaskedMotionConfig, samples: int = 2) -> "FutureLoss":
        """The loss for a network's configuration."""
        return FutureLoss(
            config.skeleton,
            config.fitted_stats,
            config.representation == "roles",
            samples,
            fps=config.fps,
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return self.rotation, self.position, self.velocity, self.slide

    def sums(self, output: MaskedMotionOutput, batch: Batch) -> Tensor:
        """Sums over the windows of a batch, or of a part that splits no window's samples:
        (terms,)."""
        assert output.prediction is not None
        hidden = batch.hidden.any(-1)[:: self.samples]  # (W, T)
        pair = hidden[:, 1:]  # the step into the first hidden frame counts
        rotations, positions = self._kinematics(output.prediction.float(), batch.body)
        true_rotations, true_positions = self._kinematics(batch.motion, batch.body)
        # Weights are given for 30 frames a second; at other rates a step is shorter or longer.
        pace = self.fps / 30
        rows = [
            (rotations, true_rotations, hidden),
            (positions, true_positions, hidden),
            (positions.diff(dim=1) * pace, true_positions.diff(dim=1) * pace, pair),
        ]
        scores = [
            self._scores(predicted, true[:: self.samples], mask) for predicted, true, mask in rows
        ]
        return torch.stack([*scores, self._foot_skate(positions, true_positions, pair) * pace])

    def _foot_skate(self, positions: Tensor, true: Tensor, pair: Tensor) -> Tensor:
        """Horizontal speed of feet while they are as low as the reference's lowest, summed over
        windows."""
        feet = list(self.skeleton.feet)
        if not feet:
            return torch.zeros((), device=positions.device)
        lowest = true[:, :, feet, 1].amin(1, keepdim=True)  # (B, 1, feet)
        # A soft threshold, a quarter of the height wide. Detached: lifting a foot must not be a way
        # to slide for free.
        down = ((lowest + DOWN_M - positions[:, 1:, feet, 1]) / (DOWN_M / 4)).sigmoid().detach()
        # The ground plane alone: a foot that rises does not slide.
        step = positions[:, :, feet].diff(dim=1)[..., [0, 2]]
        speed = (step.square().sum(-1) + 1e-8).sqrt()
        weight = pair.repeat_interleave(self.samples, 0).to(speed.dtype)[..., None] * down
        return (
            (speed * weight).sum((1, 2))
            / pair.sum(1).clamp(min=1).repeat_interleave(self.samples, 0)
            / len(feet)
        ).sum() / self.samples

    def _scores(self, predicted: Tensor, true: Tensor, mask: Tensor) -> Tensor:
        """Energy scores, summed over windows.

        Args:
            predicted: (W*S,T,J,K) samples.
            true: (W,T,J,K) reference.
            mask: (W,T) which frames count.
        """
        samples = predicted.unflatten(0, (-1, self.samples))
        # ``near``: distance to the recording; ``far``: distance among the samples.
        near = far = torch.zeros(len(true)).to(true)
        for k in range(self.samples):
            near = near + _distance(samples[:, k] - true, mask)
            for other in range(k):
                far = far + _distance(samples[:, k] - samples[:, other], mask)
        pairs = self.samples * (self.samples - 1) / 2
        # Half the mean over pairs, which makes the score unbiased for few samples (the fair form,
        # Ferro 2014).
        return (near / self.samples - (far / pairs / 2 if pairs else 0)).sum()

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Not available: the terms are summed over windows at once."""
        raise NotImplementedError

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class: every window counts once, however many samples it has."""
        # The batch holds each window ``samples`` times.
        return torch.full((len(hidden), len(self.names)), 1 / self.samples, device=hidden.device)

    def counts(self, hidden: Tensor) -> Tensor:
        """The counts of a whole batch: (terms,)."""
        return self.window_counts(hidden).sum(0)

    def _kinematics(self, features: Tensor, body: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rotations (B,T,J,9), scaled so that their distance is an angle, and positions (B,T,J,3),
        metres."""
        local = features[..., :-3].unflatten(-1, (-1, 3, 3))
        if self.roles:
            assert body is not None
            world, positions = Tree(tuple(self.skeleton.parents)).forward(
                local, features[..., -3:], body
            )
            return world.flatten(-2) / 2**0.5, positions
        return local.flatten(-2) / 2**0.5, PoseLoss(self.skeleton, self.stats)._positions(
            features, body
        )


def _distance(difference: Tensor, mask: Tensor) -> Tensor:
    """Distances of windows, (W,T,J,K) to (W,).

    One half is the mean over frames of each frame's root mean square over joints, which measures
    poses. The other half is the root mean square over all frames together, which measures the
    movement.
    """
    weight = mask.to(difference.dtype)
    squared = difference.square().sum(-1).mean(-1)  # (W, T)
    count = weight.sum(1).clamp(min=1)
    by_frame = ((squared + 1e-8).sqrt() * weight).sum(1) / count
    overall = ((squared * weight).sum(1) / count + 1e-8).sqrt()
    return (by_frame + overall) / 2

"""What networks that generate minimise: an energy score over several samples of one future.

The mean of all futures is no future: a network that minimises the distance to the truth freezes into it. Here each
window comes ``samples`` times with other noise, and the loss is the mean distance of the samples to the truth less half
their mean distance from each other (the energy score, a strictly proper scoring rule: Gneiting and Raftery 2007). It is
least where samples are drawn as the truth is, so that the noise comes to stand for what cannot be known.
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
"""A foot is down up to so high above the lowest that it comes to."""


@dataclass(frozen=True)
class FutureLoss(Loss):
    """Energy scores of rotations, joint positions and velocities, each frame by itself and all frames together."""

    skeleton: Skeleton
    stats: Stats
    roles: bool
    samples: int = 2
    rotation: float = 1.0
    """Of world (roles) or local rotations, radians."""
    position: float = 3.0
    """Of joint positions, metres."""
    velocity: float = 6.0
    """Of joint velocities, metres a frame at 30 frames a second."""
    slide: float = 4.0
    """Of the speed over the ground of feet that are down, metres a frame at 30 frames a second; every sample by itself,
    for when a foot is down is its own affair."""
    fps: float = 30.0

    names = ("rotation", "position", "velocity", "slide")

    @staticmethod
    def of(config: MaskedMotionConfig, samples: int = 2) -> "FutureLoss":
        """The loss of a network."""
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
        """(terms,) over the windows of a batch, or of a part of it that splits no window's samples."""
        assert output.prediction is not None
        hidden = batch.hidden.any(-1)[:: self.samples]  # (W, T)
        pair = hidden[:, 1:]  # the step into the first hidden frame counts
        rotations, places = self._kinematics(output.prediction.float(), batch.body)
        true_rotations, true_places = self._kinematics(batch.motion, batch.body)
        pace = self.fps / 30
        rows = [
            (rotations, true_rotations, hidden),
            (places, true_places, hidden),
            (places.diff(dim=1) * pace, true_places.diff(dim=1) * pace, pair),
        ]
        scores = [self._scores(found, true[:: self.samples], where) for found, true, where in rows]
        return torch.stack([*scores, self._slid(places, true_places, pair) * pace])

    def _slid(self, places: Tensor, true: Tensor, pair: Tensor) -> Tensor:
        """How fast feet move over the ground while they are down, as low as the truth's lowest; per window."""
        feet = list(self.skeleton.feet)
        if not feet:
            return torch.zeros((), device=places.device)
        lowest = true[:, :, feet, 1].amin(1, keepdim=True)  # (B, 1, feet)
        down = ((lowest + DOWN_M - places[:, 1:, feet, 1]) / (DOWN_M / 4)).sigmoid().detach()
        step = places[:, :, feet].diff(dim=1)[..., [0, 2]]
        speed = (step.square().sum(-1) + 1e-8).sqrt()
        weight = pair.repeat_interleave(self.samples, 0).to(speed.dtype)[..., None] * down
        return (
            (speed * weight).sum((1, 2))
            / pair.sum(1).clamp(min=1).repeat_interleave(self.samples, 0)
            / len(feet)
        ).sum() / self.samples

    def _scores(self, found: Tensor, true: Tensor, where: Tensor) -> Tensor:
        """Samples (W*S,T,J,K) and truth (W,T,J,K) to the sum over windows; ``where`` (W,T) says which frames count."""
        samples = found.unflatten(0, (-1, self.samples))
        near = far = torch.zeros(len(true)).to(true)
        for k in range(self.samples):
            near = near + _distance(samples[:, k] - true, where)
            for other in range(k):
                far = far + _distance(samples[:, k] - samples[:, other], where)
        pairs = self.samples * (self.samples - 1) / 2
        return (near / self.samples - (far / pairs / 2 if pairs else 0)).sum()

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Not told apart by window here."""
        raise NotImplementedError

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class: every window once, however many samples it has."""
        return torch.full((len(hidden), len(self.names)), 1 / self.samples, device=hidden.device)

    def counts(self, hidden: Tensor) -> Tensor:
        """(terms,) over a whole batch."""
        return self.window_counts(hidden).sum(0)

    def _kinematics(self, features: Tensor, body: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rotations (B,T,J,9), divided so that their distance is an angle, and positions (B,T,J,3) metres."""
        local = features[..., :-3].unflatten(-1, (-1, 3, 3))
        if self.roles:
            assert body is not None
            world, places = Tree(tuple(self.skeleton.parents)).forward(
                local, features[..., -3:], body
            )
            return world.flatten(-2) / 2**0.5, places
        return local.flatten(-2) / 2**0.5, PoseLoss(self.skeleton, self.stats)._positions(
            features, body
        )


def _distance(difference: Tensor, where: Tensor) -> Tensor:
    """(W,T,J,K) to (W,): half the mean over frames of each frame's own norm, half the norm of all frames together.

    Norms are root means over joints. A frame's norm sees whether poses are right, the other whether they hang together.
    """
    weight = where.to(difference.dtype)
    squared = difference.square().sum(-1).mean(-1)  # (W, T)
    count = weight.sum(1).clamp(min=1)
    each = ((squared + 1e-8).sqrt() * weight).sum(1) / count
    whole = ((squared * weight).sum(1) / count + 1e-8).sqrt()
    return (each + whole) / 2

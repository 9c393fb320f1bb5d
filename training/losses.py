"""What training minimises, over hidden entries alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.features import Stats
from mmm.models.prefill import hidden_features
from mmm.skeleton import Skeleton


def hidden_mse(prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
    """The original's loss: mean squared error of the features over hidden entries."""
    where = hidden_features(hidden).to(prediction.dtype)
    return ((prediction - motion).square() * where).sum() / where.sum()


@dataclass(frozen=True)
class PoseLoss:
    """Errors in the terms of the metrics: rotations, joint positions and their change; and their squares.

    Matrices enter forward kinematics as the network gives them: close to rotations once it has learned a little,
    and cheaper than a projection in every step.
    """

    skeleton: Skeleton
    stats: Stats
    position: float = 2.0
    """Weight of the mean joint distance in metres against the rotation term in radians (times sqrt 2)."""
    velocity: float = 2.0
    """Weight of the mean error of joint velocities, metres a frame. Much more of it, and leaving the fill as it is
    becomes the best a young residual network can do."""
    square: float = 10.0
    """Weight of the mean squared error: distances alone give large errors no more pull than small ones, and the first
    thousands of steps go by without anything learned."""

    def __call__(self, prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
        """(B,T,F), (B,T,F), (B,T,J) to a scalar."""
        where = hidden.to(prediction.dtype)
        predicted, true = self._positions(prediction), self._positions(motion)
        difference = (prediction - motion)[..., :-3].unflatten(-1, (-1, 9))
        rotation = _mean(_norm(difference), where)
        # A hidden joint moves its children, known or not: a frame counts whole once anything in it is hidden.
        frame = hidden.any(-1, keepdim=True).to(prediction.dtype).expand_as(where)
        position = _mean(_norm(predicted - true), frame)
        pair = torch.maximum(frame[:, 1:], frame[:, :-1])
        velocity = _mean(_norm(predicted.diff(dim=1) - true.diff(dim=1)), pair)
        distances = rotation + self.position * position + self.velocity * velocity
        return distances + self.square * hidden_mse(prediction, motion, hidden)

    def _positions(self, features: Tensor) -> Tensor:
        """Forward kinematics of feature rows: (B,T,F) to (B,T,J,3) metres."""
        matrices = features[..., :-3].unflatten(-1, (-1, 3, 3))
        low, high = (torch.from_numpy(v).to(features) for v in (self.stats.root_min, self.stats.root_max))
        offsets = torch.from_numpy(self.skeleton.offsets_m).to(features)
        world = [matrices[..., 0, :, :]]
        positions = [features[..., -3:] * (high - low) + low]
        for j, parent in enumerate(self.skeleton.parents[1:], start=1):
            positions.append(positions[parent] + world[parent] @ offsets[j])
            world.append(world[parent] @ matrices[..., j, :, :])
        return torch.stack(positions, dim=-2)


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1) + 1e-8).sqrt()  # a finite gradient at zero


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)

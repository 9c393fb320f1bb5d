"""Losses of networks on one skeleton, in the terms of the metrics: rotations, joint positions, their change."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.interpolation.torch_fill import slerp_fill
from mmm.motion.features import Stats
from mmm.motion.kinematics_torch import Tree
from mmm.motion.skeleton import Skeleton
from training.data.batch import Batch
from training.losses.base import Loss, MseLoss


@dataclass(frozen=True)
class PoseLoss(Loss):
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

    names = ("rotation", "position", "velocity", "square")

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return 1.0, self.position, self.velocity, self.square

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        where, frame, pair = self._where(batch.hidden, prediction.dtype)
        predicted, true = (self._positions(x, batch.body) for x in (prediction, batch.motion))
        difference = (prediction - batch.motion)[..., :-3].unflatten(-1, (-1, 9))
        rotation = _norm(difference) * where
        position = _norm(predicted - true) * frame
        velocity = _norm(predicted.diff(dim=1) - true.diff(dim=1)) * pair
        square = MseLoss().window_sums(prediction, batch)[:, 0]
        return torch.stack(
            [rotation.sum((1, 2)), position.sum((1, 2)), velocity.sum((1, 2)), square], dim=-1
        )

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        entries = [where.sum((1, 2)) for where in self._where(hidden, torch.float32)]
        return torch.stack([*entries, MseLoss().window_counts(hidden)[:, 0]], dim=-1)

    def _where(self, hidden: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Where rotations, positions and velocities count: (B,T,J), (B,T,J), (B,T-1,J).

        A hidden joint moves its children, known or not: a frame counts whole once anything in it is hidden.
        """
        frame = hidden.any(-1, keepdim=True).to(dtype).expand(hidden.shape)
        return hidden.to(dtype), frame, torch.maximum(frame[:, 1:], frame[:, :-1])

    def _positions(self, features: Tensor, body: Tensor | None) -> Tensor:
        """Forward kinematics of feature rows: (B,T,F) to (B,T,J,3) metres, on each window's own bones where given."""
        matrices = features[..., :-3].unflatten(-1, (-1, 3, 3))
        low, high = (
            torch.from_numpy(v).to(features) for v in (self.stats.root_min, self.stats.root_max)
        )
        offsets = torch.from_numpy(self.skeleton.offsets_m)[None] if body is None else body
        root = features[..., -3:] * (high - low) + low
        return Tree(self.skeleton.parents).forward(matrices, root, offsets.to(features))[1]


STANDS_M_S = 0.1
"""A foot joint of the truth that is slower than this stands."""


@dataclass(frozen=True)
class PlantedLoss(PoseLoss):
    """:class:`PoseLoss` with more weight on movement, and on feet that stand: what goes on without an end drifts by its
    steps, not by its poses."""

    fps: float = 60.0
    velocity: float = 15.0
    planted: float = 30.0
    """Weight of the mean speed, metres a frame, of foot joints while the truth's stand."""

    names = (*PoseLoss.names, "planted")  # type: ignore[assignment]

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return *super().weights, self.planted

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        feet = list(self.skeleton.feet)
        frame = batch.hidden.any(-1)
        steps, true = (
            self._positions(x, batch.body)[:, :, feet].diff(dim=1)
            for x in (prediction, batch.motion)
        )
        stands = (true.norm(dim=-1) * self.fps < STANDS_M_S) & (frame[:, 1:] | frame[:, :-1])[
            ..., None
        ]
        planted = (_norm(steps) * stands).sum((1, 2))
        return torch.cat([super().window_sums(prediction, batch), planted[:, None]], dim=-1)

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class; feet count whether they stand or not, for how long they do is the truth's affair."""
        frame = hidden.any(-1)
        pairs = (frame[:, 1:] | frame[:, :-1]).sum(1) * len(self.skeleton.feet)
        return torch.cat([super().window_counts(hidden), pairs[:, None].float()], dim=-1)


@dataclass(frozen=True)
class RelativeLoss(Loss):
    """Another loss, each window's divided by the loss of its own interpolation: 1 is as good as slerp.

    The absolute losses are made of the long gaps: short ones, where slerp is already close, hardly count in them, and
    a network may end up worse there than the fill it started from.
    """

    loss: Loss
    floor: float = 0.01

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the loss within."""
        return self.loss.names

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class; the weights within are already in the sums."""
        return (1.0,) * len(self.names)

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        counts = self.loss.window_counts(batch.hidden).clamp(min=1)
        weights = torch.tensor(self.loss.weights, device=counts.device) / counts
        with torch.no_grad():
            matrices = batch.motion[..., :-3].unflatten(-1, (-1, 3, 3))
            rotations, root = slerp_fill(matrices, batch.motion[..., -3:], batch.hidden)
            fill = torch.cat([rotations.flatten(-3), root], dim=-1)
            reference = (weights * self.loss.window_sums(fill, batch)).sum(
                -1, keepdim=True
            ) + self.floor
        return weights * self.loss.window_sums(prediction, batch) / reference

    def window_counts(self, hidden: Tensor) -> Tensor:
        """Every window counts once."""
        return torch.ones(len(hidden), len(self.names), device=hidden.device)


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1) + 1e-8).sqrt()  # a finite gradient at zero

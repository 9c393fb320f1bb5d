"""Losses for networks on one skeleton: rotations, joint positions and velocities."""

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
    """Errors of rotations, joint positions and joint velocities, and the squared feature error.

    Forward kinematics takes the matrices as the network returns them. They are close to rotations
    after a few hundred steps, and projecting them in every step would be expensive.
    """

    skeleton: Skeleton
    stats: Stats
    position: float = 2.0
    """Weight of the mean joint distance (metres); the rotation term is in radians times sqrt 2."""
    velocity: float = 2.0
    """Weight of the mean error of joint velocities, metres a frame. With a much larger weight, a
    residual network at the start of training does best by leaving the fill unchanged."""
    square: float = 10.0
    """Weight of the mean squared error. Unsquared distances have a gradient of constant length, and
    with them alone nothing is learned in the first thousands of steps."""

    names = ("rotation", "position", "velocity", "square")

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return 1.0, self.position, self.velocity, self.square

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        entry, frame, pair = self._entry_weights(batch.hidden, prediction.dtype)
        predicted, true = (self._positions(x, batch.body) for x in (prediction, batch.motion))
        difference = (prediction - batch.motion)[..., :-3].unflatten(-1, (-1, 9))
        rotation = _norm(difference) * entry
        position = _norm(predicted - true) * frame
        velocity = _norm(predicted.diff(dim=1) - true.diff(dim=1)) * pair
        square = MseLoss().window_sums(prediction, batch)[:, 0]
        return torch.stack(
            [rotation.sum((1, 2)), position.sum((1, 2)), velocity.sum((1, 2)), square], dim=-1
        )

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        entries = [weight.sum((1, 2)) for weight in self._entry_weights(hidden, torch.float32)]
        return torch.stack([*entries, MseLoss().window_counts(hidden)[:, 0]], dim=-1)

    def _entry_weights(self, hidden: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Weights of rotations, positions and velocities: (B,T,J), (B,T,J), (B,T-1,J).

        A hidden joint also moves its known children. All positions of a frame count, therefore, as
        soon as anything in the frame is hidden.
        """
        frame = hidden.any(-1, keepdim=True).to(dtype).expand(hidden.shape)
        return hidden.to(dtype), frame, torch.maximum(frame[:, 1:], frame[:, :-1])

    def _positions(self, features: Tensor, body: Tensor | None) -> Tensor:
        """Joint positions of feature rows: (B,T,F) to (B,T,J,3), metres.

        Args:
            features: network features; the root is scaled.
            body: (B,J,3) joint offsets of each window's body, metres; None: the skeleton's.
        """
        matrices = features[..., :-3].unflatten(-1, (-1, 3, 3))
        low, high = (
            torch.from_numpy(v).to(features) for v in (self.stats.root_min, self.stats.root_max)
        )
        offsets = torch.from_numpy(self.skeleton.offsets_m)[None] if body is None else body
        # Back to metres, in which joint positions are compared.
        root = features[..., -3:] * (high - low) + low
        return Tree(self.skeleton.parents).forward(matrices, root, offsets.to(features))[1]


CONTACT_M_S = 0.1
"""A foot joint of the reference below this speed is in contact with the floor."""


@dataclass(frozen=True)
class ContactLoss(PoseLoss):
    """``PoseLoss`` with more weight on velocities and on feet in contact, for generation.

    Generated motion feeds on itself: errors of velocity add up to drift, errors of pose do not.
    """

    fps: float = 60.0
    velocity: float = 15.0
    contact: float = 30.0
    """Weight of the mean speed (metres a frame) of feet while the reference's are in contact."""

    names = (*PoseLoss.names, "contact")  # type: ignore[assignment]

    @property
    def weights(self) -> tuple[float, ...]:
        """See the base class."""
        return *super().weights, self.contact

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        feet = list(self.skeleton.feet)
        frame = batch.hidden.any(-1)
        steps, true = (
            self._positions(x, batch.body)[:, :, feet].diff(dim=1)
            for x in (prediction, batch.motion)
        )
        # By the reference's speed, so that the weight has no gradient.
        stands = (true.norm(dim=-1) * self.fps < CONTACT_M_S) & (frame[:, 1:] | frame[:, :-1])[
            ..., None
        ]
        sliding = (_norm(steps) * stands).sum((1, 2))
        return torch.cat([super().window_sums(prediction, batch), sliding[:, None]], dim=-1)

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class.

        The count does not depend on how long the feet are in contact, so that it is the same in
        every process.
        """
        frame = hidden.any(-1)
        pairs = (frame[:, 1:] | frame[:, :-1]).sum(1) * len(self.skeleton.feet)
        return torch.cat([super().window_counts(hidden), pairs[:, None].float()], dim=-1)


@dataclass(frozen=True)
class RelativeLoss(Loss):
    """Another loss, divided in each window by the loss of slerp: 1 is as good as slerp.

    Long gaps dominate the absolute losses. Short gaps, where slerp is already close, hardly count
    in them, and a network may end up worse there than the fill that it started from.
    """

    loss: Loss
    floor: float = 0.01

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the inner loss's terms."""
        return self.loss.names

    @property
    def weights(self) -> tuple[float, ...]:
        """All 1: the sums already hold the inner loss's weights."""
        return (1.0,) * len(self.names)

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        # Means within each window, not over the batch: windows are compared one by one.
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
        """One for each window and term."""
        return torch.ones(len(hidden), len(self.names), device=hidden.device)


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1) + 1e-8).sqrt()  # the gradient stays finite at zero

"""The interface of all losses: weighted means over hidden entries.

A loss is a weighted sum of terms. Each term is a sum over the windows at hand, divided by a count
over the **whole** batch. Therefore the shares of several processes, or of several micro-batches,
add up to the loss of the whole batch.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.interpolation.known_frames import hidden_features
from mmm.models import MaskedMotionOutput
from training.data.batch import Batch


class Loss(ABC):
    """``total = sum over the terms of weights * sums / counts``."""

    names: tuple[str, ...]
    """Names of the terms, for the logs."""

    @property
    @abstractmethod
    def weights(self) -> tuple[float, ...]:
        """One weight for each term."""

    @abstractmethod
    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Sums of errors over the hidden entries of each window: (B,T,F) to (B, terms)."""

    @abstractmethod
    def window_counts(self, hidden: Tensor) -> Tensor:
        """The number of entries in each of those sums: (B,T,J) to (B, terms)."""

    def sums(self, output: MaskedMotionOutput, batch: Batch) -> Tensor:
        """Sums over all windows of a batch, or of a part of it: (terms,)."""
        assert output.prediction is not None
        # Sums of many small errors lose digits in half precision.
        return self.window_sums(output.prediction.float(), batch).sum(0)

    def counts(self, hidden: Tensor) -> Tensor:
        """The counts of a whole batch: (terms,)."""
        # A batch in which nothing of a kind is hidden must not divide by zero.
        return self.window_counts(hidden).sum(0).clamp(min=1)

    def terms(self, output: MaskedMotionOutput, batch: Batch, counts: Tensor) -> Tensor:
        """What these windows add to each weighted term of the batch's loss: (terms,)."""
        # ``counts`` are those of the whole batch: shares of it add up only if all have one divisor.
        return torch.tensor(self.weights, device=counts.device) * self.sums(output, batch) / counts

    def __call__(self, prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
        """The loss of a batch as a scalar, from (B,T,F), (B,T,F) and (B,T,J)."""
        output = MaskedMotionOutput(prediction=prediction)
        return self.terms(output, Batch(motion, hidden), self.counts(hidden)).sum()


@dataclass(frozen=True)
class MseLoss(Loss):
    """Mean squared error of the features over hidden entries: the loss of the original work."""

    names = ("square",)
    weights = (1.0,)

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        weight = hidden_features(batch.hidden).to(prediction.dtype)
        return ((prediction - batch.motion).square() * weight).sum((1, 2))[:, None]

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        return hidden_features(hidden).sum((1, 2))[:, None].float()


def hidden_mse(prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
    """:class:`MseLoss` as a function."""
    return MseLoss()(prediction, motion, hidden)

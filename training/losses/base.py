"""What every loss has in common: weighted means over hidden entries, which add up over parts of a batch.

A loss is a weighted sum of terms, and each term a mean: sums over the windows at hand, divided by counts over the
**whole** batch. So the shares of several processes, or of several micro-batches, add up to the loss of the whole.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from mmm.interpolation.torch_fill import hidden_features
from mmm.models import MaskedMotionOutput
from training.data.batch import Batch


class Loss(ABC):
    """``total = sum over the terms of weights * sums / counts``."""

    names: tuple[str, ...]
    """Of the terms, for the logs."""

    @property
    @abstractmethod
    def weights(self) -> tuple[float, ...]:
        """One a term."""

    @abstractmethod
    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """(B,T,F) to (B, terms): sums of errors over what counts in each window."""

    @abstractmethod
    def window_counts(self, hidden: Tensor) -> Tensor:
        """(B,T,J) to (B, terms): over how many entries those sums go."""

    def sums(self, output: MaskedMotionOutput, batch: Batch) -> Tensor:
        """(terms,) over the windows of a batch, or of a part of it."""
        assert output.prediction is not None
        return self.window_sums(output.prediction.float(), batch).sum(
            0
        )  # half precision ends at the network

    def counts(self, hidden: Tensor) -> Tensor:
        """(terms,) over a whole batch."""
        return self.window_counts(hidden).sum(0).clamp(min=1)

    def terms(self, output: MaskedMotionOutput, batch: Batch, counts: Tensor) -> Tensor:
        """(terms,): what these windows add to each weighted term of the whole batch's loss."""
        return torch.tensor(self.weights, device=counts.device) * self.sums(output, batch) / counts

    def __call__(self, prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
        """(B,T,F), (B,T,F), (B,T,J) to a scalar, all in one piece."""
        output = MaskedMotionOutput(prediction=prediction)
        return self.terms(output, Batch(motion, hidden), self.counts(hidden)).sum()


@dataclass(frozen=True)
class MseLoss(Loss):
    """The original's loss: mean squared error of the features over hidden entries."""

    names = ("square",)
    weights = (1.0,)

    def window_sums(self, prediction: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        where = hidden_features(batch.hidden).to(prediction.dtype)
        return ((prediction - batch.motion).square() * where).sum((1, 2))[:, None]

    def window_counts(self, hidden: Tensor) -> Tensor:
        """See the base class."""
        return hidden_features(hidden).sum((1, 2))[:, None].float()


def hidden_mse(prediction: Tensor, motion: Tensor, hidden: Tensor) -> Tensor:
    """:class:`MseLoss` as a function."""
    return MseLoss()(prediction, motion, hidden)

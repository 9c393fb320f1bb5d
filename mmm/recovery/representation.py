"""The interface of the two kinds of networks: on a skeleton's own joints, and on joint roles.

A view is a clip as one kind of network reads it. It computes the inputs of the network, and
converts its outputs to a motion on the clip's own skeleton at the clip's own rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmm.attention import AttentionTrace
from mmm.errors import ModelError
from mmm.models import MaskedMotionOutput
from mmm.motion.clip import Clip, Motion
from mmm.recovery.windows import NetworkInput, WindowedOutput

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of a network for a clip, in terms of the clip."""

    motion: Motion
    """On the clip's own skeleton at its own rate; only hidden entries are meaningful."""
    residual: Float[Array, "T J"]
    """Distance of the predicted matrices from rotations (Frobenius norm). Zero at known entries,
    and for networks that predict rotation vectors."""
    expected_cm: Float[Array, "T"] | None
    """The network's estimate of its own mean joint position error, centimetres; None if it has
    none."""
    attention: AttentionTrace | None
    by_curve: bool = False
    """Whether an interpolation replaces the network, because the body is unlike people."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""


@runtime_checkable
class View(Protocol):
    """A clip with hidden entries as one kind of network reads it."""

    # Read-only properties, because the views are frozen data classes.
    @property
    def twist_m(self) -> float:
        """The setting ``twist_m`` of foot locking for such a network."""

    @property
    def given(self) -> NetworkInput:
        """The inputs of the network."""

    def read(self, output: MaskedMotionOutput) -> Sequence[torch.Tensor]:
        """Select the values of the network's output that are cross-faded between windows."""

    def predictions(self, output: WindowedOutput) -> list[Prediction]:
        """Convert the output to one prediction for each row of noise."""


JointNames = Mapping[str, str] | None
Hidden = Bool[Array, "T J"]


def music_features(clip: Clip, size: int) -> Float[Array, "T M"] | None:
    """The music features of a clip; None if it has no music.

    Raises:
        ModelError: they are not as many as the network's.
    """
    if clip.music is None:
        return None
    # Features of another extractor have other meanings.
    if clip.music.features.shape[1] != size:
        raise ModelError(
            clip.name,
            f"{clip.music.features.shape[1]} music features a frame",
            f"the network's {size}",
            "compute them again from the recording (--music)",
        )
    return clip.music.features

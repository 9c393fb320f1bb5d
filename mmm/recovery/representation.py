"""What recovery asks of the two kinds of networks, those on own joints and those on joint roles.

A view is a clip as one kind of network reads it. It gives the features that the network takes, and
turns what the network returns into a motion of the clip's own skeleton at the clip's own rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmm.attention import AttentionTrace
from mmm.models import MaskedMotionOutput
from mmm.motion.clip import Motion
from mmm.recovery.windows import NetworkInput, WindowedOutput

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of a clip, whatever it works on."""

    motion: Motion
    """On the clip's own skeleton at its own rate; only hidden entries mean anything."""
    residual: Float[Array, "T J"]
    """Distance of the network's matrices from rotations (Frobenius norm); zero in known entries,
    and for networks that answer with rotation vectors."""
    expected_cm: Float[Array, "T"] | None
    """The mean joint position error that the network expects of itself; None if it has no
    estimate."""
    attention: AttentionTrace | None


@runtime_checkable
class View(Protocol):
    """A clip with hidden entries as one kind of network reads it."""

    @property
    def twist_m(self) -> float:
        """``twist_m`` of foot locking after such a network: see ``mmm.motion.foot_locking``."""

    @property
    def given(self) -> NetworkInput:
        """Features in."""

    def read(self, output: MaskedMotionOutput) -> Sequence[torch.Tensor]:
        """The quantities of the network's output that are cross-faded between windows."""

    def predictions(self, answer: WindowedOutput) -> list[Prediction]:
        """Motion out: one prediction for each row of noise."""


JointNames = Mapping[str, str] | None
Hidden = Bool[Array, "T J"]

"""The gap gate: how much of a recovery is the network's, and how much a curve's.

Where people hardly move, or a gap is long, a plain curve can be closer to the truth than a network.
A gate looks at what the known frames around each gap show, and at how far the network and the
curves disagree, and gives each of them a weight. It is a network of a few hundred numbers inside
the gap calibration, fitted by ``python -m training calibrate`` on validation data. A linear model
of the same evidence corrects the error that the network expects.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Array = np.ndarray

SOURCES = ("network", "inertial", "slerp")
"""What a recovery is mixed from; the weights have this order."""
PELVIS_EVIDENCE = 6
ROLE_EVIDENCE = 10
BODY_EVIDENCE = 12
FRAME_EVIDENCE = 2
"""Numbers that describe the root, a role, the whole body, and a frame's place in its gap."""
ROTATION_SIZE = ROLE_EVIDENCE + BODY_EVIDENCE + FRAME_EVIDENCE
ROOT_SIZE = PELVIS_EVIDENCE + BODY_EVIDENCE + FRAME_EVIDENCE
USUAL = 3.0
"""Evidence counts up to this many standard deviations, so that nothing unusual acts without
bound."""


@dataclass(frozen=True)
class SmallNetwork:
    """One hidden layer of tanh units between standardised evidence and the curves' log-weights."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    """Mean and standard deviation of each number of the evidence (D) where the gate was fitted."""
    hidden: tuple[tuple[float, ...], ...]
    """(H,D)."""
    hidden_bias: tuple[float, ...]
    out: tuple[tuple[float, ...], ...]
    """(2,H): one row for each curve of ``SOURCES``. The network's own log-weight is zero."""
    out_bias: tuple[float, ...]

    @staticmethod
    def of(stored: Mapping[str, Any], size: int) -> "SmallNetwork":
        """Read a network with ``size`` inputs.

        Raises:
            ValueError, KeyError, TypeError: the numbers are damaged.
        """
        arrays = {key: np.array(stored[key], dtype=float) for key in SmallNetwork.__annotations__}
        units, curves = len(arrays["hidden_bias"]), len(SOURCES) - 1
        shapes = {
            "mean": (size,),
            "scale": (size,),
            "hidden": (units, size),
            "hidden_bias": (units,),
            "out": (curves, units),
            "out_bias": (curves,),
        }
        # A wrong size would otherwise be broadcast, and give weights that mean nothing.
        for key, shape in shapes.items():
            if arrays[key].shape != shape or not np.isfinite(arrays[key]).all():
                raise ValueError(
                    f"gap_calibration gate {key}: shape {arrays[key].shape}, expected {shape}, "
                    "finite"
                )
        if (arrays["scale"] <= 0).any():
            raise ValueError("gap_calibration gate scale: not above zero")
        return SmallNetwork(
            *(_frozen(arrays[key].tolist()) for key in SmallNetwork.__annotations__)
        )

    def __call__(self, evidence: Float[Array, "*n D"]) -> Float[Array, "*n 3"]:
        """The weight of each of ``SOURCES``; they sum to 1."""
        standard = np.clip((evidence - np.array(self.mean)) / np.array(self.scale), -USUAL, USUAL)
        units = np.tanh(standard @ np.array(self.hidden).T + np.array(self.hidden_bias))
        logits = units @ np.array(self.out).T + np.array(self.out_bias)
        # The network is what curves are weighed against.
        logits = np.concatenate([np.zeros((*logits.shape[:-1], 1)), logits], axis=-1)
        # Less the largest, so that no exponential overflows.
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class ErrorModel:
    """A linear model of the logarithm of the real error over the one that the network expects."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    """One for each number of the body's evidence."""
    bias: float

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "ErrorModel":
        """Read a model.

        Raises:
            ValueError, KeyError, TypeError: the numbers are damaged.
        """
        rows = [np.array(stored[key], dtype=float) for key in ("mean", "scale", "weights")]
        if {row.shape for row in rows} != {(BODY_EVIDENCE,)}:
            raise ValueError(f"gap_calibration gate error: expected {BODY_EVIDENCE} numbers a row")
        if not np.isfinite(rows).all() or (rows[1] <= 0).any():
            raise ValueError("gap_calibration gate error: infinite numbers or a scale of zero")
        mean, scale, weights = (tuple(row.tolist()) for row in rows)
        return ErrorModel(mean, scale, weights, float(stored["bias"]))

    def __call__(self, body: Float[Array, "*n 12"]) -> Float[Array, "*n"]:
        """The factor on the expected error."""
        standard = np.clip((body - np.array(self.mean)) / np.array(self.scale), -USUAL, USUAL)
        return np.exp(standard @ np.array(self.weights) + self.bias).astype(np.float32)


@dataclass(frozen=True)
class GapGate:
    """The gates of rotations and of the root, and the model of the error."""

    rotation: SmallNetwork
    root: SmallNetwork
    error: ErrorModel

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "GapGate":
        """Read a gate from a gap calibration.

        Raises:
            ValueError, KeyError, TypeError: the numbers are damaged.
        """
        return GapGate(
            SmallNetwork.of(stored["rotation"], ROTATION_SIZE),
            SmallNetwork.of(stored["root"], ROOT_SIZE),
            ErrorModel.of(stored["error"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """As the configuration stores it, rounded to four decimals."""
        return {name: _rounded(values) for name, values in asdict(self).items()}


def _frozen(values: Any) -> Any:
    return tuple(map(_frozen, values)) if isinstance(values, list) else values


def _rounded(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _rounded(value) for key, value in values.items()}
    return [*map(_rounded, values)] if isinstance(values, tuple) else round(float(values), 4)

"""The in-betweening protocol of LAFAN1 (Harvey et al. 2020): windows, heading, statistics, scores.

A window has 65 frames, and the next one starts 40 frames later. Its root is moved so that the mean
of its x and z is zero, and the whole turned so that the hips face X+ in frame 9. Frames 0 to 9 are
known; then comes the gap, and the first frame after it is the target, known too. No method sees
what follows the target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from mmm.metrics import inbetweening as metrics
from mmm.motion.rotations import matrix_to_unrolled_quat
from training.benchmark.windows import PAST, Windows

Array = np.ndarray
Filling = tuple[Float[Array, "B G J 3 3"], Float[Array, "B G 3"]]
"""Local rotations and root positions (metres) of a gap's frames."""

# Frames at 30 a second, the lengths for which published tables have columns.
GAPS = (5, 15, 30, 45)


class Filler(Protocol):
    """A method that fills gaps."""

    def __call__(self, shown: Windows) -> Filling:
        """Fill the frames between the first ten and the last; their content is meaningless."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation of every coordinate of every joint, which L2P is measured in."""

    mean_m: Float[Array, "J 3"]
    std_m: Float[Array, "J 3"]
    source: str
    """What they were computed from, for the report."""


def statistics(windows: Windows, source: str) -> Statistics:
    """Statistics over all frames of all windows, in one pass."""
    total: Array | float = 0.0
    squares: Array | float = 0.0
    for part in windows.chunks():
        # Sums of squares over millions of frames lose their digits in float32.
        positions = part.world()[0].astype(np.float64)
        total, squares = (
            total + positions.sum(axis=(0, 1)),
            squares + (positions**2).sum(axis=(0, 1)),
        )
    count = windows.root_m.shape[0] * windows.root_m.shape[1]
    mean = total / count
    # Rounding can give a coordinate that never moves a variance just below zero.
    return Statistics(np.asarray(mean), np.sqrt(np.maximum(squares / count - mean**2, 0)), source)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The frames of the gaps in world space."""

    quats: Float[Array, "B G J 4"]
    """Unit quaternions (wxyz), sign-continuous from the last known frame."""
    positions_m: Float[Array, "B G J 3"]

    def take(self, which: Int[Array, "_"]) -> "Outcome":
        """The outcome of some windows."""
        return Outcome(self.quats[which], self.positions_m[which])


def outcome(windows: Windows, filling: Filling, last_known: int = PAST - 1) -> Outcome:
    """A filling in world space; ``last_known`` is the frame before the gap."""
    rotations, root_m = filling
    # The last known frame comes first, so that all methods' quaternions start with the same signs.
    last = slice(last_known, last_known + 1)
    positions, world = replace(
        windows,
        rotations=np.concatenate([windows.rotations[:, last], rotations], axis=1),
        root_m=np.concatenate([windows.root_m[:, last], root_m], axis=1),
    ).world()
    return Outcome(matrix_to_unrolled_quat(world)[:, 1:], positions[:, 1:])


def score(truth: Outcome, other: Outcome, against: Statistics) -> dict[str, float]:
    """``l2q l2p npss``, and ``position_cm``: the mean distance over joints and frames of the
    gaps."""
    # NPSS treats every number of a quaternion as a signal (Gopalakrishnan et al. 2019).
    flat = [o.quats.reshape(*o.quats.shape[:2], -1) for o in (truth, other)]
    away = np.linalg.norm(truth.positions_m.astype(np.float64) - other.positions_m, axis=-1)
    return {
        "l2q": metrics.l2q(truth.quats, other.quats),
        "l2p": metrics.l2p(truth.positions_m, other.positions_m, against.mean_m, against.std_m),
        "npss": metrics.npss(*flat),
        # Not part of the protocol. It stands beside L2P, which has no unit.
        "position_cm": float(100 * away.mean()),
    }


def benchmark(
    windows: Windows,
    fillers: dict[str, Filler],
    against: Statistics,
    groups: dict[str, Int[Array, "_"]],
    gaps: Sequence[int] = GAPS,
    progress: Callable[[int], object] = lambda _: None,
) -> list[dict[str, float | str]]:
    """Scores of every method at every gap, over all windows and over groups of them.

    Args:
        windows: the test windows.
        fillers: methods by name.
        against: the statistics that standardise L2P.
        groups: indices of windows by the name of their group; ``all`` is added.
        gaps: lengths in frames.
        progress: called with the number of windows filled since the last call.

    Returns:
        Rows ``group windows gap method l2q l2p npss position_cm``.
    """
    rows: list[dict[str, float | str]] = []
    everything = {"all": np.arange(len(windows)), **groups}
    for gap in gaps:
        inside = slice(PAST, PAST + gap)
        truth = _joined(
            [
                outcome(part, (part.rotations[:, inside], part.root_m[:, inside]))
                for part in windows.chunks()
            ]
        )
        for method, fill in fillers.items():
            parts = []
            for part in windows.chunks():
                # `shown` removes the gap and all frames after the target, so that no method can
                # look at them.
                parts.append(outcome(part, fill(part.shown(gap))))
                progress(len(part))
            filled = _joined(parts)
            rows += [
                {
                    "group": name,
                    "windows": len(which),
                    "gap": gap,
                    "method": method,
                    **score(truth.take(which), filled.take(which), against),
                }
                for name, which in everything.items()
            ]
    return rows


def _joined(parts: Sequence[Outcome]) -> Outcome:
    return Outcome(
        np.concatenate([p.quats for p in parts]), np.concatenate([p.positions_m for p in parts])
    )

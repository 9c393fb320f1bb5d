"""Gap calibration: scales the predictions of a role network by gap length (shrinkage).

A network is trained on all gap lengths at once, and corrects the fill too much in short gaps,
where interpolation is accurate. Its residuals are therefore multiplied by factors that
``python -m training calibrate`` fits on validation data. Its expected error is scaled likewise.

Joints that are static in the known frames around a gap keep the fill. Networks are trained on
people who move their whole body, and would otherwise move a hanging arm, or an ankle that a
recording never bends.

A gap gate (``mmm.models.gap_gate``) mixes the scaled prediction with curves.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.models.field_names import with_current_names
from mmm.models.gap_gate import GapGate
from mmm.motion.clip import Motion
from mmm.motion.roles import ROLES
from mmm.motion.rotations import farthest_angle

Array = np.ndarray

PARTS = ("trunk", "arms", "legs", "root")
"""Factors are fitted for the joints of three parts of the body, and for the shift of the pelvis."""
_ARMS, _LEGS = ("collar", "shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "toe")
ROLE_PARTS = tuple(
    "arms" if role.endswith(_ARMS) else "legs" if role.endswith(_LEGS) else "trunk"
    for role in ROLES
)
"""The part of the body that each role belongs to."""


@dataclass(frozen=True)
class GapCalibration:
    """Factors by gap length, interpolated linearly in its logarithm and constant outside the
    table."""

    gap_s: tuple[float, ...]
    """Gap lengths in seconds, from the known frame before to the one after; ascending."""
    shares: Mapping[str, tuple[float, ...]]
    """Factors of the residual at each length, for each of ``PARTS``."""
    expected: tuple[float, ...]
    """Factors of the expected error at each length."""
    static_thresholds: tuple[float, float] | None = None
    """Degrees; for the pelvis, degrees or centimetres. A joint that moves less than the first value
    around a gap keeps the fill, one that moves more than the second is predicted in full. None: no
    joint counts as static."""
    gate: GapGate | None = None
    """Mixes the scaled prediction with curves, and replaces ``expected``; None: neither."""

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "GapCalibration":
        """Read a table from a checkpoint's configuration.

        Raises:
            ValueError, KeyError, TypeError: the table is damaged.
        """
        # Tables of older checkpoints have a former name for the thresholds.
        stored = with_current_names(stored)
        thresholds = stored.get("static_thresholds")
        table = GapCalibration(
            tuple(map(float, stored["gap_s"])),
            {part: tuple(map(float, stored["shares"][part])) for part in PARTS},
            tuple(map(float, stored["expected"])),
            (float(thresholds[0]), float(thresholds[1])) if thresholds else None,
            GapGate.of(stored["gate"]) if stored.get("gate") else None,
        )
        table._check()
        return table

    def _check(self) -> None:
        rows = [self.gap_s, self.expected, *self.shares.values()]
        lengths = [len(row) for row in rows]
        if not self.gap_s or len(set(lengths)) != 1:
            raise ValueError(f"gap_calibration: rows of lengths {lengths}, expected equal lengths")
        if not np.isfinite(rows).all() or np.min(rows) < 0:
            raise ValueError("gap_calibration: negative or infinite values")
        if self.gap_s[0] <= 0 or np.any(np.diff(self.gap_s) <= 0):
            raise ValueError("gap_calibration: gap_s does not ascend from above zero")
        if self.static_thresholds:
            low, high = self.static_thresholds
            if not 0 <= low < high < np.inf:
                raise ValueError(f"gap_calibration: static_thresholds {low} and {high}")

    def to_dict(self) -> dict[str, Any]:
        """As the configuration stores it, rounded to four decimals."""
        stored = {
            key: {part: _rounded(row) for part, row in value.items()}
            if key == "shares"
            else _rounded(value)
            for key, value in asdict(replace(self, gate=None)).items()
            if value is not None
        }
        return stored if self.gate is None else stored | {"gate": self.gate.to_dict()}

    def joints(self, gap_s: Float[Array, "T R"]) -> Float[Array, "T R"]:
        """Factors of each role's residual rotation in gaps of these lengths, in seconds."""
        return np.stack(
            [
                self._interpolate(self.shares[part], gap_s[:, r])
                for r, part in enumerate(ROLE_PARTS)
            ],
            axis=1,
        )

    def root(self, gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        """Factors of the pelvis's shift in gaps of these lengths, in seconds."""
        return self._interpolate(self.shares["root"], gap_s)

    def moving(self, joint_motion: Float[Array, "T R"]) -> Float[Array, "T R"]:
        """0 for static joints, 1 for moving ones, with a smoothstep between the thresholds.

        Args:
            joint_motion: how far each role moves around its gap, from :func:`joint_motion`.
        """
        if self.static_thresholds is None:
            return np.ones(joint_motion.shape, np.float32)
        low, high = self.static_thresholds
        x = np.clip((joint_motion - low) / (high - low), 0, 1)
        return np.asarray(x * x * (3 - 2 * x), np.float32)

    def error(self, gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        """Factors of the expected error in gaps of these lengths, in seconds."""
        return self._interpolate(self.expected, gap_s)

    def _interpolate(self, row: tuple[float, ...], gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        # Known frames have a gap of length 0, whose logarithm must stay finite.
        lengths = np.log(np.maximum(gap_s, 1e-3))
        return np.interp(lengths, np.log(self.gap_s), row).astype(np.float32)


def _rounded(row: tuple[float, ...]) -> list[float]:
    return [round(float(value), 4) for value in row]


LOOK_S = 1 / 3
"""Known frames within this many seconds before and after a gap decide whether a joint is static; at
least two on each side where they exist."""
_LEG_ROLES = [
    ROLES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("hip", "knee")
]


def joint_motion(motion: Motion, hidden: Bool[Array, "T R"]) -> Float[Array, "T R"]:
    """How far roles move in the known frames around each gap.

    Args:
        motion: of the 22 roles; only known entries are read.
        hidden: (T,R) bool, of each role.

    Returns:
        The largest angle, degrees, between a role's local rotation in the first of these frames and
        in the others. For the pelvis, the larger of that and its largest distance in centimetres.
        Infinite in known frames and in gaps that are open at one end.
    """
    moved = np.full(hidden.shape, np.inf, np.float32)
    # Roles that share a pattern share their gaps, and most patterns hide all roles alike.
    columns, column_of = np.unique(hidden, axis=1, return_inverse=True)
    look = LOOK_S * motion.fps
    for number, column in enumerate(columns.T):
        roles, known = np.flatnonzero(column_of.ravel() == number), np.flatnonzero(~column)
        # Legs count as static only where the pelvis does; otherwise standing feet would slide.
        with_pelvis = np.isin(roles, (0, *_LEG_ROLES))
        for i in np.flatnonzero(np.diff(known) > 1):
            before, after = known[i], known[i + 1]
            first = min(np.searchsorted(known, before - look), max(i - 1, 0))
            last = max(np.searchsorted(known, after + look, side="right"), min(i + 3, len(known)))
            # One frame on each side could be equal by chance, so two are compared at least.
            around = known[first:last]
            angle = np.degrees(farthest_angle(motion.rotations[np.ix_(around, roles)]))
            if with_pelvis.any():
                frames = around[~hidden[around, 0]]
                pelvis = _pelvis_motion(motion, frames) if len(frames) else np.inf
                angle[with_pelvis] = np.maximum(angle[with_pelvis], pelvis)
            moved[before + 1 : after, roles] = angle
    legs = moved[:, _LEG_ROLES].reshape(len(moved), 2, 2)
    # A thigh and its shin count as one, unless one of them is known and its motion is infinite.
    both = np.isfinite(legs).all(axis=-1, keepdims=True)
    joined = np.where(both, legs.max(axis=-1, keepdims=True), legs)
    moved[:, _LEG_ROLES] = joined.reshape(len(moved), 4)
    return moved


def _pelvis_motion(motion: Motion, frames: Int[Array, "F"]) -> float:
    """The larger of the angle (degrees) and the distance (centimetres) that the pelvis moves."""
    distance = np.linalg.norm(motion.root_m[frames] - motion.root_m[frames[0]], axis=-1).max()
    return float(max(np.degrees(farthest_angle(motion.rotations[frames, 0])), 100 * distance))

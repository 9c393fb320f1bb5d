"""Gap calibration: scales the predictions of a role network by gap length (shrinkage).

A network learns all gaps at once and corrects the fill too much where interpolation is strong. Its
corrections are therefore multiplied by shares that were fitted on validation data: see
``python -m training calibrate``. The error that it expects of itself is corrected in the same way.

Joints that are static in the known frames beside a gap stay as they were filled: a network has
learned from people who move everywhere, and would let an arm that hangs, or an ankle that a
recording never bends, join in a little.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mmm.models.field_names import with_current_names
from mmm.motion.clip import Motion
from mmm.motion.humanoid import ROLES
from mmm.motion.rotations import farthest_angle

Array = np.ndarray

PARTS = ("trunk", "arms", "legs", "root")
"""Shares are fitted for the joints of three parts of the body, and for the shift of the pelvis."""
_ARMS, _LEGS = ("collar", "shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "toe")
ROLE_PARTS = tuple(
    "arms" if role.endswith(_ARMS) else "legs" if role.endswith(_LEGS) else "trunk"
    for role in ROLES
)
"""The part that each role belongs to."""


@dataclass(frozen=True)
class GapCalibration:
    """Shares by gap length: linear in the logarithm of the length, constant beyond the table's
    ends."""

    gap_s: tuple[float, ...]
    """Seconds from the known frame before to the one after, ascending."""
    shares: Mapping[str, tuple[float, ...]]
    """For each of ``PARTS``, what its turns or shifts are multiplied by at each length."""
    expected: tuple[float, ...]
    """What the expected error is multiplied by at each length."""
    static_thresholds: tuple[float, float] | None = None
    """Degrees; for the pelvis, degrees or centimetres. A joint that moves less than the first
    beside a gap is static and stays as it was filled; one that moves more than the second is
    predicted in full. None: no joint is treated as static."""

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "GapCalibration":
        """From a checkpoint's configuration.

        Raises:
            ValueError, KeyError, TypeError: it is no such table.
        """
        stored = with_current_names(stored)
        thresholds = stored.get("static_thresholds")
        table = GapCalibration(
            tuple(map(float, stored["gap_s"])),
            {part: tuple(map(float, stored["shares"][part])) for part in PARTS},
            tuple(map(float, stored["expected"])),
            (float(thresholds[0]), float(thresholds[1])) if thresholds else None,
        )
        rows = [table.gap_s, table.expected, *table.shares.values()]
        if not table.gap_s or len({len(row) for row in rows}) != 1:
            raise ValueError(f"gap_calibration with rows of lengths {[len(row) for row in rows]}")
        if (
            not np.isfinite(rows).all()
            or np.min(rows) < 0
            or table.gap_s[0] <= 0
            or np.any(np.diff(table.gap_s) <= 0)
        ):
            raise ValueError(
                "gap_calibration with values that are negative, not finite, or lengths that do not ascend"
            )
        if (
            table.static_thresholds
            and not 0 <= table.static_thresholds[0] < table.static_thresholds[1] < np.inf
        ):
            raise ValueError(
                "gap_calibration with static thresholds {} and {}".format(*table.static_thresholds)
            )
        return table

    def to_dict(self) -> dict[str, Any]:
        """For the configuration, rounded."""
        return {
            key: {part: _rounded(row) for part, row in value.items()}
            if key == "shares"
            else _rounded(value)
            for key, value in asdict(self).items()
            if value is not None
        }

    def joints(self, gap_s: Float[Array, "T R"]) -> Float[Array, "T R"]:
        """The share of each role's turn in gaps of these lengths."""
        return np.stack(
            [self._at(self.shares[part], gap_s[:, r]) for r, part in enumerate(ROLE_PARTS)], axis=1
        )

    def root(self, gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        """The share of the pelvis's shift."""
        return self._at(self.shares["root"], gap_s)

    def moving(self, joint_motion: Float[Array, "T R"]) -> Float[Array, "T R"]:
        """From 0 for static joints to 1, by smoothstep between the thresholds.

        Args:
            joint_motion: of each role beside its gap, as :func:`joint_motion` gives it.
        """
        if self.static_thresholds is None:
            return np.ones(joint_motion.shape, np.float32)
        low, high = self.static_thresholds
        share = np.clip((joint_motion - low) / (high - low), 0, 1)
        return np.asarray(share * share * (3 - 2 * share), np.float32)

    def error(self, gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        """What the expected error is multiplied by."""
        return self._at(self.expected, gap_s)

    def _at(self, row: tuple[float, ...], gap_s: Float[Array, "T"]) -> Float[Array, "T"]:
        lengths = np.log(np.maximum(gap_s, 1e-3))
        return np.interp(lengths, np.log(self.gap_s), row).astype(np.float32)


def _rounded(row: tuple[float, ...]) -> list[float]:
    return [round(float(value), 4) for value in row]


LOOK_S = 1 / 3
"""Known frames within this time before and after a gap decide whether a joint is static; at least
two on each side, if there are that many."""
_LEG_ROLES = [
    ROLES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("hip", "knee")
]


def joint_motion(motion: Motion, hidden: Bool[Array, "T R"]) -> Float[Array, "T R"]:
    """How far roles move in the known frames beside each gap.

    Legs count as static only where the pelvis does; otherwise standing feet would slide.

    Args:
        motion: of the 22 roles; only known entries are read.
        hidden: (T,R) bool, of each role.

    Returns:
        The largest angle, degrees, between a role's local rotation in the first of these frames and
        in the others. For the pelvis, the larger of that and its largest distance in centimetres.
        Infinite in known frames and in gaps that are open at one end.
    """
    far = np.full(hidden.shape, np.inf, np.float32)
    columns, of = np.unique(hidden, axis=1, return_inverse=True)
    look = LOOK_S * motion.fps
    for number, column in enumerate(columns.T):
        roles, known = np.flatnonzero(of.ravel() == number), np.flatnonzero(~column)
        carried = np.isin(roles, (0, *_LEG_ROLES))
        for place in np.flatnonzero(np.diff(known) > 1):
            before, after = known[place], known[place + 1]
            first = min(np.searchsorted(known, before - look), max(place - 1, 0))
            last = max(
                np.searchsorted(known, after + look, side="right"), min(place + 3, len(known))
            )
            beside = known[first:last]
            own = np.degrees(farthest_angle(motion.rotations[np.ix_(beside, roles)]))
            if carried.any():
                body = beside[~hidden[beside, 0]]
                own[carried] = np.maximum(
                    own[carried], _carried(motion, body) if len(body) else np.inf
                )
            far[before + 1 : after, roles] = own
    legs = far[:, _LEG_ROLES].reshape(len(far), 2, 2)
    both = np.isfinite(legs).all(
        axis=-1, keepdims=True
    )  # a known thigh does not keep its shin from being static
    far[:, _LEG_ROLES] = np.where(both, legs.max(axis=-1, keepdims=True), legs).reshape(len(far), 4)
    return far


def _carried(motion: Motion, frames: Int[Array, "F"]) -> float:
    """The larger of the angle (degrees) and the distance (centimetres) that the pelvis moves."""
    way = np.linalg.norm(motion.root_m[frames] - motion.root_m[frames[0]], axis=-1).max()
    return float(max(np.degrees(farthest_angle(motion.rotations[frames, 0])), 100 * way))

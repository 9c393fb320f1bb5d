"""How far a network on joint roles is believed, by the length of the gap: fitted on a validation split after training.

A network learns all gaps at once and is bolder than it should be where interpolation is strong. What it adds is
therefore multiplied by a share that was found to serve recordings it did not train on; see ``training.calibrate``.
The error that it expects of itself is corrected in the same way.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mmm.motion.humanoid import ROLES

Array = np.ndarray

PARTS = ("trunk", "arms", "legs", "root")
"""What shares are fitted for: turns of the joints of three parts of the body, and the shift of the pelvis."""
_ARMS, _LEGS = ("collar", "shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "toe")
ROLE_PARTS = tuple(
    "arms" if role.endswith(_ARMS) else "legs" if role.endswith(_LEGS) else "trunk"
    for role in ROLES
)
"""The part that each role belongs to."""


@dataclass(frozen=True)
class GapCalibration:
    """Shares by gap length; between the lengths along straight lines over their logarithm, beyond them constant."""

    gap_s: tuple[float, ...]
    """Seconds from the known frame before to the one after, ascending."""
    shares: Mapping[str, tuple[float, ...]]
    """For each of ``PARTS``, what its turns or shifts are multiplied by at each length."""
    expected: tuple[float, ...]
    """What the expected error is multiplied by at each length."""
    static_thresholds: tuple[float, float] | None = None
    """A joint that moves less than the first, degrees (of the pelvis: or centimetres), in the known frames beside a gap
    rests, and stays as it was filled; one that moves more than the second does not. None: none rests."""

    @staticmethod
    def of(stored: Mapping[str, Any]) -> "GapCalibration":
        """From a checkpoint's configuration.

        Raises:
            ValueError, KeyError, TypeError: it is no such table.
        """
        thresholds = stored.get(
            "static_thresholds", stored.get("stirs")
        )  # the second: in older checkpoints
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
                "gap_calibration with resting joints between {} and {}".format(
                    *table.static_thresholds
                )
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
        """From 0, for what rests, to 1; of what :func:`mmm.models.resting.stirring` found."""
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

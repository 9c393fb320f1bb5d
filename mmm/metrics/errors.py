"""Errors of a motion against its reference, over hidden entries only."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mmm.arrays import mean_or_none
from mmm.errors import SpecError
from mmm.masks import Mask
from mmm.motion import rotations as rot
from mmm.motion.clip import Motion
from mmm.motion.skeleton import Skeleton

Array = np.ndarray


@dataclass(frozen=True)
class ErrorKind:
    """Labels of one of the three errors, for all places that show it."""

    label: str
    """In a title, such as ``Joint rotation``."""
    short: str
    """In a column."""
    unit: str
    plain_unit: str
    """The unit in ASCII letters."""
    description: str

    @property
    def heading(self) -> str:
        """Name and unit for a table on a page or a card: ``rotation, °``."""
        return f"{self.short}, {self.unit}"

    @property
    def column(self) -> str:
        """Name and unit for a table in a terminal: ``rotation deg``."""
        return f"{self.short} {self.plain_unit}"


ERROR_KINDS: Mapping[str, ErrorKind] = {
    "rotation_deg": ErrorKind(
        "Joint rotation",
        "rotation",
        "°",
        "deg",
        "Mean angle between true and recovered local joint rotations",
    ),
    "position_cm": ErrorKind(
        "Joint position",
        "position",
        "cm",
        "cm",
        "Mean distance between true and recovered joint positions",
    ),
    "root_cm": ErrorKind(
        "Root",
        "root",
        "cm",
        "cm",
        "Mean distance of the root, over the frames in which it was hidden",
    ),
}
"""The three errors by their names in files, with their labels in tables."""
KINDS = tuple(ERROR_KINDS)


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of every frame and joint. Means and tables count hidden entries only."""

    skeleton: Skeleton
    rotation_deg: Float[Array, "T J"]
    """Geodesic angle between the local rotations, degrees."""
    position_cm: Float[Array, "T J"]
    """Distance between the joints' world positions after forward kinematics, centimetres."""
    root_cm: Float[Array, "T"]
    """Distance between the root positions, centimetres."""
    hidden: Bool[Array, "T J"]
    """True where the entry was hidden from the method, and counts."""

    def over(self, hidden: Bool[Array, "T J"]) -> dict[str, Float[Array, "_"]]:
        """Errors of some entries by kind: one value per entry, and for the root one per frame."""
        # The root's position belongs to joint 0: where that is hidden, so is the position.
        return {
            "rotation_deg": self.rotation_deg[hidden],
            "position_cm": self.position_cm[hidden],
            "root_cm": self.root_cm[hidden[:, 0]],
        }

    def summary(self) -> dict[str, float | int | None]:
        """Means over hidden entries, by kind; None if nothing was hidden.

        ``root_cm`` is over the frames whose root was hidden. ``frames`` counts the clip's frames,
        ``hidden`` the hidden entries (frame and joint), ``hidden_frames`` the frames with any.
        """
        return {
            **{kind: mean_or_none(values) for kind, values in self.over(self.hidden).items()},
            "frames": len(self.hidden),
            "hidden": int(self.hidden.sum()),
            "hidden_frames": int(self.hidden.any(axis=1).sum()),
        }

    def per_frame(self, kind: str) -> Float[Array, "T"]:
        """The mean over the hidden joints of each frame, NaN in frames where nothing is hidden.

        Args:
            kind: a key of ``ERROR_KINDS``.

        Raises:
            SpecError: there is no such error.
        """
        if kind not in KINDS:
            raise SpecError(
                f"error {kind!r}", "no such error", ", ".join(KINDS), "choose one of these"
            )
        if kind == "root_cm":
            return np.where(self.hidden[:, 0], self.root_cm, np.nan).astype(np.float32)
        # Sums over counts instead of a masked mean: a frame without hidden entries becomes NaN
        # without a warning.
        values = np.where(self.hidden, getattr(self, kind), 0).sum(axis=1)
        count = self.hidden.sum(axis=1)
        return np.where(count, values / np.maximum(count, 1), np.nan).astype(np.float32)

    def per_group(self) -> dict[str, dict[str, float | int | None]]:
        """For each joint group, the mean errors over its hidden entries, and their number."""
        table: dict[str, dict[str, float | int | None]] = {}
        for name, joints in self.skeleton.groups.items():
            indices = list(joints)
            hidden = self.hidden[:, indices]
            table[name] = {
                "rotation_deg": mean_or_none(self.rotation_deg[:, indices][hidden]),
                "position_cm": mean_or_none(self.position_cm[:, indices][hidden]),
                "hidden": int(hidden.sum()),
            }
        return table


def errors(truth: Motion, other: Motion, hidden: Mask | Bool[Array, "_ _"]) -> Errors:
    """Compare two motions of the same joints and length.

    Args:
        truth: the reference.
        other: the motion to measure.
        hidden: the entries that count, True = hidden.

    Raises:
        SpecError: joints, lengths or the mask's shape differ.
    """
    pattern = hidden.hidden if isinstance(hidden, Mask) else hidden
    if not truth.skeleton.same_joints(other.skeleton) or len(truth) != len(other):
        raise SpecError(
            "comparison",
            f"{len(other)} frames of {len(other.skeleton)} joints",
            f"the truth's {len(truth)} frames of the same {len(truth.skeleton)} joints",
            "compare motions of one skeleton and length",
        )
    if pattern.shape != truth.rotations.shape[:2]:
        raise SpecError(
            "mask",
            f"made for {pattern.shape}",
            f"{truth.rotations.shape[:2]} (frames, joints)",
            "make the mask from this clip",
        )
    return Errors(
        truth.skeleton,
        np.degrees(rot.geodesic_angle(truth.rotations, other.rotations)),
        _distance_cm(truth.positions(), other.positions()),
        _distance_cm(truth.root_m, other.root_m),
        pattern,
    )


def _distance_cm(a: Array, b: Array) -> Array:
    """Distances in centimetres from positions in metres."""
    # In float64: float32 loses a tenth of a millimetre a few metres from the origin.
    return (100 * np.linalg.norm(a.astype(np.float64) - b, axis=-1)).astype(np.float32)

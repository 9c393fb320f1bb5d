"""Feet on the ground: what a generated root is corrected by, so that feet that are down stay where they are.

A network places every joint a little wrong, and a root that is wrong by a centimetre a frame slides the whole body over
the floor. The root is moved up where a foot would sink in, down where nothing has touched the ground for a while, and
against the way of the feet that are down; what still slides then is held by the legs (``planting``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from mmm.motion.clip import Motion
from mmm.motion.foot_locking import LOW_M, Leg, legs_of, lock_contacts, rest_heights
from mmm.motion.rotations import geodesic_angle, slerp

Array = np.ndarray

EDGE_M = 0.008
"""How gradually a foot stops being down, ``LOW_M`` above where it rests."""
AIRBORNE_S = 0.8
"""Longer than any jump: who has not touched the ground for so long floats, and is let down."""
FASTEST_M_S = 1.2
"""A foot that is low but faster than this swings by; it is no support."""
SMOOTH_S = 0.04
CLEAR_M = 0.045
"""A foot that travels is lifted so high: networks find the middle between lifting it early and late, and drag it."""
HOLD_M = 0.15
"""A foot that stands is held up to so far from where the network put it; it sees where its feet are when it goes on."""


PELVIS_RAD_S, JOINT_RAD_S = np.radians(560), np.radians(1200)
"""The fastest that a pelvis and another joint turn; real dancers and walkers stay below 535 degrees a second, and all
but a few of their joints' frames below 900. A network that cannot tell which way round somebody turns is faster."""


def limit_angular_velocity(motion: Motion, known: int) -> Motion:
    """The motion with no joint turning faster than people can, from frame ``known`` on: where one does, it lags and
    catches up."""
    limit = np.full(len(motion.skeleton), JOINT_RAD_S / motion.fps, dtype=np.float32)
    limit[0] = PELVIS_RAD_S / motion.fps
    turned = geodesic_angle(motion.rotations[known - 1 : -1], motion.rotations[known:])
    if (turned <= limit).all():
        return motion
    rotations = motion.rotations.copy()
    for t in range(known, len(motion)):
        angle = geodesic_angle(rotations[t - 1], rotations[t])
        fast = angle > limit
        if fast.any():
            rotations[t, fast] = slerp(
                rotations[t - 1, fast], rotations[t, fast], (limit / angle.clip(1e-9))[fast]
            )
    return replace(motion, rotations=rotations)


@dataclass(frozen=True)
class Ground:
    """Where the feet of one body rest."""

    feet: tuple[int, ...]
    rest_m: Float[Array, "J"]
    """Height of each joint when it is down."""
    legs: tuple[Leg, ...] = ()
    """Those that can be bent to hold a foot."""
    max_jump_height_m: float | None = None
    """How far above that the lowest foot may be; None: as far as a jump goes."""

    @staticmethod
    def of(
        seed: Motion,
        joint_names: Mapping[str, str] | None = None,
        max_jump_height_m: float | None = None,
    ) -> "Ground | None":
        """From a stretch of real motion; None for a body without feet.

        Args:
            joint_names: names of joints by role, where they are not found by themselves; see ``match_roles``.
            max_jump_height_m: how far both feet ever leave the floor, where that is known.
        """
        feet = seed.skeleton.feet
        if not feet:
            return None
        rest_m = rest_heights(seed.positions(), seed.skeleton)
        return Ground(tuple(feet), rest_m, legs_of(seed.skeleton, joint_names), max_jump_height_m)

    def corrected(self, motion: Motion, known: int) -> Motion:
        """The motion with root and legs moved from frame ``known`` on; what is before stays as it is.

        Args:
            motion: the past and what was generated after it.
            known: how many frames are the past's; at least 1.
        """
        if known >= len(motion):
            return motion
        motion = limit_angular_velocity(motion, known)
        feet = motion.positions()[:, list(self.feet)]
        rest_m = self.rest_m[list(self.feet)]
        clearance = feet[..., 1] - rest_m  # (T, F)
        lift = self._lift(clearance.min(axis=1), motion.fps, known)
        slide = self._slide(feet, clearance + lift[:, None], motion.fps, known)
        moved = motion.root_m.copy()
        moved[:, 1] += lift
        moved[:, [0, 2]] -= slide
        hidden = np.zeros(motion.rotations.shape[:2], dtype=bool)
        hidden[known:] = True
        held = lock_contacts(
            replace(motion, root_m=moved), self.legs, hidden, self.rest_m, HOLD_M, CLEAR_M
        )
        lowest = (held.positions()[:, list(self.feet), 1] - rest_m).min(axis=1)
        moved[:, 1] += self._lift(
            np.minimum(lowest, 0), motion.fps, known
        )  # where a leg is too short to do it
        return replace(held, root_m=moved)

    def _lift(self, lowest: Float[Array, "T"], fps: float, known: int) -> Float[Array, "T"]:
        """Up out of the floor at once; down to it where the lowest of a while is above it, or higher than leaps go."""
        sunk = np.minimum(lowest, 0)
        floating = np.maximum(
            minimum_filter1d(lowest, max(3, round(AIRBORNE_S * fps)), mode="nearest"), 0
        )
        if self.max_jump_height_m is not None:
            floating = np.maximum(floating, lowest - self.max_jump_height_m - LOW_M)
        wanted = -(sunk + floating)
        wanted[:known] = 0
        smooth = gaussian_filter1d(wanted, SMOOTH_S * fps, mode="nearest")
        smooth[:known] = 0
        # Smoothing must not let anything sink again, nor begin with a jump.
        ramp = np.minimum((np.arange(len(lowest)) - known + 1) / max(1.0, 0.1 * fps), 1).clip(min=0)
        return (np.maximum(smooth, np.minimum(wanted, -sunk)) * ramp).astype(np.float32)

    @staticmethod
    def _slide(
        feet: Float[Array, "T F 3"], clearance: Float[Array, "T F"], fps: float, known: int
    ) -> Float[Array, "T 2"]:
        """How far the feet that are down have been carried over the ground since the last known frame."""
        step = np.diff(feet[..., [0, 2]], axis=0)  # (T-1, F, 2) metres
        down = 1 / (1 + np.exp(np.clip((clearance[1:] - LOW_M) / EDGE_M, -30, 30)))
        speed = np.linalg.norm(step, axis=-1) * fps
        support = down * np.clip(1.5 - speed / FASTEST_M_S, 0, 1)
        total = support.sum(axis=1, keepdims=True)
        carried = (step * support[..., None]).sum(axis=1) / np.maximum(total, 1e-6)
        carried *= support.max(axis=1, keepdims=True)
        carried[: known - 1] = 0
        return np.concatenate([np.zeros((1, 2)), np.cumsum(carried, axis=0)]).astype(np.float32)

"""Ground contact of generated motion: the root is corrected so that feet in contact do not slide.

A network predicts every joint with some error, and a root that is wrong by a centimetre per frame
makes the whole body slide over the floor. The root is moved up if a foot would sink into the floor,
down if nothing has touched the ground for a while, and against the drift of the feet in contact.
Foot locking then removes what still slides (``mmm.motion.foot_locking``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from mmm.motion.clip import Motion
from mmm.motion.foot_locking import legs_of, lock_contacts
from mmm.motion.leg_ik import Leg
from mmm.motion.rotations import geodesic_angle, slerp
from mmm.motion.stances import LOW_M, rest_heights

Array = np.ndarray

CONTACT_EDGE_M = 0.008
"""Width of the logistic function that weights contact, centred ``LOW_M`` above rest, metres."""
AIRBORNE_S = 0.8
"""Longer than any jump, seconds. A body that has not touched the ground for this long is floating,
and is lowered."""
MAX_SUPPORT_M_S = 1.2
"""A low foot that is faster than this is in swing and supports nothing, metres per second."""
SMOOTH_S = 0.04
"""Standard deviation of the Gaussian that smooths the vertical correction, seconds."""
CLEAR_M = 0.045
"""Height to which a foot in swing is lifted, metres. Networks average between lifting it early and
late, which drags it over the floor."""
HOLD_M = 0.15
"""Largest distance by which a foot in contact is moved from its prediction, metres. It is larger
than in gaps, because the next prediction starts from the corrected pose, so errors do not
accumulate."""
PELVIS_RAD_S, JOINT_RAD_S = np.radians(560), np.radians(1200)
"""Limits on the angular velocity of the pelvis and of all other joints, radians per second.
Recorded dancers and walkers stay below 535 degrees per second at the pelvis, and nearly all frames
of their joints below 900. A network that switches between two orientations is faster."""


def limit_angular_velocity(motion: Motion, known: int) -> Motion:
    """The motion with every joint's angular velocity limited from frame ``known`` on.

    A joint that turns too fast lags behind its prediction and catches up with it later.
    """
    limit = np.full(len(motion.skeleton), JOINT_RAD_S / motion.fps, dtype=np.float32)
    limit[0] = PELVIS_RAD_S / motion.fps
    angles = geodesic_angle(motion.rotations[known - 1 : -1], motion.rotations[known:])
    if (angles <= limit).all():
        return motion
    rotations = motion.rotations.copy()
    # Frame by frame, because each is limited relative to the previous one after its own limiting.
    for t in range(known, len(motion)):
        angle = geodesic_angle(rotations[t - 1], rotations[t])
        fast = angle > limit
        if fast.any():
            weight = (limit / angle.clip(1e-9))[fast]
            rotations[t, fast] = slerp(rotations[t - 1, fast], rotations[t, fast], weight)
    return replace(motion, rotations=rotations)


@dataclass(frozen=True)
class Ground:
    """The ground under one body, and the correction of its generated motion."""

    feet: tuple[int, ...]
    """Joints that may touch the floor."""
    rest_m: Float[Array, "J"]
    """Height of each joint while it is down, metres."""
    legs: tuple[Leg, ...] = ()
    """Legs that can be bent to hold a foot."""
    max_jump_height_m: float | None = None
    """Largest height of the lowest foot above rest, metres; None for no limit."""
    clear_m: float = CLEAR_M
    """Height to which a foot in swing is lifted, metres; 0 for recorded motion, whose feet clear
    the floor anyway."""

    @staticmethod
    def of(
        seed: Motion,
        joint_names: Mapping[str, str] | None = None,
        max_jump_height_m: float | None = None,
    ) -> "Ground | None":
        """Measure the ground under a stretch of real motion; None for a body without feet.

        Args:
            seed: the motion that the generated one continues.
            joint_names: joint names by role, for roles that cannot be told from the skeleton's
                names; see :func:`mmm.motion.humanoid.match_roles`.
            max_jump_height_m: largest height of both feet above the floor, metres; None if it is
                unknown.
        """
        skeleton = seed.skeleton
        if not skeleton.feet:
            return None
        rest_m = rest_heights(seed.positions(), skeleton)
        legs = legs_of(skeleton, joint_names)
        return Ground(tuple(skeleton.feet), rest_m, legs, max_jump_height_m)

    def corrected(self, motion: Motion, known: int) -> Motion:
        """The motion with root and legs corrected from frame ``known`` on.

        Args:
            motion: the past and the frames generated after it.
            known: number of frames of the past, at least 1; they do not change.
        """
        if known >= len(motion):
            return motion
        motion = limit_angular_velocity(motion, known)
        feet = motion.positions()[:, list(self.feet)]
        rest_m = self.rest_m[list(self.feet)]
        clearance = feet[..., 1] - rest_m  # (T, F)
        lift = self._lift(clearance.min(axis=1), motion.fps, known)
        slide = self._slide(feet, clearance + lift[:, None], motion.fps, known)
        root_m = motion.root_m.copy()
        root_m[:, 1] += lift
        root_m[:, [0, 2]] -= slide
        hidden = np.zeros(motion.rotations.shape[:2], dtype=bool)
        hidden[known:] = True
        locked = lock_contacts(
            replace(motion, root_m=root_m), self.legs, hidden, self.rest_m, HOLD_M, self.clear_m
        )
        # If a leg is too short to lift its foot out of the floor, the root rises instead.
        lowest = (locked.positions()[:, list(self.feet), 1] - rest_m).min(axis=1)
        root_m[:, 1] += self._lift(np.minimum(lowest, 0), motion.fps, known)
        return replace(locked, root_m=root_m)

    def _lift(self, lowest: Float[Array, "T"], fps: float, known: int) -> Float[Array, "T"]:
        """Vertical correction of the root, metres.

        The root rises at once if the lowest foot is below rest. It sinks if that foot stays above
        rest for ``AIRBORNE_S``, or is higher than the highest jump.
        """
        sunk = np.minimum(lowest, 0)
        # The minimum over a window is above zero only if no frame of it touches the ground.
        window = max(3, round(AIRBORNE_S * fps))
        floating = np.maximum(minimum_filter1d(lowest, window, mode="nearest"), 0)
        if self.max_jump_height_m is not None:
            floating = np.maximum(floating, lowest - self.max_jump_height_m - LOW_M)
        target = -(sunk + floating)
        target[:known] = 0
        smooth = gaussian_filter1d(target, SMOOTH_S * fps, mode="nearest")
        smooth[:known] = 0
        # Smoothing must not let a foot sink again, and the correction must not begin with a jump.
        ramp = np.minimum((np.arange(len(lowest)) - known + 1) / max(1.0, 0.1 * fps), 1).clip(min=0)
        return (np.maximum(smooth, np.minimum(target, -sunk)) * ramp).astype(np.float32)

    @staticmethod
    def _slide(
        feet: Float[Array, "T F 3"], clearance: Float[Array, "T F"], fps: float, known: int
    ) -> Float[Array, "T 2"]:
        """How far the feet in contact have slid since the last known frame, metres (x, z)."""
        step = np.diff(feet[..., [0, 2]], axis=0)  # (T-1, F, 2) metres
        # Soft contact weights, so that the support passes gradually from one foot to the other.
        down = 1 / (1 + np.exp(np.clip((clearance[1:] - LOW_M) / CONTACT_EDGE_M, -30, 30)))
        speed = np.linalg.norm(step, axis=-1) * fps
        support = down * np.clip(1.5 - speed / MAX_SUPPORT_M_S, 0, 1)
        total = support.sum(axis=1, keepdims=True)
        drift = (step * support[..., None]).sum(axis=1) / np.maximum(total, 1e-6)
        # The mean over the feet gives the drift, and the largest weight how certain it is.
        drift *= support.max(axis=1, keepdims=True)
        drift[: known - 1] = 0
        return np.concatenate([np.zeros((1, 2)), np.cumsum(drift, axis=0)]).astype(np.float32)

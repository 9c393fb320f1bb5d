"""The curve of the ``inertial`` fill: its settings and its mathematics, for numpy and torch alike.

Consider a gap between two known frames ``L`` frames apart. Let ``v`` be the mean velocity across
the gap, and ``v-`` and ``v+`` those of the pairs of known frames before and after it. For rotations
these are rotation vectors. At ``t`` frames after the first known frame, the curve adds

    line(t) = v t
    bend(t) = a (v- - v) w(t) - b (v+ - v) w(L - t)
    w(s) = s (1 - s / L) (1 - k s / L) exp(-s / lasting)

to the first known pose. This is a cubic Hermite curve whose tangents decay, so that it does not
overshoot in long gaps. The decay follows inertialization (David Bollo, "Inertialization:
High-Performance Animation Transitions in Gears of War", GDC 2018).

``a = L / (L + L-)`` and ``b = L / (L + L+)`` are the weights of a non-uniform Catmull-Rom spline:
the velocity at a known frame is that of the parabola through it and the known frames beside it.
Where one more known frame exists, the velocity is that of the cubic through all four (Newton's
divided differences). Where frames are known densely, this is the velocity *at* the last one, not
half a frame earlier.

``k`` is 1, which ends ``w`` with zero slope. It is smaller only where the velocity at the far end
is unknown: see ``Inertia.free``.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Inertia:
    """Settings of the curve, tuned on several sets of recordings.

    Configurations of networks store them by position, so new fields go to the end.
    """

    rotation_s: float = 0.8
    """Time constant with which a joint's angular velocity decays into a gap, seconds."""
    root_s: float = 1.6
    """The same for the velocity of the root, seconds."""
    cubic: float = 1.0
    """Weight of the cubic's correction to the velocity; 0 gives the parabola's velocity."""
    coast_s: float = 0.0
    """Time constant of joint rotations after the last known frame, seconds; 0 holds the pose.
    Networks that generate use it, interpolation holds."""
    root_coast_s: float = 0.0
    """The same for the root, seconds."""
    rotation_by_gap: float = 0.0
    """Shortens the decay in long gaps: ``rotation_s`` is divided by the gap's seconds to this
    power."""
    close_s: float = 0.0
    """Limits ``rotation_by_gap`` to gaps whose neighbouring known frames are at most this far
    apart, seconds, because frames far apart give a poor velocity. 0 applies it everywhere."""
    rise_s: float = 0.0
    """``root_s`` of the root's height alone, because a jump soon ends. 0 means ``root_s``."""
    rise_by_gap: float = 0.0
    """``rotation_by_gap`` of the root's height: ``rise_s`` is divided by the gap's seconds to this
    power."""
    rise_coast_s: float = 0.0
    """``root_coast_s`` of the root's height alone. 0 means ``root_coast_s``."""
    free: float = 0.0
    """How freely the curve reaches a known frame with unknown velocity because no known frame lies
    beyond it. 0 arrives at the mean velocity of the gap; 1 ends without curvature, as a natural
    cubic spline does."""

    def rotation_decay(self, fps: float) -> "Decay":
        """Decay of the joints' angular velocities at a frame rate."""
        return Decay(self.rotation_s * fps, fps, self.rotation_by_gap, self.close_s * fps)

    def root_decay(self, fps: float) -> "Decay":
        """Decay of the root's velocity at a frame rate."""
        return Decay(self.root_s * fps)

    def height_decay(self, fps: float) -> "Decay":
        """Decay of the root's vertical velocity at a frame rate."""
        return Decay((self.rise_s or self.root_s) * fps, fps, self.rise_by_gap)


INERTIA = Inertia()
"""The settings of the interpolation; a network brings its own."""


@dataclass(frozen=True)
class Decay:
    """Time constant of a velocity in a gap."""

    frames: float
    fps: float = 1.0
    by_gap: float = 0.0
    """``frames`` is divided by the gap's seconds to this power."""
    close_frames: float = 0.0
    """Limits ``by_gap`` to gaps whose neighbouring known frames are at most this far apart; 0
    applies it everywhere."""

    def lasting(self, length: Any, beside_length: Any, xp: Any) -> Any:
        """The time constant for each gap, frames.

        Args:
            length: frames of the gaps.
            beside_length: frames between the two known frames beside each gap.
            xp: the array library, numpy or torch.
        """
        # Frames far apart give a poor velocity, which a short time constant would not improve.
        applies = (beside_length <= self.close_frames) | (not self.close_frames)
        return self.frames * xp.where(applies, (self.fps / length) ** self.by_gap, 1.0)


class Pair(NamedTuple):
    """Two neighbouring known frames, for each gap; arrays that broadcast against each other."""

    slope: Any
    """Mean change per frame from the first to the second."""
    length: Any
    """Frames from the first to the second, at least 1."""
    exists: Any
    """Bool. False if the clip has no such pair; the other fields may then hold anything
    finite."""


def velocity_offset(gap: Pair, beside: Pair, beyond: Pair, cubic: float, xp: Any) -> Any:
    """The velocity at one end of a gap, less the gap's mean velocity; zero where it is unknown.

    Args:
        gap: the known frames on both sides of the gap.
        beside: the pair next to the gap on the side of this end.
        beyond: the pair next to that, further away from the gap.
        cubic: see :class:`Inertia`.
        xp: the array library, numpy or torch.
    """
    weight = xp.where(beside.exists, gap.length / (gap.length + beside.length), 0)
    parabola = weight * (beside.slope - gap.slope)
    if not cubic:
        return parabola
    # The third divided difference has the derivative (x - x0)(x - x1) at the known frame, over
    # the whole span; both distances are lengths of neighbouring pairs.
    span = gap.length + beside.length + beyond.length
    third = xp.where(beyond.exists, beside.length * gap.length / span, 0)
    near = (gap.slope - beside.slope) / (gap.length + beside.length)
    far = (beside.slope - beyond.slope) / (beside.length + beyond.length)
    return parabola - cubic * third * (near - far)


def falloff(
    elapsed: Any, length: Any, lasting: Any, far_end_known: Any, free: float, xp: Any
) -> Any:
    """``w`` of the module's formula: how far the velocity at one end carries into the gap, frames.

    Args:
        elapsed: frames from this end.
        length: frames of the gap.
        lasting: time constant, frames.
        far_end_known: bool, whether the velocity at the other end is known.
        free: see :class:`Inertia`.
        xp: the array library, numpy or torch.
    """
    progress = elapsed / length
    # With a factor of 1/2 the second derivative is zero at the far end, before the decay.
    k = xp.where(far_end_known, 1.0, 1 - free / 2)
    return elapsed * (1 - progress) * (1 - k * progress) * xp.exp(-elapsed / lasting)

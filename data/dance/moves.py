"""Twelve moves of one bar each, one for each root a chord can have.

A move is a function of the beat within the bar (0 to 4; a little more at both ends, where bars
blend) and writes control channels, away from the dancer's own posture. Each is written leading with
the left side; the rule mirrors it. A foot is at home at both bar lines, so that any move can follow
any other without a slide.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from data.dance.controls import Channels, bump, hold, pack, ramp

Array = np.ndarray
Beats = Float[Array, "T"]


# Numbers in this file are beats for times, radians for angles and metres for lengths.
class _Feet:
    """Writes steps into channels: where the foot goes, its lift, its heel, and the weight shifting
    off it."""

    def __init__(self, beats: Beats) -> None:
        self.beats = beats
        self.channels: dict[str, Array] = {}

    def add(self, name: str, value: Array) -> None:
        # Added up, because a foot takes several steps in a bar.
        self.channels[name] = self.channels.get(name, 0) + value

    def step(
        self,
        side: str,
        start: float,
        x: float = 0,
        z: float = 0,
        *,
        beats: float = 0.5,
        lift: float = 0.07,
        orbit: float = 0,
        weight: float = 0.07,
    ) -> None:
        """One foot leaves the floor at beat ``start`` and lands ``beats`` later, ``x`` and ``z``
        metres on."""
        way = ramp(self.beats, start, start + beats)
        air = bump(self.beats, start, start + beats)
        for channel, distance in (
            ("x", x),
            ("z", z),
            # The body travels with the step; without this the pelvis would stay behind its feet.
            ("step_x", x),
            ("step_z", z),
            ("orbit", orbit),
        ):
            if distance:
                self.add(f"{side}f_{channel}", distance * way)
        self.add(f"{side}f_y", lift * air)
        # The heel leaves the floor with the foot, and is down before it lands.
        self.add(f"{side}f_tip", 0.3 * bump(self.beats, start, start + 0.8 * beats))
        self.lean(side, start, start + beats, weight)

    def reach(
        self,
        side: str,
        peak: float,
        x: float,
        z: float,
        y: float,
        tip: float,
        *,
        rise: float = 0.65,
        stay: float = 0.05,
        fall: float = 0.75,
    ) -> None:
        """One foot goes out through the air and comes home, the weight staying on the other."""
        out = hold(self.beats, peak, rise, stay, fall)
        for channel, distance in (("x", x), ("z", z), ("y", y), ("tip", tip)):
            self.add(f"{side}f_{channel}", distance * out)
        # More than in a step (0.07), because the other leg carries the weight for longer.
        self.lean(side, peak - rise, peak + stay + fall, 0.085)

    def lean(self, side: str, start: float, stop: float, weight: float) -> None:
        """The pelvis moves over the other foot and lifts the hip that is free."""
        # Left is +x: with the left foot in the air the weight goes to the right.
        sign = -1 if side == "l" else 1
        # Starts before the foot leaves the floor and ends after it lands.
        shift = hold(self.beats, start + 0.1, 0.4, stop - start - 0.2, 0.4)
        self.add("sway_x", sign * weight * shift)
        self.add("pelvis_roll", sign * weight * 0.9 * shift)
        # The spine undoes the pelvis's roll, so that shoulders stay level.
        self.add("spine2_roll", -sign * weight * 0.9 * shift)


def _beat(beats: Beats, period: float = 2, late: float = 0) -> Array:
    """Swings from -1 on beat ``late`` to 1 half a period later."""
    # A period of 2 beats swings to one side on each beat.
    return -np.cos(2 * np.pi * (beats - late) / period)


def side_step(beats: Beats) -> Channels:
    """Step out, close and clap; step back, close."""
    feet = _Feet(beats)
    # The last step lands at 3.95, before the bar line.
    for side, start, x in (("l", 0.5, 0.3), ("r", 1.5, 0.3), ("r", 2.5, -0.3), ("l", 3.45, -0.3)):
        feet.step(side, start, x)
    swing = _beat(beats, 2, 0)
    clap = hold(beats, 2, 0.5, 0.1, 0.55)
    arms: Channels = {}
    for side in "lr":
        arms |= {
            f"{side}_swing": 0.45 * swing * (1 - clap) + 0.5 * clap,
            f"{side}_fwd": 0.75 * clap,
            f"{side}_elbow": 0.35 + 0.25 * swing + 0.45 * clap,
            f"{side}_down": -0.2 - 0.15 * clap,
        }
    turn = bump(beats, 0, 2) - bump(beats, 2, 4)
    return {
        **arms,
        **feet.channels,
        "spine2_yaw": 0.15 * turn,
        "spine3_roll": -0.1 * turn,
        "head_yaw": 0.2 * turn,
    }


def groove(beats: Beats) -> Channels:
    """Feet planted, forearms pumping on every beat, shoulders alternating, head nodding."""
    pump, side = _beat(beats, 1, 0), _beat(beats, 2, 0)
    channels: Channels = {
        "sway_x": 0.035 * side,
        "pelvis_roll": 0.05 * side,
        "spine1_pitch": 0.06 + 0.05 * pump,
        "spine3_pitch": 0.07 * pump,
        "head_pitch": 0.14 * _beat(beats, 1, 0.1),
    }
    # Shoulders alternate: one rises while the other sinks.
    for hand, sign in (("l", 1), ("r", -1)):
        channels |= {
            f"{hand}_swing": 0.25 + 0.2 * pump,
            f"{hand}_elbow": 1.0 + 0.4 * pump,
            f"{hand}_down": -0.12,
            f"{hand}_raise": 0.1 + 0.16 * sign * side,
            f"{hand}_fwd": 0.15,
        }
    return channels


def sway(beats: Beats) -> Channels:
    """Hips from side to side, the arms trailing loosely after them."""
    # Delays in beats: arms follow hips, and the head follows both (overlapping action).
    hips, arms = _beat(beats, 2, 0), _beat(beats, 2, 0.22)
    head = _beat(beats, 2, 0.3)
    channels: Channels = {
        "sway_x": 0.085 * hips,
        "pelvis_roll": 0.17 * hips,
        "pelvis_yaw": 0.12 * hips,
        "spine1_roll": -0.08 * hips,
        "spine2_roll": -0.1 * hips,
        "spine3_roll": -0.06 * arms,
        "head_roll": 0.12 * head,
        "lift": -0.02,
    }
    for hand, sign in (("l", 1), ("r", -1)):
        channels |= {
            f"{hand}_down": -0.3 - 0.28 * sign * arms,
            f"{hand}_elbow": 0.15 + 0.22 * sign * head,
            f"{hand}_swing": 0.18 - 0.2 * sign * arms,
            f"{hand}_wrist": 0.3 * sign * head,
        }
    return channels


def twist(beats: Beats) -> Channels:
    """Hips and shoulders turn against each other, forearms sweeping across."""
    turn = _beat(beats, 2, 0)
    channels: Channels = {
        "pelvis_yaw": 0.42 * turn,
        # The spine's three joints turn back further (0.8) than the pelvis turns (0.42).
        "spine1_yaw": -0.25 * turn,
        "spine2_yaw": -0.3 * turn,
        "spine3_yaw": -0.25 * turn,
        "head_yaw": 0.2 * turn,
        "lift": -0.055,
        "spine1_pitch": 0.12,
    }
    for hand, sign in (("l", 1), ("r", -1)):
        channels |= {
            f"{hand}_elbow": 0.95 - 0.15 * sign * turn,
            f"{hand}_swing": 0.1 + 0.4 * sign * turn,
            f"{hand}_down": -0.35,
            f"{hand}_fwd": 0.2 + 0.2 * sign * turn,
        }
    return channels


def arm_wave(beats: Beats) -> Channels:
    """A wave runs from one hand over the shoulders to the other, twice."""

    def wave(place: float) -> Array:
        # A travelling wave: each joint is 0.22 beats behind its neighbour; the period is two beats.
        return np.sin(np.pi * (beats - 0.22 * place))

    channels: Channels = {
        "spine3_roll": 0.1 * wave(3),
        "spine2_roll": 0.06 * wave(3),
        "sway_x": 0.04 * wave(3),
        "head_yaw": 0.35 * wave(1),
        "head_roll": 0.08 * wave(3),
    }
    # Places along the wave, from the left hand (0) to the right one (6); the chest is at 3.
    for hand, places in (("l", (0, 1, 2, 2.6)), ("r", (6, 5, 4, 3.4))):
        tip, elbow, shoulder, collar = (wave(place) for place in places)
        channels |= {
            f"{hand}_wrist": 0.45 * tip,
            f"{hand}_elbow": 0.05 + 0.45 * elbow,
            f"{hand}_raise": 0.15 * collar,
            # Upper arms are raised to about the horizontal: 1.2 of the posture less 0.95.
            f"{hand}_down": -0.95 - 0.38 * shoulder,
            f"{hand}_twist": 0.95,
            f"{hand}_fwd": 0.12,
        }
    return channels


def arm_hits(beats: Beats) -> Channels:
    """A hit on every beat: one arm up, the other, both out; between bars both are gathered before
    the chest."""
    first, second, out = (hold(beats, k, 0.4, 0.25, 0.42) for k in (1, 2, 3))
    # Out of the way during the hits, and back before the next bar.
    across = 1 - hold(beats, 0.9, 0.65, 2.45, 0.5)
    channels: Channels = {
        "spine2_yaw": -0.2 * first + 0.2 * second,
        "spine3_yaw": -0.15 * first + 0.15 * second,
        "spine3_pitch": -0.12 * out + 0.2 * across,
        "head_yaw": 0.3 * first - 0.3 * second,
        "sway_x": 0.05 * first - 0.05 * second,
        "pelvis_yaw": -0.1 * first + 0.1 * second,
    }
    for hand, up in (("l", first), ("r", second)):
        channels |= {
            f"{hand}_elbow": 1.0 - 1.2 * up - 1.1 * out + 0.1 * across,
            f"{hand}_down": -0.35 - 1.35 * up - 0.8 * out - 0.15 * across,
            f"{hand}_fwd": 0.3 + 0.1 * up - 0.25 * out + 0.75 * across,
            f"{hand}_swing": 0.25 - 0.1 * up - 0.2 * out,
            f"{hand}_raise": 0.2 * up + 0.1 * out,
            f"{hand}_reach": 0.15 * across,
        }
    return channels


def kicks(beats: Beats) -> Channels:
    """A kick with one leg, then with the other, the arms swinging against it."""
    feet = _Feet(beats)
    # The foot is at its highest up to the beat, and falls from there on.
    feet.reach("l", 0.95, -0.02, 0.62, 0.36, -0.5, rise=0.75)
    feet.reach("r", 2.95, 0.02, 0.62, 0.36, -0.5, rise=0.75)
    left, right = hold(beats, 0.95, 0.8, 0.05, 0.8), hold(beats, 2.95, 0.8, 0.05, 0.8)
    both = left + right
    channels: Channels = {
        "spine1_pitch": 0.1 * both,
        "spine2_yaw": 0.18 * (left - right),
        "sway_z": -0.05 * both,
        "pelvis_pitch": -0.12 * both,
    }
    for hand, same, other in (("l", left, right), ("r", right, left)):
        channels |= {
            f"{hand}_swing": 0.75 * other - 0.5 * same,
            f"{hand}_elbow": 0.3 + 0.4 * other,
            f"{hand}_down": -0.3 * both - 0.1,
            f"{hand}_fwd": 0.2 * other,
        }
    return {**channels, **feet.channels}


def turn(beats: Beats) -> Channels:
    """Once around on the spot, in eight small steps."""
    feet = _Feet(beats)
    for k in range(8):
        # Each foot takes four quarter turns; the last of the eight steps lands at 3.91.
        feet.step("lr"[k % 2], 0.02 + 0.49 * k, orbit=np.pi / 2, beats=0.46, lift=0.05, weight=0.03)
    # The trailing underscore avoids the built-in ``open``.
    open_ = hold(beats, 0.9, 0.9, 2.0, 0.9)
    channels: Channels = {
        "head_yaw": 0.35 * hold(beats, 0.6, 0.6, 1.5, 1.2),
        "spine2_yaw": 0.15 * open_,
        "spine2_roll": 0.04 * open_,
    }
    for hand, sign in (("l", 1), ("r", -1)):
        channels |= {
            f"{hand}_down": -0.55 * open_ - 0.08 * sign * _beat(beats, 2, 0),
            f"{hand}_elbow": 0.45 * open_,
            f"{hand}_fwd": (0.25 - 0.2 * sign) * open_,
            f"{hand}_twist": 0.2 * open_,
        }
    return {**channels, **feet.channels}


def body_roll(beats: Beats) -> Channels:
    """A wave runs down the spine from the head to the hips, twice."""
    # A quarter beat from each part to the next makes the wave visible.
    head, chest, waist, hips = (_beat(beats, 2, late) for late in (0.0, 0.25, 0.5, 0.75))
    channels: Channels = {
        "head_pitch": -0.25 * head,
        "spine3_pitch": -0.3 * chest,
        "spine2_pitch": -0.22 * waist,
        "spine1_pitch": 0.2 * hips + 0.08,
        "pelvis_pitch": -0.24 * hips,
        "sway_z": 0.05 * waist,
        "lift": -0.04 - 0.035 * hips,
    }
    for hand in "lr":
        channels |= {
            f"{hand}_swing": -0.12 + 0.3 * waist,
            f"{hand}_elbow": 0.25 + 0.3 * hips,
            f"{hand}_down": -0.3,
            f"{hand}_raise": 0.12 * chest,
            f"{hand}_reach": -0.12 * chest,
        }
    return channels


def v_step(beats: Beats) -> Channels:
    """Out and forward with one foot, then the other, back home; an arm opens overhead with each
    foot."""
    feet = _Feet(beats)
    for side, start, x, z in (
        # Out and forward, then back by the same amount: the sum of each foot's steps is zero.
        ("l", 0.48, 0.13, 0.26),
        ("r", 1.48, -0.13, 0.26),
        ("l", 2.48, -0.13, -0.26),
        ("r", 3.45, 0.13, -0.26),
    ):
        feet.step(side, start, x, z)
    left, right = hold(beats, 1, 0.85, 1.2, 0.95), hold(beats, 2, 0.85, 1.0, 0.9)
    channels: Channels = {
        "spine2_roll": 0.08 * (right - left),
        "head_roll": 0.06 * (left - right),
        "head_pitch": -0.1 * (left + right),
    }
    for hand, up in (("l", left), ("r", right)):
        channels |= {
            # Beyond the horizontal (-1.2) to overhead.
            f"{hand}_down": -1.95 * up,
            f"{hand}_elbow": 0.1 - 0.25 * up,
            f"{hand}_raise": 0.35 * up,
            f"{hand}_fwd": 0.25 * up,
        }
    return {**channels, **feet.channels}


def arms_overhead(beats: Beats) -> Channels:
    """Both arms up, waving from side to side; the weight goes with them and the free heel lifts."""
    side, late = _beat(beats, 2, 0), _beat(beats, 2, 0.2)
    channels: Channels = {
        "sway_x": 0.06 * side,
        "pelvis_roll": 0.07 * side,
        "spine1_roll": -0.08 * side,
        "spine2_roll": -0.1 * side,
        "spine3_roll": -0.1 * late,
        "head_roll": -0.1 * late,
    }
    inside = hold(beats, 0.7, 0.6, 2.6, 0.6)  # heels are down at the bar lines
    for hand, sign in (("l", 1), ("r", -1)):
        channels |= {
            f"{hand}_down": -2.0 + 0.3 * sign * late,
            f"{hand}_elbow": -0.1 - 0.2 * sign * late,
            f"{hand}_raise": 0.38,
            f"{hand}_fwd": 0.3,
            f"{hand}_twist": 0.3,
            f"{hand}_wrist": 0.3 * sign * late,
            # The heel of the side without weight, between 0 and 0.28 radians.
            f"{hand}f_tip": 0.14 * (1 - sign * side) * inside,
        }
    return channels


def knee_lifts(beats: Beats) -> Channels:
    """A knee comes up to the opposite elbow, then the other."""
    feet = _Feet(beats)
    feet.reach("l", 0.98, 0.0, 0.16, 0.34, 0.35)
    feet.reach("r", 2.98, 0.0, 0.16, 0.34, 0.35)
    left, right = hold(beats, 0.98, 0.75, 0.05, 0.8), hold(beats, 2.98, 0.75, 0.05, 0.8)
    both = left + right
    channels: Channels = {
        "spine2_pitch": 0.14 * both,
        "spine3_pitch": 0.1 * both,
        "head_pitch": 0.08 * both,
        # The trunk turns the opposite elbow towards the knee.
        "spine1_yaw": 0.12 * (left - right),
        "spine2_yaw": 0.2 * (left - right),
        "spine3_yaw": 0.2 * (left - right),
    }
    for hand, same, other in (("l", left, right), ("r", right, left)):
        channels |= {
            f"{hand}_elbow": 0.6 + 0.8 * other + 0.2 * same,
            f"{hand}_swing": 0.2 + 0.4 * other - 0.65 * same,
            f"{hand}_down": -0.35 - 0.35 * other,
            f"{hand}_fwd": 0.2 + 0.5 * other,
        }
    return {**channels, **feet.channels}


Move = Callable[[Beats], Channels]
MOVES: tuple[Move, ...] = (
    side_step,
    groove,
    sway,
    twist,
    arm_wave,
    arm_hits,
    kicks,
    turn,
    body_roll,
    v_step,
    arms_overhead,
    knee_lifts,
)
"""In the order of the chords' roots from C upwards: the learnable link, the same for all songs and
splits."""


def evaluate(move: Move, beats: Beats) -> Float[Array, "T C"]:
    """A move's channels at the given beats of its bar."""
    return pack(move(beats), len(beats))

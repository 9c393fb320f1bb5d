"""The moves in which the feet stay on the floor.

Times are in beats, angles in radians and lengths in metres.
"""

import numpy as np

from data.dance.controls import Channels, hold
from data.dance.steps import Array, Beats, swing_on_beat


def groove(beats: Beats) -> Channels:
    """Feet standing, forearms pumping on every beat, shoulders alternating, head nodding."""
    pump, side = swing_on_beat(beats, 1, 0), swing_on_beat(beats, 2, 0)
    channels: Channels = {
        "sway_x": 0.035 * side,
        "pelvis_roll": 0.05 * side,
        "spine1_pitch": 0.06 + 0.05 * pump,
        "spine3_pitch": 0.07 * pump,
        "head_pitch": 0.14 * swing_on_beat(beats, 1, 0.1),
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
    hips, arms = swing_on_beat(beats, 2, 0), swing_on_beat(beats, 2, 0.22)
    head = swing_on_beat(beats, 2, 0.3)
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
    turn = swing_on_beat(beats, 2, 0)
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
    """A hit on every beat: one arm up, the other up, both out; between bars both are before the
    chest."""
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


def body_roll(beats: Beats) -> Channels:
    """A wave runs down the spine from the head to the hips, twice."""
    # A quarter beat from each part to the next makes the wave visible.
    head, chest, waist, hips = (swing_on_beat(beats, 2, late) for late in (0.0, 0.25, 0.5, 0.75))
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


def arms_overhead(beats: Beats) -> Channels:
    """Both arms up, waving from side to side; the weight follows and the free heel lifts."""
    side, late = swing_on_beat(beats, 2, 0), swing_on_beat(beats, 2, 0.2)
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

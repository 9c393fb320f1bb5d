"""The moves in which the feet leave the floor.

Times are in beats, angles in radians and lengths in metres.
"""

import numpy as np

from data.dance.controls import Channels, bump, hold
from data.dance.steps import Beats, Feet, swing_on_beat


def side_step(beats: Beats) -> Channels:
    """Step out, close and clap; step back, close."""
    feet = Feet(beats)
    # The last step lands at 3.95, before the bar line.
    for side, start, x in (("l", 0.5, 0.3), ("r", 1.5, 0.3), ("r", 2.5, -0.3), ("l", 3.45, -0.3)):
        feet.step(side, start, x)
    swing = swing_on_beat(beats, 2, 0)
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


def kicks(beats: Beats) -> Channels:
    """A kick with one leg, then with the other, with the arms swinging in opposition."""
    feet = Feet(beats)
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
    feet = Feet(beats)
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
            f"{hand}_down": -0.55 * open_ - 0.08 * sign * swing_on_beat(beats, 2, 0),
            f"{hand}_elbow": 0.45 * open_,
            f"{hand}_fwd": (0.25 - 0.2 * sign) * open_,
            f"{hand}_twist": 0.2 * open_,
        }
    return {**channels, **feet.channels}


def v_step(beats: Beats) -> Channels:
    """Out and forward with one foot, then the other, and back; an arm opens overhead with each
    foot."""
    feet = Feet(beats)
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


def knee_lifts(beats: Beats) -> Channels:
    """A knee comes up to the opposite elbow, then the other."""
    feet = Feet(beats)
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

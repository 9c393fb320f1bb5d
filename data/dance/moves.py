"""Twelve moves of one bar each, one for each root a chord can have.

A move is a function of the beat within the bar (0 to 4, slightly more at both ends, where bars
blend). It returns control channels relative to the dancer's posture. Each move leads with the left
side; the rule mirrors it. Feet are in their rest places at both bar lines, so that any move can
follow any other without foot skate.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from data.dance.controls import Channels, pack
from data.dance.standing import (
    arm_hits,
    arm_wave,
    arms_overhead,
    body_roll,
    groove,
    sway,
    twist,
)
from data.dance.stepping import kicks, knee_lifts, side_step, turn, v_step
from data.dance.steps import Beats

Array = np.ndarray
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
"""Moves in the order of the chords' roots from C upwards. Networks can learn this mapping, which is
the same for all songs and splits."""


def evaluate(move: Move, beats: Beats) -> Float[Array, "T C"]:
    """A move's channels at the given beats of its bar."""
    return pack(move(beats), len(beats))

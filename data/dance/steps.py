"""Building blocks of moves: steps of the feet, and swings on the beat."""

import numpy as np
from jaxtyping import Float

from data.dance.controls import bump, hold, ramp

Array = np.ndarray
Beats = Float[Array, "T"]


# Numbers in this file are beats for times, radians for angles and metres for lengths.
class Feet:
    """Writes steps into channels: the foot's path, lift and heel, and the shift of the weight."""

    def __init__(self, beats: Beats) -> None:
        self.beats = beats
        self.channels: dict[str, Array] = {}

    def add(self, name: str, value: Array) -> None:
        """Add to a channel."""
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
        """Move one foot by ``x`` and ``z`` metres: it leaves the floor at beat ``start`` and lands
        ``beats`` later."""
        progress = ramp(self.beats, start, start + beats)
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
                self.add(f"{side}f_{channel}", distance * progress)
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
        """Move one foot out through the air and back, with the weight on the other one."""
        out = hold(self.beats, peak, rise, stay, fall)
        for channel, distance in (("x", x), ("z", z), ("y", y), ("tip", tip)):
            self.add(f"{side}f_{channel}", distance * out)
        # More than in a step (0.07), because the other leg carries the weight for longer.
        self.lean(side, peak - rise, peak + stay + fall, 0.085)

    def lean(self, side: str, start: float, stop: float, weight: float) -> None:
        """Move the pelvis over the standing foot and lift the free hip."""
        # Left is +x: with the left foot in the air the weight goes to the right.
        sign = -1 if side == "l" else 1
        # Starts before the foot leaves the floor and ends after it lands.
        shift = hold(self.beats, start + 0.1, 0.4, stop - start - 0.2, 0.4)
        self.add("sway_x", sign * weight * shift)
        self.add("pelvis_roll", sign * weight * 0.9 * shift)
        # The spine undoes the pelvis's roll, so that shoulders stay level.
        self.add("spine2_roll", -sign * weight * 0.9 * shift)


def swing_on_beat(beats: Beats, period: float = 2, late: float = 0) -> Array:
    """Swings from -1 on beat ``late`` to 1 half a period later."""
    # A period of 2 beats swings to one side on each beat.
    return -np.cos(2 * np.pi * (beats - late) / period)

"""The rule that maps music to movement; ``data/README.md`` describes it.

The rule is local in time. A frame depends only on its own bar (chord, section), near a bar line also
on the neighbouring bar, and on the kicks and snares whose windows contain it.
"""

import numpy as np
from jaxtyping import Float, Int

from data.dance import rig
from data.dance.controls import ARMS, FEET, INDEX, NAMES, UPPER, mirror, pulse, ramp
from data.dance.moves import MOVES, evaluate
from data.dance.song import Bar, Song
from data.dance.style import Dancer
from mmm.motion.clip import Motion
from mmm.motion.skeleton import SMPL24

Array = np.ndarray

FPS = 60.0
BLEND_BEATS = 0.45
"""Half the width of the blend about a bar line, in beats."""
KICK_WINDOW_S = (-0.11, 0.33)
"""Seconds around its onset in which a kick lowers the pelvis; it is lowest ``_KICK_PEAK_S`` after the
onset."""
_KICK_PEAK_S = 0.04
SNARE_WINDOW_S = (-0.08, 0.30)
_SNARE_PEAK_S = 0.03
_ARM_CHANNELS = np.array([name in ARMS for name in NAMES])
_STEP_CHANNELS = np.array([name.endswith(("f_x", "f_z", "step_x", "step_z")) for name in NAMES])
_FOOT_CHANNELS = np.array([name in FEET for name in NAMES])


def move_of(bar: Bar) -> str:
    """The name of a bar's move, which the root of its chord decides."""
    return MOVES[bar.root].__name__


def leads_left(bar: Bar) -> bool:
    """Which side leads: the left one on a major chord, the right one on a minor chord."""
    return not bar.minor


def dance(song: Song, dancer: Dancer, start: int = 0, frames: int | None = None) -> Motion:
    """The dancer's motion to frames ``start`` to ``start + frames`` of a song (to its end, if not
    given), 60 fps."""
    count = song.frames(FPS) - start if frames is None else frames
    return perform(channels(song, dancer, np.arange(start, start + count)), dancer)


def perform(values: Float[Array, "T C"], dancer: Dancer) -> Motion:
    """Channels to a motion."""
    pose = rig.pose(values, dancer)
    return Motion(SMPL24, pose.rotations.astype(np.float32), pose.root_m.astype(np.float32), FPS)


def bar_position(
    song: Song, time_s: Float[Array, "T"]
) -> tuple[Int[Array, "T"], Float[Array, "T"]]:
    """The bar of each time, and the beat within the bar (0 to 4; negative before the first bar
    line)."""
    bar = np.clip(np.floor(time_s / song.bar_s).astype(int), 0, len(song.bars) - 1)
    return bar, 4 * (time_s / song.bar_s - bar)


def channels(song: Song, dancer: Dancer, frames: Int[Array, "T"]) -> Float[Array, "T C"]:
    """All channels of the given frames of a song."""
    # A late dancer follows the music of a moment ago.
    time_s = frames / FPS - dancer.late_s
    bar, beat = bar_position(song, time_s)
    values = _bars(song, dancer, bar, beat)
    # A bar is longer than two blends, so no frame lies in both.
    before, after = beat < BLEND_BEATS, beat > 4 - BLEND_BEATS
    for near, step, weight in (
        (before, -1, 1 - ramp(beat, -BLEND_BEATS, BLEND_BEATS)),
        (after, 1, ramp(beat, 4 - BLEND_BEATS, 4 + BLEND_BEATS)),
    ):
        # ``near`` selects frames; ``other`` is the bar on the far side of their bar line.
        other = bar[near] + step
        if not near.any():
            continue
        # There is nothing to blend with before the first bar and after the last.
        inside = (other >= 0) & (other < len(song.bars))
        neighbour = _bars(
            song, dancer, np.clip(other, 0, len(song.bars) - 1), beat[near] - 4 * step
        )
        # At the bar line both sides have half the weight, so the blend is continuous there.
        share = (weight[near] * inside)[:, None] * UPPER
        values[near] += share * (neighbour - values[near])
    # Drums add to the move instead of replacing it, so that each rule can be traced separately.
    values += _pace(dancer, beat) + _posture(dancer)
    return values + _bounce(song, dancer, time_s) + _accents(song, dancer, time_s)


def _bars(song: Song, dancer: Dancer, bar: Array, beat: Array) -> Float[Array, "T C"]:
    """The channels of the moves of the given bars, mirrored and scaled."""
    kinds = np.array([b.chord for b in song.bars])[bar]
    # A break (0.35) is danced at about 0.84, a chorus (1.0) at 1.05 of the dancer's own size.
    size = dancer.amplitude * (0.72 + 0.33 * np.array([b.intensity for b in song.bars])[bar])
    values = np.empty((len(bar), len(NAMES)))
    for kind in np.unique(kinds):
        here = kinds == kind
        values[here] = evaluate(MOVES[kind // 2], beat[here])
        # Odd classes are minor chords, which the right side leads.
        if kind % 2:
            values[here] = mirror(values[here])
    # Feet keep their size: a full turn on the spot must remain a full turn.
    scale = np.where(
        _FOOT_CHANNELS, 1.0, size[:, None] * np.where(_ARM_CHANNELS, dancer.arm_amplitude, 1.0)
    )
    # Steps grow with a fifth of the size only, within what legs reach.
    step = np.where(_STEP_CHANNELS, dancer.step * (0.8 + 0.2 * size[:, None]), scale)
    return values * step


def _sum_of_pulses(
    time_s: Array, onsets_s: Array, window_s: tuple[float, float], peak_s: float
) -> Array:
    """The sum of pulses around all onsets, with a soft limit where they overlap."""
    total = np.zeros(len(time_s))
    if not len(onsets_s):
        return total
    # No more than this many windows overlap.
    for k in range(-4, 5):
        # The k-th onset after each time, counted from the first that is not before it.
        near = np.searchsorted(onsets_s, time_s) + k
        inside = (near >= 0) & (near < len(onsets_s))
        since = time_s - onsets_s[np.clip(near, 0, len(onsets_s) - 1)] - peak_s
        total += inside * pulse(since, peak_s - window_s[0], window_s[1] - peak_s)
    # A soft limit at about 1.5, scaled so that a single pulse still peaks at 1.
    return 1.25 * np.tanh(total / 1.25) / (1.25 * np.tanh(1 / 1.25))


def kick_pulses(song: Song, time_s: Float[Array, "T"]) -> Float[Array, "T"]:
    """How far the kicks push the pelvis down: 0 none, 1 a single kick at its lowest."""
    return _sum_of_pulses(time_s, song.onsets_s("kick"), KICK_WINDOW_S, _KICK_PEAK_S)


def snare_pulses(song: Song, time_s: Float[Array, "T"]) -> Float[Array, "T"]:
    """Strength of the snare accents: 0 none, 1 a single stroke at its peak."""
    return _sum_of_pulses(time_s, song.onsets_s("snare"), SNARE_WINDOW_S, _SNARE_PEAK_S)


def _pace(dancer: Dancer, beat: Array) -> Float[Array, "T C"]:
    """Tempo: the body dips slightly on every beat."""
    values = np.zeros((len(beat), len(NAMES)))
    dip, turn = np.cos(2 * np.pi * beat), np.cos(np.pi * beat)
    for name, amount in (
        ("lift", -0.007 * dip),
        ("head_pitch", 0.04 * dip),
        ("spine2_yaw", 0.03 * turn),
        ("sway_x", 0.008 * turn),
        ("l_swing", 0.05 * turn),
        ("r_swing", -0.05 * turn),
    ):
        # The pace depends on tempo alone, which the whole song shares, so it is no local influence.
        values[:, INDEX[name]] = dancer.amplitude * amount
    return values


def _bounce(song: Song, dancer: Dancer, time_s: Array) -> Float[Array, "T C"]:
    """Kicks: the pelvis sinks and the trunk bends slightly."""
    values = np.zeros((len(time_s), len(NAMES)))
    down = kick_pulses(song, time_s)
    for name, amount in (
        ("lift", -dancer.bounce_m),
        ("spine1_pitch", 0.06),
        ("spine2_pitch", 0.04),
        ("head_pitch", -0.05),
        ("pelvis_pitch", 0.04),
    ):
        values[:, INDEX[name]] = amount * down
    return values


def _accents(song: Song, dancer: Dancer, time_s: Array) -> Float[Array, "T C"]:
    """Snares: an accent of shoulders, chest, head and forearms."""
    values = np.zeros((len(time_s), len(NAMES)))
    hit = dancer.accent * snare_pulses(song, time_s)
    for name, amount in (
        ("spine3_pitch", -0.13),
        ("head_pitch", 0.16),
        ("l_raise", 0.14),
        ("r_raise", 0.14),
        ("l_elbow", 0.3),
        ("r_elbow", 0.3),
        ("l_down", -0.14),
        ("r_down", -0.14),
        ("l_wrist", 0.25),
        ("r_wrist", 0.25),
    ):
        values[:, INDEX[name]] = amount * hit
    return values


def _posture(dancer: Dancer) -> Float[Array, "C"]:
    """The channels of the dancer's standing posture."""
    values = np.zeros(len(NAMES))
    # Radians. The head takes back about half of the spine's lean, and so keeps looking forward.
    posture = {
        "spine1_pitch": 0.06 + dancer.lean_rad,
        "spine2_pitch": 0.04 + 0.5 * dancer.lean_rad,
        "spine3_pitch": 0.03,
        "head_pitch": -0.05 - 0.8 * dancer.lean_rad,
        "pelvis_pitch": 0.03,
        "l_elbow": dancer.elbow_rad,
        "r_elbow": dancer.elbow_rad,
        # From the rest pose (arms level) to hanging, 1.2 of a right angle's 1.57 radians.
        "l_down": 1.2 - dancer.carriage_rad,
        "r_down": 1.2 - dancer.carriage_rad,
        "l_swing": 0.05,
        "r_swing": 0.05,
        "l_fwd": 0.2,
        "r_fwd": 0.2,
        "l_raise": -0.06,
        "r_raise": -0.06,
    }
    for name, value in posture.items():
        values[INDEX[name]] = value
    return values

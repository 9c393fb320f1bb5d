"""Synthesis of songs: drums, bass and chords from sines and noise, together or as single stems."""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float
from scipy.signal import butter, fftconvolve, sosfilt

from data.dance.song import DRUMS, SLOTS, Bar, Song
from mmm.motion.clip import Audio

Array = np.ndarray

RATE_HZ = 30_720
"""512 samples a frame at 60 fps: the rate at which ``mmm.music`` analyses sound, so that nothing is
resampled."""
STEMS = ("drums", "bass", "chords")
# Levels before the limiter; drums lead, because onsets must be easy to hear.
_MIX = {"drums": 0.85, "bass": 0.5, "chords": 0.42}
_MAJOR, _MINOR = (0, 4, 7), (0, 3, 7)


def render(song: Song, stems: Iterable[str] = STEMS) -> Audio:
    """The song as mono sound, float32 in [-1, 1], exactly as long as the song.

    Args:
        song: the song.
        stems: any of ``drums``, ``bass`` and ``chords``; each is as loud as in the whole mix.

    Raises:
        ValueError: an unknown stem.
    """
    chosen = tuple(stems)
    if set(chosen) - set(STEMS):
        raise ValueError(f"stems {chosen}: only {', '.join(STEMS)} exist")
    players: dict[str, Callable[[Song], Array]] = {
        "drums": _drums,
        "bass": _bass,
        "chords": _chords,
    }
    mix = np.zeros(round(song.duration_s * RATE_HZ), dtype=np.float32)
    for stem in STEMS:
        if stem in chosen:
            mix += _MIX[stem] * players[stem](song)
    # A soft limiter. It keeps peaks in [-1, 1] without the clicks of hard clipping.
    return Audio(np.tanh(mix * _loudness(song))[:, None].astype(np.float32), RATE_HZ)


def _loudness(song: Song) -> Float[Array, "N"]:
    """The gain of each sample: louder in sections of higher intensity."""
    bars = np.arange(len(song.bars)) * song.bar_s * RATE_HZ
    levels = [0.6 + 0.4 * bar.intensity for bar in song.bars]
    # Levels change within 1,200 samples (40 ms) about a bar line; a step would click.
    steps = np.concatenate(
        [[0], np.repeat(bars[1:], 2) + np.tile([-600, 600], len(bars) - 1), [1e12]]
    )
    count = round(song.duration_s * RATE_HZ)
    return np.interp(np.arange(count), steps, np.repeat(levels, 2)).astype(np.float32)


def _place(into: Array, sound: Array, at_s: float, level: float = 1.0) -> None:
    start = round(at_s * RATE_HZ)
    stop = min(start + len(sound), len(into))
    # Sounds that reach past the song's end are cut there.
    into[start:stop] += level * sound[: stop - start]


def _seconds(length_s: float) -> Float[Array, "N"]:
    return np.arange(int(length_s * RATE_HZ)) / RATE_HZ


def _filtered(noise: Array, low_hz: float, high_hz: float) -> Array:
    return sosfilt(butter(2, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos"), noise)


def _drum_sounds(song: Song) -> dict[str, Float[Array, "N"]]:
    """The sound of each drum, the same throughout the song."""
    # Seeded by the song, so that the noise is the same in every render, also of single stems.
    rng = np.random.default_rng([*song.seed, 7003])
    t = _seconds(0.32)
    # A kick is a sine that falls from 158 to 48 Hz; its phase is the integral of the pitch.
    pitch = 48 + 110 * np.exp(-t / 0.028)
    kick = np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ) * np.exp(-t / 0.11)
    kick += 0.25 * np.exp(-t / 0.004) * rng.standard_normal(len(t))
    t = _seconds(0.22)
    noise = _filtered(rng.standard_normal(len(t)), 900, 9000)
    snare = 0.55 * noise * np.exp(-t / 0.06) + 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(
        -t / 0.045
    )
    t = _seconds(0.07)
    # Mostly above the snare's band, so that the two can be told apart.
    hat = 0.35 * _filtered(rng.standard_normal(len(t)), 6500, 14_000) * np.exp(-t / 0.016)
    # The last 400 samples fade out, because an abrupt end clicks.
    fade = [np.minimum(1, np.arange(len(sound))[::-1] / 400) for sound in (kick, snare, hat)]
    return {"kick": kick * fade[0], "snare": snare * fade[1], "hat": hat * fade[2]}


def _drums(song: Song) -> Float[Array, "N"]:
    track = np.zeros(round(song.duration_s * RATE_HZ))
    sounds = _drum_sounds(song)
    for drum in DRUMS:
        for onset in song.onsets_s(drum):
            on_beat = abs(onset / song.beat_s - round(onset / song.beat_s)) < 0.01
            # Hats between the beats are softer, which makes the beat audible.
            _place(track, sounds[drum], onset, 1.0 if on_beat or drum != "hat" else 0.7)
    return track


def _hz(semitones: float) -> float:
    """Pitch of a key, counted from middle C."""
    return 261.6256 * 2 ** (semitones / 12)


def _bass(song: Song) -> Float[Array, "N"]:
    """The root two octaves down, on the bar's bass slots."""
    track = np.zeros(round(song.duration_s * RATE_HZ))
    slot_s = song.bar_s / SLOTS
    notes: dict[tuple[int, int], Array] = {}
    for k, bar in enumerate(song.bars):
        for slot, following in zip(bar.bass, (*bar.bass[1:], SLOTS), strict=True):
            # At most six sixteenths: longer bass notes blur the chord changes.
            length = min(following - slot, 6)
            # A song has few distinct notes, so each is synthesised once.
            if (bar.root, length) not in notes:
                notes[bar.root, length] = _bass_note(
                    _hz(bar.root - 24 - (12 if bar.root > 7 else 0)), length * slot_s
                )
            _place(track, notes[bar.root, length], k * song.bar_s + slot * slot_s)
    return track


def _bass_note(hz: float, length_s: float) -> Float[Array, "N"]:
    t = _seconds(length_s)
    # Higher partials are weaker and decay sooner, as on a plucked string.
    tone = sum(np.sin(2 * np.pi * hz * n * t) * np.exp(-t * 1.2 * n) / n**1.3 for n in range(1, 7))
    return tone * _envelope(len(t), 0.006, 0.05)


def _envelope(count: int, attack_s: float, release_s: float) -> Float[Array, "N"]:
    place = np.arange(count) / RATE_HZ
    return np.minimum(1, place / attack_s) * np.clip((count / RATE_HZ - place) / release_s, 0, 1)


def _voicing(bar: Bar) -> list[int]:
    """The triad in close position between F below and E above middle C, in semitones from
    middle C."""
    return sorted((bar.root + step + 5) % 12 - 5 for step in (_MINOR if bar.minor else _MAJOR))


def _chords(song: Song) -> Float[Array, "N"]:
    """A sustained pad, and a plucked arpeggio of the chord."""
    track = np.zeros(round(song.duration_s * RATE_HZ))
    pads: dict[int, Array] = {}
    plucks: dict[int, Array] = {}
    for k, bar in enumerate(song.bars):
        if bar.chord not in pads:
            pads[bar.chord] = _pad(bar, song.bar_s)
        _place(track, pads[bar.chord], k * song.bar_s)
        notes = _voicing(bar)
        line = [notes[0] + 12, notes[1] + 12, notes[2] + 12, notes[1] + 12]
        every = {"verse": 4, "build": 2, "chorus": 2, "break": 8}[bar.section]
        for turn, slot in enumerate(range(0, SLOTS, every)):
            note = line[turn % 4]
            if note not in plucks:
                plucks[note] = _pluck(_hz(note))
            _place(track, plucks[note], k * song.bar_s + slot * song.bar_s / SLOTS, 0.4)
    return _room(track)


def _pad(bar: Bar, length_s: float) -> Float[Array, "N"]:
    """Each note as six partials, two slightly detuned voices that beat against each other."""
    t = _seconds(length_s)
    tone = np.zeros(len(t))
    for note in _voicing(bar):
        for partial in range(1, 6):
            hz = _hz(note) * partial
            tone += (
                np.sin(2 * np.pi * hz * t)
                * np.cos(2 * np.pi * 0.0018 * hz * t)
                * (0.34 / partial**1.4)
            )
    swell = 0.75 + 0.25 * np.exp(-t / 0.35)
    return tone * swell * _envelope(len(t), 0.02, 0.06)


def _pluck(hz: float) -> Float[Array, "N"]:
    t = _seconds(0.6)
    tone = sum(np.sin(2 * np.pi * hz * n * t) * np.exp(-t * (4 + 3 * n)) / n for n in range(1, 6))
    return tone * _envelope(len(t), 0.003, 0.1)


def _room(track: Float[Array, "N"]) -> Float[Array, "N"]:
    """Short causal reverberation."""
    t = _seconds(0.25)
    echo = np.random.default_rng(7004).standard_normal(len(t)) * np.exp(-t / 0.06)
    echo[: int(0.012 * RATE_HZ)] = 0
    # Cut to the song's length. Unit energy makes the amount independent of the noise.
    return track + 0.18 * fftconvolve(track, echo / np.linalg.norm(echo))[: len(track)]

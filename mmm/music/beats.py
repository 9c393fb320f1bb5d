"""Beats of a recording: onset strength, beat tracking and tempo."""

import numpy as np
from jaxtyping import Float, Int

from mmm.motion.clip import Audio
from mmm.music.audio import resample
from mmm.music.compiled import beat_tracker, librosa_module
from mmm.music.mixdown import mixed_down
from mmm.music.spectra import HOP, WINDOW, in_pieces, rate_hz

Array = np.ndarray

BEAT_FPS = 60.0
"""Beats are always tracked at this frame rate, that of AIST++."""
# The lowest chroma filter and its smoothing need this much sound; shorter sound is padded.
_SHORTEST_S = 4.0


def padded(mono: Float[Array, "N"], rate: float) -> Float[Array, "M"]:
    """Sound padded with silence at its end to the shortest length that can be analysed."""
    return np.pad(mono, (0, max(0, round(_SHORTEST_S * rate) - len(mono))))


def onsets(mono: Float[Array, "N"], rate: float) -> tuple[Float[Array, "M T"], Float[Array, "T"]]:
    """A mel spectrum in decibels, and the onset strength of each frame.

    Args:
        mono: samples.
        rate: samples per second.
    """
    librosa = librosa_module()  # slow to import, so only here

    mel_db = librosa.power_to_db(
        in_pieces(
            mono,
            rate,
            lambda sound: librosa.feature.melspectrogram(
                y=sound, sr=rate, n_fft=WINDOW, hop_length=HOP
            ),
        )
    )
    return mel_db, librosa.onset.onset_strength(S=mel_db, sr=rate, n_fft=WINDOW, hop_length=HOP)


def find_beats(
    audio: Audio, fps: float, start_bpm: float, onset: Float[Array, "T"]
) -> tuple[Int[Array, "B"], float]:
    """Frames on which beats fall, and the tempo in beats per minute.

    Args:
        audio: the whole recording.
        fps: the motion's frame rate, at which the frames are counted.
        start_bpm: tempo at which the tracker starts.
        onset: onset strength at that frame rate.
    """
    if fps != BEAT_FPS:
        # The tracker works in whole frames, so at another frame rate it may find another tempo. A
        # fixed rate gives a song the same beats for all motions.
        rate = rate_hz(BEAT_FPS)
        mono = resample(mixed_down(audio.samples, audio.rate_hz), float(audio.rate_hz), rate)
        onset = onsets(padded(mono, rate), rate)[1]
    beats, tracked_bpm = _track(onset, start_bpm)
    tempo_bpm = tempo_of(beats, BEAT_FPS, tracked_bpm)
    # At low frame rates two beats may fall on one frame.
    return np.unique(np.round(beats * (fps / BEAT_FPS)).astype(np.int64)), tempo_bpm


def _track(onset: Float[Array, "T"], start_bpm: float) -> tuple[Int[Array, "B"], float]:
    """Frames of the beats at ``BEAT_FPS``, and the tracker's tempo (Ellis 2007)."""
    tempo, beats = beat_tracker()(
        onset_envelope=onset,
        sr=rate_hz(BEAT_FPS),
        hop_length=HOP,
        start_bpm=start_bpm,
        tightness=100,
    )
    # librosa gives the tempo as a number or as an array of one, depending on its version.
    return beats.astype(np.int64), float(np.atleast_1d(tempo)[0])


def tempo_of(beats: Int[Array, "B"], fps: float, tracked_bpm: float) -> float:
    """The tempo of a line fitted to the beats, beats per minute.

    The tracker's own tempo is rounded to whole frames per beat: at 60 fps there is nothing between
    116.1, 120.0 and 124.1. It is used only if there are few beats, or if they follow another tempo
    (half of it, for example).
    """
    if len(beats) < 4:
        return tracked_bpm
    frames_per_beat = np.polyfit(np.arange(len(beats)), beats, 1)[0]
    line_bpm = 60 * fps / frames_per_beat
    return float(line_bpm) if abs(line_bpm / tracked_bpm - 1) < 0.05 else tracked_bpm

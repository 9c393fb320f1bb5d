"""Edits of a clip's music: silence, shifts, another tempo, one part removed.

If the music has its sound, the sound is edited and its features are computed again. Beats and tempo
are moved with the edit instead of being detected again: the beat tracker may decide differently on
the edited sound, and that difference would be taken for an effect of the edit. If the music has
only features, these are edited.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from mmm.errors import SpecError
from mmm.motion.clip import Audio, Clip, Music
from mmm.music.compiled import librosa_module
from mmm.music.features import FEATURE_SLICES, features_of, silence

Array = np.ndarray

_FADE_S = 0.005  # a hard cut clicks, and a click would be analysed as an onset
_SEPARATED = (
    "There is no recording without its {part}. The sound was separated by a filter "
    "(harmonic-percussive separation) into {kept} and the rest, and traces of both remain."
)


def reanalysed_clip(clip: Clip) -> Clip:
    """The clip with its music as from :func:`reanalysed`; unchanged without sound."""
    if clip.music is None or clip.music.audio is None:
        return clip
    return replace(clip, music=reanalysed(clip.music))


def reanalysed(music: Music) -> Music:
    """Music with features computed anew from its own sound; unchanged without sound.

    Stored features may come from the whole song or from uncompressed sound. An edit is therefore
    compared with the unedited sound after the same analysis. Beats and tempo stay.
    """
    if music.audio is None:
        return music
    return _analysed(music, music.audio, music.beats, music.tempo_bpm)


def _analysed(music: Music, audio: Audio, beats: Int[Array, "_"], tempo_bpm: float) -> Music:
    """Music of the edited sound, as long as ``music``, with the given beats and tempo."""
    # The known tempo is the tracker's prior, so that it does not lock onto half of it after an
    # edit.
    count = len(music)
    analysed = features_of(audio, music.fps, count, start_bpm=tempo_bpm or None)
    beats = beats[(beats >= 0) & (beats < count)]
    # The features hold the beats that were detected in the edited sound; put the given ones in.
    features = analysed.features.copy()
    features[:, FEATURE_SLICES["beat"]] = 0
    features[beats, FEATURE_SLICES["beat"]] = 1
    return replace(analysed, features=features, beats=beats, tempo_bpm=tempo_bpm)


def muted(music: Music, span: tuple[int, int] | None, label: str) -> Music:
    """Music that is silent in some frames.

    Args:
        span: first and last frame, both silent; None for all frames.
        label: names the edit in errors.

    Raises:
        SpecError: the span is not inside the music.
    """
    if span is None:
        # Features of digital silence are known exactly: nothing has to be computed from the sound.
        quiet = silence(len(music), music.fps)
        audio = music.audio and Audio(np.zeros_like(music.audio.samples), music.audio.rate_hz)
        return replace(quiet, audio=audio)
    first, last = span
    if not 0 <= first <= last < len(music):
        raise SpecError(
            label,
            f"not inside the clip's {len(music)} frames",
            f"0 to {len(music) - 1}, the lower first",
            "choose frames of the clip",
        )
    # Beats inside the span are removed: the network must not get a rhythm that is not heard.
    beats = music.beats[(music.beats < first) | (music.beats > last)]
    if music.audio is None:
        features = music.features.copy()
        features[first : last + 1] = silence(1, music.fps).features
        return replace(music, features=features, beats=beats)
    time_s = np.arange(len(music.audio.samples)) / music.audio.rate_hz
    start_s, stop_s = first / music.fps, (last + 1) / music.fps
    # Distance from the span over the fade's length: a gain of 0 inside, 1 outside, a ramp between.
    gain = np.clip(np.maximum(start_s - time_s, time_s - stop_s) / _FADE_S, 0, 1).astype(np.float32)
    sound = Audio(music.audio.samples * gain[:, None], music.audio.rate_hz)
    return _analysed(music, sound, beats, music.tempo_bpm)


def shifted(music: Music, milliseconds: float) -> Music:
    """Music moved in time, later for positive values; silence fills the end that becomes free."""
    frames, seconds = round(milliseconds * music.fps / 1000), milliseconds / 1000
    beats = music.beats + frames
    if music.audio is not None:
        # The song beyond the clip is not available, so silence moves in from there.
        later, earlier = max(seconds, 0.0), max(-seconds, 0.0)
        kept = music.audio.crop_s(earlier, earlier + music.audio.duration_s - later)
        before = round(later * kept.rate_hz)
        sound = Audio(np.pad(kept.samples, ((before, 0), (0, 0))), kept.rate_hz)
        return _analysed(music, sound, beats, music.tempo_bpm)
    features = silence(len(music), music.fps).features
    features[max(frames, 0) : len(music) + min(frames, 0)] = music.features[
        max(-frames, 0) : len(music) - max(frames, 0)
    ]
    return replace(music, features=features, beats=beats[(beats >= 0) & (beats < len(music))])


def stretched(music: Music, factor: float) -> Music:
    """Music with its duration multiplied at the same pitch; silence follows a faster song."""
    # Fast songs may round two beats to one frame; beats are unique.
    beats = np.unique(np.round(music.beats * factor).astype(np.int64))
    beats, tempo_bpm = beats[beats < len(music)], music.tempo_bpm / factor
    if music.audio is not None:
        librosa = librosa_module()  # slow to import, so only where sound is edited

        samples = librosa.effects.time_stretch(
            np.ascontiguousarray(music.audio.samples.T), rate=1 / factor
        )
        sound = Audio(samples.T.astype(np.float32), music.audio.rate_hz)
        return _analysed(music, sound, beats, tempo_bpm)
    # Nearest rows, not interpolated ones: a mean of two onset peaks is no onset peak.
    rows = np.round(np.arange(len(music)) / factor).astype(int)
    features = np.where(
        (rows < len(music))[:, None],
        music.features[np.minimum(rows, len(music) - 1)],
        silence(1, music.fps).features,
    )
    return replace(music, features=features.astype(np.float32), beats=beats, tempo_bpm=tempo_bpm)


def without(music: Music, part: str, name: str) -> tuple[Music, tuple[str, ...]]:
    """Music without one of its parts, and notes for the user.

    A recording without the part is used where the music has one. Otherwise the sound is separated
    by median filtering of its spectrogram (Fitzgerald 2010, librosa's ``hpss``).

    Args:
        part: ``drums`` or ``chords``.
        name: the clip's name, for errors.

    Raises:
        SpecError: the music has no sound.
    """
    if music.audio is None:
        raise SpecError(
            f"without:{part}",
            f"{name} has no sound, only features",
            "a clip with its recording",
            "add the recording (--music), or choose another change",
        )
    # A recording without the part is exact; separation by a filter is not.
    if part in music.without:
        return _analysed(music, music.without[part], music.beats, music.tempo_bpm), ()
    librosa = librosa_module()

    harmonic, percussive = librosa.effects.hpss(np.ascontiguousarray(music.audio.samples.T))
    kept = harmonic if part == "drums" else percussive
    sound = Audio(kept.T.astype(np.float32), music.audio.rate_hz)
    note = _SEPARATED.format(part=part, kept="tones" if part == "drums" else "percussion")
    return _analysed(music, sound, music.beats, music.tempo_bpm), (note,)

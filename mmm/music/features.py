"""The music features that networks take: 35 for each motion frame.

They are onset strength, 20 MFCC, 12 CENS chroma, onset peaks and beats (both 0 or 1), in this
order, as FACT (Li et al. 2021) introduced them with AIST++. librosa computes them at a hop of 512
samples and a rate of 512 x fps, so that row ``t`` describes the sound around the time ``t / fps``.
They are neither scaled nor centred here.
"""

import hashlib
import itertools
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from mmm.errors import SpecError
from mmm.motion.clip import Audio, Clip, Music
from mmm.music import cache
from mmm.music.audio import read_audio, resample
from mmm.music.beats import find_beats, onsets, padded
from mmm.music.compiled import librosa_module
from mmm.music.mixdown import mixed_down
from mmm.music.spectra import HOP, chroma, rate_hz
from mmm.paths import user_cache

Array = np.ndarray

FEATURE_SLICES: dict[str, slice] = {
    "onset_strength": slice(0, 1),
    "mfcc": slice(1, 21),
    "chroma_cens": slice(21, 33),
    "onset_peak": slice(33, 34),
    "beat": slice(34, 35),
}
"""The columns of each kind of feature."""
FEATURE_NAMES: tuple[str, ...] = (
    "onset_strength",
    *(f"mfcc_{i}" for i in range(20)),
    *(f"chroma_cens_{i}" for i in range(12)),
    "onset_peak",
    "beat",
)
"""The name of each column."""
SLOWEST_FPS = 6
"""The lowest frame rate at which music features are computed."""
BEATS_A_BAR = 4  # nearly all dance music is in 4/4 time; waltzes are not recognised
START_BPM = 120.0
"""The tempo from which the beat tracker starts if none is known; librosa's own default."""

# The ten genres of AIST, such as BR for break; the digit stands for the tempo.
_AIST_MUSIC = re.compile(r"(?:^|_)m((?:BR|PO|LO|MH|LH|HO|WA|KR|JS|JB)\d)(?:_|$|\.)")


def bpm_of_name(name: str) -> float | None:
    """The tempo in an AIST music or clip name: ``mBR0`` is 80 bpm, ``mHO3`` is 125.

    Returns:
        None for other names.
    """
    match = _AIST_MUSIC.search(name)
    return bpm_of_aist(match[1]) if match else None


def bpm_of_aist(music_id: str) -> float:
    """The tempo of an AIST recording, beats per minute (Tsuchida et al. 2019).

    Args:
        music_id: genre and digit, for example ``BR0``.
    """
    digit = int(music_id[2])
    # House runs from 110 in steps of 5, all other genres from 80 in steps of 10.
    return digit * 5.0 + 110 if music_id.startswith("HO") else digit * 10.0 + 80


def bar_lines(music: Music) -> Int[Array, "_"]:
    """An estimate of the frames of the beats that begin a bar.

    Of the four phases that bars of four beats can have, it takes the one at whose bar lines the
    harmony (the chroma) changes most.
    """
    if len(music.beats) <= BEATS_A_BAR:
        return music.beats[:0]
    chroma = music.features[:, FEATURE_SLICES["chroma_cens"]]
    # The mean chroma of each beat, and its distance from that of the previous beat.
    inner = [
        chroma[a:b].mean(axis=0) for a, b in itertools.pairwise([*music.beats, len(music)]) if b > a
    ]
    change = np.array(
        [0.0, *(float(np.abs(after - before).sum()) for before, after in itertools.pairwise(inner))]
    )
    # The first beat has no previous one to differ from, so phase 0 counts from the second bar.
    phase = max(
        range(BEATS_A_BAR), key=lambda first: change[first or BEATS_A_BAR :: BEATS_A_BAR].mean()
    )
    return music.beats[phase::BEATS_A_BAR]


def silence(frames: int, fps: float) -> Music:
    """The features of digital silence, for networks with music and clips without."""
    return Music(
        np.repeat(_silent_row()[None], frames, axis=0), fps, np.zeros(0, dtype=np.int64), 0.0
    )


def _silent_row() -> Float[Array, "35"]:
    row = np.zeros(len(FEATURE_NAMES), dtype=np.float32)
    # A mel spectrum of zeros is -100 dB (librosa's floor) in each of 128 bands, so of its
    # orthonormal cosine transform only the first coefficient is not zero.
    row[FEATURE_SLICES["mfcc"].start] = -100 * np.sqrt(128)
    return row


def features_of(
    audio: Audio, fps: float, frames: int | None = None, start_bpm: float | None = None
) -> Music:
    """The features of a recording from its first sample on.

    Features are computed over the whole recording and then cut, since a beat depends on its
    context.
    45 s of sound take about 0.3 s on one core, ten minutes about 6 s and 0.7 GB.

    Args:
        audio: any rate, any number of channels (mixed down).
        fps: the motion's frame rate; 60 for AIST++.
        frames: how many rows; None for as many as the recording lasts. Rows beyond its end are
            silence, as is the sound.
        start_bpm: the tempo from which the beat tracker starts; 120 if None.

    Raises:
        SpecError: fewer than 6 frames per second.
    """
    features, beats, tempo_bpm = _analyse(audio, fps, START_BPM if start_bpm is None else start_bpm)
    return fitted(Music(features, fps, beats, tempo_bpm, audio), frames)


def load_music(
    path: str | Path,
    fps: float,
    frames: int | None = None,
    start_bpm: float | None = None,
    cache_dir: str | Path | None = None,
    start_s: float = 0.0,
) -> Music:
    """The features of a sound file, which are cached in a folder of the user.

    Args:
        path: a wav, ogg, flac or mp3 file.
        fps, frames: as in ``features_of``.
        start_bpm: if None, the tempo in an AIST name (``mBR0.wav``) or else 120.
        cache_dir: another folder than the user's. It is made if missing, and not used if it cannot
            be written.
        start_s: the time in the recording at which the music begins, to the nearest frame.

    Raises:
        FileError: the file cannot be read as sound.
        SpecError: fewer than 6 frames per second, or the recording ends before ``start_s``.
    """
    path = Path(path)
    audio = read_audio(path)
    bpm = start_bpm if start_bpm is not None else bpm_of_name(path.stem) or START_BPM
    with path.open("rb") as file:
        content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    # Everything that the features depend on. Another librosa may give other values.
    key = f"{content} librosa {version('librosa')} layout 3 fps {fps!r} bpm {bpm!r}"
    folder = Path(cache_dir) if cache_dir is not None else user_cache() / "music"
    stored = folder / f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.npz"
    analysis = cache.read(stored, len(FEATURE_NAMES))
    if analysis is None:
        analysis = _analyse(audio, fps, bpm)
        cache.write(stored, *analysis)
    features, beats, tempo_bpm = analysis
    music = Music(features, fps, beats, tempo_bpm, audio)
    return fitted(music if start_s == 0 else music_from(music, start_s, path.name), frames)


def music_from(music: Music, start_s: float, name: str = "the recording") -> Music:
    """The music from ``start_s`` seconds on, to the nearest frame.

    Its features and beats stay those of the whole recording's analysis.

    Raises:
        SpecError: the recording ends before that, or the moment is negative.
    """
    lasts_s = music.audio.duration_s if music.audio else len(music) / music.fps
    if not 0 <= start_s < lasts_s:
        raise SpecError(
            f"music from {start_s:g} s",
            f"{name} lasts {lasts_s:.1f} s",
            f"0 to {lasts_s:.1f} s",
            "choose a moment inside it",
        )
    return music.crop(min(round(start_s * music.fps), len(music) - 1), len(music))


def fitted(music: Music, frames: int | None) -> Music:
    """Exactly ``frames`` rows and as much sound; all rows if None."""
    frames = len(music) if frames is None else frames
    short = frames - len(music)
    if short > 0:
        music = replace(
            music,
            features=np.concatenate(
                [music.features, np.repeat(_silent_row()[None], short, axis=0)]
            ),
        )
    return music.crop(0, frames)


def _analyse(
    audio: Audio, fps: float, start_bpm: float
) -> tuple[Float[Array, "T 35"], Int[Array, "B"], float]:
    """Features, beat frames and tempo (bpm) of the whole recording."""
    if fps < SLOWEST_FPS:
        raise SpecError(
            f"{fps:g} frames per second",
            "too few to follow the beat of music",
            f"at least {SLOWEST_FPS}",
            "resample the motion",
        )
    rate = rate_hz(fps)
    mono = resample(mixed_down(audio.samples, audio.rate_hz), float(audio.rate_hz), rate)
    rows = 1 + len(mono) // HOP
    # librosa's beat tracker and tuning estimate do not work on digital silence.
    if not np.any(mono):
        quiet = silence(rows, fps)
        return quiet.features, quiet.beats, quiet.tempo_bpm
    # ``rows`` was computed before padding, so rows of the padding are cut off below.
    mono = padded(mono, rate)
    librosa = librosa_module()  # slow to import, so only here

    # Onset strength and MFCC share one mel spectrum.
    mel_db, onset = onsets(mono, rate)
    beats, tempo_bpm = find_beats(audio, fps, start_bpm, onset)
    features = np.zeros((rows, len(FEATURE_NAMES)), dtype=np.float32)
    features[:, FEATURE_SLICES["onset_strength"]] = onset[:rows, None]
    features[:, FEATURE_SLICES["mfcc"]] = librosa.feature.mfcc(S=mel_db, sr=rate, n_mfcc=20).T[
        :rows
    ]
    features[:, FEATURE_SLICES["chroma_cens"]] = chroma(mono, rate).T[:rows]
    peaks = librosa.onset.onset_detect(onset_envelope=onset, sr=rate, hop_length=HOP)
    beats = beats[beats < rows]
    features[peaks[peaks < rows], FEATURE_SLICES["onset_peak"]] = 1
    features[beats, FEATURE_SLICES["beat"]] = 1
    return features, beats, tempo_bpm


def at_frame_rate(clip: Clip, fps: float) -> Clip:
    """The same movement and music at another frame rate.

    Features are computed again from the sound. Without the sound, the nearest rows are used, and
    the clip gets a note.

    Args:
        clip: any clip. One that has this rate already is returned unchanged.
        fps: frames a second.

    Raises:
        SpecError: the clip has sound, and the rate is below the 6 frames a second that music
            features need.
    """
    if fps == clip.motion.fps:
        return clip
    # The recording has the old frame rate and length, so it no longer fits the clip.
    clip = replace(clip, recording=None)
    motion, music = clip.motion.resample(fps), clip.music
    if music is None:
        return replace(clip, motion=motion)
    if music.audio is not None:
        # The known tempo keeps the beat tracker from settling on its half or double.
        analysed = features_of(music.audio, fps, len(motion), start_bpm=music.tempo_bpm or None)
        return replace(clip, motion=motion, music=replace(analysed, without=music.without))
    # Not interpolated: onset peaks and beats are 0 or 1.
    nearest = np.minimum(
        np.round(np.arange(len(motion)) * music.fps / fps).astype(int), len(music) - 1
    )
    beats = np.unique(np.round(music.beats * fps / music.fps).astype(np.int64))
    other = Music(music.features[nearest], fps, beats[beats < len(motion)], music.tempo_bpm)
    note = (
        "The clip has no sound, so its music features are the nearest rows of the old frame rate."
    )
    return replace(clip, motion=motion, music=other, notes=(*clip.notes, note))

"""Sound files: reading, writing, encoding for the browser, resampling.

WAV, Ogg Vorbis, FLAC and MP3 are read and written through libsndfile; the sound of films is read
through ffmpeg. Truncated files are refused, because the missing rest would count as silence to
dance to.
"""

import io
import os
import struct
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from jaxtyping import Float

from mmm.errors import FileError
from mmm.motion.clip import Audio
from mmm.music.compiled import librosa_module
from mmm.music.video_sound import VIDEO_SUFFIXES, decode_sound
from mmm.storage import write_atomically

Array = np.ndarray

# By suffix: libsndfile's container and encoding.
_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
SUFFIXES = tuple(_FORMATS)
"""Suffixes of sound that can be read and written."""
READABLE_SUFFIXES = (*SUFFIXES, *VIDEO_SUFFIXES)
"""Suffixes of sound that can be read."""
LONGEST_S = 30 * 60
"""The longest recording that is read, seconds."""
# Samples times channels, so that a small file cannot fill the memory.
_MOST_VALUES = LONGEST_S * 48_000 * 2
_LOUDEST = 100.0  # full scale is 1; unscaled 16-bit samples go up to 32,768
_RATES_HZ = (4_000, 384_000)
_NAMES = "a wav, ogg, flac, mp3, m4a, mp4, mov or webm file"
# libsndfile's Vorbis encoder keeps a whole write on the stack: long ones crash it.
_BLOCK = 1 << 15


def read_audio(path: str | Path) -> Audio:
    """The whole recording, or the first sound track of a film, with its own rate and channels.

    Raises:
        FileError: missing, empty, not a sound file, truncated, longer than 30 minutes, not finite,
            or a hundred times as loud as full scale.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(str(path), "no such file", _NAMES, "check the path")
    if path.stat().st_size == 0:
        raise FileError(path.name, "the file is empty", _NAMES, "copy or download it again")
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return _read_sound(path, path.name)
    with tempfile.TemporaryDirectory() as folder:
        decoded = Path(folder) / "sound.wav"
        decode_sound(path, decoded, float(LONGEST_S))
        return _read_sound(decoded, path.name)


def _read_sound(path: Path, name: str) -> Audio:
    """Read a file with libsndfile; messages call it ``name``."""
    try:
        with soundfile.SoundFile(path) as file:
            _check_size(name, file.samplerate, file.frames, file.channels)
            kind, declared, rate_hz = file.format, file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        # The advice differs: a damaged file can be fetched again, another format converted.
        if path.suffix.lower() in _FORMATS and _starts_like_sound(path):
            raise _truncated(name, "the file is damaged or breaks off") from error
        raise FileError(
            name,
            "not a sound file that can be read",
            _NAMES,
            "convert it first, for example: ffmpeg -i IN out.wav",
        ) from error
    # MP3 headers count in whole packets, so a tenth of a second may be missing at the end.
    if len(samples) < declared - 0.1 * rate_hz:
        raise _truncated(
            name, f"{len(samples) / rate_hz:.1f} s of the {declared / rate_hz:.1f} s in its header"
        )
    with path.open("rb") as raw:
        if (kind == "WAV" and not _wav_is_whole(raw)) or (kind == "OGG" and not _ogg_is_whole(raw)):
            raise _truncated(name, "the file breaks off before its end")
    if not len(samples):
        raise FileError(
            name, "the file holds no sound", "at least one sample", "choose another recording"
        )
    if not np.isfinite(samples).all():
        raise FileError(
            name, "holds samples that are not numbers", "finite samples", "export it again"
        )
    loudest = float(np.abs(samples).max())
    if loudest > _LOUDEST:
        raise FileError(
            name,
            f"holds samples up to {loudest:.3g}",
            "samples between -1 and 1",
            "scale it and export it again",
        )
    return Audio(samples, int(rate_hz))


def _truncated(name: str, problem: str) -> FileError:
    return FileError(name, problem, "a whole recording", "copy or download it again")


def _check_size(name: str, rate_hz: int, frames: int, channels: int) -> None:
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise FileError(
            name,
            f"{rate_hz} samples per second",
            f"{_RATES_HZ[0]} to {_RATES_HZ[1]}",
            "resample it",
        )
    if frames > LONGEST_S * rate_hz:
        raise FileError(
            name,
            f"{frames / rate_hz / 60:.0f} minutes long",
            f"at most {LONGEST_S // 60}",
            "cut the part you need",
        )
    if frames * channels > _MOST_VALUES:
        raise FileError(
            name,
            f"{channels} channels of {frames} samples",
            f"at most {_MOST_VALUES} values in all",
            "mix it down to stereo at 48 kHz",
        )


def _starts_like_sound(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    # The last two are MP3: an ID3 tag, or the sync bits of its first frame.
    return head in (b"RIFF", b"RIFX", b"OggS", b"fLaC") or head[:3] == b"ID3" or head[:1] == b"\xff"


def _wav_is_whole(file: io.BufferedIOBase) -> bool:
    """Whether a RIFF file is as long as its header states."""
    head = file.read(8)
    size = file.seek(0, os.SEEK_END)
    # RF64, RIFX and others store their length elsewhere, and libsndfile read them without an error.
    if len(head) < 8 or head[:4] != b"RIFF":
        return True
    declared = struct.unpack("<I", head[4:])[0]
    # A streamed file has 0 or all ones for its size. Some writers leave out the last padding byte.
    return declared in (0, 0xFFFFFFFF) or size >= declared + 8 - 1


def _ogg_is_whole(file: io.BufferedIOBase) -> bool:
    """Whether the last page of an Ogg file is complete and ends its stream (RFC 3533)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * 65_307))  # the longest page is 65,307 bytes
    tail = file.read()
    page_start = tail.rfind(b"OggS\0")
    page = tail[page_start:]
    # Byte 26 holds the number of segments. As many bytes follow, one length each.
    if page_start < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return False
    # Bit 4 of the flags in byte 5: the last page of its stream.
    return bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _encode(
    audio: Audio, container: str, encoding: str, target: BinaryIO | io.BufferedIOBase
) -> None:
    # Values beyond full scale would wrap around in 16 bits and crackle.
    samples = np.clip(audio.samples, -1, 1)
    with soundfile.SoundFile(
        target, "w", audio.rate_hz, samples.shape[1], encoding, format=container
    ) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])


def encode_wav(audio: Audio) -> bytes:
    """16-bit WAV."""
    target = io.BytesIO()
    _encode(audio, "WAV", "PCM_16", target)
    return target.getvalue()


def encode_ogg(audio: Audio) -> bytes:
    """Ogg Vorbis: about a twelfth of WAV's size. All browsers but old Safari play it."""
    target = io.BytesIO()
    _encode(audio, "OGG", "VORBIS", target)
    return target.getvalue()


def write_audio(audio: Audio, path: str | Path) -> None:
    """Write the sound in the format of the suffix (``.wav .ogg .flac .mp3``).

    The file appears whole or not at all.

    Raises:
        FileError: another suffix, a rate or number of channels that the format cannot hold, or a
            folder that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise FileError(
            str(path),
            f"cannot write sound as {path.suffix or 'a file without a suffix'}",
            ", ".join(SUFFIXES),
            "choose one of these suffixes",
        )
    try:
        write_atomically(path, lambda file: _encode(audio, *_FORMATS[path.suffix.lower()], file))
    except (soundfile.SoundFileError, ValueError) as error:
        problem = (
            f"{path.suffix} cannot hold {audio.samples.shape[1]} channels at {audio.rate_hz} Hz"
        )
        raise FileError(str(path), problem, "", "write a .wav instead") from error


def resample(samples: Float[Array, "N"], from_hz: float, to_hz: float) -> Float[Array, "M"]:
    """One channel at another rate (soxr, high quality), float32. Rates need not be whole."""
    librosa = librosa_module()  # slow to import, so only here

    if from_hz == to_hz:
        return samples
    return np.asarray(librosa.resample(samples, orig_sr=from_hz, target_sr=to_hz), dtype=np.float32)

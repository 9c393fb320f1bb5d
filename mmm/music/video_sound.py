"""The sound of films and phone recordings (m4a, mp4, mov, webm), decoded by ffmpeg.

ffmpeg comes with imageio-ffmpeg, which also writes films. It runs in a process of its own, with a
time limit. The format is given by the file's suffix and not guessed, because ffmpeg would also
recognise playlists, which refer to other files.
"""

import subprocess
from pathlib import Path

from mmm.errors import FileError

_DEMUXERS = {
    ".m4a": "mov",
    ".mp4": "mov",
    ".mov": "mov",
    ".webm": "matroska",
    ".mkv": "matroska",
    ".aac": "aac",
}
VIDEO_SUFFIXES = tuple(_DEMUXERS)
"""Suffixes whose sound ffmpeg decodes."""
_SLOWEST_S = 120.0  # half an hour of sound decodes in seconds


def decode_sound(path: Path, target: Path, longest_s: float) -> None:
    """Write the first sound track of a file as a WAV file.

    Args:
        path: a film or a recording with one of ``VIDEO_SUFFIXES``.
        target: the file to write.
        longest_s: the longest recording that is accepted, seconds; one second more is decoded, so
            that the reader of the WAV file sees that it is too long.

    Raises:
        FileError: the file cannot be decoded, has no sound, or takes longer than two minutes.
    """
    import imageio_ffmpeg  # only needed for films

    # "file:" keeps ffmpeg from reading a name with a colon as a protocol such as "http:".
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-v", "error", "-nostdin", "-y", "-protocol_whitelist", "file", "-threads", "1"),
        *("-f", _DEMUXERS[path.suffix.lower()], "-i", f"file:{path.absolute()}"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-t", f"{longest_s + 1:g}"),
        *("-f", "wav", "-c:a", "pcm_s16le", f"file:{target.absolute()}"),
    ]
    expected = "a film or a recording with sound"
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SLOWEST_S, check=False)
    except subprocess.TimeoutExpired:
        raise FileError(
            path.name, "its sound takes too long to decode", expected, "convert it to .wav"
        ) from None
    except OSError as error:
        raise FileError(
            path.name, f"ffmpeg cannot be run ({error.strerror})", "", "convert it to .wav"
        ) from None
    if done.returncode or not target.is_file():
        # ffmpeg writes several lines. The last one names the cause.
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        no_sound = any("matches no streams" in line for line in lines)
        reason = "it has no sound" if no_sound else (lines[-1][:160] if lines else "damaged")
        raise FileError(path.name, f"cannot be decoded ({reason})", expected, "convert it to .wav")

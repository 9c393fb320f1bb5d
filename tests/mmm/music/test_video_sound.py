"""Sound of films and phone recordings, encoded by ffmpeg itself."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from mmm.errors import FileError
from mmm.motion.clip import Audio
from mmm.music.audio import READABLE_SUFFIXES, read_audio, write_audio

RATE = 44_100


def film(tmp_path, suffix, codec, video=False):
    """A second of 440 Hz in the left channel and 880 Hz in the right one."""
    time = np.arange(RATE) / RATE
    sound = np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 880 * time)], axis=1)
    write_audio(Audio((0.5 * sound).astype(np.float32), RATE), tmp_path / "sound.wav")
    picture = ["-f", "lavfi", "-i", "color=c=black:s=64x64:r=10:d=1"] if video else []
    target = tmp_path / f"film{suffix}"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-v", "error", "-y", "-i", str(tmp_path / "sound.wav"), *picture),
            *("-c:a", codec, str(target)),
        ],
        check=True,
    )
    return target


@pytest.mark.parametrize(
    ("suffix", "codec", "video"),
    [
        (".m4a", "aac", False),
        (".mp4", "aac", True),
        (".mov", "aac", True),
        (".webm", "libopus", False),
        (".mkv", "libvorbis", False),
        (".aac", "aac", False),
    ],
)
def test_the_sound_of_films_is_read(tmp_path, suffix, codec, video):
    assert suffix in READABLE_SUFFIXES
    audio = read_audio(film(tmp_path, suffix, codec, video))
    assert audio.samples.shape[1] == 2
    assert audio.duration_s == pytest.approx(1, abs=0.1)
    for channel, hertz in ((0, 440), (1, 880)):
        spectrum = np.abs(np.fft.rfft(audio.samples[: audio.rate_hz, channel]))
        assert spectrum.argmax() * audio.rate_hz / audio.rate_hz == pytest.approx(hertz, abs=2)


def test_a_film_without_sound_and_what_is_no_film_are_refused(tmp_path):
    silent = tmp_path / "silent.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-v", "error", "-f", "lavfi", "-i", "color=c=black:s=64x64:r=10:d=1", str(silent)),
        ],
        check=True,
    )
    with pytest.raises(FileError, match=r"silent\.mp4: cannot be decoded \(it has no sound\)"):
        read_audio(silent)
    (tmp_path / "a.webm").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(FileError, match=r"a\.webm: cannot be decoded"):
        read_audio(tmp_path / "a.webm")


def test_a_playlist_called_a_film_names_no_other_files(tmp_path):
    write_audio(Audio(np.ones((RATE, 1), np.float32), RATE), tmp_path / "secret.wav")
    (tmp_path / "list.m4a").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path / 'secret.wav'}\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(FileError, match="cannot be decoded"):
        read_audio(tmp_path / "list.m4a")


def test_samples_far_beyond_full_scale_are_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.full((1000, 1), 3e38, np.float32), RATE, subtype="FLOAT")
    with pytest.raises(FileError, match=r"a\.wav: holds samples up to 3e\+38"):
        read_audio(tmp_path / "a.wav")

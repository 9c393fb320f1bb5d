import io

import numpy as np
import pytest
import soundfile

from mmm.errors import FileError
from mmm.motion.clip import Audio
from mmm.music import audio as sound

RATE_HZ = 22_050


def tones(seconds: float = 2.0, channels: int = 2, rate_hz: int = RATE_HZ) -> Audio:
    """A tone of its own on each channel."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    waves = [0.5 * np.sin(2 * np.pi * 220 * (channel + 1) * time_s) for channel in range(channels)]
    return Audio(np.stack(waves, axis=1).astype(np.float32), rate_hz)


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count, 0], b[:count, 0])[0, 1])


@pytest.mark.parametrize("suffix", sound.SUFFIXES)
def test_write_and_read_again(tmp_path, suffix):
    audio = tones()
    path = tmp_path / f"tone{suffix}"
    sound.write_audio(audio, path)
    again = sound.read_audio(path)
    assert again.rate_hz == RATE_HZ
    assert again.samples.dtype == np.float32
    assert abs(len(again.samples) - len(audio.samples)) < (1 if suffix != ".mp3" else 2400)
    assert again.samples.shape[1] == 2
    assert likeness(again.samples, audio.samples) > 0.99
    if suffix in (".wav", ".flac"):
        np.testing.assert_allclose(again.samples, audio.samples, atol=1e-4)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing left beside it


def test_the_suffix_may_be_upper_case_and_one_channel_stays_one(tmp_path):
    sound.write_audio(tones(channels=1), tmp_path / "tone.WAV")
    assert sound.read_audio(str(tmp_path / "tone.WAV")).samples.shape == (2 * RATE_HZ, 1)


@pytest.mark.parametrize(("encode", "kind"), [(sound.encode_wav, "WAV"), (sound.encode_ogg, "OGG")])
def test_encoded_for_the_browser(encode, kind):
    audio = tones(3.0)
    with soundfile.SoundFile(io.BytesIO(encode(audio))) as file:
        assert (file.format, file.samplerate, file.channels, file.frames) == (
            kind,
            RATE_HZ,
            2,
            3 * RATE_HZ,
        )
        assert likeness(file.read(always_2d=True), audio.samples) > 0.99


def test_a_long_sound_is_encoded_in_pieces():
    minutes = Audio(np.tile(tones(10.0).samples, (12, 1)), RATE_HZ)
    encoded = sound.encode_ogg(minutes)
    assert soundfile.info(io.BytesIO(encoded)).frames == len(minutes.samples)


def test_what_is_too_loud_is_cut_not_wrapped():
    loud = Audio(tones().samples * 4, RATE_HZ)
    back, _ = soundfile.read(io.BytesIO(sound.encode_wav(loud)), always_2d=True)
    np.testing.assert_allclose(back, np.clip(loud.samples, -1, 1), atol=1e-4)


@pytest.mark.parametrize("suffix", sound.SUFFIXES)
@pytest.mark.parametrize("share", [0.004, 0.3, 0.5, 0.9])
def test_a_file_that_breaks_off_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"whole{suffix}"
    sound.write_audio(tones(4.0), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(
        FileError, match=rf"whole\{suffix}: .*expected a whole recording; copy or download it again"
    ):
        sound.read_audio(path)


def test_an_ogg_that_ends_with_a_whole_page_but_not_its_last_is_refused(tmp_path):
    data = sound.encode_ogg(tones(20.0))
    (tmp_path / "cut.ogg").write_bytes(data[: data.rindex(b"OggS")])
    with pytest.raises(FileError, match=r"cut\.ogg: the file breaks off before its end"):
        sound.read_audio(tmp_path / "cut.ogg")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "empty.wav",
            b"",
            "empty.wav: the file is empty; expected a wav, ogg, flac, mp3, m4a, mp4, mov or webm file",
        ),
        (
            "text.wav",
            b"not music at all\n" * 99,
            "text.wav: not a sound file that can be read; .* convert it first",
        ),
        ("zeros.ogg", bytes(5000), "zeros.ogg: not a sound file"),
        ("song.m4a", b"\0\0\0 ftypM4A " * 99, "song.m4a: cannot be decoded .*convert it to .wav"),
        ("bare.wav", b"RIFF", "bare.wav: the file is damaged or breaks off"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message):
        sound.read_audio(tmp_path / name)


def test_missing_and_folder(tmp_path):
    with pytest.raises(FileError, match=r"nothing\.wav: no such file"):
        sound.read_audio(tmp_path / "nothing.wav")
    with pytest.raises(FileError, match="no such file"):
        sound.read_audio(tmp_path)


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 1)), RATE_HZ)
    with pytest.raises(FileError, match=r"none\.wav: the file holds no sound"):
        sound.read_audio(tmp_path / "none.wav")


def test_not_numbers(tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.array([[0.1], [np.nan]]), RATE_HZ, subtype="FLOAT")
    with pytest.raises(FileError, match=r"nan\.wav: holds samples that are not numbers"):
        sound.read_audio(tmp_path / "nan.wav")


def test_too_long_or_too_large_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(31 * 60 * 4000, dtype=np.int16), 4000)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *a, **k: pytest.fail("it was decoded"))
    with pytest.raises(FileError, match=r"long\.flac: 31 minutes long"):
        sound.read_audio(path)
    with pytest.raises(FileError, match=r"x: 60 channels of 7200000 samples"):
        sound._check_size("x", 48_000, 7_200_000, 60)
    soundfile.write(tmp_path / "fast.wav", np.zeros(100), 1_000_000)
    with pytest.raises(FileError, match=r"fast\.wav: 1000000 samples per second"):
        sound.read_audio(tmp_path / "fast.wav")


def test_a_streamed_wav_without_a_size_is_read(tmp_path):
    path = tmp_path / "streamed.wav"
    sound.write_audio(tones(), path)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(sound.read_audio(path).samples) == 2 * RATE_HZ


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tone.aac", r"cannot write sound as \.aac; expected \.wav, \.ogg, \.flac, \.mp3"),
        ("tone", "cannot write sound as a file without a suffix"),
        ("no/such/folder/tone.wav", "the folder .* does not exist"),
    ],
)
def test_what_cannot_be_written(tmp_path, path, message):
    with pytest.raises(FileError, match=message):
        sound.write_audio(tones(), tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_cannot_hold_it_leaves_nothing(tmp_path):
    (tmp_path / "tone.mp3").write_bytes(b"as it was")
    with pytest.raises(
        FileError, match=r"\.mp3 cannot hold 5 channels at 22050 Hz; write a \.wav instead"
    ):
        sound.write_audio(tones(channels=5), tmp_path / "tone.mp3")
    assert [file.name for file in tmp_path.iterdir()] == ["tone.mp3"]
    assert (tmp_path / "tone.mp3").read_bytes() == b"as it was"


@pytest.mark.parametrize("to_hz", [15_360.0, 30_720.0, 29.97 * 512])
def test_resample_keeps_the_tone(to_hz):
    mono = tones(1.0, 1).samples[:, 0]
    resampled = sound.resample(mono, float(RATE_HZ), to_hz)
    assert len(resampled) == pytest.approx(to_hz, abs=1)
    expected = 0.5 * np.sin(2 * np.pi * 220 * np.arange(len(resampled)) / to_hz)
    np.testing.assert_allclose(resampled[500:-500], expected[500:-500], atol=2e-3)
    assert resampled.dtype == np.float32


def test_resample_to_its_own_rate_is_itself():
    mono = tones(0.1, 1).samples[:, 0]
    assert sound.resample(mono, float(RATE_HZ), float(RATE_HZ)) is mono

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm import load_clip
from mmm.errors import FileError, SpecError
from mmm.motion.clip import Audio
from mmm.music import cache as stored_features
from mmm.music import features as music
from mmm.music import spectra
from mmm.music.audio import read_audio, resample, write_audio
from mmm.music.compiled import beat_tracker, librosa_module
from mmm.paths import user_cache

librosa = librosa_module()

RECORDINGS = Path("../shared/data/music")
SONGS = sorted(RECORDINGS.glob("*.ogg"))
RATE_HZ = 22_050


def clicks(bpm: float, seconds: float = 20.0) -> Audio:
    """A short tone on each beat, the first at once."""
    samples = np.zeros(round(seconds * RATE_HZ), dtype=np.float32)
    tone = (np.sin(np.arange(400) * 0.3) * np.exp(-np.arange(400) / 80)).astype(np.float32)
    for beat in range(int(seconds * bpm / 60)):
        start = round(beat * 60 / bpm * RATE_HZ)
        samples[start : start + 400] += tone[: len(samples) - start]
    return Audio(samples[:, None], RATE_HZ)


def tune(seconds: float, seed: int = 0) -> Audio:
    """Stereo: notes at random over a little noise."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    samples = 0.01 * rng.normal(size=(count, 2))
    for start in range(0, count, RATE_HZ // 4):
        length = min(RATE_HZ // 4, count - start)
        pitch_hz = 440 * 2 ** (rng.integers(-12, 12) / 12)
        note = (
            0.4
            * np.sin(2 * np.pi * pitch_hz * np.arange(length) / RATE_HZ)
            * np.exp(-np.arange(length) / 3000)
        )
        samples[start : start + length] += note[:, None]
    return Audio(samples.astype(np.float32), RATE_HZ)


def test_layout():
    assert len(music.FEATURE_NAMES) == len(set(music.FEATURE_NAMES)) == 35
    assert list(music.FEATURE_SLICES) == [
        "onset_strength",
        "mfcc",
        "chroma_cens",
        "onset_peak",
        "beat",
    ]
    covered = [i for part in music.FEATURE_SLICES.values() for i in range(35)[part]]
    assert covered == list(range(35))
    for name, part in music.FEATURE_SLICES.items():
        assert all(each.startswith(name) for each in music.FEATURE_NAMES[part])
    assert [part.stop - part.start for part in music.FEATURE_SLICES.values()] == [1, 20, 12, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("bpm", [90.0, 120.0, 125.0])
def test_clicks_give_their_tempo_and_beats(fps, bpm):
    song = music.features_of(clicks(bpm), fps)
    assert song.tempo_bpm == pytest.approx(bpm, abs=1)
    frames_a_beat = 60 * fps / bpm
    away = np.abs(song.beats - np.round(song.beats / frames_a_beat) * frames_a_beat)
    assert away.max() <= 2
    assert len(song.beats) >= 0.9 * 20 * bpm / 60
    assert np.flatnonzero(song.features[:, 34]).tolist() == song.beats.tolist()
    peaks = np.flatnonzero(song.features[:, 33])
    assert len(peaks) >= 0.9 * 20 * bpm / 60
    assert np.abs(peaks - np.round(peaks / frames_a_beat) * frames_a_beat).max() <= 2


def test_the_features_are_librosas():
    audio = tune(6.0)
    song = music.features_of(audio, 60.0)
    mono = resample(audio.samples.mean(axis=1), float(RATE_HZ), 30_720.0)
    options = {"sr": 30_720, "hop_length": 512}
    onset = librosa.onset.onset_strength(y=mono, **options)
    tempo, beats = beat_tracker()(onset_envelope=onset, start_bpm=120, tightness=100, **options)
    peaks = librosa.onset.onset_detect(onset_envelope=onset, **options)
    expected = np.zeros((len(song), 35))
    expected[:, 0] = onset
    expected[:, 1:21] = librosa.feature.mfcc(y=mono, n_mfcc=20, **options).T
    expected[:, 21:33] = librosa.feature.chroma_cens(y=mono, **options).T
    expected[peaks, 33] = 1
    expected[beats, 34] = 1
    assert len(song) == 1 + len(mono) // 512 == 361
    np.testing.assert_allclose(song.features, expected, atol=2e-3)
    np.testing.assert_array_equal(song.beats, beats)
    assert song.tempo_bpm == pytest.approx(tempo[0], rel=0.05)
    assert song.features.dtype == np.float32


@pytest.mark.slow
def test_a_long_recording_taken_in_pieces_is_the_same(monkeypatch):
    audio = tune(30.0)
    mono = resample(audio.samples.mean(axis=1), float(RATE_HZ), 15_360.0)

    def chroma(sound):
        return librosa.feature.chroma_cens(y=sound, sr=15_360, hop_length=512, tuning=0.1)

    in_one_piece = chroma(mono)
    monkeypatch.setattr(spectra, "_PIECE_S", 11.0)
    np.testing.assert_allclose(spectra.in_pieces(mono, 15_360.0, chroma), in_one_piece, atol=1e-5)
    lengths = []
    spectra.in_pieces(mono, 15_360.0, lambda sound: lengths.append(len(sound)) or chroma(sound))
    assert len(lengths) == 3
    assert max(lengths) <= 21.1 * 15_360


@pytest.mark.parametrize("fps", [6.0, 10.0, 24.0, 29.97, 120.0])
def test_other_frame_rates(fps):
    song = music.features_of(tune(5.0), fps)
    assert len(song) == pytest.approx(5 * fps, abs=1.1)
    assert np.isfinite(song.features).all()
    assert song.features[:, music.FEATURE_SLICES["chroma_cens"]].max() > 0.3
    assert song.fps == fps


def test_too_slow_a_frame_rate():
    with pytest.raises(
        SpecError,
        match="5 frames per second: too few to follow the beat of music",
    ):
        music.features_of(tune(1.0), 5.0)


@pytest.mark.parametrize("samples", [1, 100, 3000])
def test_very_short_sounds(samples):
    audio = tune(1.0)
    song = music.features_of(Audio(audio.samples[:samples], RATE_HZ), 60.0)
    assert np.isfinite(song.features).all()
    assert len(song) == 1 + round(samples / RATE_HZ * 30_720) // 512


def test_cut_to_the_motion():
    audio = tune(5.0)
    uncut, cut = music.features_of(audio, 60.0), music.features_of(audio, 60.0, 120)
    np.testing.assert_array_equal(cut.features, uncut.features[:120])
    assert len(cut) == 120
    assert (cut.beats < 120).all()
    assert cut.audio is not None
    assert cut.audio.duration_s == pytest.approx(2)
    np.testing.assert_array_equal(cut.audio.samples, audio.samples[: 2 * RATE_HZ])


def test_a_sound_that_is_too_short_goes_on_as_silence():
    audio = tune(3.0)
    uncut, longer = music.features_of(audio, 30.0), music.features_of(audio, 30.0, 150)
    rows = len(uncut)
    np.testing.assert_array_equal(longer.features[:rows], uncut.features)
    np.testing.assert_array_equal(longer.features[rows:], music.silence(150 - rows, 30.0).features)
    np.testing.assert_array_equal(longer.beats, uncut.beats)
    assert longer.audio is not None
    assert longer.audio.duration_s == pytest.approx(5)
    assert np.abs(longer.audio.samples[3 * RATE_HZ :]).max() == 0


def test_silence_is_what_librosa_makes_of_it():
    quiet = music.features_of(Audio(np.zeros((RATE_HZ, 2), dtype=np.float32), RATE_HZ), 60.0, 50)
    made = music.silence(50, 60.0)
    np.testing.assert_array_equal(quiet.features, made.features)
    expected = librosa.feature.mfcc(y=np.zeros(30_720), sr=30_720, n_mfcc=20, hop_length=512).T[:50]
    np.testing.assert_allclose(made.features[:, 1:21], expected, atol=1e-2)
    assert np.delete(made.features, 1, axis=1).max() == 0
    assert len(made.beats) == 0
    assert made.tempo_bpm == 0
    assert made.audio is None


def test_the_tempo_to_begin_with_decides_between_a_tempo_and_its_double():
    strong, all_beats = clicks(75.0), clicks(150.0)
    audio = Audio(strong.samples + 0.3 * all_beats.samples, RATE_HZ)
    slow, fast = (music.features_of(audio, 60.0, start_bpm=bpm).tempo_bpm for bpm in (60.0, 200.0))
    assert slow == pytest.approx(75, abs=1)
    assert fast == pytest.approx(150, abs=2)


@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("mBR0", 80),
        ("mWA4", 120),
        ("mJB5", 130),
        ("mHO0", 110),
        ("mHO3", 125),
        ("mHO5", 135),
        ("gBR_sBM_cAll_d04_mBR0_ch01", 80),
        ("gHO_sFM_cAll_d20_mHO5_ch13", 135),
        ("mBR0.wav", 80),
        ("song", None),
        ("mBR", None),
        ("mXX3", None),
        ("album_mBR0b", None),
        ("", None),
    ],
)
def test_tempo_of_aist_names(name, bpm):
    assert music.bpm_of_name(name) == bpm


class TestFiles:
    @pytest.fixture
    def song(self, tmp_path):
        path = tmp_path / "songs" / "tune.wav"
        path.parent.mkdir()
        write_audio(tune(5.0), path)
        return path

    def test_the_second_time_comes_from_the_cache(self, song, tmp_path, monkeypatch):
        cache = tmp_path / "cache"
        first = music.load_music(song, 30.0, 90, cache_dir=cache)
        assert len(list(cache.iterdir())) == 1
        monkeypatch.setattr(music, "_analyse", lambda *a: pytest.fail("it was analysed again"))
        second = music.load_music(song, 30.0, 90, cache_dir=cache)
        assert second.digest() == first.digest()
        copy = tmp_path / "copy.wav"
        copy.write_bytes(song.read_bytes())
        longer = music.load_music(
            copy, 30.0, 120, cache_dir=cache
        )  # the content decides, not name or length
        np.testing.assert_array_equal(longer.features[:90], first.features)
        assert len(longer) == 120

    def test_what_changes_the_features_changes_the_key(self, song, tmp_path, monkeypatch):
        cache = tmp_path / "cache"
        music.load_music(song, 30.0, cache_dir=cache)
        music.load_music(song, 60.0, cache_dir=cache)
        music.load_music(song, 30.0, start_bpm=90.0, cache_dir=cache)
        monkeypatch.setattr(music, "version", lambda name: "another")
        music.load_music(song, 30.0, cache_dir=cache)
        write_audio(tune(5.0, seed=1), song)
        music.load_music(song, 30.0, cache_dir=cache)
        assert len(list(cache.iterdir())) == 5

    @pytest.mark.parametrize("damage", ["empty", "half", "text", "other", "flipped"])
    def test_a_damaged_cache_is_made_again(self, song, tmp_path, damage):
        cache = tmp_path / "cache"
        first = music.load_music(song, 30.0, cache_dir=cache)
        (stored,) = cache.iterdir()
        data = stored.read_bytes()
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 0xFF
        if damage == "other":
            np.savez(stored, features=np.zeros((3, 7)), beats=np.zeros(1), tempo_bpm=1.0)
        else:
            stored.write_bytes(
                {
                    "empty": b"",
                    "half": data[: len(data) // 2],
                    "text": b"hello",
                    "flipped": bytes(flipped),
                }[damage]
            )
        assert music.load_music(song, 30.0, cache_dir=cache).digest() == first.digest()
        assert stored.read_bytes() != b"hello"
        assert stored_features.read(stored, len(music.FEATURE_NAMES)) is not None

    def test_a_cache_that_cannot_be_written_costs_nothing(self, song, tmp_path):
        (tmp_path / "file").write_text("in the way")
        assert len(music.load_music(song, 30.0, cache_dir=tmp_path / "file")) > 100

    def test_the_users_cache_folder(self, song, tmp_path, monkeypatch):
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
        music.load_music(song, 30.0)
        assert (
            len(list((tmp_path / "own" / "masked-motion-workbench" / "music").glob("*.npz"))) == 1
        )
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert user_cache() == Path.home() / ".cache" / "masked-motion-workbench"

    def test_an_aist_name_gives_the_tempo(self, tmp_path, monkeypatch):
        seen = []
        monkeypatch.setattr(
            music,
            "_analyse",
            lambda audio, fps, bpm: (
                seen.append(bpm) or (np.zeros((30, 35), np.float32), np.zeros(0, np.int64), bpm)
            ),
        )
        for name in ("mHO3.wav", "song.wav"):
            write_audio(tune(1.0), tmp_path / name)
            music.load_music(tmp_path / name, 30.0, cache_dir=tmp_path / "cache")
        music.load_music(tmp_path / "mHO3.wav", 30.0, start_bpm=99.0, cache_dir=tmp_path / "cache")
        assert seen == [125, 120, 99]

    def test_a_missing_file_says_so(self, tmp_path):
        with pytest.raises(FileError, match=r"none\.wav: no such file"):
            music.load_music(tmp_path / "none.wav", 30.0)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not SONGS, reason="the real recordings are not beside the project")
@pytest.mark.parametrize("path", SONGS, ids=lambda path: path.name[:20])
def test_real_recordings(path):
    audio = read_audio(path).crop_s(0.0, 20.0)
    song = music.features_of(audio, 60.0, 1200)
    assert song.features.shape == (1200, 35)
    assert np.isfinite(song.features).all()
    chroma = song.features[:300, music.FEATURE_SLICES["chroma_cens"]]
    np.testing.assert_allclose(np.linalg.norm(chroma, axis=1)[60:240], 1, atol=1e-3)
    assert 60 <= song.tempo_bpm <= 200
    assert len(song.beats) >= 4


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[3] / "data" / "samples").glob("*.npz")),
    ids=lambda path: path.stem,
)
def test_bars_of_the_samples_begin_where_the_songs_say(path):
    """Every sample begins with a bar; its tempo, and so its bars, stand in its name."""
    song = load_clip(path).music
    bar = 4 * 60 * 60 / int(path.stem.split("_")[1].removesuffix("bpm"))
    off = music.bar_lines(song) / bar
    assert len(off) >= 3
    assert np.abs(off - np.round(off)).max() < 0.05


def test_of_a_few_beats_no_bars_are_guessed():
    quiet = music.silence(100, 60.0)
    assert len(music.bar_lines(quiet)) == 0
    assert len(music.bar_lines(replace(quiet, beats=np.array([0, 30, 60, 90])))) == 0


@pytest.mark.slow
def test_a_song_has_the_same_beats_at_any_frame_rate():
    """With a swing between the beats, so that the tracker has more than one tempo to choose from."""
    slow, between = clicks(81.0), clicks(162.0)
    audio = Audio(slow.samples + 0.5 * between.samples[: len(slow.samples)], slow.rate_hz)
    songs = {fps: music.features_of(audio, fps) for fps in (60.0, 100.0, 120.0)}
    for fps, song in songs.items():
        assert song.tempo_bpm == songs[60.0].tempo_bpm
        np.testing.assert_allclose(song.beats / fps, songs[60.0].beats / 60.0, atol=0.01)

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmm.errors import FileError
from mmm.io import load_clip, save_clip
from mmm.motion.clip import Audio, Clip, Music


def rewrite(path, **changes):
    with np.load(path) as loaded:
        content = dict(loaded)
    for key, value in changes.items():
        content.pop(key, None)
        if value is not None:
            content[key] = value
    np.savez(path, **content)


@pytest.fixture
def saved(tmp_path, smpl_clip):
    path = tmp_path / "clip.npz"
    save_clip(smpl_clip, path)
    return path


def test_every_bit_comes_back(saved, smpl_clip):
    again = load_clip(saved)
    assert again.digest() == smpl_clip.digest()
    assert (again.name, again.source, again.split, again.notes) == (
        smpl_clip.name,
        "made",
        "val",
        ("A note.",),
    )
    assert again.meta["aist"] == {"smpl_scaling": 93.75}
    assert again.motion.skeleton.feet == smpl_clip.motion.skeleton.feet


def test_tips_and_music_come_back(tmp_path, tree_clip):
    features = np.random.default_rng(0).random((12, 35)).astype(np.float32)
    sound = np.sin(np.arange(4410) / 10)[:, None].astype(np.float32) * [0.5, 0.25]
    music = Music(features, 30.0, np.array([2, 7]), 120.5, Audio(sound.astype(np.float32), 11025))
    clip = Clip("tree", tree_clip.motion, music)
    save_clip(clip, tmp_path / "a.npz")
    again = load_clip(tmp_path / "a.npz")
    assert again.motion.digest() == clip.motion.digest()
    np.testing.assert_array_equal(again.music.features, features)
    np.testing.assert_array_equal(again.music.beats, [2, 7])
    assert (again.music.tempo_bpm, again.music.fps, again.music.audio.rate_hz) == (
        120.5,
        30.0,
        11025,
    )
    np.testing.assert_allclose(again.music.audio.samples, sound, atol=1 / 32000)
    many = Audio(
        np.repeat(sound[:, :1], 10, axis=1).astype(np.float32), 11025
    )  # more than FLAC can hold: mixed down
    save_clip(Clip("tree", tree_clip.motion, replace(music, audio=many)), tmp_path / "b.npz")
    np.testing.assert_allclose(
        load_clip(tmp_path / "b.npz").music.audio.samples, sound[:, :1], atol=1 / 32000
    )


@pytest.mark.parametrize(("kind", "tolerance"), [(np.float16, 2e-3), (np.float32, 1e-6)])
def test_compact_files_hold_rotation_vectors(saved, smpl_clip, kind, tolerance):
    rotvec = (
        Rotation.from_matrix(smpl_clip.motion.rotations.reshape(-1, 3, 3))
        .as_rotvec()
        .reshape(40, 24, 3)
    )
    rewrite(saved, rotations=None, rotvec=rotvec.astype(kind))
    np.testing.assert_allclose(
        load_clip(saved).motion.rotations, smpl_clip.motion.rotations, atol=tolerance
    )


def test_only_what_is_needed(saved, smpl_clip):
    rewrite(
        saved,
        name=None,
        source=None,
        split=None,
        notes=None,
        meta=None,
        feet=None,
        tip_joints=None,
        tips_m=None,
        format=None,
    )
    again = load_clip(saved)
    assert (again.name, again.source) == ("clip", str(saved))
    np.testing.assert_array_equal(again.motion.rotations, smpl_clip.motion.rotations)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root_m": None}, "no key root_m"),
        ({"rotations": None}, "no key rotations or rotvec"),
        (
            {"root_m": np.zeros((39, 3), np.float32)},
            r"rotations of shape \(40, 24\), root_m of shape \(39, 3\)",
        ),
        (
            {"root_m": np.full((40, 3), np.nan, np.float32)},
            "root_m holds a number that is not finite",
        ),
        ({"root_m": np.zeros((40, 3), int)}, r"root_m is int64 of shape \(40, 3\)"),
        ({"rotations": np.ones((40, 24, 3, 3), np.float32)}, "matrices that are no rotations"),
        (
            {"rotations": np.zeros((40, 24, 2, 3), np.float32)},
            r"rotations of shape \(40, 24, 2, 3\)",
        ),
        (
            {
                "rotations": np.zeros((0, 24, 3, 3), np.float32),
                "root_m": np.zeros((0, 3), np.float32),
            },
            "rotations ",
        ),
        (
            {"rotations": None, "rotvec": np.zeros((40, 24, 4), np.float32)},
            r"rotvec of shape \(40, 24, 4\)",
        ),
        ({"parents": np.arange(24)}, "parents must be topologically ordered"),
        ({"names": np.array(["a"] * 24)}, "joint names must be unique"),
        ({"feet": np.array([99])}, "feet, tips or offsets do not fit the joints"),
        ({"tip_joints": np.array([1])}, "zip"),
        ({"fps": np.float64(0)}, "frame rate positive"),
        (
            {"format": "mmm-clip-9"},
            "format 'mmm-clip-9'; expected mmm-clip-1; read it with a newer version",
        ),
        ({"meta": "[1"}, "Expecting"),
        ({"meta": "[1]"}, "meta is no JSON object"),
        (
            {"music_features": np.zeros((40, 35), np.float32)},
            "music_features without music_beats music_tempo_bpm",
        ),
        (
            {
                "music_features": np.zeros((9, 35), np.float32),
                "music_beats": np.array([1]),
                "music_tempo_bpm": 120.0,
            },
            "9 music frames at 60.0 fps, 40 motion frames",
        ),
        (
            {
                "music_features": np.zeros((40, 35), np.float32),
                "music_beats": np.array([1]),
                "music_tempo_bpm": 120.0,
                "music_file": np.zeros(9, np.uint8),
                "music_suffix": "/../x",
            },
            "music_suffix '/../x'",
        ),
    ],
)
def test_wrong_content(saved, changes, message):
    rewrite(saved, **changes)
    with pytest.raises(FileError, match=message) as caught:
        load_clip(saved)
    assert "\n" not in str(caught.value)
    assert "clip.npz" in str(caught.value)


def test_object_arrays_are_never_unpickled(tmp_path, saved):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "OWNED"), "w")

    rewrite(saved, names=np.array([Trap()], dtype=object))
    with pytest.raises(FileError, match="a damaged npz file"):
        load_clip(saved)
    assert not (tmp_path / "OWNED").exists()


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-200])
    with pytest.raises(FileError, match=r"a damaged npz file .*; copy it again"):
        load_clip(saved)


def test_a_flipped_byte_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 255
    saved.write_bytes(data)
    with pytest.raises(FileError, match="a damaged npz file"):
        load_clip(saved)


def test_a_zip_that_unpacks_to_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mmm.io.npz._LARGEST", 1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("root_m.npy", bytes(2000))
    (tmp_path / "a.npz").write_bytes(packed.getvalue())
    with pytest.raises(FileError, match="unpacks to more than"):
        load_clip(tmp_path / "a.npz")


def test_another_npz_is_told_apart(tmp_path):
    np.savez(tmp_path / "a.npz", something=np.zeros(3))
    with pytest.raises(FileError, match="no key fps names parents offsets_m root_m"):
        load_clip(tmp_path / "a.npz")

"""Taking files in: names and contents that mean harm, limits, and that nothing is left or written elsewhere."""

import gc
import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dashboard.files import uploads
from dashboard.files.uploads import Uploads, safe_name
from mmm import Audio, Clip, MMMError, save_clip
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import encode_ogg, encode_wav
from tests.mmm.making import smooth_motion


@pytest.fixture
def store(page_env, tmp_path, monkeypatch):
    """An empty store whose folder lies in ``tmp_path / "here"``."""
    (tmp_path / "here").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "here"))
    made = Uploads()
    yield made
    made.close()


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def npz(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save_clip(Clip("a", smooth_motion(1, 20, SMPL24, 60.0)), path)
    return path.read_bytes()


def changed(npz: bytes, **values) -> bytes:
    """A good file with other arrays in it."""
    with np.load(io.BytesIO(npz)) as found:
        arrays = {key: found[key] for key in found.files} | values
    out = io.BytesIO()
    np.savez_compressed(out, **{key: value for key, value in arrays.items() if value is not None})
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.npz", "passwd.npz"),
        ("..\\..\\evil.npz", "evil.npz"),
        ("/abs/olute.npz", "olute.npz"),
        ("C:\\boot.npz", "boot.npz"),
        ("...npz", "file.npz"),
        (".npz", "file.npz"),
        ("a\0b.npz", "a_b.npz"),
        ("tab\tnew\nline.npz", "tab_new_line.npz"),
        ("x" * 400 + ".npz", "x" * 120 + ".npz"),
        ("Tanz-Übung (2).NPZ", "Tanz-Übung (2).npz"),
        ("<b>bold</b>.npz", "b_.npz"),
        ("踊り.npz", "踊り.npz"),
        ("~.npz", "_.npz"),
        ("\ud800.npz", "_.npz"),
        ("..", "file."),
        ("", "file"),
        ("a.b.npz", "a.b.npz"),
    ],
)
def test_names_are_made_harmless(name, safe):
    assert safe_name(name) == safe


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(some.text(max_size=300))
def test_no_name_leaves_its_folder(name):
    made = safe_name(name)
    assert Path("/a", made).resolve() == Path("/a").resolve() / made
    assert len(made.encode()) <= 140
    assert made not in ("", ".", "..")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["../../out.npz", "/tmp/../out.npz", "..\\out.npz", "sub/dir/out.npz"]
)
def test_a_file_lands_in_the_stores_own_folder_alone(store, npz, tmp_path, name):
    before = everything(tmp_path) | everything(Path.cwd() / "data" / "raw")
    taken = store.take(name, npz)
    assert taken.name == "out.npz"
    assert taken.path.read_bytes() == npz
    new = (everything(tmp_path) | everything(Path.cwd() / "data" / "raw")) - before
    assert new == {taken.path}
    assert store.folder in taken.path.parents


@pytest.mark.slow
def test_the_folder_is_private_and_goes_with_the_store(store, npz):
    assert store.folder.stat().st_mode & 0o077 == 0
    other = Uploads()
    folder = other.take("a.npz", npz).path
    assert folder.is_file()
    del other
    gc.collect()
    assert not folder.exists()
    path = store.take("a.npz", npz).path
    store.drop("a.npz")
    assert not path.exists()
    assert store.files == []


def test_the_later_of_two_files_of_one_name_is_kept(store, npz):
    first, second = (
        store.take("a.npz", npz),
        store.take("b/a.npz", changed(npz, name=np.array("b"))),
    )
    assert [file.path for file in store.files] == [second.path]
    assert not first.path.exists()


def bomb(megabytes: int) -> bytes:
    """A zip of few kilobytes that unpacks to as much; its members are those of a clip."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("rotations.npy", "w") as member,
    ):
        np.lib.format.write_array_header_1_0(
            member, {"descr": "<f4", "fortran_order": False, "shape": (megabytes << 18,)}
        )
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return out.getvalue()


def bvh(joints: int, frames: int = 3, fps: str = "0.01") -> bytes:
    text = ["HIERARCHY"]
    for j in range(joints):
        channels = "CHANNELS 3 Zrotation Yrotation Xrotation" if j == 0 else "CHANNELS 0"
        text += [f"{'JOINT' if j else 'ROOT'} same", "{", "OFFSET 0 1 0", channels]
    text += [
        "End Site",
        "{",
        "OFFSET 0 1 0",
        "}",
        *["}"] * joints,
        "MOTION",
        f"Frames: {frames}",
        f"Frame Time: {fps}",
    ]
    return "\n".join([*text, *["0 0 0"] * frames]).encode()


def deep_json(npz: bytes) -> bytes:
    return changed(npz, meta=np.array("[" * 100_000))


def one_joint(npz: bytes) -> bytes:
    eye = np.broadcast_to(np.eye(3, dtype=np.float32), (20, 0, 3, 3))
    return changed(
        npz,
        names=np.zeros(0, "U4"),
        parents=np.zeros(0, np.int32),
        offsets_m=np.zeros((0, 3), np.float32),
        rotations=eye,
        feet=None,
        tip_joints=None,
        tips_m=None,
    )


class _Program:
    def __reduce__(self):
        return print, ("a program ran",)


HOSTILE = {
    "0 bytes": ("a.bvh", lambda npz: b"", "the file is empty"),
    "0 bytes of song": ("a.ogg", lambda npz: b"", "the file is empty"),
    "zip bomb": ("a.npz", lambda npz: bomb(400), "unpacks to more than 320 MiB"),
    "zip of nothing": ("a.npz", lambda npz: b"PK\x05\x06" + bytes(18), "no key fps"),
    "half a zip": ("a.npz", lambda npz: npz[: len(npz) // 2], "a damaged npz file"),
    "nested json": ("a.npz", deep_json, "arrays that agree"),
    "no joint": ("a.npz", one_joint, "a.npz"),
    "far away": (
        "a.npz",
        lambda npz: changed(npz, root_m=np.full((20, 3), 1e30, np.float32)),
        "at most 100,000 m",
    ),
    "not finite": (
        "a.npz",
        lambda npz: changed(npz, root_m=np.full((20, 3), np.nan, np.float32)),
        "not finite",
    ),
    "no rate": ("a.npz", lambda npz: changed(npz, fps=np.float64(1e300)), "frames a second"),
    "zero rate": ("a.npz", lambda npz: changed(npz, fps=np.float64(0)), "a.npz"),
    "long name": (
        "a.npz",
        lambda npz: changed(npz, name=np.array("x" * 9999)),
        "a text of more than 2000",
    ),
    "two frames": (
        "a.npz",
        lambda npz: changed(
            npz,
            root_m=np.zeros((2, 3), np.float32),
            rotations=np.broadcast_to(np.eye(3, dtype=np.float32), (2, 24, 3, 3)),
        ),
        "2 frames; expected at least 3",
    ),
    "a program": ("a.pkl", lambda npz: pickle.dumps(_Program()), "could run a program"),
    "not a pickle": ("a.pkl", lambda npz: b"hello", "not a readable pickle"),
    "an npz called bvh": ("a.bvh", lambda npz: npz, "a zip archive"),
    "a bvh called npz": ("a.npz", lambda npz: bvh(3), "not an npz file"),
    "too many joints": ("a.bvh", lambda npz: bvh(2_001), "one joint more; expected at most 2000"),
    "many joints, many frames": ("a.bvh", lambda npz: bvh(1_900, 5_000), "at most 4,415 frames"),
    "a rate of no clock": ("a.bvh", lambda npz: bvh(3, fps="1e-200"), "frames a second"),
    "a program for a song": ("a.mp3", lambda npz: b"MZ" + bytes(900), "a.mp3"),
    "text for a song": ("a.flac", lambda npz: b"la la la", "a.flac"),
    "half a song": (
        "a.wav",
        lambda npz: encode_wav(Audio(np.ones((9000, 1), np.float32) / 2, 8000))[:9000],
        "breaks off",
    ),
    "a moment of song": (
        "a.wav",
        lambda npz: encode_wav(Audio(np.zeros((80, 1), np.float32), 8000)),
        "0.0 s of sound",
    ),
    "other kind": ("a.exe", lambda npz: b"MZ", "a file of kind .exe"),
    "no kind": ("bvh", lambda npz: b"HIERARCHY", "a file without a suffix"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_bad_file_is_one_line_and_leaves_nothing(store, npz, capsys, kind):
    name, make, says = HOSTILE[kind]
    with pytest.raises(MMMError) as caught:
        store.take(name, make(npz))
    line = str(caught.value)
    assert says in line
    assert line.startswith(name)
    assert "\n" not in line
    assert str(store.folder) not in line
    assert everything(store.folder) == set()
    assert store.files == []
    assert "a program ran" not in capsys.readouterr().out


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    where=some.integers(0, 10_000),
    byte=some.integers(0, 255),
    name=some.sampled_from(["a.npz", "a.pkl", "a.bvh"]),
)
def test_a_damaged_byte_is_never_worse_than_a_line(where, byte, name, damaged):
    store, good = damaged
    data = bytearray(good[name])
    data[where % len(data)] = byte
    try:
        store.take(name, bytes(data))
    except MMMError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    clip, good = Clip("a", smooth_motion(1, 8, SMPL24, 60.0)), {}
    for name in ("a.npz", "a.pkl", "a.bvh"):
        save_clip(clip, folder / name)
        good[name] = (folder / name).read_bytes()
    store = Uploads()
    yield store, good
    store.close()


def test_limits_of_one_file_and_of_all(store, npz, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    for name in ("a.npz", "b.npz", "b.npz"):
        store.take(name, npz)
    with pytest.raises(MMMError, match=r"c\.npz: 2 files are here already"):
        store.take("c.npz", npz)
    monkeypatch.setattr(uploads, "MOST_MB", 0)
    with pytest.raises(MMMError, match=r"would exceed 0 MB"):
        store.take("b.npz", npz)
    monkeypatch.setattr(uploads, "LARGEST_MB", 0)
    with pytest.raises(MMMError, match=r"b\.npz: 0 MB"):
        store.take("b.npz", npz)
    assert len(store.files) == 2


def test_too_large_for_the_memory_is_a_line_and_a_fault_of_ours_is_not_hidden(
    store, npz, monkeypatch
):
    def fails(error):
        def read(upload, report):
            raise error

        monkeypatch.setattr(uploads, "_read_motion", read)

    fails(MemoryError())
    with pytest.raises(MMMError, match=r"a\.npz: more than fits into memory"):
        store.take("a.npz", npz)
    fails(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        store.take("a.npz", npz)
    assert everything(store.folder) == set()


@pytest.mark.slow
def test_a_song_of_ten_minutes_is_taken_and_one_of_twenty_told_to_be_cut(store):
    def tone(minutes):
        return encode_ogg(
            Audio(np.sin(np.arange(minutes * 60 * 8000) / 5).astype(np.float32)[:, None], 8000)
        )

    song = store.take("long.ogg", tone(10))
    assert song.facts == "10:00"
    assert song.duration_s == pytest.approx(600)
    assert song.peaks.shape == (uploads.PEAKS,)
    with pytest.raises(MMMError, match=r"long\.ogg: 1200\.0 s of sound"):
        store.take("long.ogg", tone(20))
    assert store.songs == [song]


def test_the_outline_is_where_the_sound_is():
    samples = np.zeros((1000, 2), np.float32)
    samples[500:600, 1] = -0.5
    np.testing.assert_array_equal(
        uploads.outline(Audio(samples, 8000), 10), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    )
    np.testing.assert_array_equal(
        uploads.outline(Audio(np.zeros((3, 1), np.float32), 8000), 4), np.zeros(4)
    )


def test_the_command_and_the_lines_say_how_a_file_is_read_and_which_song_is_heard(
    store, npz, made_clip, tmp_path
):
    from dashboard.files.entries import UPLOADS, Entry
    from dashboard.recover.choices import Choices
    from dashboard.recover.code import python_lines, shell_words
    from dashboard.recover.editing import Desk
    from mmm.edits import apply

    save_clip(made_clip, tmp_path / "d.bvh")
    taken = store.take("d.bvh", (tmp_path / "d.bvh").read_bytes())
    song = store.take("s.wav", encode_wav(Audio(np.ones((16_000, 1), np.float32) / 2, 8000)))
    entry = Entry(taken.path, "d.bvh", UPLOADS, unit_m=0.0254, up="z", facing="-x")
    spec = "span:5-9"
    desk = Desk("d", made_clip, spec, 0, spec, apply(spec, made_clip))
    choices = Choices(entry, len(made_clip), (3, 40), (song, 0.5), desk, "hold", ())
    words = shell_words(choices)
    assert (
        " ".join(words[3:15])
        == "recover d.bvh --frames 3:40 --unit inch --up z --facing -x --music s.wav"
    )
    assert words[15:17] == ["--music-start", "0.5"]
    lines = python_lines(choices).splitlines()
    assert lines[2] == (
        "clip = mmm.load_clip('d.bvh', music='s.wav', music_start_s=0.5, frames=(3, 40), "
        "unit_m=0.0254, up='z', facing='-x')"
    )
    choices = replace(choices, song=None)
    pair = replace(choices, entry=Entry(taken.path, "d.glb", UPLOADS, take="Walk", body="Anna"))
    words = shell_words(pair)
    assert " ".join(words[3:11]) == "recover d.glb --frames 3:40 --take Walk --body Anna"
    assert "frames=(3, 40), take='Walk', body='Anna')" in python_lines(pair)
    words = shell_words(choices, ["slerp", "net"])
    assert (
        " ".join(words[-8:])
        == "--beside slerp --beside net --metrics metrics.json --out recovered.html"
    )
    assert python_lines(choices, ["slerp", "net"]).endswith(
        'result.show(mmm.interpolate("slerp", clip, hidden), mmm.recover(mmm.load_model("net"), clip, hidden))'
    )

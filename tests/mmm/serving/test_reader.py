"""Reading outside the server's process: what comes back, and what crashes, hangs and blow-ups cost."""

import signal
import sys
import time

import numpy as np
import pytest

from mmm import Audio, Clip, MMMError, load_clip, save_clip
from mmm.errors import FileError
from mmm.motion.skeleton import SMPL24
from mmm.music.audio import write_audio
from mmm.music.features import features_of
from mmm.serving import exchange, reader
from tests.mmm.io.fbx_scene import ascii_fbx, walker
from tests.mmm.making import smooth_motion

PROGRAM = reader.PROGRAM


class Cancelled(Exception):
    """What a caller's report raises to leave."""


@pytest.fixture(scope="module")
def clip() -> Clip:
    return Clip("made", smooth_motion(1, 40, SMPL24, 60.0), notes=("A note.",))


@pytest.fixture(scope="module")
def bvh(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("read") / "made.bvh"
    save_clip(clip, path)
    return path


@pytest.fixture
def one_reader(monkeypatch):
    """One process, which is the test's own."""
    own = reader.Readers(1)
    monkeypatch.setattr(reader, "readers", lambda: own)
    yield own
    own.close()


def told(path, **options) -> str:
    with pytest.raises(MMMError) as caught:
        reader.read_clip(path, "a.bvh", options)
    return str(caught.value)


def same(a: Clip, b: Clip) -> bool:
    facts = [
        (c.name, c.digest(), c.notes, c.source, c.split, c.motion.skeleton.feet) for c in (a, b)
    ]
    return facts[0] == facts[1]


@pytest.mark.slow
def test_what_comes_back_is_what_was_read_bit_by_bit(bvh, one_reader):
    direct = load_clip(bvh)
    clip = reader.read_clip(bvh, bvh.name)
    assert same(clip, direct)
    assert exchange_of(clip.meta) == exchange_of(direct.meta)
    turned = reader.read_clip(bvh, bvh.name, {"up": "z", "unit_m": 0.02})
    assert same(turned, load_clip(bvh, up="z", unit_m=0.02))


def exchange_of(meta):
    import json

    return json.loads(json.dumps(dict(meta), default=dict))


@pytest.mark.slow
def test_music_comes_back_with_its_sound(clip):
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, (6000, 2)).astype(np.float32), 8000)
    music = features_of(sound, 60.0, 40)
    whole = Clip("with", clip.motion, music)
    back = exchange.unpack_clip(exchange.pack_clip(whole))
    assert back.digest() == whole.digest()
    assert back.music.audio.rate_hz == 8000


@pytest.mark.slow
def test_a_song_comes_back(tmp_path, one_reader):
    samples = np.random.default_rng(0).normal(0, 0.1, (9000, 2)).astype(np.float32)
    write_audio(Audio(samples, 8000), tmp_path / "a.wav")
    audio = reader.read_audio(tmp_path / "a.wav", "a.wav")
    assert audio.rate_hz == 8000
    np.testing.assert_allclose(audio.samples, samples, atol=1e-4)


@pytest.mark.slow
def test_fbx_is_read_under_the_same_limits(tmp_path, one_reader):
    """The library's own process starts within the memory that a reader may take."""
    pytest.importorskip("ufbx", reason="the extra fbx is not installed")
    path = tmp_path / "walk.fbx"
    path.write_text(ascii_fbx(walker(takes=2), ("Idle", "Walk")))
    clip = reader.read_clip(path, "walk.fbx", {"take": "Walk"})
    assert clip.digest() == load_clip(path, take="Walk").digest()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(FileError):
        reader.read_clip(path, "walk.fbx")


@pytest.mark.slow
def test_what_is_wrong_with_a_file_is_the_readers_line(tmp_path, one_reader):
    (tmp_path / "a.bvh").write_text("HIERARCHY\nnonsense")
    with pytest.raises(MMMError) as direct:
        load_clip(tmp_path / "a.bvh")
    assert told(tmp_path / "a.bvh") == str(direct.value)


def body(monkeypatch, code: str) -> None:
    """Let reader processes run this in place of ``load_clip``."""
    lines = (
        "from mmm.serving import reader_process",
        "def load_clip(path, **options):",
        f"    {code}",
        "reader_process.load_clip = load_clip",
        "reader_process.main()",
    )
    monkeypatch.setattr(reader, "PROGRAM", ("-c", "\n".join(lines)))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_crash_costs_one_line_and_the_next_file_is_read(bvh, one_reader, monkeypatch):
    body(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert told(bvh).startswith("a.bvh: it crashes the program that reads it")
    monkeypatch.setattr(reader, "PROGRAM", PROGRAM)
    assert reader.read_clip(bvh, bvh.name).name == "made"


@pytest.mark.slow
def test_a_hang_ends_with_the_time_limit(bvh, one_reader, monkeypatch):
    body(monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(reader, "LIMIT_S", 5.0)
    begun = time.monotonic()
    assert told(bvh).startswith("a.bvh: not read within 5 s")
    assert time.monotonic() - begun < 60


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_a_blow_up_ends_at_the_memory_limit(bvh, one_reader, monkeypatch):
    body(monkeypatch, "bytearray(1 << 40)")
    assert told(bvh).startswith("made.bvh: more than fits into memory")


@pytest.mark.slow
def test_a_fault_of_a_reader_is_a_line_without_its_insides(bvh, one_reader, monkeypatch):
    body(monkeypatch, "raise ZeroDivisionError('inside')")
    assert told(bvh).startswith("a.bvh: the file cannot be read")


def test_cancelling_ends_the_process(bvh, one_reader, monkeypatch):
    body(monkeypatch, "import time; time.sleep(600)")
    one_reader.prepare()
    child = one_reader._ready[0]._child
    shares = []

    def report(share):
        shares.append(share)
        if len(shares) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        reader.read_clip(bvh, "a.bvh", report=report)
    assert shares == sorted(shares)
    assert child.poll() == -signal.SIGKILL
    assert one_reader._ready == []


@pytest.mark.slow
def test_the_process_is_kept_and_ends_with_the_server(bvh, one_reader):
    for _ in range(3):
        reader.read_clip(bvh, bvh.name)
    (process,) = one_reader._ready
    child = process._child
    assert child.poll() is None
    child.stdin.close()  # as when the server is killed
    assert child.wait(60) == 0

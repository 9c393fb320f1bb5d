"""The HTTP API without Ray: results equal local ones, and what is wrong is one line."""

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import mmm
from mmm import MMMError, edits
from mmm.errors import ModelError
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import clip_of
from tests.mmm.networks import tiny_clip

pytest.importorskip("fastapi", reason="needs pip install .[serve]")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("httpx")

from starlette.testclient import TestClient  # noqa: E402

from mmm.serving.api import build_app  # noqa: E402
from mmm.serving.engine import Engine  # noqa: E402
from mmm.serving.limits import Limits  # noqa: E402

HOSTILE = Path(__file__).parents[3].parent / "shared" / "cases" / "hostile"
HIDE = "span:20-30"


@pytest.fixture(scope="module", autouse=True)
def checkpoints(tiny_checkpoint):
    """The server offers the tiny checkpoint alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMM_CHECKPOINTS", str(tiny_checkpoint.parent))
        yield


@pytest.fixture(scope="module")
def client():
    with TestClient(build_app(Limits(workers=2)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def server():
    """The same API at a port, as ``mmm serve --local`` opens it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(build_app(), port=port, log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield mmm.connect(f"http://127.0.0.1:{port}")
    running.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return mmm.load_model(tiny_checkpoint)


def post(client, path, file, **fields):
    content = file if isinstance(file, tuple) else (file.name, file.read_bytes())
    return client.post(f"/v1/{path}", files={"clip": content}, data=fields)


def fault(answer, status=422):
    """The line of an answer that is no success."""
    assert answer.status_code == status, answer.text
    line = answer.json()["error"]
    assert "\n" not in line
    assert "/tmp" not in line
    return line


def same(a, b):
    assert a.motion.rotations.tobytes() == b.motion.rotations.tobytes()
    assert a.motion.root_m.tobytes() == b.motion.root_m.tobytes()


def test_a_recovery_as_a_file_is_the_local_one_bit_by_bit(client, model, tiny_clip_file, tmp_path):
    answer = post(client, "recover", tiny_clip_file, checkpoint="tiny-ecm", hide=HIDE, format="npz")
    assert answer.status_code == 200, answer.text
    (tmp_path / "r.npz").write_bytes(answer.content)
    edited = edits.apply(HIDE, mmm.load_clip(tiny_clip_file))
    same(mmm.load_clip(tmp_path / "r.npz"), mmm.recover(model, edited.clip, edited.mask).recovered)


def test_a_recovery_as_json_has_the_errors_of_the_command(client, tiny_clip_file):
    answer = post(client, "recover", tiny_clip_file, checkpoint="tiny-ecm", hide=HIDE)
    figures = answer.json()
    assert figures["hide"] == HIDE
    assert {"tiny-ecm", "hold", "slerp"} <= set(figures["methods"])


@pytest.mark.parametrize("kind", ["npz", "bvh", "glb", "html"])
def test_a_clip_is_converted(client, tiny_clip_file, kind):
    answer = post(client, "convert", tiny_clip_file, format=kind, frames="0:20")
    assert answer.status_code == 200, answer.text
    assert answer.content


def test_generated_frames_are_lines_that_end(client, model, tiny_clip_file):
    answer = post(
        client, "generate", tiny_clip_file, checkpoint="tiny-ecm", seed_frames=20, frames=40
    )
    *chunks, end = (json.loads(line) for line in answer.text.splitlines())
    assert end["done"]
    assert sum(chunk["frames"] for chunk in chunks) == 40
    assert chunks[0]["first"] == 20


def test_a_change_of_the_music_is_explained(client, tiny_clip_file):
    answer = post(
        client, "explain", tiny_clip_file, checkpoint="tiny-ecm", hide=HIDE, change=["mute"]
    )
    assert [row["change"] for row in answer.json()["rows"]] == ["mute"]


def test_checkpoints_health_and_metrics(client):
    (facts,) = client.get("/v1/checkpoints").json()
    assert facts["name"] == "tiny-ecm"
    assert client.get("/v1/health").json()["status"] == "ok"
    assert 'mmm_requests_total{path="/v1/health",status="200"}' in client.get("/metrics").text
    assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(
    ("path", "fields", "part"),
    [
        ("recover", {"checkpoint": "tiny-ecm", "hide": "every"}, "every"),
        ("recover", {"checkpoint": "tiny-ecm"}, "one of hide and hidden"),
        ("recover", {"checkpoint": "../tiny-ecm", "hide": HIDE}, "no checkpoint of this server"),
        ("recover", {"checkpoint": "owner/name", "hide": HIDE}, "no checkpoint of this server"),
        ("recover", {"checkpoint": "tiny-ecm", "hide": HIDE, "hides": "1"}, "hides"),
        ("recover", {"checkpoint": "tiny-ecm", "hide": HIDE, "frames": "50"}, "A:B"),
        ("recover", {"checkpoint": "tiny-ecm", "hide": HIDE, "role": "head"}, "role"),
        ("generate", {"checkpoint": "tiny-ecm", "seed_frames": 9999}, "seed"),
        ("generate", {"checkpoint": "tiny-ecm", "frames": 99999}, "at most 36000"),
        ("explain", {"checkpoint": "tiny-ecm", "hide": HIDE, "change": "swap:/etc/passwd"}, "file"),
        ("convert", {"format": "exe"}, "format"),
    ],
)
def test_what_does_not_fit_is_one_line(client, tiny_clip_file, path, fields, part):
    assert part in fault(post(client, path, tiny_clip_file, **fields))


def test_a_file_of_another_kind_is_one_line(client):
    assert "notes.txt" in fault(post(client, "convert", ("notes.txt", b"hello")))
    assert "a.bvh" in fault(post(client, "convert", ("a.bvh", b"hello")))
    assert "empty" in fault(post(client, "convert", ("a.bvh", b"")))
    assert fault(client.get("/v1/nowhere"), 404)
    assert fault(client.get("/v1/recover"), 405)


@pytest.mark.slow
@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile files are not beside the project")
@pytest.mark.parametrize(
    "name",
    [
        *("tuple_depth_20000.pkl", "hash_bomb.pkl", "str_bomb.pkl", "ft_tiny.bvh"),
        "far_tip_1e308.npz",
    ],
)
def test_a_hostile_file_is_one_line(client, name):
    assert name in fault(post(client, "convert", HOSTILE / name))


@pytest.mark.slow
@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile files are not beside the project")
def test_a_hostile_skeleton_or_recording_is_one_line(client, tiny_clip_file):
    asf, amc = HOSTILE / "asf_far_bone/02.asf", HOSTILE / "asf_far_bone/02.amc"
    files = {"clip": (amc.name, amc.read_bytes()), "asf": (asf.name, asf.read_bytes())}
    assert "02.asf" in fault(client.post("/v1/convert", files=files))
    loud = gzip.decompress((HOSTILE / "huge.wav.gz").read_bytes())
    files = {"clip": ("a.npz", tiny_clip_file.read_bytes()), "music": ("huge.wav", loud)}
    assert "samples up to" in fault(client.post("/v1/convert", files=files))


def test_limits_of_size_and_time(tiny_checkpoint, tiny_clip_file):
    with TestClient(build_app(Limits(upload_mb=0.001))) as small:
        assert "at most" in fault(post(small, "convert", tiny_clip_file), 413)

        def pieces():
            yield from [b"x" * 600] * 4

        # Without Content-Length, so that it is counted as it comes.
        answer = small.post(
            "/v1/convert",
            content=pieces(),
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
        assert "at most" in fault(answer, 413)
    with TestClient(build_app(Limits(seconds=0.0))) as hasty:
        assert "not done within" in fault(post(hasty, "convert", tiny_clip_file), 408)


def test_a_full_queue_refuses_at_once(tiny_clip_file, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("mmm.serving.answers.exported", lambda *_: gate.wait(20) and b"x")
    with TestClient(build_app(Limits(workers=1, queue=0))) as client:
        first = threading.Thread(target=post, args=(client, "convert", tiny_clip_file))
        first.start()
        until = time.monotonic() + 10
        while client.get("/v1/health").json()["running"] == 0 and time.monotonic() < until:
            time.sleep(0.01)
        answer = post(client, "convert", tiny_clip_file)
        gate.set()
        first.join()
    assert "try again" in fault(answer, 429)
    assert answer.headers["Retry-After"]


def test_a_key_is_asked_for(tiny_clip_file):
    with TestClient(build_app(Limits(api_key="secret"))) as client:
        assert "API key" in fault(client.get("/v1/checkpoints"), 401)
        assert fault(client.get("/v1/checkpoints", headers={"Authorization": "Bearer no"}), 401)
        right = {"Authorization": "Bearer secret"}
        assert client.get("/v1/checkpoints", headers=right).status_code == 200
        assert client.get("/v1/health").status_code == 200


def test_a_connection_recovers_as_the_library_does(server, model):
    clip = tiny_clip(60)
    hidden = np.random.default_rng(0).random((60, 6)) < 0.3
    hidden[0] = False
    local = mmm.recover(model, clip, hidden)
    remote = server.recover(server.load_model("tiny-ecm"), clip, hidden)
    same(remote.recovered, local.recovered)
    assert remote.so3_residual.tobytes() == local.so3_residual.tobytes()
    assert (remote.model_name, remote.notes) == (local.model_name, local.notes)
    assert remote.errors.summary() == local.errors.summary()


class Cancelled(Exception):
    """What a page raises when its Cancel was pressed."""


@pytest.mark.slow
def test_a_cancelled_recovery_stops_on_the_server(server, monkeypatch):
    """Of 400 steps that take 20 s, those after the Cancel are not made."""
    steps = []

    def recover(self, checkpoint, clip, mask, deadline, **options):
        for step in range(400):
            steps.append(step)
            deadline(step / 400)
            time.sleep(0.05)

    def progress(share):
        shares.append(share)
        if share > 0.02:
            raise Cancelled

    monkeypatch.setattr(Engine, "recover", recover)
    clip, model, shares = tiny_clip(60), server.load_model("tiny-ecm"), []
    with pytest.raises(Cancelled):
        server.recover(
            model, clip, np.ones((60, 6), bool) & (np.arange(60) > 9)[:, None], progress=progress
        )
    cancelled = time.monotonic()
    while server.health()["running"]:
        assert time.monotonic() < cancelled + 10
        time.sleep(0.02)
    assert len(steps) < 300
    made = len(steps)
    time.sleep(0.3)
    assert len(steps) == made
    assert shares == sorted(shares)


@pytest.mark.slow
def test_an_error_after_the_first_line_is_that_of_the_library(server, monkeypatch):
    def recover(self, checkpoint, clip, mask, deadline, **options):
        time.sleep(0.6)
        raise ModelError("tiny-ecm", "broken", "a whole one", "train it again")

    monkeypatch.setattr(Engine, "recover", recover)
    clip, model, shares = tiny_clip(60), server.load_model("tiny-ecm"), []
    with pytest.raises(ModelError, match="tiny-ecm: broken; expected a whole one; train it again"):
        server.recover(model, clip, np.zeros((60, 6), bool), progress=shares.append)
    assert shares == [0.0, 0.0]


@pytest.mark.parametrize("other_music", [False, True])
def test_a_connection_generates_as_the_library_does(server, model, other_music):
    clip = tiny_clip(60)
    options = {"prefix_frames": 20, "frames": 40, "random_seed": 3}
    if other_music:
        options["music"] = tiny_clip(90, seed=5).music
    local = mmm.generate_clip(model, clip, **options)
    shares = []
    remote = server.generate_clip(
        server.load_model("tiny-ecm"), clip, progress=shares.append, **options
    )
    same(remote.clip, local.clip)
    assert shares[-1] == 1
    assert (remote.notes, remote.model_name) == (local.notes, local.model_name)


def test_errors_of_a_connection_are_those_of_the_library(server, model):
    wrong = clip_of(60, SMPL24)
    hidden = np.zeros((60, 24), bool)
    with pytest.raises(MMMError) as local:
        mmm.recover(model, wrong, hidden)
    with pytest.raises(type(local.value)) as remote:
        server.recover(server.load_model("tiny-ecm"), wrong, hidden)
    assert str(remote.value) == str(local.value)
    with pytest.raises(MMMError, match="no checkpoint"):
        server.load_model("nothing")
    with pytest.raises(MMMError, match="no answer"):
        mmm.connect("http://127.0.0.1:9", timeout_s=1.0).health()


def test_a_checkpoint_that_was_trained_on_is_loaded_anew(tiny_checkpoint, tmp_path, monkeypatch):
    import os
    import shutil

    shutil.copytree(tiny_checkpoint, tmp_path / "net")
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path))
    engine = Engine(Limits())
    first = engine.model("net")
    assert engine.model("net") is first
    os.utime(tmp_path / "net" / "model.safetensors", (1, 1))
    assert engine.model("net") is not first


@pytest.mark.slow
def test_the_library_imports_neither_ray_nor_fastapi():
    code = (
        "import sys, mmm, mmm.cli.app; mmm.connect; mmm.cli.app.main(['--help'])\n"
        "assert not {'ray', 'fastapi', 'uvicorn'} & set(sys.modules), 'imported'"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr

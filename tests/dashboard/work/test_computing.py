"""The page on MMM_SERVER: networks run on a server of ``mmm serve``, and every number is the same."""

import os
import re
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import streamlit as st

import mmm
from dashboard.work import generations, recoveries
from dashboard.work.computing import computing
from dashboard.work.generations import Ask, Setting
from dashboard.work.jobs import loaded_models
from mmm import Clip, MMMError
from tests.dashboard.conftest import MODEL, ROOT, SAMPLE
from tests.dashboard.futures import CHANCE
from tests.mmm.making import smooth_motion

for _package in ("fastapi", "uvicorn", "multipart", "prometheus_client"):
    pytest.importorskip(_package, reason="needs pip install .[serve]")

SHORT = {"sequence": SAMPLE, "frames": "0-120", "hide": "span:40-79"}


def serving(checkpoints):
    """A server of these checkpoints, its process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mmm", "serve", "--local", "--port", f"{port}"]
    env = os.environ | {"MMM_CHECKPOINTS": str(checkpoints), "MMM_API_KEY": "secret"}
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    return process, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def served(checkpoint_folder, networks, tmp_path_factory):
    """The address of a server of the shipped networks and of those that generate."""
    folder = tmp_path_factory.mktemp("served")
    for checkpoint in (checkpoint_folder / MODEL, *networks.iterdir()):
        (folder / checkpoint.name).symlink_to(checkpoint)
    process, address = serving(folder)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture
def serve(served, monkeypatch):
    """``serve()`` makes the page ask the server from now on; nothing may load here."""

    def serve():
        # The page has forgotten what it computed itself.
        st.cache_resource.clear()
        monkeypatch.setenv("MMM_SERVER", served)
        monkeypatch.setenv("MMM_API_KEY", "secret")
        monkeypatch.setattr("dashboard.work.jobs.mmm.load_model", not_here, raising=False)

    return serve


def without_times(table):
    """The table's rows without their last column, the milliseconds."""
    return re.sub(r"<td>[^<]*</td></tr>", "</tr>", table)


def not_here(name):
    raise AssertionError(f"{name} was loaded in the page's process")


@pytest.mark.slow
def test_a_recovery_on_the_server_shows_the_numbers_of_a_local_one(open_workbench, serve):
    here = open_workbench(**SHORT).recovered()
    # Not the address itself: what follows must come from the server.
    serve()
    there = open_workbench(**SHORT).recovered()
    assert there.errors == []
    assert there.panels == ["Truth", MODEL]
    assert MODEL in there.table
    assert without_times(there.table) == without_times(here.table)
    for name, array in here.stage[1].items():
        # An Ogg stream has a random serial number.
        if array.tobytes().startswith(b"OggS"):
            continue
        np.testing.assert_array_equal(there.stage[1][name], array)


@pytest.mark.slow
@pytest.mark.usefixtures("page_env")
def test_a_generation_on_the_server_is_the_local_one(networks, serve, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))
    clip = Clip("made", smooth_motion(5, 90, fps=30.0))
    ask = Ask(Setting("made", 60, "silence"), 90, CHANCE, 1, seed=3)

    def made():
        stream = generations.start(ask, clip, None)
        assert stream.wait(60)
        assert stream.error == ""
        return stream.results.generation.clip.motion

    here = made()
    serve()
    there = made()
    assert there is not here
    assert there.rotations.tobytes() == here.rotations.tobytes()
    assert there.root_m.tobytes() == here.root_m.tobytes()


@pytest.mark.slow
@pytest.mark.usefixtures("page_env")
def test_cancel_ends_a_recovery_on_the_server(networks, serve, monkeypatch):
    """A recovery of many windows; the server computes no more soon after the Cancel."""
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))
    serve()
    connection = mmm.connect(os.environ["MMM_SERVER"], api_key="secret")
    clip = Clip("long", smooth_motion(5, 20_000, fps=30.0))
    mask = mmm.masks.parse("every:15", clip)
    job = recoveries.start(recoveries.Request("long", "every:15", 0, CHANCE), clip, mask)
    # Its share is the server's, so it stands above the start only once windows are done.
    until(lambda: job.share > 0.12 or not job.running, 120)
    assert connection.health()["running"] == 1
    job.cancel()
    cancelled = time.monotonic()
    until(lambda: connection.health()["running"] == 0, 20)
    assert time.monotonic() - cancelled < 10
    until(lambda: not job.running, 10)
    assert job.share < 0.9
    assert job.results is None


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("page_env")
def test_without_the_variable_networks_run_here(monkeypatch):
    monkeypatch.delenv("MMM_SERVER", raising=False)
    models = loaded_models()
    assert computing(models).model == models.get
    monkeypatch.setenv("MMM_SERVER", "lab:8000")
    with pytest.raises(MMMError, match="no address of a server"):
        computing(models)
    assert recoveries.computing is computing

"""A run goes on after anything: killed, interrupted, its disk full, its state cut short; or says why it does not."""

import copy
import errno
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmm.checkpoints import load_model
from mmm.errors import FileError, ModelError
from mmm.models import PRESETS
from tests.training import toy
from tests.training.engine.test_loop import QUICK, fresh_model, weights
from tests.training.running import run_training
from training.data.dataset import MotionSet
from training.engine import loop
from training.engine import state as disk
from training.engine.loop import train
from training.plans.recipes import FINETUNING, PRETRAINING


@pytest.fixture
def data(split):
    return MotionSet(split)


@pytest.fixture
def small(monkeypatch):
    """Toy sizes in this process, as the toy programs have them."""
    for table in (PRESETS, PRETRAINING, FINETUNING):
        for name, value in table.items():
            monkeypatch.setitem(table, name, value)
    toy.shrink()


def killed_at(monkeypatch, number):
    """Make the run die, as by a power cut, in its ``number``-th step."""
    draw, calls = loop.draw, iter(range(1000))

    def dies(*arguments):
        if next(calls) == number:
            raise MemoryError("power cut")
        return draw(*arguments)

    monkeypatch.setattr(loop, "draw", dies)


@pytest.mark.slow
def test_resumed_is_the_same_as_uninterrupted(data, tmp_path, monkeypatch):
    """To the last bit, dropout included: cut off in the sixth step, state of the fourth."""
    whole, curve = train(fresh_model(data), data, QUICK, tmp_path / "whole")
    with monkeypatch.context() as patch:
        killed_at(patch, 5)
        with pytest.raises(MemoryError):
            train(fresh_model(data), data, QUICK, tmp_path / "halves")
    halves, other_curve = train(fresh_model(data), data, QUICK, tmp_path / "halves")
    assert torch.equal(weights(whole), weights(halves))
    assert [(point["step"], point["loss"]) for point in curve] == [
        (p["step"], p["loss"]) for p in other_curve
    ]
    assert [point["step"] for point in curve] == [2, 4, 6]
    seconds = [point["seconds"] for point in other_curve]
    assert seconds == sorted(seconds)


@pytest.mark.slow
def test_kill_9_and_the_same_command_again(prepared, tmp_path, small):
    """The real command as a program of its own, killed without warning in the middle; then once more, here."""
    steps = 24  # the state is saved every three
    program = subprocess.Popen(
        [
            sys.executable,
            toy.__file__,
            "pretrain",
            *toy.arguments(prepared, tmp_path / "killed", steps),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    state = tmp_path / "killed" / "run" / "state.pt"
    until = time.monotonic() + 150
    while (
        not state.with_name("state.previous.pt").exists()
        and program.poll() is None
        and time.monotonic() < until
    ):
        time.sleep(0.01)
    program.send_signal(signal.SIGKILL)
    _, told = program.communicate()
    assert program.returncode == -signal.SIGKILL, told.decode()
    left = disk.read_state(state.parent)[0]["step"]
    assert toy.EVERY <= left < steps
    assert not (tmp_path / "killed" / "net").exists()
    for name in ("killed", "whole"):
        done = run_training("pretrain", *toy.arguments(prepared, tmp_path / name, steps))
        assert done.exit_code == 0, done.output
    one, other = (load_model(tmp_path / name / "net") for name in ("killed", "whole"))
    assert torch.equal(weights(one), weights(other))
    curves = [
        [
            (point["step"], point["loss"])
            for point in json.loads((tmp_path / name / "net" / "metrics.json").read_text())[
                "training"
            ]["curve"]
        ]
        for name in ("killed", "whole")
    ]
    assert curves[0] == curves[1]


@pytest.mark.slow
def test_ctrl_c_stops_behind_the_running_step_and_says_how_to_go_on(
    data, tmp_path, monkeypatch, capsys
):
    whole, _ = train(fresh_model(data), data, QUICK, tmp_path / "whole")
    draw, calls = loop.draw, iter(range(100))

    def interrupted(*arguments):
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(*arguments)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(fresh_model(data), data, QUICK, tmp_path / "halves")
    assert (
        "stopped at step 3 of 6; the same command continues from there" in capsys.readouterr().err
    )
    assert signal.getsignal(signal.SIGINT) is before
    assert disk.read_state(tmp_path / "halves")[0]["step"] == 3  # between two regular states
    halves, curve = train(fresh_model(data), data, QUICK, tmp_path / "halves")
    assert torch.equal(weights(whole), weights(halves))
    assert [point["step"] for point in curve] == [2, 4, 6]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_the_run(data, tmp_path, monkeypatch):
    """In the sixth step; the state of the fourth is as it was."""
    forward, calls = loop.forward, iter(range(100))

    def spoiled(*arguments):
        output = forward(*arguments)
        if next(calls) == 5:
            output.prediction = output.prediction * math.nan
        return output

    whole, _ = train(fresh_model(data), data, QUICK, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "forward", spoiled)
        with pytest.raises(ModelError) as caught:
            train(fresh_model(data), data, QUICK, tmp_path / "spoiled")
    assert (caught.value.source, caught.value.problem) == ("step 5", "loss nan")
    assert disk.read_state(tmp_path / "spoiled")[0]["step"] == 4
    again, _ = train(fresh_model(data), data, QUICK, tmp_path / "spoiled")
    assert torch.equal(weights(whole), weights(again))


@pytest.mark.slow
def test_a_full_disk(data, tmp_path):
    """The system refuses to write files beyond a size that the log fits in and the state does not."""
    train(fresh_model(data), data, replace(QUICK, steps=2), tmp_path)
    before = (tmp_path / "state.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(FileError) as caught:
            train(fresh_model(data), data, QUICK, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.source == f"{tmp_path}/state.pt"
    assert "File too large" in caught.value.problem
    assert (tmp_path / "state.pt").read_bytes() == before
    assert not (tmp_path / "state.partial").exists()
    _, curve = train(fresh_model(data), data, QUICK, tmp_path)
    assert [point["step"] for point in curve] == [2, 4, 6]


def test_no_space_left_when_the_file_is_flushed(tmp_path, monkeypatch):
    """Some systems say so only at the end."""
    disk.write_state(tmp_path, {"step": 1})

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        FileError, match=r"state\.pt: cannot be written \(No space left on device\); the last good"
    ):
        disk.write_state(tmp_path, {"step": 2})
    assert disk.read_state(tmp_path) == ({"step": 1}, "")


@pytest.mark.parametrize("left", [0, 100, 0.5])
def test_a_state_cut_short_falls_back_to_the_one_before(data, tmp_path, capsys, left):
    whole, curve = train(fresh_model(data), data, QUICK, tmp_path)
    state = tmp_path / "state.pt"
    content = state.read_bytes()
    state.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    again, other = train(fresh_model(data), data, QUICK, tmp_path)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 1
    assert "state.pt: cannot be read (" in told[0]
    assert told[0].endswith("; continuing from state.previous.pt, step 4")
    assert torch.equal(weights(whole), weights(again))
    assert [point["loss"] for point in curve] == [point["loss"] for point in other]


def test_killed_between_the_two_renames(data, tmp_path):
    whole, _ = train(fresh_model(data), data, QUICK, tmp_path)
    (tmp_path / "state.pt").unlink()
    (tmp_path / "state.partial").write_bytes(b"half")
    again, _ = train(fresh_model(data), data, QUICK, tmp_path)
    assert torch.equal(weights(whole), weights(again))


def test_no_state_is_whole(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    for name in ("state.pt", "state.previous.pt"):
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"state\.pt: cannot be read "):
        train(fresh_model(data), data, QUICK, tmp_path)


def test_fewer_steps_than_are_done(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    with pytest.raises(ModelError, match=r"already at step 6"):
        train(fresh_model(data), data, replace(QUICK, steps=4), tmp_path)


def test_another_start(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path, start="one checkpoint")
    with pytest.raises(ModelError, match="another plan or other data"):
        train(fresh_model(data), data, QUICK, tmp_path, start="another")


def test_fresh_leaves_nothing_of_the_older_run(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    train(fresh_model(data), data, replace(QUICK, steps=2, seed=5), tmp_path, resume=False)
    assert sorted(path.name for path in Path(tmp_path).glob("state*")) == ["state.pt"]


def test_the_state_of_another_network(data, tmp_path):
    train(fresh_model(data), data, QUICK, tmp_path)
    with pytest.raises(
        ModelError, match=r"state\.pt: not the state of this network .*start afresh with --fresh"
    ):
        train(fresh_model(data, cross_layers=2), data, QUICK, tmp_path)


@pytest.mark.slow
def test_the_state_of_another_run(data, tmp_path):
    """It would go on with the old weights and be described by the new plan."""
    train(fresh_model(data), data, QUICK, tmp_path)
    with pytest.raises(
        ModelError, match=r"state\.pt: not the state of this network \(another plan or other data\)"
    ):
        train(fresh_model(data), data, replace(QUICK, seed=1), tmp_path)
    other = fresh_model(data)
    other.config.stats = {**other.config.stats, "root_max": [9.0, 9.0, 9.0]}
    with pytest.raises(ModelError, match="another plan or other data"):
        train(other, data, QUICK, tmp_path)
    with pytest.raises(ModelError, match="a network with other options, or other data"):
        train(
            fresh_model(data, fill="inertial"), data, QUICK, tmp_path
        )  # the same weights, another meaning
    fewer = copy.copy(data)
    fewer.keep("clip[01]")
    with pytest.raises(ModelError, match="a network with other options, or other data"):
        train(fresh_model(data), fewer, QUICK, tmp_path)
    _, curve = train(
        fresh_model(data), data, replace(QUICK, steps=8), tmp_path
    )  # a longer run goes on
    assert [point["step"] for point in curve] == [2, 4, 6, 8]

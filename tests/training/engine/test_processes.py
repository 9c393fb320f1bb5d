"""Two processes, by the real command, against one at the same global batch: copies of the network, and shards of it."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch

from mmm.checkpoints import load_model
from tests.training import toy
from tests.training.engine.test_loop import weights

STEPS = 12


def run(prepared, folder, *more, processes=1):
    """The toy command in processes of its own; gives the curve of losses."""
    several = (
        ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        if processes > 1
        else []
    )
    done = subprocess.run(
        [
            sys.executable,
            *several,
            toy.__file__,
            "pretrain",
            *toy.arguments(prepared, folder, STEPS, "--precision", "fp32", *more),
        ],
        capture_output=True,
        text=True,
        timeout=220,
        env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("wrote") == 1  # by the main process alone
    return json.loads((folder / "net" / "metrics.json").read_text())["training"]["curve"]


@pytest.fixture(scope="module")
def alone(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return folder, run(prepared, folder)


def losses(curve):
    return [point["loss"] for point in curve]


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(alone, prepared, tmp_path):
    folder, curve = alone
    two = run(prepared, tmp_path, processes=2)
    assert len(two) == STEPS // toy.EVERY
    assert losses(two) == pytest.approx(losses(curve), abs=1e-4)
    state = torch.load(tmp_path / "run" / "state.pt")
    assert len(state["dropout"]) == 2  # so there were two
    difference = weights(load_model(tmp_path / "net")) - weights(load_model(folder / "net"))
    assert difference.abs().max() < 1e-3


@pytest.mark.slow
def test_shards_go_on_from_the_state_of_one_process(alone, prepared, tmp_path):
    """FSDP: the last three steps of the run above, from its state before them, in two processes."""
    folder, curve = alone
    (tmp_path / "run").mkdir()
    shutil.copy(folder / "run" / "state.previous.pt", tmp_path / "run" / "state.pt")
    sharded = run(prepared, tmp_path, "--shard", processes=2)
    assert losses(sharded)[:-1] == losses(curve)[:-1]  # read from the state
    assert losses(sharded)[-1] == pytest.approx(losses(curve)[-1], abs=1e-4)
    one, two = (torch.load(path / "run" / "state.pt") for path in (folder, tmp_path))
    for name, value in one["model"].items():
        assert value.shape == two["model"][name].shape
        assert (value - two["model"][name]).abs().max() < 1e-4, name
    for index, entry in one["optimizer"]["state"].items():
        assert (entry["exp_avg"] - two["optimizer"]["state"][index]["exp_avg"]).abs().max() < 1e-3

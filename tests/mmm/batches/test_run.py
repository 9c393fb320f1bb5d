"""Many tasks in this process: results, failures, what is kept; Ray is not asked for."""

import os
import pickle
import subprocess
import sys
from functools import partial
from importlib.util import find_spec

import pytest

from mmm.batches.kept import Kept, append_lines, key_of
from mmm.batches.run import Failure, run
from mmm.errors import FileError, MMMError, SpecError


def work(number):
    if number == 1:
        raise SpecError("task 1", "bad", "better", "try again")
    if number == 2:
        raise MemoryError("none left\nat all")
    return number * 10


def test_a_failure_is_that_of_one_task():
    outcomes = dict(run(work, [0, 1, 2, 3]))
    assert (outcomes[0], outcomes[3]) == (0, 30)
    assert str(outcomes[1]) == "task 1: bad; expected better; try again"
    assert isinstance(outcomes[1].error, SpecError)
    assert str(outcomes[2]) == "2: MemoryError: none left at all"


def test_an_interruption_ends_the_run():
    def stop(task):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(stop, [1, 2]))


def test_errors_come_back_from_other_processes():
    error = FileError("a.bvh", "broken", "a whole one", "export it again")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (FileError, str(error))
    assert (again.source, again.cure) == ("a.bvh", "export it again")


def die_at_three(number):
    if number == 3:
        os._exit(1)
    return work(number)


@pytest.mark.slow
def test_a_process_that_dies_takes_one_task_with_it():
    outcomes = dict(run(die_at_three, [0, 1, 3, 4, 5], processes=2))
    assert {k: outcomes[k] for k in (0, 3, 4)} == {0: 0, 3: 40, 4: 50}
    assert str(outcomes[1]) == "task 1: bad; expected better; try again"
    assert str(outcomes[2]) == "3: the process that read it died"


def test_without_tasks_nobody_is_asked():
    assert list(run(work, [], ray="127.0.0.1:1")) == []


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_ray_that_is_not_installed_is_said_in_one_line():
    with pytest.raises(MMMError, match=r"--ray: ray is not installed; pip install '\.\[serve\]'"):
        list(run(work, [0], ray="local"))


@pytest.mark.slow
def test_ray_is_not_imported_by_those_who_do_not_ask_for_it():
    code = """
import sys
from mmm.batches.run import run
import mmm.cli.app, data.__main__
assert list(run(len, ["ab"])) == [(0, 2)]
assert "ray" not in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_kept_results_have_the_same_bits_and_damaged_lines_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = Kept("test")
    assert kept.read() == {}
    value = {"sum": 0.1 + 0.2, "notes": ["é"]}
    kept.add("a", value)
    # A run was killed in the middle of a line.
    with kept.file.open("ab") as file:
        file.write(b'["b", {"su')
    kept.add("c", 1)
    kept.add("c", 2)
    append_lines(kept.file, ["3", "[" * 100_000, '{"a": 1}', "[1, 2]"])
    assert Kept("test").read() == {"a": value, "c": 2}


def test_a_failure_can_be_sent():
    failure = Failure(MMMError("a", "b"))
    assert str(pickle.loads(pickle.dumps(failure))) == "a: b"
    assert key_of(1, "a") == key_of(1, "a")
    assert key_of(1, "a") != key_of("1", "a")
    assert pickle.loads(pickle.dumps(partial(work, 4)))() == 40

"""Jobs: progress, Cancel, what goes wrong; networks loaded once."""

import errno
import os
import shutil
import subprocess
import sys
import threading

import pytest

from dashboard.work import jobs
from dashboard.work.jobs import Job
from mmm.errors import SpecError
from tests.dashboard.conftest import MODEL


def started(work) -> tuple[Job, threading.Thread]:
    job = Job("request")
    thread = threading.Thread(target=job.run, args=(work,))
    thread.start()
    return job, thread


def test_a_job_says_how_far_it_is_and_what_it_does():
    half, go_on = threading.Event(), threading.Event()

    def work(job):
        job.advance(0.5, "Recovering")
        half.set()
        assert go_on.wait(20)
        return ["a result"]

    job, thread = started(work)
    assert half.wait(20)
    assert (job.share, job.stage, job.running, job.results) == (0.5, "Recovering", True, None)
    assert not job.wait(0.0)
    go_on.set()
    assert job.wait(20)
    thread.join()
    assert (job.results, job.error, job.running) == (["a result"], "", False)


def test_a_cancelled_job_ends_at_its_next_step():
    begun, go_on, steps = threading.Event(), threading.Event(), []

    def work(job):
        for step in range(3):
            job.advance(step / 3, "Recovering")
            steps.append(step)
            begun.set()
            assert go_on.wait(20)
        return []

    job, thread = started(work)
    assert begun.wait(20)
    job.cancel()
    go_on.set()
    thread.join()
    assert steps == [0]
    assert job.cancelled
    assert job.error.startswith("Cancelled")
    assert job.results is None


def test_what_the_user_can_mend_is_said_as_it_is():
    def work(job):
        raise SpecError("SPEC 'x'", "not a pattern", "a pattern", "correct it")

    job, thread = started(work)
    thread.join()
    assert job.error == "SPEC 'x': not a pattern; expected a pattern; correct it"


def test_a_fault_of_ours_ends_the_job_too_and_names_itself():
    def work(job):
        return {}["missing"]

    job, thread = started(work)
    thread.join()
    assert not job.running
    assert "KeyError" in job.error
    assert "fault of the workbench" in job.error


@pytest.mark.usefixtures("page_env")
def test_a_network_is_loaded_once_and_again_when_its_files_change(tiny_folder):
    models = jobs.Models()
    first = models.get("tiny")
    assert models.get("tiny") is first
    config = tiny_folder / "tiny" / "config.json"
    later = config.stat().st_mtime_ns + 1_000_000_000
    os.utime(config, ns=(later, later))
    second = models.get("tiny")
    assert second is not first
    assert list(models._loaded.values()) == [second]


@pytest.fixture
def tiny_folder(tmp_path, page_env, monkeypatch):
    from mmm.checkpoints import save_model
    from tests.mmm.networks import tiny_model

    save_model(tiny_model(), tmp_path / "networks" / "tiny", {})
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path / "networks"))
    return tmp_path / "networks"


def test_a_new_weight_file_is_another_version(checkpoint_folder, tmp_path, monkeypatch):
    shutil.copytree(checkpoint_folder / MODEL, tmp_path / MODEL)
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path))
    before = jobs.version_of(MODEL)
    weights = next((tmp_path / MODEL).glob("model*.safetensors"))
    os.utime(weights, ns=(5, 5))  # an older copy is another version too
    assert jobs.version_of(MODEL) != before
    assert jobs.version_of("slerp") == 0


def test_a_full_disk_is_one_line_without_a_path(caplog):
    def work(job):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/of/the/server")

    job, thread = started(work)
    thread.join()
    assert job.error == "No space left on device. Press Recover to start again."
    assert "/somewhere" in caplog.text


@pytest.mark.parametrize(
    ("text", "number"), [("", 3), ("5", 5), ("0", 1), ("-2", 3), ("many", 3), ("2.5", 3)]
)
def test_a_number_in_the_environment(monkeypatch, text, number):
    monkeypatch.setenv("MMM_WORKERS", text)
    assert jobs.whole_number("MMM_WORKERS", 3) == number


@pytest.mark.slow
def test_one_torch_thread_a_job_unless_the_environment_says_otherwise():
    # A thread keeps the number that it first computed with, so each is asked in a thread of its own.
    run = (
        "import os\n"
        "from threading import Thread\n"
        "from dashboard.work import jobs\n"
        "for threads in ('2', ''):\n"
        "    os.environ['MMM_TORCH_THREADS'] = threads\n"
        "    jobs._torch_import.cache_clear()\n"
        "    jobs.wait_for_torch()\n"
        "    import torch\n"
        "    worker = Thread(target=lambda: print(torch.get_num_threads()))\n"
        "    worker.start()\n"
        "    worker.join()\n"
    )
    # These tests themselves run with one thread.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    printed = subprocess.run(
        [sys.executable, "-c", run], env=environment, capture_output=True, text=True
    )
    assert printed.stdout.split() == ["2", "1"], printed.stderr

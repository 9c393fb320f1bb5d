"""Jobs, kept results and loaded networks, without a page."""

import os
import shutil
import threading

import numpy as np
import pytest

import mmm
from dashboard.work import jobs, recoveries
from dashboard.work.jobs import Job
from dashboard.work.recoveries import Request, Results
from mmm import masks
from mmm.errors import SpecError
from tests.dashboard.conftest import MODEL

REQUEST = Request("digest", "every:5", 0, "spline")


def started(work) -> tuple[Job, threading.Thread]:
    job = Job(REQUEST)
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_ends_the_job_too_and_names_itself():
    def work(job):
        return {}["missing"]

    job, thread = started(work)
    thread.join()
    assert not job.running
    assert "KeyError: 'missing'" in job.error
    assert "fault of the workbench" in job.error


def test_the_latest_results_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(recoveries, "_size", lambda results: 100)
    monkeypatch.setattr(recoveries, "KEPT_BYTES", 300)
    results = Results()
    asked = [Request("digest", f"every:{n}", 0, "hold") for n in range(2, 6)]
    for request in asked[:3]:
        results.put(request, [request.spec])
    assert results.get(asked[0]) == ["every:2"]  # used again: the next oldest goes first
    results.put(asked[3], ["every:5"])
    assert [results.get(request) for request in asked] == [
        ["every:2"],
        None,
        ["every:4"],
        ["every:5"],
    ]


def test_another_clip_seed_or_method_is_another_request():
    results = Results()
    results.put(REQUEST, ["spline's"])
    assert results.get(Request("digest", "every:5", 0, "spline")) == ["spline's"]
    for other in (
        Request("other", "every:5", 0, "spline"),
        Request("digest", "every:6", 0, "spline"),
        Request("digest", "every:5", 1, "spline"),
        Request("digest", "every:5", 0, "hold"),
    ):
        assert results.get(other) is None


@pytest.mark.usefixtures("page_env")
def test_a_recovery_gives_the_method_first_then_its_baselines_and_keeps_them(made_clip):
    mask = masks.parse("span:30-50", made_clip)
    request = Request(made_clip.digest(), mask.label, 0, "slerp")
    job = recoveries.start(request, made_clip, mask)
    assert job.wait(60)
    assert job.error == ""
    assert [r.model_name for r in job.results] == ["slerp", "hold", "inertial", "spline"]
    assert recoveries.kept_results().get(request) is job.results
    known = ~mask.hidden
    for result in job.results:
        np.testing.assert_array_equal(
            result.recovered.motion.rotations[known], made_clip.motion.rotations[known]
        )


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


def test_results_weigh_what_their_motions_do(made_clip):
    result = mmm.interpolate("hold", made_clip, masks.parse("first", made_clip))
    assert recoveries._size([result, result]) == 2 * 90 * 24 * 9 * 4


def test_a_new_weight_file_is_another_version(checkpoint_folder, tmp_path, monkeypatch):
    shutil.copytree(checkpoint_folder / MODEL, tmp_path / MODEL)
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path))
    before = jobs.version_of(MODEL)
    weights = next((tmp_path / MODEL).glob("model*.safetensors"))
    os.utime(weights, ns=(5, 5))  # an older copy is another version too
    assert jobs.version_of(MODEL) != before
    assert jobs.version_of("slerp") == 0


def test_a_result_that_left_the_store_stays_on_its_page(open_workbench):
    """Others' recoveries may push it out; the page must neither lose it nor run for ever."""
    page = open_workbench(method="slerp").recovered()
    recoveries.kept_results.clear()
    assert page.run().table
    assert page.panels[:2] == ["Truth", "slerp"]


@pytest.mark.usefixtures("page_env")
def test_a_recovery_waits_until_torch_is_imported(made_clip, monkeypatch):
    """Two threads that import one circular package at once may see it half made."""
    imported = threading.Event()
    importing = threading.Thread(target=imported.wait, args=(20,))
    importing.start()
    monkeypatch.setattr(jobs, "warm_up", lambda: importing)
    mask = masks.parse("span:30-50", made_clip)
    job = recoveries.start(Request(made_clip.digest(), mask.label, 0, "hold"), made_clip, mask)
    assert not job.wait(0.3)
    imported.set()
    assert job.wait(20)
    assert job.results

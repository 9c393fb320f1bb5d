"""Recoveries and their kept results."""

import threading

import numpy as np
import pytest

import mmm
from dashboard.work import recoveries
from dashboard.work.engine import Engine
from dashboard.work.recoveries import Request
from mmm import masks

REQUEST = Request("digest", "every:5", 0, "spline")


@pytest.mark.usefixtures("page_env")
def test_another_clip_seed_or_method_is_another_request():
    results = recoveries.kept_results()
    results.put(REQUEST, ["spline's"], 1)
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


@pytest.mark.slow
def test_a_result_that_left_the_store_stays_on_its_page(open_workbench):
    """Others' recoveries may push it out; the page must neither lose it nor run for ever."""
    page = open_workbench(method="slerp").recovered()
    recoveries.kept_results.clear()
    assert page.run().table
    assert page.panels[:2] == ["Truth", "slerp"]


def one_at_a_time(engine):
    return lambda job, work: engine.submit(job, work, visitor="someone")


@pytest.mark.usefixtures("page_env")
def test_those_who_waited_for_the_same_recovery_are_given_the_first_ones_result(
    made_clip, monkeypatch
):
    """A hundred people who open the page at once see one clip: it is recovered once."""
    runs, interpolate, let = [], mmm.interpolate, threading.Event()

    def counted(name, clip, mask):
        runs.append(name)
        assert let.wait(60)
        return interpolate(name, clip, mask)

    monkeypatch.setattr(mmm, "interpolate", counted, raising=False)
    monkeypatch.setattr(recoveries, "submit", one_at_a_time(Engine(1)))
    mask = masks.parse("span:30-50", made_clip)
    request = Request(made_clip.digest(), mask.label, 0, "slerp")
    waiting = [recoveries.start(request, made_clip, mask) for _ in range(5)]
    let.set()
    assert all(job.wait(60) for job in waiting)
    assert len(runs) == 4  # the interpolations of one recovery
    assert all(job.results is waiting[0].results for job in waiting)
    again = recoveries.start(request, made_clip, mask)
    assert again.wait(60)
    assert again.results is not waiting[0].results  # asked for later: recovered again

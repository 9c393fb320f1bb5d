"""The engine: a bounded number of workers, a queue that takes turns between visitors."""

import threading
import time

import pytest

from dashboard.work import engine as engine_module
from dashboard.work.engine import SERVER, Engine
from dashboard.work.jobs import Job

WAIT_S = 60


class Gate:
    """Work that notes that it has begun and waits to be let through."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open = threading.Event()
        self.through: set[str] = set()

    def work(self, job):
        self.begun.append(job.request)
        while job.request not in self.through and not self.open.wait(0.005):
            pass
        job.advance(1.0, "Done")
        return job.request

    def until_begun(self, count: int) -> None:
        end = time.monotonic() + WAIT_S
        while len(self.begun) < count:
            assert time.monotonic() < end, self.begun
            time.sleep(0.005)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def finished(*jobs):
    for job in jobs:
        assert job.wait(WAIT_S)


def test_so_many_jobs_run_at_a_time_and_the_others_know_their_place(gate):
    engine = Engine(2)
    jobs = [engine.submit(Job(name), gate.work, visitor=name) for name in "abcd"]
    gate.until_begun(2)
    time.sleep(0.05)
    assert sorted(gate.begun) == ["a", "b"]
    assert [job.ahead for job in jobs] == [None, None, 0, 1]
    assert engine.load == 4
    gate.open.set()
    finished(*jobs)
    assert [job.results for job in jobs] == list("abcd")


def test_the_queue_takes_turns_between_visitors(gate):
    engine = Engine(1)
    first = engine.submit(Job("busy"), gate.work, visitor="x")
    gate.until_begun(1)
    greedy = [engine.submit(Job(f"greedy {n}"), gate.work, visitor="g") for n in range(3)]
    modest = engine.submit(Job("modest"), gate.work, visitor="m")
    assert [job.ahead for job in (*greedy, modest)] == [0, 2, 3, 1]
    gate.open.set()
    finished(first, modest, *greedy)
    assert gate.begun == ["busy", "greedy 0", "modest", "greedy 1", "greedy 2"]


def test_a_visitor_with_jobs_in_hand_comes_after_one_without(gate):
    engine = Engine(2)
    jobs = [engine.submit(Job(f"greedy {n}"), gate.work, visitor="g") for n in range(2)]
    gate.until_begun(2)
    jobs.append(engine.submit(Job("greedy 2"), gate.work, visitor="g"))
    jobs.append(engine.submit(Job("modest"), gate.work, visitor="m"))
    gate.through.add("greedy 0")
    gate.until_begun(3)
    assert gate.begun[2] == "modest"
    gate.open.set()
    finished(*jobs)


def test_long_jobs_leave_a_worker_to_the_others(gate):
    engine = Engine(2)
    films = [engine.submit(Job(f"film {n}"), gate.work, visitor=f"{n}", long=True) for n in (0, 1)]
    short = engine.submit(Job("short"), gate.work, visitor="s")
    gate.until_begun(2)
    time.sleep(0.05)
    assert sorted(gate.begun) == ["film 0", "short"]
    gate.open.set()
    finished(short, *films)


def test_a_full_queue_refuses_at_once_and_says_so(gate):
    engine = Engine(1, most_waiting=2, most_of_one=1)
    jobs = [engine.submit(Job("a"), gate.work, visitor="a")]
    gate.until_begun(1)
    jobs.append(engine.submit(Job("b"), gate.work, visitor="a"))
    own = engine.submit(Job("c"), gate.work, visitor="a")
    assert not own.running
    assert own.error.startswith("The server is busy: 1 of your jobs")
    jobs.append(engine.submit(Job("d"), gate.work, visitor="d"))
    other = engine.submit(Job("e", again="Explain"), gate.work, visitor="e")
    assert other.error == (
        "The server is busy: 2 jobs are waiting on this server. Press Explain again in a minute."
    )
    gate.open.set()
    finished(*jobs)
    assert sorted(gate.begun) == ["a", "b", "d"]


def test_a_waiting_job_that_is_cancelled_ends_at_once(gate):
    engine = Engine(1)
    jobs = [engine.submit(Job(name), gate.work, visitor=name) for name in "ab"]
    gate.until_begun(1)
    jobs[1].cancel()
    assert not jobs[1].running
    assert jobs[1].error.startswith("Cancelled")
    assert engine.load == 1
    gate.open.set()
    finished(*jobs)
    assert gate.begun == ["a"]


def test_jobs_of_visitors_who_left_are_cancelled_and_the_servers_own_are_not(gate, monkeypatch):
    monkeypatch.setattr(engine_module, "CHECK_EVERY_S", 0.01)
    monkeypatch.setattr(engine_module, "LEFT_S", 0.05)
    here = {"stays"}
    engine = Engine(2, is_here=lambda visitor: visitor in here)
    gone = engine.submit(Job("gone"), gate.work, visitor="gone")
    gate.until_begun(1)
    own = engine.submit(Job("own"), gate.work, visitor=SERVER)
    gate.until_begun(2)
    waits = engine.submit(Job("waits"), gate.work, visitor="gone")
    stays = engine.submit(Job("stays"), gate.work, visitor="stays")
    finished(waits)
    end = time.monotonic() + WAIT_S
    while not gone.cancelled:
        assert time.monotonic() < end
    gate.open.set()
    finished(gone, own, stays)
    assert gone.error.startswith("Cancelled")
    assert waits.error.startswith("Cancelled")
    assert (own.results, stays.results) == ("own", "stays")


def test_a_worker_outlives_a_fault(gate):
    engine = Engine(1)
    fault = engine.submit(Job("fault"), lambda job: {}["missing"], visitor="a")
    gate.open.set()
    after = engine.submit(Job("after"), gate.work, visitor="a")
    finished(fault, after)
    assert "fault of the workbench" in fault.error
    assert after.results == "after"


def test_jobs_wait_for_the_import_of_torch(gate, monkeypatch):
    """Two threads that import one circular package at once may see it half made."""
    imported = threading.Event()
    monkeypatch.setattr(engine_module.jobs, "wait_for_torch", lambda: imported.wait(WAIT_S))
    job = Engine(1).submit(Job("a"), gate.work, visitor="a")
    gate.open.set()
    assert not job.wait(0.2)
    assert gate.begun == []
    imported.set()
    finished(job)

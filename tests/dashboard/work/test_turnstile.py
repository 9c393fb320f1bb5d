"""The turnstile in front of the pages."""

import threading
from contextlib import ExitStack

from dashboard.work.turnstile import Turnstile

WAIT_S = 60


class Runs:
    """Threads that go through a turnstile, and how many of them are inside."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.turnstile, self.inside, self.let = turnstile, threading.Semaphore(0), threading.Event()
        self.threads: list[threading.Thread] = []

    def add(self) -> None:
        self.threads.append(threading.Thread(target=self._run))
        self.threads[-1].start()

    def _run(self) -> None:
        with self.turnstile.turn():
            self.inside.release()
            assert self.let.wait(WAIT_S)

    def count(self, most_s: float) -> bool:
        """Whether another thread comes in within this time."""
        return self.inside.acquire(timeout=most_s)

    def end(self) -> None:
        self.let.set()
        for thread in self.threads:
            thread.join(WAIT_S)


def test_no_more_than_its_places_are_inside_and_all_get_their_turn():
    runs = Runs(Turnstile(2))
    for _ in range(5):
        runs.add()
    assert runs.count(WAIT_S)
    assert runs.count(WAIT_S)
    assert not runs.count(0.1)
    runs.let.set()
    assert all(runs.count(WAIT_S) for _ in range(3))
    runs.end()


def test_a_thread_that_has_waited_long_enough_goes_through_and_gives_back_no_place():
    turnstile = Turnstile(1, most_wait_s=0.05)
    runs = Runs(turnstile)
    for _ in range(3):
        runs.add()
    assert all(runs.count(WAIT_S) for _ in range(3))
    runs.end()
    with ExitStack() as held:
        held.enter_context(turnstile.turn())
        assert not turnstile._free.acquire(blocking=False)


def test_who_waits_for_something_else_gives_the_place_to_others():
    turnstile = Turnstile(1)
    runs = Runs(turnstile)
    with turnstile.turn():
        runs.add()
        assert not runs.count(0.05)
        with turnstile.aside():
            assert runs.count(WAIT_S)
            runs.let.set()
        assert not turnstile._free.acquire(blocking=False)
    runs.end()
    assert turnstile._free.acquire(blocking=False)
    assert not turnstile._free.acquire(blocking=False)


def test_stepping_aside_outside_of_a_turn_does_nothing():
    turnstile = Turnstile(1)
    with turnstile.aside():
        pass
    assert turnstile._free.acquire(blocking=False)
    assert not turnstile._free.acquire(blocking=False)

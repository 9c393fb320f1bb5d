"""The turnstile: limits the number of page runs at a time.

Streamlit runs the page of each session in a thread of its own. With hundreds of visitors, as many
threads compete for one interpreter and starve the server's event loop. Threads that wait for a lock
cost nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mmm.machine import cores

MOST_WAIT_S = 60.0
"""Longest wait in seconds, so that a run that hangs does not block all others."""


class Turnstile:
    """Limits the number of threads that run at a time.

    Args:
        places: number of threads.
        most_wait_s: a thread that has waited for this time runs in any case.
    """

    def __init__(self, places: int, most_wait_s: float = MOST_WAIT_S) -> None:
        self._free = threading.Semaphore(places)
        self._most_wait_s = most_wait_s
        # After a timeout a thread holds no place, and ``aside`` must not release another's.
        self._inside = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and hold it."""
        self._inside.held = self._free.acquire(timeout=self._most_wait_s)
        try:
            yield
        finally:
            if self._inside.held:
                self._free.release()
            self._inside.held = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Release the place while this thread waits, for example for another process."""
        held = getattr(self._inside, "held", False)
        if held:
            self._inside.held = False
            self._free.release()
        try:
            yield
        finally:
            if held:
                self._inside.held = self._free.acquire(timeout=self._most_wait_s)


# One more than the cores, since a run that waits for the disk leaves its core idle.
page_runs = Turnstile(cores() + 1)
"""The server's turnstile for runs of whole pages. Fragments are short and do not wait."""

"""The engine for background work: a fixed number of workers, and a queue that is fair to visitors.

Every recovery, generation, explanation, film and measurement is a :class:`~dashboard.work.jobs.Job`
handed to :func:`submit`. Nothing else on the page starts threads for work. The queue takes turns
between visitors (round robin), so that ten waiting jobs of one visitor do not delay the first job
of another. Jobs of visitors who have left are cancelled. A job that finds the queue full ends at
once with a message.

Two environment variables set its size: ``MMM_WORKERS`` is the number of jobs at a time (default:
the cores, at least two), and ``MMM_TORCH_THREADS`` the number of threads of one job (default: one).
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.work import jobs
from dashboard.work.jobs import Job
from mmm.machine import cores

SERVER = ""
"""The visitor of jobs that belong to no session, such as loading a network ahead."""
LEFT_S = 20.0
"""Seconds without a browser after which a visitor has left. A reload takes less."""
CHECK_EVERY_S = 2.0
"""Seconds between two checks for visitors who have left."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Task:
    """A job that waits or runs."""

    job: Job[Any]
    work: Callable[[Job[Any]], Any]
    visitor: str
    long: bool


class Engine:
    """Workers and their queue.

    Args:
        workers: number of jobs at a time.
        most_waiting: jobs in the queue, over all visitors; one more is refused.
        most_of_one: jobs in the queue of one visitor; one more is refused.
        is_here: whether a visitor's browser is connected.
    """

    def __init__(
        self,
        workers: int,
        most_waiting: int = 240,
        most_of_one: int = 8,
        is_here: Callable[[str], bool] = lambda visitor: True,
    ) -> None:
        self.workers, self.most_waiting, self.most_of_one = workers, most_waiting, most_of_one
        self._is_here = is_here
        # Visitors in the order of their turns. One without waiting jobs is not in it.
        self._queue: OrderedDict[str, deque[_Task]] = OrderedDict()
        self._running: list[_Task] = []
        self._away_since: dict[str, float] = {}
        # One condition guards the queue and the running list: a task is always in exactly one.
        self._changed = threading.Condition()
        for number in range(workers):
            self._start(self._work, f"worker-{number}")
        self._start(self._cancel_for_absent, "absent-visitors")

    @staticmethod
    def _start(body: Callable[[], None], name: str) -> None:
        # Daemon threads: the server must be able to exit in the middle of a long job.
        threading.Thread(target=body, name=f"engine-{name}", daemon=True).start()

    def submit(
        self,
        job: Job[Result],
        work: Callable[[Job[Result]], Result],
        visitor: str,
        long: bool = False,
    ) -> Job[Result]:
        """Put a job into the queue and return at once.

        Args:
            job: the job; if the queue is full, it ends at once with a message.
            work: computes the job's result; called by a worker.
            visitor: the owner of the job, or :data:`SERVER`.
            long: whether it may take minutes. Long jobs leave one worker free for the others.

        Returns:
            The job.
        """
        with self._changed:
            waiting = sum(map(len, self._queue.values()))
            queued = len(self._queue.get(visitor, ()))
            if waiting >= self.most_waiting:
                return self._refuse(
                    job, f"{waiting} jobs are waiting on this server", "in a minute"
                )
            # Jobs of the server serve everyone, so the limit of one visitor does not apply to them.
            if visitor != SERVER and queued >= self.most_of_one:
                return self._refuse(job, f"{queued} of your jobs are waiting", "when one is done")
            # Set before a worker can see the job: ``Job.cancel`` asks this queue to drop it.
            job.queue = self
            self._queue.setdefault(visitor, deque()).append(_Task(job, work, visitor, long))
            self._changed.notify()
        return job

    def _refuse(self, job: Job[Result], reason: str, when: str) -> Job[Result]:
        job.finish(error=f"The server is busy: {reason}. Press {job.again} again {when}.")
        return job

    def ahead(self, job: Job[Any]) -> int | None:
        """Number of jobs that start before this one; None if it does not wait any more."""
        with self._changed:
            for number, task in enumerate(self._in_turn()):
                if task.job is job:
                    return number
        return None

    def drop(self, job: Job[Any]) -> bool:
        """Remove a job from the queue; False if it does not wait."""
        with self._changed:
            for visitor, tasks in self._queue.items():
                for task in tasks:
                    if task.job is job:
                        tasks.remove(task)
                        # An empty entry would keep the visitor's old turn.
                        if not tasks:
                            del self._queue[visitor]
                        return True
        return False

    @property
    def load(self) -> int:
        """Jobs that run or wait."""
        with self._changed:
            return len(self._running) + sum(map(len, self._queue.values()))

    def _in_turn(self) -> list[_Task]:
        """The queue in order of turns: each visitor's first job, then each one's second, ..."""
        columns = list(self._queue.values())
        longest = max(map(len, columns), default=0)
        return [tasks[turn] for turn in range(longest) for tasks in columns if turn < len(tasks)]

    def _next(self) -> _Task | None:
        """Take the job whose turn it is; called with the lock held."""
        # With a single worker long jobs must still start.
        most_long = max(1, self.workers - 1)
        may_be_long = sum(task.long for task in self._running) < most_long
        busy = [task.visitor for task in self._running]
        # The visitor with the fewest running jobs; among equals the one who has waited longest.
        for visitor in sorted(self._queue, key=busy.count):
            tasks = self._queue[visitor]
            task = next((task for task in tasks if may_be_long or not task.long), None)
            if task is None:
                continue
            # Not ``popleft``: a short job may overtake a long one of the same visitor.
            tasks.remove(task)
            if tasks:
                self._queue.move_to_end(visitor)
            else:
                del self._queue[visitor]
            return task
        return None

    def _work(self) -> None:
        """A worker's loop."""
        while True:
            with self._changed:
                while (task := self._next()) is None:
                    self._changed.wait()
                self._running.append(task)
            try:
                jobs.wait_for_torch()
                task.job.run(task.work)
            # A worker must survive any error of its job.
            except BaseException:
                logging.getLogger(__name__).exception("%s", task.job.request)
            finally:
                with self._changed:
                    self._running.remove(task)
                    self._changed.notify_all()  # a long job that waited may start now
            # Otherwise the job and its results would stay in memory until the next job.
            del task

    def _cancel_for_absent(self) -> None:
        """Cancel the jobs of visitors who have been away for :data:`LEFT_S`."""
        while True:
            time.sleep(CHECK_EVERY_S)
            with self._changed:
                tasks = [*self._running, *self._in_turn()]
            # Outside the lock: ``is_here`` asks Streamlit's runtime, and workers must not wait for
            # it.
            for task in tasks:
                if self._has_left(task.visitor):
                    task.job.cancel()
            # Tracks only visitors with jobs, or the table would grow with every session.
            present = {task.visitor for task in tasks}
            self._away_since = {k: v for k, v in self._away_since.items() if k in present}
            # The list would keep finished jobs and their results in memory until the next check.
            del tasks

    def _has_left(self, visitor: str) -> bool:
        if visitor == SERVER or self._is_here(visitor):
            self._away_since.pop(visitor, None)
            return False
        return time.monotonic() - self._away_since.setdefault(visitor, time.monotonic()) > LEFT_S


def _is_connected(session_id: str) -> bool:
    """Whether a session's browser is connected; yes where no server runs (tests)."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session_id)


# Not ``st.cache_resource``: clearing Streamlit's caches must not start a second set of workers.
@cache
def engine() -> Engine:
    """The server's engine, started on first use."""
    # At least two, since with one worker a long job would block every short one.
    workers = jobs.whole_number("MMM_WORKERS", max(2, cores()))
    return Engine(workers, is_here=_is_connected)


def submit(
    job: Job[Result],
    work: Callable[[Job[Result]], Result],
    *,
    long: bool = False,
    for_server: bool = False,
) -> Job[Result]:
    """Hand a job of the visitor whose page is being drawn to the server's engine.

    Args:
        job: the job that the page follows.
        work: computes the job's result.
        long: whether it may take minutes.
        for_server: the job serves all visitors and outlives the session that started it.

    Returns:
        The job.
    """
    # Worker threads and tests have no session, and Streamlit would log a warning for each.
    context = None if for_server else get_script_run_ctx(suppress_warning=True)
    visitor = SERVER if context is None else context.session_id
    return engine().submit(job, work, visitor, long)

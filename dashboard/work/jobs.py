"""Background jobs with progress, cancellation and errors, and the networks that they share."""

import gc
import logging
import os
import sys
import threading
import zlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import streamlit as st

import mmm
from mmm import MMMError
from mmm.checkpoints import find_checkpoint
from mmm.interpolation.baselines import BASELINES

if TYPE_CHECKING:  # imports torch, which the page does not wait for
    from mmm.models import MaskedMotionModel

CANCELLED = "Cancelled. Press {} to start again."


def version_of(method: str) -> int:
    """A checksum of a checkpoint's file times and sizes; 0 for a baseline."""
    if method in BASELINES:
        return 0
    # Time and size change when training rewrites a file; hashing weights would take seconds.
    files = [
        (f.name, f.stat().st_mtime_ns, f.stat().st_size)
        for f in sorted(find_checkpoint(method).iterdir())
    ]
    return zlib.crc32(repr(files).encode())


class Cancelled(Exception):
    """The visitor pressed Cancel, or has left."""


Result = TypeVar("Result")


class Queue(Protocol):
    """The queue of a job: see :class:`dashboard.work.engine.Engine`."""

    def ahead(self, job: "Job[Any]") -> int | None:
        """Number of jobs that start before this one; None if it does not wait."""

    def drop(self, job: "Job[Any]") -> bool:
        """Remove a job; False if it does not wait."""


@dataclass(eq=False)
class Job(Generic[Result]):
    """One piece of work, with its progress and its result."""

    request: Hashable
    """The parameters that determine the result."""
    share: float = 0.0
    """Share of the work that is done, 0 to 1."""
    stage: str = "Starting"
    """The current stage, for the visitor."""
    results: Result | None = None
    error: str = ""
    """The reason why there are no results, for the visitor."""
    again: str = "Recover"
    """The label of the button that starts it again."""
    queue: Queue | None = None
    # Events and not flags, so that a page's thread can wait without polling.
    _cancel: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether the job waits or runs."""
        return not self._done.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self._cancel.is_set()

    @property
    def ahead(self) -> int | None:
        """Number of jobs that start before this one; None if it does not wait."""
        return None if self.queue is None else self.queue.ahead(self)

    def wait(self, seconds: float) -> bool:
        """Wait for the end for at most ``seconds``; returns whether the job has ended."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """Cancel the job: at once if it waits, after its current part if it runs."""
        # Set first: a worker that takes the job between these two steps sees it in ``run``.
        self._cancel.set()
        if self.queue is not None and self.queue.drop(self):
            self.finish(error=CANCELLED.format(self.again))

    def advance(self, share: float, stage: str) -> None:
        """Called by the worker between parts.

        Raises:
            Cancelled: the job was cancelled.
        """
        if self._cancel.is_set():
            raise Cancelled
        self.share, self.stage = share, stage

    def finish(self, results: Result | None = None, error: str = "") -> None:
        """End with results, or with an error."""
        # Stored before the event, because other threads read them once the job has ended.
        self.results, self.error = results, error
        self._done.set()

    def run(self, work: "Callable[[Job[Result]], Result]") -> None:
        """Do the work and end; called by a worker. Raises nothing."""
        results, error = None, ""
        try:
            # Cancelled after a worker had taken the job, when ``drop`` did not find it any more.
            if self.cancelled:
                raise Cancelled
            results = work(self)
        except Cancelled:
            error = CANCELLED.format(self.again)
        except MMMError as problem:
            error = str(problem)
        except MemoryError:
            error = "Not enough memory. Choose a shorter part."
        except OSError as problem:
            # A full disk, say, or a missing file. The message must not show paths of the server.
            error = (
                f"{problem.strerror or type(problem).__name__}. Press {self.again} to start again."
            )
            logging.getLogger(__name__).exception("%s", self.request)
        except Exception as problem:
            # A bug of ours. The page must not wait for ever, and the log must have the trace.
            kind = type(problem).__name__
            error = f"{kind}. This is a fault of the workbench; its log has the trace."
            logging.getLogger(__name__).exception("%s", self.request)
        finally:
            self.finish(results, error)


class Models:
    """Loaded networks, one per checkpoint and version of its files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, int], MaskedMotionModel] = {}

    def get(self, name: str) -> "MaskedMotionModel":
        """The network of a checkpoint, loaded once, and again when its files have changed."""
        key = name, version_of(name)
        # Held while loading, so that two visitors do not load the same network twice.
        with self._lock:
            if key not in self._loaded:
                # Older versions of this checkpoint are not needed any more.
                self._loaded = {k: v for k, v in self._loaded.items() if k[0] != name}
                self._loaded[key] = mmm.load_model(name)
            return self._loaded[key]


@st.cache_resource(show_spinner=False)
def loaded_models() -> Models:
    """The networks of this server."""
    return Models()


def whole_number(variable: str, otherwise: int) -> int:
    """An environment variable as a number of at least 1, or ``otherwise`` if it holds none."""
    text = os.environ.get(variable, "")
    # ``isdecimal`` rejects signs and fractions, so ``int`` cannot fail here.
    return max(1, int(text)) if text.isdecimal() else otherwise


def warm_up() -> None:
    """Import torch in the background, so that the first Recover does not wait for it."""
    _torch_import()


def wait_for_torch() -> None:
    """Return once torch is imported. Concurrent imports may see a partly initialised package."""
    _torch_import().join()


@cache
def _torch_import() -> threading.Thread:
    def import_torch() -> None:
        import mmm.recovery.recover  # noqa: F401

        # One thread per job by default: on shared cores torch's threads wait for each other.
        sys.modules["torch"].set_num_threads(whole_number("MMM_TORCH_THREADS", 1))
        gc.freeze()  # objects of imported libraries never become garbage

    thread = threading.Thread(target=import_torch, name="warm-up", daemon=True)
    thread.start()
    return thread

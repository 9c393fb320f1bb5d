"""Jobs behind the page: progress, Cancel, what went wrong; and the networks that they share."""

import gc
import threading
import zlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import streamlit as st

import mmm
from mmm import MMMError
from mmm.checkpoints import find_checkpoint
from mmm.interpolation.baselines import BASELINES

if TYPE_CHECKING:  # both import torch, which the page does not wait for
    from mmm.models import MaskedMotionModel


def version_of(method: str) -> int:
    """A number made of when a checkpoint's files were written, and how long they are; 0 for a baseline."""
    if method in BASELINES:
        return 0
    files = [
        (f.name, f.stat().st_mtime_ns, f.stat().st_size)
        for f in sorted(find_checkpoint(method).iterdir())
    ]
    return zlib.crc32(repr(files).encode())


class Cancelled(Exception):
    """The user pressed Cancel."""


Found = TypeVar("Found")


@dataclass
class Job(Generic[Found]):
    """One piece of work on its way; a recovery finds the method asked for, then the interpolations, plainest first."""

    request: Hashable
    share: float = 0.0
    stage: str = "Starting"
    results: Found | None = None
    error: str = ""
    again: str = "Recover"
    """The button that starts it anew."""
    _cancel: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether it still works."""
        return not self._done.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; True when ended."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """Ask it to stop; it does after the window in hand."""
        self._cancel.set()

    def advance(self, share: float, stage: str) -> None:
        """Called by the worker; this is where a cancelled job ends."""
        if self._cancel.is_set():
            raise Cancelled
        self.share, self.stage = share, stage

    def run(self, work: "Callable[[Job[Found]], Found]") -> None:
        """The thread's body."""
        try:
            self.results = work(self)
        except Cancelled:
            self.error = f"Cancelled. Press {self.again} to start again."
        except MMMError as error:
            self.error = str(error)
        except Exception as error:
            # A bug of ours: the page must not wait for ever, and the log must have the trace.
            self.error = f"{type(error).__name__}: {error}. This is a fault of the workbench; its log has the trace."
            raise
        finally:
            self._done.set()


class Models:
    """Loaded networks, one a checkpoint and state of its files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, int], MaskedMotionModel] = {}

    def get(self, name: str) -> "MaskedMotionModel":
        """The network of a checkpoint, loaded once, and again when its files have changed."""
        key = name, version_of(name)
        with self._lock:
            if key not in self._loaded:
                self._loaded = {k: v for k, v in self._loaded.items() if k[0] != name}
                self._loaded[key] = mmm.load_model(name)
            return self._loaded[key]


@st.cache_resource(show_spinner=False)
def loaded_models() -> Models:
    """One store a server."""
    return Models()


def in_thread(job: Job[Found], work: Callable[[Job[Found]], Found], name: str) -> Job[Found]:
    """Start the work in a thread of its own, once torch is imported, and return at once."""
    torch_import = warm_up()

    def after_torch(job: Job[Found]) -> Found:
        torch_import.join()  # two threads importing one circular package may see it half made
        return work(job)

    threading.Thread(target=job.run, args=(after_torch,), name=name, daemon=True).start()
    return job


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import torch in the background when the server opens its first page, so that the first Recover does not wait."""

    def import_torch() -> None:
        import mmm.recovery.recover  # noqa: F401

        gc.freeze()  # a library's hundred thousands of objects never become garbage: need not be looked at again

    thread = threading.Thread(target=import_torch, name="warm-up", daemon=True)
    thread.start()
    return thread

"""Running a recovery behind the page: in a thread, with progress, cancellable, its results kept for every session."""

import gc
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import streamlit as st

import mmm
from mmm import Clip, MMMError
from mmm.checkpoints import find_checkpoint
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask

if TYPE_CHECKING:  # both import torch, which the page does not wait for
    from mmm import RecoveryResult
    from mmm.models import MaskedMotionModel

KEPT_BYTES = 512_000_000
"""Of recovered rotations, over all sessions; the oldest results go first, the latest always stays."""


@dataclass(frozen=True)
class Request:
    """What determines a recovery's outcome, by digest: equal requests have equal results."""

    clip_digest: str
    spec: str
    seed: int
    method: str
    """A checkpoint's name or a baseline's."""
    version: int = 0
    """Changes whenever a file of the checkpoint does: see :func:`version_of`."""
    roles: tuple[tuple[str, str], ...] = ()
    """Joint roles named by hand: role and joint."""


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


def _size(results: "list[RecoveryResult]") -> int:
    return sum(result.recovered.motion.rotations.nbytes for result in results)


class Results:
    """The latest results of all sessions, bounded."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Request, list[RecoveryResult]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: Request) -> "list[RecoveryResult] | None":
        """The results of this request, if it was run lately."""
        with self._lock:
            if request in self._kept:
                self._kept.move_to_end(request)
            return self._kept.get(request)

    def put(self, request: Request, results: "list[RecoveryResult]") -> None:
        """Keep results; the oldest go."""
        with self._lock:
            self._kept[request] = results
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > KEPT_BYTES:
                self._kept.popitem(last=False)


@st.cache_resource(show_spinner=False)
def kept_results() -> Results:
    """One store a server."""
    return Results()


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


def start(request: Request, clip: Clip, mask: Mask) -> "Job[list[RecoveryResult]]":
    """Start a recovery in a thread of its own and return at once."""
    models, results = loaded_models(), kept_results()

    def work(job: "Job[list[RecoveryResult]]") -> "list[RecoveryResult]":
        baselines = [mmm.interpolate(name, clip, mask) for name in BASELINES]
        if request.method in BASELINES:
            first = next(r for r in baselines if r.model_name == request.method)
        else:
            job.advance(0.02, "Loading the network")
            model = models.get(request.method)
            job.advance(0.1, "Recovering")
            first = mmm.recover(
                model,
                clip,
                mask,
                joint_names=dict(request.roles) or None,
                progress=lambda s: job.advance(0.1 + 0.85 * s, "Recovering"),
            )
        job.advance(0.97, "Measuring")
        found = [first, *(r for r in baselines if r.model_name != first.model_name)]
        for result in found:
            result.errors.summary()
        results.put(request, found)
        return found

    return in_thread(Job(request), work, f"recover-{request.method}")


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

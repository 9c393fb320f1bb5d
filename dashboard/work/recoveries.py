"""Running a recovery behind the page: in a thread, with progress, cancellable, its results kept for every session."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

import mmm
from dashboard.work.jobs import Job, in_thread, loaded_models
from mmm import Clip
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask

if TYPE_CHECKING:  # both import torch, which the page does not wait for
    from mmm import RecoveryResult

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

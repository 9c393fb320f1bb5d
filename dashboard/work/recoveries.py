"""Background recoveries: their requests, their work, and the results kept for all sessions."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

import mmm
from dashboard.work.computing import computing
from dashboard.work.engine import submit
from dashboard.work.jobs import Job, loaded_models
from dashboard.work.store import Store
from mmm import Clip
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask

if TYPE_CHECKING:
    from mmm import RecoveryResult  # imports torch, which the page does not wait for

KEPT_BYTES = 512_000_000
"""Bytes of recovered rotations that are kept, over all sessions."""


@dataclass(frozen=True)
class Request:
    """The parameters of a recovery; equal requests have equal results."""

    clip_digest: str
    spec: str
    seed: int
    method: str
    """A checkpoint's name or an interpolation's."""
    version: int = 0
    """Checksum of the checkpoint's files: see ``jobs.version_of``."""
    roles: tuple[tuple[str, str], ...] = ()
    """Role and joint, for joints named by hand."""


@st.cache_resource(show_spinner=False)
def kept_results() -> "Store[Request, list[RecoveryResult]]":
    """The store of this server: the method's result, then those of the interpolations."""
    return Store(KEPT_BYTES)


def keep(request: Request, results: "list[RecoveryResult]") -> None:
    """Put results into the store."""
    nbytes = sum(result.recovered.motion.rotations.nbytes for result in results)
    kept_results().put(request, results, nbytes)


def start(request: Request, clip: Clip, mask: Mask) -> "Job[list[RecoveryResult]]":
    """Hand a recovery to the engine and return at once."""
    models, asked_at = loaded_models(), time.monotonic()

    def work(job: "Job[list[RecoveryResult]]") -> "list[RecoveryResult]":
        # Many visitors open the page with the same clip, so one recovery may serve several jobs.
        if (results := kept_results().get(request, since=asked_at)) is not None:
            return results
        # All of them, because they are quick and the page can then compare without a new job.
        baselines = [mmm.interpolate(name, clip, mask) for name in BASELINES]
        if request.method in BASELINES:
            first = next(r for r in baselines if r.model_name == request.method)
        else:
            job.advance(0.02, "Loading the network")
            run = computing(models)
            model = run.model(request.method)
            job.advance(0.1, "Recovering")
            first = run.recover(
                model,
                clip,
                mask,
                joint_names=dict(request.roles) or None,
                progress=lambda share: job.advance(0.1 + 0.85 * share, "Recovering"),
            )
        job.advance(0.97, "Measuring")
        results = [first, *(r for r in baselines if r.model_name != first.model_name)]
        for result in results:
            result.errors.summary()
        keep(request, results)
        return results

    return submit(Job(request), work)

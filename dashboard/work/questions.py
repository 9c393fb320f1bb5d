"""Explanations of a network: attention maps, changed music, attribution and deletion curves.

Each is a job of the engine, and its result is stored for all sessions.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

import mmm
from dashboard.work.attention_maps import Atlas
from dashboard.work.engine import submit
from dashboard.work.generations import Ask
from dashboard.work.jobs import Job, loaded_models, wait_for_torch
from dashboard.work.recoveries import Request
from dashboard.work.store import Store
from mmm import Clip, Music
from mmm.explain.perturbations import Intervention
from mmm.masks import Mask

KEPT_BYTES = 384_000_000
"""Bytes of maps and changed motions that are kept, over all sessions."""


@dataclass(frozen=True)
class Question:
    """The parameters that determine an answer."""

    request: Request | Ask
    """The recovery or generation that it is about."""
    kind: str
    """``attention``, ``intervention``, ``estimate``, ``attribution`` or ``deletion``."""
    detail: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class MusicChange:
    """A requested change of the music, with the other song if it has one."""

    intervention: Intervention
    digest: str = ""
    """Digest of the other song."""

    @property
    def detail(self) -> tuple[str, str]:
        """The parameters of the change, for ``Question.detail``."""
        return self.intervention.label, self.digest


@dataclass(frozen=True, eq=False)
class FutureMaps:
    """The maps of the window that generated some frames."""

    atlas: Atlas
    made: tuple[int, int]
    """First frame, and the frame after the last, prefix included. Later windows generate the rest."""


class Answers(Store[Question, Any]):
    """The latest answers of all sessions."""

    def find(self, request: Request | Ask, frame: int) -> Any:
        """The maps of a window that holds a frame, or None.

        For a generation, these are the maps of the window that generated the frame.
        """
        # Any window with this frame serves, so stepping through frames rarely computes new maps.
        for question, answer in self.items():
            if question.request == request and question.kind == "attention":
                first, end = answer.made if isinstance(answer, FutureMaps) else answer.trace.frames
                if first <= frame < end:
                    return answer
        return None


@st.cache_resource(show_spinner=False)
def answers() -> Answers:
    """The store of this server."""
    return Answers(KEPT_BYTES)


def ask(
    question: Question, again: str, work: Callable[[Job[Any], Any], Any], size: Callable[[Any], int]
) -> Job[Any]:
    """Hand a question to the engine: ``work`` gets the job and the network; ``size`` is in bytes."""
    # Looked up on the page's thread, because a worker has no Streamlit context.
    models, store = loaded_models(), answers()

    def find(job: Job[Any]) -> Any:
        # A small share already shows that the job has left the queue.
        job.advance(0.02, "Loading the network")
        model = models.get(question.request.method)
        job.advance(0.1, "Running the network")
        answer = work(job, model)
        store.put(question, answer, size(answer))
        return answer

    job: Job[Any] = Job(question, again=again)
    return submit(job, find)


def capture(request: Request, clip: Clip, mask: Mask, frame: int) -> Job[Atlas]:
    """Recover again, keeping the maps of the window that contains the frame."""

    def work(job: Job[Any], model: Any) -> Atlas:
        result = mmm.recover(
            model,
            clip,
            mask,
            attention=True,
            attention_frame=frame,
            joint_names=dict(request.roles) or None,
            progress=lambda s: job.advance(0.1 + 0.7 * s, "Recovering, with maps"),
        )
        assert result.attention is not None
        job.advance(0.85, "Sorting heads")
        # Prepared on the worker: the page's thread must not compute thumbnails.
        return Atlas(result.attention, result.model_name, clip.music).prepare()

    return ask(
        Question(request, "attention", (frame,)), "Show the maps", work, lambda atlas: atlas.nbytes
    )


def intervene(request: Request, clip: Clip, mask: Mask, change: MusicChange) -> Job[Any]:
    """Recover with the music changed, and without the change."""

    def work(job: Job[Any], model: Any) -> Any:
        from mmm.explain.interventions import intervene as run  # imports torch

        return run(
            model,
            clip,
            mask,
            [change.intervention],
            progress=lambda s: job.advance(0.1 + 0.85 * s, "Recovering"),
        )[0]

    return ask(
        Question(request, "intervention", change.detail),
        "Change and recover",
        work,
        lambda result: (
            # Twice, because the answer holds the motion with the change and without it.
            2 * result.after.recovered.motion.rotations.nbytes + 2 * result.change_deg.nbytes
        ),
    )


def capture_future(ask_: Ask, clip: Clip, music: Music | None, frame: int) -> Job[FutureMaps]:
    """Generate again up to a frame, keeping the maps of the window that generates it.

    Args:
        clip: as ``generations.start`` takes it.
        music: another song than the clip's own.
    """
    prefix_frames = ask_.setting.prefix_frames

    def work(job: Job[FutureMaps], model: Any) -> FutureMaps:
        from mmm.generation.generate import generate

        for chunk in generate(
            model,
            clip,
            prefix_frames=prefix_frames,
            frames=ask_.frames,
            music=music,
            temperature=ask_.temperature,
            random_seed=ask_.seed,
            joint_names=dict(ask_.roles) or None,
            attention_frame=frame,
        ):
            done = chunk.first + len(chunk.motion)
            job.advance(
                0.1 + 0.7 * (done - prefix_frames) / (frame + 1 - prefix_frames),
                "Generating up to this frame",
            )
            if chunk.attention is not None:
                job.advance(0.85, "Sorting heads")
                atlas = Atlas(chunk.attention, ask_.method, music or clip.music).prepare()
                # Ends the generation, because these maps need no later window.
                return FutureMaps(atlas, (chunk.first, done))
        raise AssertionError("attention_frame is generated")

    return ask(
        Question(ask_, "attention", (frame,)), "Show the maps", work, lambda maps: maps.atlas.nbytes
    )


def intervene_future(ask_: Ask, clip: Clip, music: Music | None, change: MusicChange) -> Job[Any]:
    """Generate with and without the change, from the same random seed; clip and music as above."""

    def work(job: Job[Any], model: Any) -> Any:
        from mmm.explain.interventions import intervene_generation

        return intervene_generation(
            model,
            clip,
            [change.intervention],
            prefix_frames=ask_.setting.prefix_frames,
            frames=ask_.frames,
            music=music,
            temperature=ask_.temperature,
            random_seed=ask_.seed,
            joint_names=dict(ask_.roles) or None,
            progress=lambda s: job.advance(
                0.1 + 0.85 * s, "Generating to both versions of the music"
            ),
        )[0]

    return ask(
        Question(ask_, "intervention", change.detail),
        "Change and generate",
        work,
        lambda result: 2 * result.after.clip.motion.rotations.nbytes + 2 * result.change_deg.nbytes,
    )


def warm_up_captum() -> None:
    """Start to import captum behind the page, so that the first attribution does not wait for it."""
    _captum_import()


@cache
def _captum_import() -> threading.Thread:
    def import_captum() -> None:
        wait_for_torch()  # two imports of torch at once see half of it
        import captum.attr  # noqa: F401

    thread = threading.Thread(target=import_captum, name="warm-up-captum", daemon=True)
    thread.start()
    return thread


def attribute(
    request: Request,
    clip: Clip,
    mask: Mask,
    frame: int,
    group: str,
    method: str,
    estimate: bool = False,
) -> Job[Any]:
    """Attribute the pose of these joints in this frame to the music, or estimate the attribution."""

    def work(job: Job[Any], model: Any) -> Any:
        from mmm.explain.attribution import attribute as run  # imports torch

        _captum_import().join()
        stage = "Estimating" if estimate else "Refining"
        return run(
            model,
            clip,
            mask,
            frame,
            None if group == "all" else [group],
            method,
            estimate=estimate,
            progress=lambda s: job.advance(0.1 + 0.9 * s, stage),
        )

    return ask(
        Question(request, "estimate" if estimate else "attribution", (frame, group, method)),
        "Explain",
        work,
        lambda attribution: attribution.values.nbytes,
    )


def deletion(
    request: Request, clip: Clip, mask: Mask, frame: int, group: str, attribution: Any
) -> Job[Any]:
    """Compute deletion curves: movement of the joints as music is removed in different orders."""

    def work(job: Job[Any], model: Any) -> Any:
        from mmm.explain.deletion_curves import deletion_curves  # imports torch

        return deletion_curves(
            model,
            clip,
            mask,
            frame,
            None if group == "all" else [group],
            attribution.method,
            scores=attribution.per_frame(),
        )

    return ask(
        Question(request, "deletion", (frame, group, attribution.method)),
        "Remove the music",
        work,
        lambda curves: 2 * sum(values.nbytes for values in curves.moved.values()),
    )

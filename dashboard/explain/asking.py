"""Explanations on the page: start the job, show its progress, then the answer or the error."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.common import escape, widgets
from dashboard.common.progress import PROGRESS_AFTER_S, follow
from dashboard.explain import music_change
from dashboard.work.generations import Ask
from dashboard.work.jobs import Job
from dashboard.work.questions import MusicChange, Question, answers
from dashboard.work.recoveries import Request
from mmm import Clip


def available_answer(question: Question) -> Any:
    """The answer if it is cached, or if this session's job has just finished; else None."""
    # All sessions share the store, which may drop an answer; the job below keeps its own.
    cached = answers().get(question)
    if cached is not None:
        return cached
    job: Job[Any] | None = st.session_state.get(_job_key(question))
    if job is None or job.request != question or job.running or job.error:
        return None
    return job.results


def let_go(question: Question) -> None:
    """Cancel this session's job of the question's kind where it is about something else."""
    job: Job[Any] | None = st.session_state.get(_job_key(question))
    if job is not None and job.request != question:
        job.cancel()


def _job_key(question: Question) -> str:
    return f"{question.kind}_job"


def answer(question: Question, start: Callable[[], Job[Any]], again: str) -> Any:
    """The answer, or None while it is computed; draws the progress bar or the error.

    Args:
        question: identifies the answer.
        start: starts the job; called once for each question and session.
        again: label of the button that starts the job again after an error.
    """
    result = available_answer(question)
    if result is not None:
        return result
    name = _job_key(question)
    job: Job[Any] | None = st.session_state.get(name)
    if job is None or job.request != question:
        # The old answer would not be shown any more, but its job would delay others.
        if job is not None:
            job.cancel()
        job = st.session_state[name] = start()
        job.wait(PROGRESS_AFTER_S)
    if job.running:
        follow(job, f"cancel-{question.kind}", wide=False)
        return None
    if job.error:
        st.warning(escape.markdown(job.error), icon=":material/warning:")
        st.button(
            again,
            icon=":material/refresh:",
            key=f"{question.kind}_again",
            # A callback is called before the next run, which then finds no job and starts one.
            on_click=lambda: st.session_state.pop(name),
        )
    return job.results


@dataclass(frozen=True)
class Flow:
    """The controls that change the music, with the session keys of one mode.

    Both modes draw the same controls, ask the same kind of question, and show the outcome.
    """

    label: str
    """Label of the button that starts the change."""
    button: str
    """Key of that button."""
    off: str
    """Key of the button that removes the outcome from the viewer."""
    asked: str
    """Session key of the last question: the motion it is about, and the change."""
    shown: str
    """Session key of the question whose answer the viewer shows."""
    prefix: str = ""
    """Prefix of the controls' keys."""

    @property
    def last(self) -> tuple[Request | Ask, MusicChange] | None:
        """The last question: the motion it is about, and the change."""
        last: tuple[Request | Ask, MusicChange] | None = st.session_state.get(self.asked)
        return last

    def on_stage(self, of: Collection[Request | Ask]) -> Any:
        """The outcome to show in the viewer: available, and about one of these motions."""
        last = self.last
        question = _question(last) if last is not None and last[0] in of else None
        outcome = None if question is None else available_answer(question)
        # What the viewer shows in this run; `run` draws the page again if this differs.
        st.session_state[self.shown] = question if outcome is not None else None
        return outcome

    def run(
        self,
        clip: Clip,
        of: Request | Ask,
        span: tuple[int, int] | None,
        start: Callable[[MusicChange], Job[Any]],
        song_key: str = "",
    ) -> Any:
        """Draw the controls, ask, wait; the outcome once it is available and in the viewer.

        Args:
            clip: the clip whose music is changed.
            of: what determines the motion without the change.
            span: frames selected on the map.
            start: starts the job.
            song_key: the current song, as ``music_change.pick_change`` takes it.
        """
        state = st.session_state
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choice = music_change.pick_change(clip, span, self.prefix, song_key)
            pressed = widgets.button(
                self.label, key=self.button, icon=":material/graphic_eq:", disabled=not choice.spec
            )
            # A change of another motion is kept, but does not apply to this one.
            last = self.last if self.last is not None and self.last[0] == of else None
            if last is not None and widgets.button(
                "Remove from the viewer", key=self.off, type="tertiary"
            ):
                # The viewer is outside this fragment, so the whole page is drawn again.
                state[self.asked] = None
                widgets.release(self.off)
                st.rerun()
        if pressed:
            # Before the song is opened: a song that fails would fail again in every run.
            widgets.release(self.button)
            change = music_change.opened(choice, clip)
            if change is None:
                return None
            last = state[self.asked] = (of, change)
        if last is None:
            return None
        question, change = _question(last), last[1]
        outcome = answer(question, lambda: start(change), "Try again")
        if outcome is not None and state.get(self.shown) != question:
            st.rerun()  # the answer arrived after the viewer was drawn
        return outcome


def _question(asked: tuple[Request | Ask, MusicChange]) -> Question:
    return Question(asked[0], "intervention", asked[1].detail)

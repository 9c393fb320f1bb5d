"""Waiting for an answer on the page: progress, Cancel, what went wrong, and the answer once it is there."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.work.jobs import Job
from dashboard.work.questions import Question, answers

POLL_S = 0.3
PATIENCE_S = 0.3
"""An answer that is there by then shows no progress bar, which would only flash."""


def at_hand(question: Question) -> Any:
    """The answer where it is kept, or this session has just been given it; else None."""
    kept = answers().get(question)
    if kept is not None:
        return kept
    job: Job[Any] | None = st.session_state.get(_job_key(question))
    return (
        None if job is None or job.request != question or job.running or job.error else job.results
    )


def _job_key(question: Question) -> str:
    return f"{question.kind}_job"


def answer(question: Question, start: Callable[[], Job[Any]], again: str) -> Any:
    """The answer, once it is there; until then progress, or what went wrong.

    Args:
        start: begins the work; called once a question and session.
        again: what the button that starts it anew says.
    """
    found = at_hand(question)
    if found is not None:
        return found
    name = _job_key(question)
    job: Job[Any] | None = st.session_state.get(name)
    if job is None or job.request != question:
        if job is not None:
            job.cancel()
        job = st.session_state[name] = start()
        job.wait(PATIENCE_S)
    if job.running:
        _follow(job)
        return None
    if job.error:
        st.warning(job.error, icon=":material/warning:")
        st.button(
            again,
            icon=":material/refresh:",
            key=f"{question.kind}_again",
            on_click=lambda: st.session_state.pop(name),
        )
    return job.results


@st.fragment(run_every=POLL_S)
def _follow(job: Job[Any]) -> None:
    """Returns at once and is run again: a click in a fragment is heard only between runs."""
    if not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, text="Stopping" if job.cancelled else job.stage)
        st.button("Cancel", key=f"cancel-{job.request!r}", on_click=job.cancel)

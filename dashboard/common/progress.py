"""Progress bar and Cancel button of a job: its place in the queue, then the share done."""

from typing import Any

import streamlit as st

from dashboard.work.engine import engine
from dashboard.work.jobs import Job

PROGRESS_AFTER_S = 0.3
"""A faster job shows no progress bar, which would only flash; seconds."""
POLL_S = 0.4
MOST_POLL_S = 2.0
POLL_PER_JOB_S = 0.08
"""Seconds added to the polling interval for each job. Every poll reruns a part of the page."""


def follow(
    job: Job[Any], key: str = "cancel", *, wide: bool = True, help_: str = "Stop this work."
) -> None:
    """Show progress and a Cancel button until the job ends, then draw the page again.

    Streamlit handles clicks only between the runs of a fragment, so the fragment returns at once
    and is run again.

    Args:
        job: the job; if it has ended, the page is drawn again at once.
        key: key of the Cancel button.
        wide: whether the button is below the bar at full width, or beside it.
        help_: help text of the button.
    """
    # A loaded server answers fewer polls, so each page asks less often.
    poll_s = min(max(POLL_S, POLL_PER_JOB_S * engine().load), MOST_POLL_S)
    st.fragment(_draw, run_every=poll_s)(job, key, wide, help_)


def _draw(job: Job[Any], key: str, wide: bool, help_: str) -> None:
    # ``st.rerun`` raises. It runs the whole page, because the result is outside this fragment.
    if not job.running:
        st.rerun()
    with st.container(horizontal=not wide, vertical_alignment="center" if not wide else "top"):
        # Rounding can push a share just above 1, which ``st.progress`` refuses.
        st.progress(min(job.share, 1.0), text=words_of(job))
        st.button(
            "Cancel",
            width="stretch" if wide else "content",
            key=key,
            # A callback runs before the fragment, so ``disabled`` is right in the same run.
            on_click=job.cancel,
            disabled=job.cancelled,
            help=help_,
        )


def words_of(job: Job[Any]) -> str:
    """The stage of a job, or the number of jobs ahead of it."""
    if job.cancelled:
        return "Stopping"
    ahead = job.ahead
    if ahead is None:
        return job.stage
    if ahead == 0:
        return "Waiting: next in the queue"
    return f"Waiting: {ahead} {'job is' if ahead == 1 else 'jobs are'} ahead of this one"

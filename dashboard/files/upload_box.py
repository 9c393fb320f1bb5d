"""The sidebar's upload box and the list of the files in it."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard.common import escape
from dashboard.common.progress import follow
from dashboard.components.controls.visit import remember_visit
from dashboard.files import uploads, visits
from dashboard.files.entries import UPLOADS, Entry
from dashboard.files.song_picker import UPLOADED
from dashboard.files.uploads import Recording, Uploads
from dashboard.work.engine import submit
from dashboard.work.jobs import Job
from dashboard.work.turnstile import page_runs
from mmm import MMMError

PROGRESS_AFTER_S = 1.5
"""Seconds before a progress bar appears. For quick files it would only flash."""
LARGE_BYTES = 20_000_000
"""Larger uploads count as long jobs."""


def pick_files() -> list[Entry]:
    """Draw the upload box and the list of uploaded files.

    A file that cannot be read shows one line; the other files are accepted.

    Returns:
        The session's motion files, the latest first.
    """
    state, store = st.session_state, visits.uploads()
    turn = int(state.get("uploads_turn", 0))
    remember_visit(visits.cookie(), state.visit_token, visits.KEPT_S, key="visit")
    with st.expander(
        "Your own files",
        icon=":material/upload_file:",
        key="uploads_box",
        expanded=bool(store.files),
    ):
        # No list of types: the browser would refuse other files without an explanation.
        files = st.file_uploader(
            "Motions (.bvh .pkl .npz .npy .fbx .glb) and songs (.wav .ogg .flac .mp3)",
            accept_multiple_files=True,
            key=f"uploads-{turn}",
            max_upload_size=uploads.LARGEST_MB,
            help="Files stay on this server while the page is open and for an hour after, so that "
            "a reload finds them. Songs can be used with any sequence.",
        )
        if files:
            _start(store, files)
            # A new, empty box does not hold the bytes a second time.
            state.uploads_turn = turn + 1
            st.rerun()
        _wait_for_files()
        _show_problems()
        for file in store.files:
            _row(store, file)
            if state.get("url_marks", {}).get(file.name, file.digest[:8]) != file.digest[:8]:
                st.caption(
                    f":material/difference: The link was made with a different file named "
                    f"{escape.markdown(file.name)}. The result may differ."
                )
    return store.entries()


def _show_problems() -> None:
    """Draw the problems with the last upload, until the visitor closes the message."""
    problems: list[str] = st.session_state.get("upload_problems", [])
    for problem in problems:
        st.error(escape.markdown(problem), icon=":material/error:")
    if problems:
        st.button(
            "Close the message" if len(problems) == 1 else "Close the messages",
            key="close-upload-problems",
            type="tertiary",
            icon=":material/close:",
            on_click=problems.clear,
        )


def seed_from_url() -> None:
    """Read the file marks and the song's start from a shared link."""
    query, state = st.query_params, st.session_state
    names = {
        "file": query.get("sequence", "").removeprefix(f"{UPLOADS}/"),
        "song_file": query.get("song", ""),
    }
    state.url_marks = {names[key]: query[key] for key in names if key in query}
    if "song" in query and re.fullmatch(r"\d{1,4}(\.\d{1,3})?", query.get("song_start", "")):
        state.setdefault("song_starts", {})[query["song"]] = float(query["song_start"])


@dataclass(frozen=True, eq=False)
class Reading:
    """The files of one upload: those accepted, and the problems with the others."""

    taken: list[uploads.Upload] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _start(store: Uploads, files: Sequence[Any]) -> None:
    """Hand the files to the engine and cancel the reading of an earlier upload."""
    former: Job[Reading] | None = st.session_state.get("upload_job")
    if former is not None:
        former.cancel()
    # Memory views, which keep the bytes without a copy when the box is emptied.
    given = [(file.name, file.getbuffer()) for file in files]
    reading, total = Reading(), sum(len(data) for _, data in given) or 1

    def work(job: Job[Reading]) -> Reading:
        done = 0
        for name, data in given:
            begun, part, safe = done / total, len(data) / total, uploads.safe_name(name)
            words = f"Reading {escape.markdown(safe)}"
            job.advance(begun, words)

            # Defaults bind the values of this file, since the loop changes the variables.
            def report(share: float, b: float = begun, p: float = part, w: str = words) -> None:
                job.advance(b + p * share, w)

            try:
                reading.taken.append(store.take(name, data, report))
            except MMMError as error:
                reading.problems.append(str(error))
            done += len(data)
        return reading

    # Long jobs leave one worker free for other visitors.
    job: Job[Reading] = Job(reading, again="Browse files")
    st.session_state.upload_job = submit(job, work, long=total > LARGE_BYTES)


def _wait_for_files() -> None:
    """Show progress while files are read, then select the latest of them."""
    job: Job[Reading] | None = st.session_state.get("upload_job")
    if job is None:
        return
    # Waiting takes no processor time, so another page may run.
    with page_runs.aside():
        ended = job.wait(PROGRESS_AFTER_S)
    if not ended:
        follow(job, "cancel-upload", help_="Stop reading. Files that have been read are kept.")
        return
    # Before the rerun, which would otherwise find the ended job again.
    del st.session_state.upload_job
    # A cancelled job has no results, but its request holds the files read so far.
    reading = job.request
    assert isinstance(reading, Reading)
    st.session_state.upload_problems = [*reading.problems, *([job.error] if job.error else [])]
    for upload in reading.taken:
        _show(upload)
    st.rerun()


def _show(taken: uploads.Upload) -> None:
    """Select an uploaded file in the pickers."""
    state = st.session_state
    if isinstance(taken, Recording):
        state.song, state.gen_song = taken.name, UPLOADED + taken.name
        return
    entry = Entry(taken.path, taken.name, UPLOADS)
    state.sequence = entry.key
    # The windows of a former file of this name.
    for key in (f"frames-{entry.key}", f"gen_start-{entry.key}"):
        state.pop(key, None)


def _row(store: Uploads, file: uploads.Upload) -> None:
    left, right = st.columns([5, 3], vertical_alignment="center")
    left.html(
        f'<div class="wb-file"><b title="{escape.html(file.name)}">{escape.breakable(file.name)}</b>'
        f"<span>{html.escape(file.facts)}</span></div>"
    )
    right.button(
        "Remove",
        key=f"drop-{file.name}",
        type="tertiary",
        on_click=_remove,
        args=(store, file.name),
    )


def _remove(store: Uploads, name: str) -> None:
    store.drop(name)
    # After its removal, the file of a link is not requested again.
    if st.session_state.get("linked_sequence") == f"{UPLOADS}/{name}":
        st.session_state.linked_sequence = None

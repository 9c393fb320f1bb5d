"""Facts and pictures of the files on the library page, read in the background.

Files in view are read first. One job of the engine reads for all visitors. It ends when no page has
asked for a few seconds.
"""

import logging
import threading
import time
from collections.abc import Sequence

import streamlit as st

from dashboard.files.entries import UPLOADS, Entry, Stamp, open_clip, stamp
from dashboard.work.engine import submit
from dashboard.work.jobs import Job
from mmm import MMMError
from mmm.evaluation.library import FileFacts, facts_of, find_facts

REST_S = 6.0
"""Seconds without a request after which the job ends."""


class FileIndex:
    """Facts by file; missing ones are read in the background."""

    def __init__(self) -> None:
        self._facts: dict[Stamp, FileFacts] = {}
        self._queue: list[Entry] = []
        self._asked = 0.0
        self._lock = threading.Lock()
        self._job: Job[None] | None = None

    def get(self, entry: Entry) -> FileFacts | None:
        """The facts of a file in its current state; None if it has not been read yet."""
        try:
            # No lock: ``want`` calls this while it holds it, and the lock is not reentrant.
            return self._facts.get(stamp(entry))
        except MMMError as error:
            return FileFacts(problem=str(error))

    def want(self, entries: Sequence[Entry]) -> None:
        """Read these files next, in this order, and keep the job running."""
        with self._lock:
            self._asked = time.monotonic()
            self._queue = [entry for entry in entries if self.get(entry) is None]
            if self._queue and (self._job is None or not self._job.running):
                # For the server: the job must outlive the visitor whose page began it.
                self._job = submit(Job("library"), self._read, long=True, for_server=True)

    def _next(self) -> Entry | None:
        with self._lock:
            if not self._queue or time.monotonic() - self._asked > REST_S:
                # Under the lock, so that ``want`` never counts on a job that is about to end.
                self._job = None
                return None
            return self._queue.pop(0)

    def _read(self, job: Job[None]) -> None:
        while (entry := self._next()) is not None:
            try:
                # Before reading: a file that changes meanwhile has another stamp and is read again.
                mark = stamp(entry)
            except MMMError:
                continue  # it went away
            try:
                # Nothing of an upload stays on disk after its visit, so its facts are not stored.
                facts = _of_upload(entry) if entry.group == UPLOADS else _kept(entry)
            # A bug of ours with one file must not prevent the others from being read.
            except Exception as error:
                logging.getLogger(__name__).exception("%s", entry.path)
                facts = FileFacts(
                    problem=f"{entry.path.name}: {type(error).__name__}. This is a fault of the "
                    "workbench; its log has the trace."
                )
            with self._lock:
                self._facts[mark] = facts
            time.sleep(0)  # lets the pages run between two files


def _of_upload(entry: Entry) -> FileFacts:
    try:
        return facts_of(open_clip(entry))
    except MMMError as error:
        return FileFacts(problem=str(error))


def _kept(entry: Entry) -> FileFacts:
    try:
        return find_facts(entry.path)
    except OSError as error:
        return FileFacts(problem=f"{entry.path.name}: {error.strerror or error}")


@st.cache_resource(show_spinner=False)
def file_index() -> FileIndex:
    """The server's index."""
    return FileIndex()

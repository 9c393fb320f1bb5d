"""Facts and pictures of the files on the library page, found behind it: what is looked at first, then the rest.

One reader a server, and only while somebody looks at the page: it rests when no page has asked for a few seconds.
"""

import logging
import threading
import time
from collections.abc import Sequence

import streamlit as st

from dashboard.files import entries as library
from dashboard.files.entries import Entry, Stamp
from mmm import MMMError
from mmm.evaluation.library import FileFacts, find_facts, read_facts
from mmm.io import LARGEST_UPLOAD

REST_S = 6.0
"""The reader stops when no page has asked for so long."""


class FileIndex:
    """Facts by file; what is missing is read in a thread."""

    def __init__(self) -> None:
        self._found: dict[Stamp, FileFacts] = {}
        self._queue: list[Entry] = []
        self._asked = 0.0
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None

    def get(self, entry: Entry) -> FileFacts | None:
        """What is known of a file as it is now; None where it has yet to be read."""
        try:
            return self._found.get(library.stamp(entry))
        except MMMError as error:
            return FileFacts(problem=str(error))

    def want(self, entries: Sequence[Entry]) -> None:
        """Read these next, in this order; asking keeps the reader awake."""
        with self._lock:
            self._asked = time.monotonic()
            self._queue = [entry for entry in entries if self.get(entry) is None]
            if self._queue and (self._reader is None or not self._reader.is_alive()):
                self._reader = threading.Thread(target=self._read, name="library", daemon=True)
                self._reader.start()

    def _next(self) -> Entry | None:
        with self._lock:
            if not self._queue or time.monotonic() - self._asked > REST_S:
                self._reader = None
                return None
            return self._queue.pop(0)

    def _read(self) -> None:
        while (entry := self._next()) is not None:
            try:
                mark = library.stamp(entry)
            except MMMError:
                continue  # it went away
            # Nothing of an upload outlives its visit on disk, so its facts are kept in memory alone.
            try:
                facts = (
                    read_facts(entry.path, LARGEST_UPLOAD)
                    if entry.group == library.UPLOADS
                    else _kept(entry)
                )
            except (
                Exception
            ) as error:  # a bug of ours with one file must not keep the others from being read
                logging.getLogger(__name__).exception("%s", entry.path)
                facts = FileFacts(
                    problem=f"{entry.path.name}: {type(error).__name__}. This is a fault of the "
                    "workbench; its log has the trace."
                )
            with self._lock:
                self._found[mark] = facts
            time.sleep(0)  # let the pages have their turn


def _kept(entry: Entry) -> FileFacts:
    try:
        return find_facts(entry.path)
    except OSError as error:
        return FileFacts(problem=f"{entry.path.name}: {error.strerror or error}")


@st.cache_resource(show_spinner=False)
def file_index() -> FileIndex:
    """One a server."""
    return FileIndex()

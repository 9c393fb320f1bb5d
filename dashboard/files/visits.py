"""Visits: uploaded files outlive a reload of the page.

Streamlit begins a new session with every reload. A cookie with a random token leads the new session
to the files of the former one. Only tokens that this server has given out are accepted.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache

import streamlit as st

from dashboard.files.uploads import Uploads

KEPT_S = 3600.0
"""Seconds for which the files of a visit are kept after its last activity."""
MOST_BYTES = 4 << 30
"""Limit on the files of all visits. The visit that was inactive the longest is removed first."""


class Visits:
    """The files of all visits, by token; safe for many threads.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # In the order of their last activity, the oldest first.
        self._files: OrderedDict[str, tuple[Uploads, float]] = OrderedDict()
        self._lock, self._clock = threading.Lock(), clock

    def join(self, token: str | None) -> tuple[str, Uploads]:
        """The visit of a token, or a new one with a token of its own.

        An unknown token is never accepted, so that nobody can see another person's files by setting
        a cookie in that person's browser (session fixation).
        """
        with self._lock:
            self._forget_old()
            if token is None or token not in self._files:
                token = secrets.token_urlsafe(24)
                self._files[token] = Uploads(), self._clock()
            return token, self._files[token][0]

    def touch(self, token: str, files: Uploads) -> None:
        """Note that a session of this visit is alive."""
        with self._lock:
            self._files[token] = files, self._clock()
            self._files.move_to_end(token)

    def _forget_old(self) -> None:
        # Sessions may still hold the files: a folder is removed with the last reference to it.
        now, total = self._clock(), sum(files.size for files, _ in self._files.values())
        for token, (files, seen) in list(self._files.items()):
            if now - seen <= KEPT_S and total <= MOST_BYTES:
                break
            total -= files.size
            del self._files[token]


@cache
def visits() -> Visits:
    """The visits of this server."""
    return Visits()


def cookie() -> str:
    """The name of the cookie. Servers on other ports of the same machine have other visits."""
    return f"mmm_visit_{st.get_option('server.port')}"


def uploads() -> Uploads:
    """The files of this session's visit."""
    state = st.session_state
    store = state.get("uploads_store")
    # A code reload in development leaves an object of the former class.
    if not isinstance(store, Uploads):
        state["visit_token"], store = visits().join(st.context.cookies.get(cookie()))
        state["uploads_store"] = store
    visits().touch(state["visit_token"], store)
    return store

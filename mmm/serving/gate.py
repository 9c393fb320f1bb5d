"""Checks before a request is read (its key, its size), and the counters of /metrics."""

import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mmm.serving.limits import KeyMissing, Limits, Refused, TooLarge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/v1/health",)
"""Paths that need no key, for load balancers."""
_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Counters:
    """The counters of one server. Each has its own registry, so that tests can run several."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "mmm_requests",
            "Requests by path and status",
            ["path", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "mmm_request_seconds",
            "Seconds until the whole answer was sent",
            ["path"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self.running = Gauge("mmm_running", "Requests that compute", registry=self._registry)
        self.waiting = Gauge("mmm_waiting", "Requests in the queue", registry=self._registry)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)


class Gate:
    """ASGI middleware in front of the API.

    Args:
        app: what it guards.
        limits: of the server.
        counters: count every request.
        refuse: makes the response for a refused request.
        paths: paths of the API; all others count as ``other``.
    """

    def __init__(
        self,
        app: App,
        limits: Limits,
        counters: Counters,
        refuse: Callable[[Refused], App],
        paths: frozenset[str],
    ) -> None:
        self._app, self._limits, self._counters = app, limits, counters
        self._refuse, self._paths = refuse, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        # "lifespan" messages start and end the server; they are no requests.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        # Unknown paths share one label: Prometheus keeps a series for each label.
        path = scope["path"] if scope["path"] in self._paths else "other"

        too_large: list[Refused] = []

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        async def unless_refused(message: Message) -> None:
            # FastAPI would answer 400 to an unreadable form; our response gives the reason.
            if not too_large:
                await counted(message)

        try:
            headers = dict(scope["headers"])
            self._check_key(scope["path"], headers)
            bounded = self._bounded(headers, receive, too_large)
            await self._app(scope, bounded, unless_refused)
            if too_large:
                raise too_large[0]
        except Refused as refused:
            await self._refuse(refused)(scope, receive, counted)
        # Requests on which the application fails are counted, too.
        finally:
            self._counters.requests.labels(path, str(status)).inc()
            self._counters.seconds.labels(path).observe(time.perf_counter() - started)

    def _check_key(self, path: str, headers: dict[bytes, bytes]) -> None:
        key = self._limits.api_key
        if key is None or path in OPEN_PATHS:
            return
        given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        # In constant time: the time of a plain comparison reveals how many letters were right.
        if not hmac.compare_digest(given, key.encode()):
            raise KeyMissing(
                "API key",
                "missing or wrong",
                "the header Authorization: Bearer KEY",
                "ask whoever runs this server",
            )

    def _bounded(
        self, headers: dict[bytes, bytes], receive: Receive, too_large: list[Refused]
    ) -> Receive:
        most, seen = int(self._limits.upload_mb * 1e6), 0

        def check(size: int) -> None:
            if size > most:
                refused = TooLarge(
                    "request",
                    "larger than this server takes",
                    f"at most {self._limits.upload_mb:g} MB",
                    "cut the clip into pieces",
                )
                too_large.append(refused)
                raise refused

        length = headers.get(b"content-length", b"0")
        check(int(length) if length.isdigit() else 0)

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            # A body without Content-Length, or longer than it said, is counted as it comes.
            seen += len(message.get("body", b""))
            check(seen)
            return message

        return bounded

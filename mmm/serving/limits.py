"""The limits of a server, and the errors of requests that exceed them."""

from dataclasses import dataclass
from typing import ClassVar

from mmm.errors import MMMError
from mmm.machine import cores


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server, for each of its processes."""

    workers: int = cores()
    """Requests that compute at the same time."""
    queue: int = 64
    """Requests that wait for a worker; one more is refused."""
    upload_mb: float = 200.0
    """Megabytes of one request, all its files together."""
    seconds: float = 120.0
    """Seconds of one request, including its time in the queue."""
    # The time limit would also stop a longer one, but only after it has kept a worker busy.
    frames: int = 36_000
    """Frames that one request may generate: ten minutes at 60 a second."""
    models: int = 4
    """Checkpoints that stay in memory."""
    # Secret: neither the help nor any message prints it.
    api_key: str | None = None
    """The key that requests must send; None for an open server."""


class Refused(MMMError):
    """A request that the server refuses."""

    status: ClassVar[int] = 400


class KeyMissing(Refused):
    """The API key is missing or wrong."""

    status = 401


class TooSlow(Refused):
    """The request took longer than the server allows."""

    status = 408


class TooLarge(Refused):
    """The request's body is larger than the server allows."""

    status = 413


class Busy(Refused):
    """The queue is full."""

    status = 429

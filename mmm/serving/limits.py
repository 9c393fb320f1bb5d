"""What a server allows, and the errors of those who ask for more."""

from dataclasses import dataclass
from typing import ClassVar

from mmm.errors import MMMError
from mmm.machine import cores


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The settings of a server."""

    workers: int = cores()
    """Requests that compute at the same time."""
    queue: int = 64
    """Requests that wait for a worker; one more is refused."""
    upload_mb: float = 200.0
    """Megabytes of one request, all its files together."""
    seconds: float = 120.0
    """Seconds of one request, its waiting included."""
    # The time limit ends a request as well, but only after it has taken a worker for so long.
    frames: int = 36_000
    """Frames that one request may generate: ten minutes at 60 a second."""
    models: int = 4
    """Checkpoints that stay in memory."""
    # Not in the help's default value, nor in any message.
    api_key: str | None = None
    """What requests must bring; None: anybody may ask."""


class Refused(MMMError):
    """A request that the server does not carry out."""

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

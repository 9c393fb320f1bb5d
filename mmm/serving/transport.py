"""HTTP requests to ``mmm serve`` with the standard library; failed ones are repeated."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any

from mmm import errors
from mmm.errors import MMMError

TRIES = 6
"""How often a request is sent before it counts as failed."""
FIRST_PAUSE_S = 0.2
"""The pause after the first failure, seconds; each further one is twice as long."""
# The server, a replica or a node failed. 429 is a full queue, which empties.
_AGAIN = (429, 500, 502, 503, 504)
Fields = Mapping[str, Any]
"""Fields of a form; a list is sent as one field for each value."""
Files = Mapping[str, tuple[str, bytes]]
"""Name and content of a form's files, by field."""


class Transport:
    """Sends requests to one server.

    Args:
        url: of the server, without a slash at its end.
        headers: sent with every request.
        timeout_s: a request fails after so many seconds without a byte.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self._url, self._headers, self._timeout_s = url, dict(headers), timeout_s

    def get(self, path: str) -> bytes:
        """The answer of a path. Raises as :meth:`post`."""
        with self._sent(urllib.request.Request(self._url + path, headers=self._headers)) as answer:
            return answer.read()

    def post(self, path: str, fields: Fields, files: Files) -> HTTPResponse:
        """Send a form; returns the answer, to be read and closed.

        Raises:
            MMMError: the server refuses the request, or does not answer.
        """
        # Random, so that no file can contain it.
        boundary = uuid.uuid4().hex
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **self._headers}
        body = _multipart(boundary, fields, files)
        return self._sent(urllib.request.Request(self._url + path, body, headers))

    def _sent(self, request: urllib.request.Request) -> HTTPResponse:
        reason = ""
        for attempt in range(TRIES):
            try:
                opened: HTTPResponse = urllib.request.urlopen(request, timeout=self._timeout_s)
                return opened
            except urllib.error.HTTPError as error:
                # HTTPError is an OSError, so it comes first.
                if error.code not in _AGAIN:
                    raise error_of(_json_of(error)) from None
                reason = f"it answers {error.code}"
            except (OSError, HTTPException) as error:
                reason = str(getattr(error, "reason", error))
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        # The last reason, because the earlier failures may be those of a server that was starting.
        raise self.unreachable(reason)

    def unreachable(self, reason: str) -> MMMError:
        """The error after the last try."""
        return MMMError(
            self._url, f"no answer from the server ({reason})", cure="check that mmm serve runs"
        )


def error_of(values: Mapping[str, Any]) -> MMMError:
    """The exception that a local call would have raised, from the server's JSON."""
    kind = getattr(errors, str(values.get("kind")), MMMError)
    parts = [str(values.get(key) or "") for key in ("source", "problem", "expected", "cure")]
    # The name comes from the server, so only our own exceptions may be created from it.
    if not (isinstance(kind, type) and issubclass(kind, MMMError)):
        kind = MMMError
    return kind(*parts)


def _json_of(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        values = json.loads(error.read())
    except (ValueError, OSError):
        values = None
    # A proxy in between answers with an HTML page.
    if isinstance(values, dict) and "source" in values:
        return values
    return {"source": str(error.url), "problem": f"the server answers {error.code}"}


def _multipart(boundary: str, fields: Fields, files: Files) -> bytes:
    """The body of a form (RFC 7578)."""
    parts = []
    for name, value in fields.items():
        values: Sequence[Any] = value if isinstance(value, list) else [value]
        for item in values:
            head = f'Content-Disposition: form-data; name="{name}"'
            parts.append(f"--{boundary}\r\n{head}\r\n\r\n{item}\r\n".encode())
    for name, (filename, content) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
        kind = "Content-Type: application/octet-stream"
        parts.append(f"--{boundary}\r\n{head}\r\n{kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])

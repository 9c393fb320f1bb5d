"""Error responses: one line each, as the command line prints it."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from mmm.errors import MMMError, SpecError
from mmm.serving import forms
from mmm.serving.limits import Refused

FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": forms.Fault, "description": words}
    for status, words in {
        400: "a request that is not well formed",
        401: "the API key is missing or wrong",
        408: "not done within the server's time",
        413: "larger than the server takes",
        422: "a file, SPEC or option that does not fit; the line says which",
        429: "the queue is full",
    }.items()
}
"""Error responses that every route may give, for OpenAPI."""


def answer(error: MMMError, status: int | None = None) -> JSONResponse:
    """The response for an error."""
    # 422: the request is well formed, but its content does not fit.
    status = status or (error.status if isinstance(error, Refused) else 422)
    headers = {429: {"Retry-After": "1"}, 401: {"WWW-Authenticate": "Bearer"}}.get(status)
    return JSONResponse(forms.fault_of(error).model_dump(), status, headers)


async def library_error(request: Request, error: Exception) -> Response:
    """The response for an error of the library."""
    assert isinstance(error, MMMError)
    return answer(error)


async def form_error(request: Request, error: Exception) -> Response:
    """The response for a form whose fields do not fit."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    # The first part of a location is "body", which names no field.
    field = ".".join(str(part) for part in first["loc"][1:]) or "request"
    return answer(SpecError(field, str(first["msg"]), cure="see /docs"))


async def http_error(request: Request, error: Exception) -> Response:
    """The response for an error of the web framework: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    response = answer(MMMError(request.url.path, str(error.detail)), error.status_code)
    response.headers.update(error.headers or {})
    return response

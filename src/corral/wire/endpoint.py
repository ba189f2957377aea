"""Endpoints whose errors become answers in the words of their dialect."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from corral.core import gojson
from corral.errors import BodyTooSlow, CorralError, PackedBodyBroken
from corral.wire.images import RemoteImages
from corral.wire.packing import plain_body
from corral.wire.status import status_of
from corral.wire.stream import Streaming

T = TypeVar("T")
Reply = Response | Streaming
Handler = Callable[[Request], Awaitable[Reply]]
ErrorForm = Callable[[CorralError], Response]

log = logging.getLogger("corral.wire")


def handled(handler: Handler, form: ErrorForm) -> Handler:
    """An endpoint whose errors are answered by `form`."""

    @functools.wraps(handler)
    async def endpoint(request: Request) -> Reply:
        try:
            return await handler(request)
        except CorralError as error:
            return _answered(request, error, form)

    return endpoint


def translated(
    read: Callable[[bytes], T],
    run: Callable[[Request, T], Awaitable[Reply]],
    *,
    refused: ErrorForm,
    failed: ErrorForm,
    images: RemoteImages | None = None,
) -> Handler:
    """An endpoint in two steps: `read` makes a value of the body, `run` does what it asks.

    Images that the body names by URL are fetched before it is read, where there are `images`.

    Clients can tell by the form of an error in which of them it was: a body is `refused`, work `failed`.
    """

    async def endpoint(request: Request) -> Reply:
        try:
            body = await plain_body(request)
            asked = read(await images.inlined(body) if images is not None else body)
        except PackedBodyBroken as error:
            return _answered(request, error, _no_dialect)
        except CorralError as error:
            return _answered(request, error, refused)
        try:
            return await run(request, asked)
        except CorralError as error:
            return _answered(request, error, failed)

    return endpoint


def _no_dialect(error: CorralError) -> Response:
    """What could not even be unpacked is answered in one form at all paths (http-api.md 6.1)."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return Response(gojson.encode({"error": error.message}), status_of(error), headers)


def _answered(request: Request, error: CorralError, form: ErrorForm) -> Response:
    if status_of(error) >= 500:
        log.warning("%s %s failed: %s", request.method, request.url.path, error.message)
    response = form(error)
    if isinstance(error, BodyTooSlow):  # the rest of it is still to come
        response.headers["connection"] = "close"
    return response

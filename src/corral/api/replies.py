"""How the native API writes JSON and errors."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from corral.core import gojson
from corral.errors import CorralError
from corral.wire import Streaming, status_of

log = logging.getLogger("corral.api")

JSON = "application/json; charset=utf-8"
# Errors of an answer that was about to be streamed, and whole progress answers, carry no charset.
BARE_JSON = "application/json"
NDJSON = "application/x-ndjson"

Handler = Callable[[Request], Awaitable[Response | Streaming]]


def json_response(value: object, *, status: int = 200, content_type: str = JSON) -> Response:
    return Response(gojson.encode(value), status_code=status, headers={"content-type": content_type})


def error_response(error: CorralError, *, content_type: str = JSON, status: int = 0) -> Response:
    """`{"error": ...}` with the status of the error's class, unless `status` says otherwise."""
    return json_response(
        {"error": error.message}, status=status or status_of(error), content_type=content_type
    )


def handled(handler: Handler) -> Handler:
    """An endpoint whose errors become answers."""

    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response | Streaming:
        try:
            return await handler(request)
        except CorralError as error:
            if status_of(error) >= 500:
                log.warning("%s %s failed: %s", request.method, request.url.path, error.message)
            return error_response(error)

    return endpoint

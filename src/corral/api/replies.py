"""How the native API writes JSON and errors."""

from __future__ import annotations

from starlette.responses import Response

from corral.core import gojson
from corral.errors import CorralError
from corral.wire import status_of

JSON = "application/json; charset=utf-8"
# Errors of an answer that was about to be streamed, and whole progress answers, carry no charset.
BARE_JSON = "application/json"
NDJSON = "application/x-ndjson"


def json_response(value: object, *, status: int = 200, content_type: str = JSON) -> Response:
    return Response(gojson.encode(value), status_code=status, headers={"content-type": content_type})


def hinted_response(error: CorralError) -> Response:
    """As `error_response`, with what to do about it: for endpoints that the reference does not have."""
    hint = {"hint": error.hint} if error.hint else {}
    return json_response({"error": error.message, **hint}, status=status_of(error))


def error_response(error: CorralError, *, content_type: str = JSON, status: int = 0) -> Response:
    """`{"error": ...}` with the status of the error's class, unless `status` says otherwise."""
    return json_response(
        {"error": error.message}, status=status or status_of(error), content_type=content_type
    )

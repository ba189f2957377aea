"""How the Anthropic dialect writes JSON and errors. Source: http-api.md 7.2."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.request_id import request_id
from corral.errors import CorralError
from corral.wire import status_of

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def json_response(value: object, status: int = 200) -> Response:
    """What an operation answers, be it a result or an error: no charset, a newline at the end."""
    body = gojson.encode(value) + b"\n"
    return Response(body, status_code=status, headers={"content-type": "application/json"})


def failed(error: CorralError) -> Response:
    """The answer to a request that was understood."""
    return json_response(_error_answer(error), status_of(error))


def refused(error: CorralError) -> Response:
    """The answer to a request that could not be read or translated: it looks like a native one."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return Response(gojson.encode(_error_answer(error)), status_code=status_of(error), headers=headers)


def error_body(error: CorralError) -> dict[str, Any]:
    kind = _ERROR_TYPES.get(status_of(error), "api_error")
    return {"type": "error", "error": {"type": kind, "message": error.message}}


def _error_answer(error: CorralError) -> dict[str, Any]:
    return error_body(error) | {"request_id": request_id.get() or new_id("req_")}


def new_id(prefix: str) -> str:
    """`prefix` and 24 hex digits."""
    return prefix + secrets.token_hex(12)

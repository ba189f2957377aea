"""How the OpenAI dialect writes JSON and errors. Source: http-api.md 6.1."""

from __future__ import annotations

import secrets
import time
from typing import Any

from starlette.responses import Response

from corral.core import gojson
from corral.core.events import Usage
from corral.errors import CorralError, KeyRejected, LimitExceeded, PreviousNotFound, ScopeMissing
from corral.wire import status_of

FINGERPRINT = "fp_ollama"
_ERROR_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
# Errors that the reference does not have: type and code.
_OWN_ERRORS: dict[type[CorralError], tuple[str, str]] = {
    KeyRejected: ("authentication_error", "invalid_api_key"),
    ScopeMissing: ("permission_error", "insufficient_permissions"),
    LimitExceeded: ("rate_limit_error", "rate_limit_exceeded"),
    PreviousNotFound: ("invalid_request_error", "previous_response_not_found"),
}


def json_response(value: object, status: int = 200) -> Response:
    """What an operation answers, be it a result or an error: no charset, a newline at the end."""
    body = gojson.encode(value) + b"\n"
    return Response(body, status_code=status, headers={"content-type": "application/json"})


def failed(error: CorralError) -> Response:
    """The answer to a request that was understood."""
    return json_response(error_body(error), status_of(error))


def refused(error: CorralError) -> Response:
    """The answer to a request that could not be read or translated: it looks like a native one."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return Response(gojson.encode(error_body(error)), status_code=status_of(error), headers=headers)


def error_body(error: CorralError) -> dict[str, Any]:
    usual = (_ERROR_TYPES.get(status_of(error), "api_error"), None)
    kind, code = _OWN_ERRORS.get(type(error), usual)
    return {"error": {"message": error.message, "type": kind, "param": None, "code": code}}


def usage_record(usage: Usage) -> dict[str, Any]:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def new_id(prefix: str) -> str:
    """`prefix` and a part that no other answer has."""
    return prefix + secrets.token_hex(12)


def now() -> int:
    """This moment in Unix seconds."""
    return int(time.time())

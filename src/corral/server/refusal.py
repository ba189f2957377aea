"""Errors that no endpoint answers, in the form of the dialect of their path."""

from __future__ import annotations

import math
from collections.abc import Callable

from starlette.responses import Response

from corral import anthropic, api, openai
from corral.errors import CorralError, KeyRejected, LimitExceeded

_FORMS: tuple[tuple[str, Callable[[CorralError], Response]], ...] = (
    ("/v1/messages", anthropic.failed),
    ("/v1/", openai.failed),
    ("/v2/", openai.failed),
    ("", api.error_response),
)


def refusal(path: str, error: CorralError) -> Response:
    """With the headers that say how and when to come again."""
    form = next(form for start, form in _FORMS if path.startswith(start))
    response = form(error)
    if isinstance(error, KeyRejected):
        response.headers["www-authenticate"] = "Bearer"
    if isinstance(error, LimitExceeded):
        response.headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return response

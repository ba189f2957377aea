"""The log and captured requests over HTTP, for those who watch from elsewhere. Page: docs/logs.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from corral.api import NDJSON, error_response, json_response
from corral.core import gojson
from corral.monitor import Capture, RecentLog, read_level
from corral.monitor.recent import MAX_LINES, Line
from corral.server.routing import Route
from corral.wire import Operation, Reply, Streaming, asked_number, handled, is_asked

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/logs",
        summary="The last lines of the log; `?level=warning&lines=50`, `?follow=1` streams",
        answer=NDJSON,
    ),
    Operation(method="GET", path="/api/captures", summary="Requests to models, where they are captured"),
)

_PACE_S = 0.2
_DEFAULT_LINES = 200
_HOW_TO_CAPTURE = "set CORRAL_CAPTURE to redacted or full and start the server again"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines of the log a request is for."""

    level: int
    limit: int
    after: int


def watching_routes(recent: RecentLog, capture: Capture | None) -> tuple[Route, ...]:
    async def logs(request: Request) -> Reply:
        """`?lines=`, `?level=`, `?after=` the number of the last line seen; `?follow=1` goes on."""
        asked = Asked(
            level=read_level(request.query_params.get("level", "")),
            limit=asked_number(request, "lines", _DEFAULT_LINES, most=MAX_LINES),
            after=asked_number(request, "after", 0, most=1 << 53),
        )
        if is_asked(request, "follow"):
            return Streaming(followed(recent, asked), content_type=NDJSON)
        lines = recent.lines(level=asked.level, after=asked.after, limit=asked.limit)
        return Response(_ndjson(lines), headers={"content-type": NDJSON})

    async def captures(request: Request) -> Reply:
        """Newest first."""
        if capture is None:
            return json_response({"mode": "off", "hint": _HOW_TO_CAPTURE, "requests": []})
        limit = asked_number(request, "limit", len(capture.recent), most=len(capture.recent))
        newest = [*reversed(capture.recent)][:limit]
        return json_response({"mode": capture.mode, "file": str(capture.path), "requests": newest})

    return (
        Route("GET", "/api/logs", handled(logs, error_response)),
        Route("GET", "/api/captures", handled(captures, error_response)),
    )


async def followed(recent: RecentLog, asked: Asked) -> AsyncGenerator[bytes, None]:
    """The last lines, then each as it is written."""
    lines, after = recent.lines(level=asked.level, after=asked.after, limit=asked.limit), asked.after
    while True:
        if lines:
            after = lines[-1].number
            yield _ndjson(lines)
        await asyncio.sleep(_PACE_S)
        lines = recent.lines(level=asked.level, after=after)


def _ndjson(lines: Iterable[Line]) -> bytes:
    return b"".join(gojson.encode({"number": line.number} | line.entry) + b"\n" for line in lines)

"""Pulls as the server sees them: listed, begun without staying, stopped. Our own addition: docs/api.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.api.replies import NDJSON, json_response
from corral.api.shapes import DeleteIn, TransferIn
from corral.core import gojson
from corral.core.units import local_time_text
from corral.errors import InvalidInput
from corral.library import Library, Pull
from corral.serving.checks import local_reference
from corral.wire import Streaming, decode_json, is_asked, read_body

# Seconds between two looks of a client that follows.
_PACE_S = 0.2


class PullRoutes:
    def __init__(self, library: Library) -> None:
        self._library = library

    async def list(self, request: Request) -> Response | Streaming:
        """With `?follow=1` the list again whenever something in it has changed."""
        if is_asked(request, "follow"):
            return Streaming(self._changes(), content_type=NDJSON)
        return json_response(self._shown())

    async def start(self, request: Request) -> Response:
        """The pull goes on when the client leaves."""
        body = decode_json(await read_body(request), TransferIn)
        name = local_reference(body.model or body.name).text
        pull = self._library.keep_pulling(name, insecure=body.insecure)
        return json_response(_record(pull), status=202)

    async def stop(self, request: Request) -> Response:
        body = decode_json(await read_body(request), DeleteIn)
        name = body.model or body.name
        if not name.strip():
            raise InvalidInput("model is required")
        self._library.stop_pulling(name)
        return Response()

    async def _changes(self) -> AsyncGenerator[bytes, None]:
        last: dict[str, Any] = {}
        while True:
            shown = self._shown()
            if shown != last:
                last = shown
                yield gojson.encode(shown) + b"\n"
            await asyncio.sleep(_PACE_S)

    def _shown(self) -> dict[str, Any]:
        return {"pulls": [_record(pull) for pull in self._library.pulls.list()]}


def _record(pull: Pull) -> dict[str, Any]:
    out: dict[str, Any] = {
        "model": pull.name,
        "status": pull.status,
        "result": pull.result or "running",
        "began_at": local_time_text(pull.began_at),
        "background": pull.kept,
        "layers": [asdict(layer) for layer in pull.layers],
    }
    if pull.ended_at:
        out["ended_at"] = local_time_text(pull.ended_at)
    if pull.error:
        out |= {"error": pull.error} | ({"hint": pull.hint} if pull.hint else {})
    return out

"""Work that tells how far it is: create, pull, push, verify. Source: registry.md section 12."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from corral.api.replies import BARE_JSON, NDJSON, error_response, json_response
from corral.core import gojson
from corral.core.requests import ProgressRecord
from corral.errors import CorralError
from corral.library import Damage
from corral.wire import Streaming

Records = AsyncGenerator[ProgressRecord, None] | AsyncGenerator[ProgressRecord | Damage, None]


async def progress_reply(records: Records, *, stream: bool) -> Response | Streaming:
    """A stream of records, or only the last of them.

    An error before the first record keeps its status.
    """
    try:
        if not stream:
            async with aclosing(records):
                last: dict[str, Any] = {"status": ""}
                async for record in records:
                    last = _as_json(record)
            return json_response(last, content_type=BARE_JSON)
    except CorralError as error:
        return _refused(error)
    lines = (gojson.encode(_as_json(record)) async for record in records)
    return await stream_reply(lines, records.aclose)


def _refused(error: CorralError) -> Response:
    return error_response(error, content_type=BARE_JSON)


async def stream_reply(
    lines: AsyncGenerator[bytes, None],
    on_end: Callable[[], Awaitable[object]],
    refused: Callable[[CorralError], Response] = _refused,
) -> Response | Streaming:
    """A stream of lines of JSON, each sent as it comes.

    An error before the first line keeps its status; `refused` makes the answer of it.
    """
    try:
        first = await anext(lines, None)
    except CorralError as error:
        await on_end()
        return refused(error)
    return Streaming(_lines(first, lines), content_type=NDJSON, on_end=on_end)


async def _lines(first: bytes | None, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if first is not None:
        yield first + b"\n"
    try:
        async for line in rest:
            yield line + b"\n"
    except CorralError as error:
        hint = {"hint": error.hint} if error.hint else {}
        yield gojson.encode({"error": error.message, **hint}) + b"\n"


def _as_json(record: ProgressRecord | Damage) -> dict[str, Any]:
    if isinstance(record, Damage):
        return {
            "status": "damaged",
            "digest": record.digest,
            "problem": record.problem,
            "models": record.models,
        }
    out: dict[str, Any] = {"status": record.status}
    if record.digest:
        out["digest"] = record.digest
    if record.total:
        out["total"] = record.total
    if record.completed:
        out["completed"] = record.completed
    return out

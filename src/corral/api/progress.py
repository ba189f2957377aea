"""Work that tells how far it is: create, pull, push, verify. Source: registry.md section 12."""

from __future__ import annotations

from collections.abc import AsyncGenerator
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
        first = await anext(records)
    except CorralError as error:
        await records.aclose()
        return error_response(error, content_type=BARE_JSON)
    return Streaming(_lines(first, records), content_type=NDJSON, on_end=records.aclose)


async def _lines(first: ProgressRecord | Damage, records: Records) -> AsyncGenerator[bytes, None]:
    yield gojson.encode(_as_json(first)) + b"\n"
    try:
        async for record in records:
            yield gojson.encode(_as_json(record)) + b"\n"
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

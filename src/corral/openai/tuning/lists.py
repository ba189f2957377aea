"""Lists in pages: `limit` items behind the one with the id `after`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from corral.errors import InvalidInput
from corral.wire import asked_number

Record = dict[str, Any]
_MOST = 10_000


def page(records: Sequence[Record], request: Request, *, default: int = 20) -> Record:
    """Raises InvalidInput for a limit that is no number, or an `after` that is not in the list."""
    after, limit = request.query_params.get("after", ""), asked_number(request, "limit", default, most=_MOST)
    ids = [record["id"] for record in records]
    if after and after not in ids:
        raise InvalidInput(f"No such item to go on after: {after}")
    first = ids.index(after) + 1 if after else 0
    shown = list(records[first : first + limit])
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": first + limit < len(records),
    }

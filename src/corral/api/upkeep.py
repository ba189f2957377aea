"""Endpoints of our own that keep a store in order. Page: docs/registries.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from corral.api.progress import progress_reply
from corral.api.replies import json_response
from corral.api.shapes import VerifyIn
from corral.cache import SavedStates
from corral.core.requests import ProgressRecord
from corral.library import Damage, Library
from corral.wire import Streaming, decode_json, is_asked, read_body, watch_disconnect


class UpkeepRoutes:
    def __init__(self, library: Library, saved: SavedStates | None = None) -> None:
        self._library = library
        self._saved = saved

    async def outdated(self, request: Request) -> Response:
        """`?model=` names models, any number of times; without one all are compared."""
        found = await self._library.upkeep.compare(request.query_params.getlist("model"))
        return json_response({"models": [asdict(comparison) for comparison in found]})

    async def disk_use(self, request: Request) -> Response:
        use = asdict(await self._library.upkeep.measure())
        if self._saved is not None:
            await self._saved.ready()
            use["prompts"] = self._saved.num_bytes
        return json_response(use)

    async def prune(self, request: Request) -> Response:
        """With `?prompts=1` all saved prompts go too, not only those of models that are gone."""
        freed = await self._library.upkeep.prune()
        if self._saved is not None:
            freed += await self._saved.prune(everything=is_asked(request, "prompts"))
        return json_response({"freed": freed})

    async def verify(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request) or b"{}", VerifyIn)
        records = _with_end(self._library.upkeep.verify(body.models, repair=body.repair))
        return await watch_disconnect(request, progress_reply(records, stream=body.stream))


async def _with_end(
    records: AsyncGenerator[ProgressRecord | Damage, None],
) -> AsyncGenerator[ProgressRecord | Damage, None]:
    try:
        async for record in records:
            yield record
    finally:
        await records.aclose()
    yield ProgressRecord("success")

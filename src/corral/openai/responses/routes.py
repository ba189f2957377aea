"""The endpoints of responses: make one, look at it again, forget it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.core.requests import ChatRequest
from corral.openai.replies import json_response
from corral.openai.responses.archive import Archive
from corral.openai.responses.shapes import ResponsesIn
from corral.openai.responses.writer import ResponsesWriter
from corral.serving.service import Service
from corral.wire import Reply, reply

Item = Mapping[str, Any]


class ResponseRoutes:
    """What is to be gone on from is in the archive."""

    def __init__(self, service: Service, archive: Archive) -> None:
        self._service = service
        self._archive = archive

    async def create(self, request: Request, asked: tuple[ResponsesIn, ChatRequest | None]) -> Reply:
        body, core = asked
        core = core or body.to_core(await self._archive.conversation(body.previous_response_id))
        writer = ResponsesWriter(body)
        is_kept = body.store is not False and bool(core.messages)
        settle = partial(self._keep, writer, body.items()) if is_kept else None
        return await reply(request, self._service.chat(core), writer, stream=body.stream, settle=settle)

    async def find(self, request: Request) -> Response:
        return json_response(await self._archive.find(request.path_params["id"]))

    async def delete(self, request: Request) -> Response:
        id = request.path_params["id"]
        await self._archive.delete(id)
        return json_response({"id": id, "object": "response", "deleted": True})

    async def _keep(self, writer: ResponsesWriter, items: Sequence[Item]) -> None:
        """Kept before its last bytes are sent: the next request may come right after them."""
        if writer.final is not None:
            await self._archive.keep(writer.final, items)

"""Chats that are kept on the server. Page: docs/web.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from corral.api.replies import JSON, error_response
from corral.chats import Change, Chat, Chats, markdown, read_chats
from corral.errors import InvalidInput
from corral.wire import Handler, Reply, Streaming, decode_json, handled, read_body

_MARKDOWN = "text/markdown; charset=utf-8"


def chat_routes(chats: Chats) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    kept = _Kept(chats)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/api/chats", kept.list),
        ("POST", "/api/chats", kept.create),
        ("GET", "/api/chats/:id", kept.find),
        ("PATCH", "/api/chats/:id", kept.change),
        ("DELETE", "/api/chats/:id", kept.delete),
        ("GET", "/api/chats/export", kept.export),
        ("POST", "/api/chats/import", kept.take),
    ]
    return [(method, path, handled(endpoint, error_response)) for method, path, endpoint in table]


class _Kept:
    """The endpoints of kept chats."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    async def list(self, request: Request) -> Response:
        query = request.query_params
        limit = _number(query.get("limit", "50"))
        if words := query.get("q", ""):
            return _json(await self._chats.search(words, limit=limit))
        folder, cursor = query.get("folder"), query.get("cursor", "")
        return _json(await self._chats.list(folder=folder, cursor=cursor, limit=limit))

    async def create(self, request: Request) -> Response:
        change = decode_json(await read_body(request), Change)
        return _json(await self._chats.create(change), status=201)

    async def find(self, request: Request) -> Response:
        """Who names the revision that it has, as ETags do, is told when that is still the last one."""
        chat = await self._chats.find(request.path_params["id"])
        tag = f'"{chat.revision}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return _json(chat, headers={"etag": tag})

    async def change(self, request: Request) -> Response:
        change = decode_json(await read_body(request), Change)
        return _json(await self._chats.change(request.path_params["id"], change))

    async def delete(self, request: Request) -> Response:
        await self._chats.delete(request.path_params["id"])
        return Response()

    async def export(self, request: Request) -> Reply:
        id, form = request.query_params.get("id"), request.query_params.get("format", "json")
        if form not in ("json", "markdown"):
            raise InvalidInput("the format of an export is json or markdown")
        chosen = _one(await self._chats.find(id)) if id else self._chats.every()
        kind, ending = (JSON, "json") if form == "json" else (_MARKDOWN, "md")
        headers = {"content-disposition": f'attachment; filename="corral-chats.{ending}"'}
        written = _as_json(chosen) if form == "json" else _as_markdown(chosen)
        return Streaming(written, content_type=kind, headers=headers)

    async def take(self, request: Request) -> Response:
        return _json(await self._chats.add(read_chats(await read_body(request))))


async def _one(chat: Chat) -> AsyncGenerator[Chat, None]:
    yield chat


async def _as_json(chats: AsyncGenerator[Chat, None]) -> AsyncGenerator[bytes, None]:
    before = b'{"corral_chats":1,"chats":['
    async with aclosing(chats):
        async for chat in chats:
            yield before + msgspec.json.encode(chat)
            before = b",\n"
    yield (b"" if before == b",\n" else before) + b"]}\n"


async def _as_markdown(chats: AsyncGenerator[Chat, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(chats):
        async for chat in chats:
            yield markdown(chat).encode()


def _number(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput("limit is a number")
    return int(text)


def _json(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, {"content-type": JSON, **(headers or {})})

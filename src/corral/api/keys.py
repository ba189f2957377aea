"""Administration of API keys over HTTP: for those whose server is on another machine. Page: docs/keys.md."""

from __future__ import annotations

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from corral.api.replies import error_response, json_response
from corral.keys import KeyRing, key_record, read_new_key
from corral.wire import Handler, decode_json, handled, read_body


class KeyIn(msgspec.Struct):
    """A key that is to be made; what is left out means the default, or no limit."""

    name: str = ""
    scopes: list[str] = []
    rate: str = ""
    tokens: str = ""
    concurrency: int = 0
    expires: str = ""


def key_routes(ring: KeyRing) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    keys = _Keys(ring)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/api/keys", keys.list),
        ("POST", "/api/keys", keys.create),
        ("DELETE", "/api/keys/:name", keys.revoke),
    ]
    return [(method, path, handled(endpoint, error_response)) for method, path, endpoint in table]


class _Keys:
    """The endpoints that make, list and revoke keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def list(self, request: Request) -> Response:
        return json_response({"keys": [key_record(row) for row in await self._ring.rows()]})

    async def create(self, request: Request) -> Response:
        """The only answer that ever holds the secret."""
        body = decode_json(await read_body(request), KeyIn)
        new = read_new_key(
            body.name,
            time.time(),
            scopes=body.scopes,
            rate=body.rate,
            tokens=body.tokens,
            concurrency=body.concurrency,
            expires=body.expires,
        )
        await self._ring.create(new)
        return json_response({"name": new.key.name, "key": new.secret}, status=201)

    async def revoke(self, request: Request) -> Response:
        await self._ring.revoke(request.path_params["name"])
        return Response()

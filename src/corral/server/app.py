"""The application: checks every request, finds its endpoint, and turns surprises into answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from corral.core import gojson
from corral.errors import CorralError
from corral.server.access import Gate, current_holder
from corral.server.hosts import Origins, allowed_host, allowed_name, check_origin, preflight_headers
from corral.server.refusal import refusal
from corral.server.routing import Router

log = logging.getLogger("corral.server")
access_log = logging.getLogger("corral.access")


class App:
    """An ASGI application. `on_shutdown` runs when the server stops."""

    def __init__(
        self,
        router: Router,
        origins: Origins,
        gate: Gate,
        *,
        check_host: bool,
        on_shutdown: Callable[[], Awaitable[object]],
    ) -> None:
        self._router = router
        self._origins = origins
        self._gate = gate
        self._check_host = check_host
        self._on_shutdown = on_shutdown

    @property
    def paths(self) -> list[str]:
        """All paths that lead somewhere, as their routes are written."""
        return self._router.paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._on_shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = Headers(scope=scope)
        watched = _Watched(send)
        try:
            await self._checked(scope, headers, receive, watched)
        except Exception:  # the outermost loop: whatever went wrong, the client gets an answer
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not watched.status:
                await _internal_error()(scope, receive, watched)
        elapsed_ms = (time.perf_counter() - began) * 1000
        access_log.info("%d %9.3fms %-6s %s", watched.status, elapsed_ms, scope["method"], scope["path"])

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive, send: _Watched) -> None:
        origin, host = headers.get("origin", ""), headers.get("host", "")
        cors = check_origin(self._origins, origin, host)
        if cors.refused:
            await Response(status_code=403)(scope, receive, send)
            return
        send.extra = cors.headers or {}
        if scope["method"] == "OPTIONS" and origin and cors.headers is not None:
            await self._preflight(origin, scope, receive, send)
            return
        if self._check_host and not allowed_host(host):
            await Response(status_code=403)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and not origin and self._check_host and allowed_name(host):
            await Response(status_code=204)(scope, receive, send)
            return
        await self._admitted(scope, headers, receive, send)

    async def _admitted(self, scope: Scope, headers: Headers, receive: Receive, send: _Watched) -> None:
        match = self._router.find(scope["path"])
        try:
            holder = await self._gate.admit(match.path, headers)
        except CorralError as error:
            await refusal(scope["path"], error)(scope, receive, send)
            return
        current_holder.set(holder)
        try:
            await self._router.serve(match, scope, receive, send)
        finally:
            if holder is not None:
                holder.leave()

    async def _preflight(self, origin: str, scope: Scope, receive: Receive, send: _Watched) -> None:
        send.extra = {}
        response = Response(status_code=204)
        for name, value in preflight_headers(self._origins, origin):
            response.headers.append(name, value)
        await response(scope, receive, send)


class _Watched:
    """A `send` that adds headers to the answer and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.extra: Mapping[str, str] = {}
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.extra:
                added = [(name.encode(), value.encode("latin-1")) for name, value in self.extra.items()]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


def _internal_error() -> Response:
    body = gojson.encode({"error": "internal error: see the server's log"})
    return Response(body, status_code=500, headers={"content-type": "application/json; charset=utf-8"})

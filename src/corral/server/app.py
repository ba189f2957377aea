"""The application: checks every request, finds its endpoint, and turns surprises into answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from corral.core.request_id import new_request_id, request_id
from corral.errors import CorralError
from corral.monitor import Exchange, Monitor, current_exchange, without_secrets
from corral.server.access import NEEDED, Gate, current_holder
from corral.server.hosts import Origins, allowed_host, allowed_name, check_origin, preflight_headers
from corral.server.refusal import refusal
from corral.server.routing import Match, Router
from corral.server.watched import Watched, recorded

log = logging.getLogger("corral.server")

_INTERNAL = CorralError("internal error: see the server's log")


class App:
    """An ASGI application. `on_startup` runs before the first request, `on_shutdown` at the end."""

    def __init__(
        self,
        router: Router,
        origins: Origins,
        gate: Gate,
        monitor: Monitor,
        *,
        check_host: bool,
        on_startup: Callable[[], Awaitable[object]] | None = None,
        on_shutdown: Callable[[], Awaitable[object]],
    ) -> None:
        self._router = router
        self._origins = origins
        self._gate = gate
        self._monitor = monitor
        self._check_host = check_host
        self._on_startup = on_startup
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
                await self._started()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._on_shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _started(self) -> None:
        """What cannot be taken up again must not keep the server from serving."""
        try:
            if self._on_startup is not None:
                await self._on_startup()
        except CorralError as error:
            log.warning("at start: %s", error.message)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        exchange = Exchange(
            new_request_id(without_secrets(headers.get("x-request-id", ""))),
            scope["method"],
            without_secrets(scope["path"]),
            tuple(headers.items()),
        )
        request_id.set(exchange.request_id)
        current_exchange.set(exchange)
        watched = Watched(send, exchange)
        self._monitor.began(exchange)
        try:
            await self._checked(scope, headers, receive, watched)
        except Exception:  # the outermost loop: whatever went wrong, the client gets an answer
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not exchange.status:
                await refusal(scope["path"], _INTERNAL)(scope, receive, watched)
        finally:
            self._monitor.ended(exchange)

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive, send: Watched) -> None:
        origin, host = headers.get("origin", ""), headers.get("host", "")
        cors = check_origin(self._origins, origin, host)
        if cors.refused:
            await Response(status_code=403)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and origin and cors.headers is not None:
            await self._preflight(origin, scope, receive, send)
            return
        send.extra |= cors.headers or {}
        if self._check_host and not allowed_host(host):
            await Response(status_code=403)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and not origin and self._check_host and allowed_name(host):
            await Response(status_code=204)(scope, receive, send)
            return
        await self._admitted(scope, headers, receive, send)

    async def _admitted(self, scope: Scope, headers: Headers, receive: Receive, send: Watched) -> None:
        match = self._router.find(scope["path"])
        send.exchange.route = match.path
        try:
            holder = await self._gate.admit(match.path, headers)
        except CorralError as error:
            send.exchange.refusal = type(error).__name__
            await refusal(scope["path"], error)(scope, receive, send)
            return
        current_holder.set(holder)
        send.exchange.key = holder.name if holder is not None else ""
        try:
            await self._router.serve(match, scope, self._heard(match, receive, send.exchange), send)
        finally:
            if holder is not None:
                holder.leave()

    def _heard(self, match: Match, receive: Receive, exchange: Exchange) -> Receive:
        """Requests to models are captured where that is asked for."""
        if self._monitor.capture is None or NEEDED.get(match.path) != "infer":
            return receive
        return recorded(receive, exchange)

    async def _preflight(self, origin: str, scope: Scope, receive: Receive, send: Watched) -> None:
        response = Response(status_code=204)
        asked = Headers(scope=scope).get("access-control-request-headers", "")
        for name, value in preflight_headers(self._origins, origin, asked):
            response.headers.append(name, value)
        await response(scope, receive, send)

"""From method and path to an endpoint, with the exact answers for what has none. Source: http-api.md 1.6."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Callable[[Scope, Receive, Send], Awaitable[None]]]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may have one parameter, which lands in `path_params`: `/:name` matches a single part, the last
    or the one before it, `/*name` all that is left.
    """

    method: str
    path: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to: the path as its route is written, and its endpoints by method.

    All are empty for an unknown path.
    """

    path: str = ""
    methods: Mapping[str, Endpoint] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


_NOTHING = Match()


class Router:
    """The table of routes. `find` is a dictionary look-up or two, and a few comparisons for what is left."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, Match] = {}
        # By what stands before the parameter, and behind it.
        self._open: dict[tuple[str, str], tuple[str, str, dict[str, Endpoint]]] = {}
        self._below: dict[str, tuple[str, str, dict[str, Endpoint]]] = {}
        for route in routes:
            head, colon, tail = route.path.partition(":")
            name, _, last = tail.partition("/")
            above, star, rest = route.path.partition("*")
            if star:
                self._below.setdefault(above, (route.path, rest, {}))[2][route.method] = route.endpoint
            elif colon:
                self._open.setdefault((head, last), (route.path, name, {}))[2][route.method] = route.endpoint
            else:
                present = self._exact.get(route.path, _NOTHING).methods
                self._exact[route.path] = Match(route.path, {**present, route.method: route.endpoint})

    @property
    def paths(self) -> list[str]:
        """All paths as their routes are written."""
        with_parameter = (*self._open.values(), *self._below.values())
        return [*self._exact, *(path for path, _, _ in with_parameter)]

    def find(self, path: str) -> Match:
        if path in self._exact:
            return self._exact[path]
        head, _, last = path.rpartition("/")
        above, _, part = head.rpartition("/")
        for key, value in (((head + "/", ""), last), ((above + "/", last), part)):
            if last and value and key in self._open:
                pattern, name, methods = self._open[key]
                return Match(pattern, methods, {name: value})
        for above, (pattern, name, methods) in self._below.items():
            if path.startswith(above):
                return Match(pattern, methods, {name: path.removeprefix(above)})
        return _NOTHING

    async def serve(self, match: Match, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path led to `match`."""
        endpoint = match.methods.get(scope["method"])
        if endpoint is None:
            await self._refuse(scope, match.methods)(scope, receive, send)
            return
        scope["path_params"] = dict(match.params)
        request = Request(scope, receive)
        response = await endpoint(request)
        await response(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.serve(self.find(scope["path"]), scope, receive, send)

    def _refuse(self, scope: Scope, methods: Mapping[str, Endpoint]) -> Response:
        if methods:
            allow = {"allow": ", ".join(methods)}
            return PlainResponse("405 method not allowed", status_code=405, headers=allow)
        path = scope["path"]
        other = path.rstrip("/") if path.endswith("/") and path != "/" else path + "/"
        if scope["method"] in self.find(other).methods:
            return _redirect(scope, other)
        return PlainResponse("404 page not found", status_code=404)


class PlainResponse(PlainTextResponse):
    """text/plain without a charset."""

    charset = "utf-8"

    def init_headers(self, headers: object = None) -> None:
        super().init_headers(headers)  # type: ignore[arg-type]  # passed on as it came
        self.raw_headers = [
            (name, b"text/plain" if name == b"content-type" else value) for name, value in self.raw_headers
        ]


_PATH_SAFE = "/$&+,:;=@"


def _redirect(scope: Scope, path: str) -> Response:
    query = scope.get("query_string", b"").decode("latin-1")
    address = quote(path, safe=_PATH_SAFE)
    location = f"{address}?{query}" if query else address
    if scope["method"] != "GET":
        return Response(status_code=307, headers={"location": location})
    body = f'<a href="{html.escape(location)}">Moved Permanently</a>.\n\n'
    headers = {"location": location, "content-type": "text/html; charset=utf-8"}
    return Response(body, status_code=301, headers=headers)

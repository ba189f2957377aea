"""What the server shows: the description of the API, as data and as a page; its metrics; the web UI."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral import web
from corral.monitor import Metrics
from corral.server.docs import docs_page
from corral.server.openapi import document
from corral.server.routing import PlainResponse, Route
from corral.wire import file_response


async def description(request: Request) -> Response:
    return Response(document(), headers={"content-type": "application/json"})


async def docs(request: Request) -> Response:
    return Response(docs_page(), headers=web.docs_headers())


async def static(request: Request) -> Response:
    """A file of the web UI."""
    file = web.static_file(request.path_params["path"])
    return (
        PlainResponse("404 page not found", status_code=404) if file is None else file_response(request, file)
    )


def page_routes(metrics: Metrics) -> tuple[Route, ...]:
    async def scraped(request: Request) -> Response:
        # Brings a large library, which a server that nobody scrapes never needs.
        from corral.monitor.exposition import CONTENT_TYPE, exposition

        return Response(exposition(metrics), headers={"content-type": CONTENT_TYPE})

    return (
        Route("GET", "/openapi.json", description),
        Route("GET", "/docs", docs),
        Route("GET", "/metrics", scraped),
        Route("GET", "/ui/*path", static),
        Route("HEAD", "/ui/*path", static),
    )

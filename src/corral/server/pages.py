"""What the server says of itself: the description of the API, as data and as a page; its metrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral import web
from corral.monitor import Metrics
from corral.server.docs import docs_page
from corral.server.openapi import document
from corral.server.routing import Route


async def description(request: Request) -> Response:
    return Response(document(), headers={"content-type": "application/json"})


async def docs(request: Request) -> Response:
    policy = {"content-security-policy": web.CONTENT_SECURITY_POLICY}
    return Response(docs_page(), headers={"content-type": "text/html; charset=utf-8", **policy})


def page_routes(metrics: Metrics) -> tuple[Route, ...]:
    async def scraped(request: Request) -> Response:
        # Brings a large library, which a server that nobody scrapes never needs.
        from corral.monitor.exposition import CONTENT_TYPE, exposition

        return Response(exposition(metrics), headers={"content-type": CONTENT_TYPE})

    return (
        Route("GET", "/openapi.json", description),
        Route("GET", "/docs", docs),
        Route("GET", "/metrics", scraped),
    )

"""What the server says of itself: the description of the API, as data and as a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral import web
from corral.server.docs import docs_page
from corral.server.openapi import document
from corral.server.routing import Route


async def description(request: Request) -> Response:
    return Response(document(), headers={"content-type": "application/json"})


async def docs(request: Request) -> Response:
    policy = {"content-security-policy": web.CONTENT_SECURITY_POLICY}
    return Response(docs_page(), headers={"content-type": "text/html; charset=utf-8", **policy})


ROUTES = (Route("GET", "/openapi.json", description), Route("GET", "/docs", docs))

"""The endpoints of a cloud account. Corral has none, and each says so.

Source: http-api.md 5.15, 5.16.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral.api.replies import json_response
from corral.errors import AccessDenied, CloudDisabled, InvalidInput
from corral.wire import read_body


class AccountRoutes:
    async def me(self, request: Request) -> Response:
        raise AccessDenied("unauthorized")

    async def sign_out(self, request: Request) -> Response:
        raise AccessDenied("you are not currently signed in")

    async def web_search(self, request: Request) -> Response:
        return await self._refuse(request, "web search is unavailable")

    async def web_fetch(self, request: Request) -> Response:
        return await self._refuse(request, "web fetch is unavailable")

    async def _refuse(self, request: Request, what: str) -> Response:
        if not (await read_body(request)).strip():
            raise InvalidInput("missing request body")
        raise CloudDisabled(what)

    async def recommendations(self, request: Request) -> Response:
        """Only what is certain to work here: the model that comes with the program."""
        pocket = {"model": "pocket", "description": "A tiny demo model that comes with Corral"}
        return json_response({"recommendations": [pocket]})

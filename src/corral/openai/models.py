"""The list of models in OpenAI's shape. Source: http-api.md 6.5."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.core import gojson
from corral.core.names import ModelName
from corral.errors import CorralError
from corral.library import Library
from corral.wire import status_of

Handler = Callable[[Request], Awaitable[Response]]

_ERROR_TYPES = {400: "invalid_request_error", 404: "not_found_error"}


def _response(value: object, status: int = 200) -> Response:
    return Response(
        gojson.encode(value) + b"\n", status_code=status, headers={"content-type": "application/json"}
    )


def _handled(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except CorralError as error:
            status = status_of(error)
            kind = _ERROR_TYPES.get(status, "api_error")
            body = {"message": error.message, "type": kind, "param": None, "code": None}
            return _response({"error": body}, status)

    return endpoint


def _entry(name: str, shown_as: str, modified_at: float) -> dict[str, Any]:
    owner = ModelName.parse(name).namespace
    return {"id": shown_as, "object": "model", "created": int(modified_at), "owned_by": owner}


class _Routes:
    def __init__(self, library: Library) -> None:
        self._library = library

    async def list(self, request: Request) -> Response:
        models = await self._library.tags()
        data = [_entry(model.name, model.name, model.modified_at) for model in models]
        return _response({"object": "list", "data": data})

    async def retrieve(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        model = await self._library.show(wanted)
        return _response(_entry(model.name, wanted, model.modified_at))


def routes(library: Library) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    models = _Routes(library)
    return [
        ("GET", "/v1/models", _handled(models.list)),
        ("GET", "/v1/models/:model", _handled(models.retrieve)),
    ]

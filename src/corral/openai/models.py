"""The list of models in OpenAI's shape. Source: http-api.md 6.5."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.core.names import ModelName
from corral.library import Library
from corral.openai.replies import json_response


def _entry(name: str, shown_as: str, modified_at: float) -> dict[str, Any]:
    owner = ModelName.parse(name).namespace
    return {"id": shown_as, "object": "model", "created": int(modified_at), "owned_by": owner}


class ModelRoutes:
    """The endpoints about models; an empty list is a list."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def list(self, request: Request) -> Response:
        models = await self._library.tags()
        data = [_entry(model.name, model.name, model.modified_at) for model in models]
        return json_response({"object": "list", "data": data})

    async def retrieve(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        model = await self._library.show(wanted)
        return json_response(_entry(model.name, wanted, model.modified_at))

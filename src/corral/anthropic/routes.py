"""The table of the Anthropic dialect. Source: http-api.md sections 2 and 7."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from corral.anthropic.estimate import estimate_tokens
from corral.anthropic.replies import failed, refused
from corral.anthropic.shapes import MessagesIn, read_messages
from corral.anthropic.writer import MessageWriter
from corral.core.requests import ChatRequest
from corral.serving.service import Service
from corral.wire import Handler, Reply, reply, translated


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def messages(self, request: Request, asked: tuple[MessagesIn, ChatRequest]) -> Reply:
        body, core = asked
        writer = MessageWriter(body.model, partial(estimate_tokens, body))
        return await reply(request, self._service.chat(core), writer, stream=body.stream)


def routes(service: Service) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    endpoint = translated(read_messages, _Routes(service).messages, refused=refused, failed=failed)
    return [("POST", "/v1/messages", endpoint)]

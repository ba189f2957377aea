"""The table of the Anthropic dialect. Source: http-api.md sections 2 and 7."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from corral.anthropic.estimate import estimate_tokens
from corral.anthropic.replies import failed, json_response, refused
from corral.anthropic.shapes import MessagesIn, read_count, read_messages
from corral.anthropic.writer import MessageWriter
from corral.core.requests import ChatRequest
from corral.serving.service import Service
from corral.wire import Handler, RemoteImages, Reply, reply, translated, watch_disconnect


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def messages(self, request: Request, asked: tuple[MessagesIn, ChatRequest]) -> Reply:
        body, core = asked
        writer = MessageWriter(body.model, partial(estimate_tokens, body), searches=body.searches)
        return await reply(request, self._service.chat(core), writer, stream=body.stream)

    async def count_tokens(self, request: Request, asked: ChatRequest) -> Reply:
        num_tokens = await watch_disconnect(request, self._service.count_tokens(asked))
        return json_response({"input_tokens": num_tokens})


def routes(service: Service, images: RemoteImages | None = None) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route."""
    own, endpoint = _Routes(service), partial(translated, refused=refused, failed=failed, images=images)
    return [
        ("POST", "/v1/messages", endpoint(read_messages, own.messages)),
        ("POST", "/v1/messages/count_tokens", endpoint(read_count, own.count_tokens)),
    ]

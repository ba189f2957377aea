"""The endpoints of the OpenAI dialect that run models."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from corral.core.requests import ChatRequest, EmbedRequest, GenerateRequest
from corral.errors import ModelNotFound
from corral.openai.chat import ChatWriter
from corral.openai.completions import CompletionWriter
from corral.openai.replies import json_response
from corral.openai.responses.shapes import ResponsesIn
from corral.openai.responses.writer import ResponsesWriter
from corral.openai.shapes import ChatIn, CompletionIn, EmbeddingsIn
from corral.serving.service import Service
from corral.wire import Reply, reply, watch_disconnect
from corral.wire.values import not_pulled, read_inputs, single_precision


class InferenceRoutes:
    """Each takes what was read of the body, and asks the road."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def chat(self, request: Request, asked: tuple[ChatIn, ChatRequest]) -> Reply:
        body, core = asked
        writer = ChatWriter(body.model, include_usage=body.stream_options.include_usage)
        return await reply(request, self._service.chat(core), writer, stream=body.stream)

    async def completion(self, request: Request, asked: tuple[CompletionIn, GenerateRequest]) -> Reply:
        body, core = asked
        writer = CompletionWriter(body.model, include_usage=body.stream_options.include_usage)
        return await reply(request, self._service.generate(core), writer, stream=body.stream)

    async def responses(self, request: Request, asked: tuple[ResponsesIn, ChatRequest]) -> Reply:
        body, core = asked
        return await reply(request, self._service.chat(core), ResponsesWriter(body), stream=body.stream)

    async def embeddings(self, request: Request, asked: EmbeddingsIn) -> Response:
        inputs = ("",) if asked.input == "" else read_inputs(asked.input)
        core = EmbedRequest(model=asked.model, inputs=inputs, dimensions=asked.dimensions)
        try:
            found = await watch_disconnect(request, self._service.embed(core))
        except ModelNotFound as error:
            raise not_pulled(error) from None
        packed = asked.encoding_format.lower() == "base64"
        data = [
            {
                "object": "embedding",
                "embedding": _packed(vector) if packed else _plain(vector),
                "index": index,
            }
            for index, vector in enumerate(found.vectors)
        ]
        usage = {"prompt_tokens": found.num_tokens, "total_tokens": found.num_tokens}
        return json_response({"object": "list", "data": data, "model": asked.model, "usage": usage})


def _packed(vector: Sequence[float]) -> str:
    """The numbers as little-endian float32, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _plain(vector: Sequence[float]) -> list[float]:
    return [single_precision(value) for value in vector]

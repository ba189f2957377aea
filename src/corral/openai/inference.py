"""The endpoints of the OpenAI dialect that run models."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from corral.core.requests import ChatRequest, EmbedRequest, GenerateRequest
from corral.errors import ModelNotFound
from corral.openai.chat import ChatWriter
from corral.openai.choices import NumberedWriter
from corral.openai.completions import CompletionWriter
from corral.openai.replies import json_response
from corral.openai.shapes import ChatIn, CompletionIn, EmbeddingsIn, SamplingIn
from corral.serving.answers import Answer
from corral.serving.service import Service
from corral.serving.several import SeveralAnswers
from corral.wire import Reply, reply, watch_disconnect
from corral.wire.values import not_pulled, read_inputs, single_precision

R = TypeVar("R", ChatRequest, GenerateRequest)


class InferenceRoutes:
    """Each takes what was read of the body, and asks the road."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def chat(self, request: Request, asked: tuple[ChatIn, ChatRequest]) -> Reply:
        body, core = asked
        return await _choices(request, body, core, self._service.chat, ChatWriter)

    async def completion(self, request: Request, asked: tuple[CompletionIn, GenerateRequest]) -> Reply:
        body, core = asked
        return await _choices(request, body, core, self._service.generate, CompletionWriter)

    async def embeddings(self, request: Request, asked: EmbeddingsIn) -> Response:
        inputs = ("",) if asked.input == "" else read_inputs(asked.input)
        core = EmbedRequest(
            model=asked.model,
            inputs=inputs,
            dimensions=asked.dimensions,
            options=asked.extra_options(),
            keep_alive_s=asked.keep_alive_s(),
        )
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


async def _choices(
    request: Request,
    body: SamplingIn,
    core: R,
    begin: Callable[[R], Coroutine[Any, Any, Answer]],
    make: type[ChatWriter] | type[CompletionWriter],
) -> Reply:
    """The reply to a completion; each of several choices is an answer of its own."""
    writer = make(body.model, include_usage=body.stream_options.include_usage, num_choices=body.n)
    if body.n == 1:
        return await reply(request, begin(core), writer, stream=body.stream)

    async def several() -> SeveralAnswers:
        return SeveralAnswers([partial(begin, _seeded(core, index)) for index in range(body.n)])

    return await reply(request, several(), NumberedWriter(writer, body.n), stream=body.stream)


def _seeded(core: R, index: int) -> R:
    """With the same seed all choices would be the same."""
    seed = core.options.get("seed")
    if not isinstance(seed, int) or seed < 0:
        return core
    return replace(core, options={**core.options, "seed": seed + index})


def _packed(vector: Sequence[float]) -> str:
    """The numbers as little-endian float32, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _plain(vector: Sequence[float]) -> list[float]:
    return [single_precision(value) for value in vector]

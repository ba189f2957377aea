"""The native API: generate, chat, embed, rerank, tokenize. Source: http-api.md 5.2 to 5.5.

An endpoint decodes, asks the road, and writes what comes back.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.api.records import Answer as Records
from corral.api.records import ChatAnswer, GenerateAnswer, metrics
from corral.api.replies import BARE_JSON, NDJSON, error_response, json_response
from corral.api.shapes import (
    ChatIn,
    DetokenizeIn,
    EmbeddingsIn,
    EmbedIn,
    GenerateIn,
    RerankIn,
    TokenizeIn,
)
from corral.core import gojson
from corral.core.events import Event, Usage
from corral.errors import CorralError, InvalidInput, ModelNotFound, PromptTooLong, RunnerError
from corral.serving.answers import Answer
from corral.serving.service import Service
from corral.wire import Reply, decode_json, read_body, reply, watch_disconnect
from corral.wire.values import not_pulled, single_precision

_GENERATION_ERRORS = (RunnerError, PromptTooLong)


class InferenceRoutes:
    """The endpoints that run models."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def generate(self, request: Request) -> Reply:
        body = decode_json(await read_body(request), GenerateIn)
        core = body.to_core()
        work = self._service.generate(core)
        return await _reply(request, work, GenerateAnswer(body.model), stream=body.stream)

    async def chat(self, request: Request) -> Reply:
        body = decode_json(await read_body(request), ChatIn)
        core = body.to_core()
        work = self._service.chat(core)
        return await _reply(request, work, ChatAnswer(body.model), stream=body.stream)

    async def embed(self, request: Request) -> Response:
        body = decode_json(await read_body(request), EmbedIn)
        try:
            found = await watch_disconnect(request, self._service.embed(body.to_core()))
        except ModelNotFound as error:
            raise not_pulled(error) from None
        usage = Usage(prompt_tokens=found.num_tokens, load_s=found.load_s, total_s=found.total_s)
        vectors = [[single_precision(value) for value in vector] for vector in found.vectors]
        return json_response({"model": body.model, "embeddings": vectors} | metrics(usage))

    async def embeddings(self, request: Request) -> Response:
        body = decode_json(await read_body(request), EmbeddingsIn)
        if not body.model:
            raise InvalidInput("model is required")
        core = body.to_core()
        try:
            found = await watch_disconnect(request, self._service.embed(core))
        except ModelNotFound as error:
            raise not_pulled(error) from None
        return json_response({"embedding": found.vectors[0] if found.vectors else []})

    async def rerank(self, request: Request) -> Response:
        body = decode_json(await read_body(request), RerankIn)
        found = await watch_disconnect(request, self._service.rerank(body.to_core()))
        results = [
            {
                "index": ranked.index,
                "relevance_score": ranked.score,
                "document": body.documents[ranked.index],
            }
            for ranked in found.documents
        ]
        usage = Usage(prompt_tokens=found.num_tokens, load_s=found.load_s, total_s=found.total_s)
        return json_response({"model": body.model, "results": results} | metrics(usage))

    async def tokenize(self, request: Request) -> Response:
        body = decode_json(await read_body(request), TokenizeIn)
        tokens = await watch_disconnect(request, self._service.tokenize(body.to_core()))
        return json_response({"model": body.model, "tokens": tokens})

    async def detokenize(self, request: Request) -> Response:
        body = decode_json(await read_body(request), DetokenizeIn)
        text = await watch_disconnect(request, self._service.detokenize(body.to_core()))
        return json_response({"model": body.model, "text": text})


async def _reply(
    request: Request, work: Coroutine[Any, Any, Answer], records: Records, *, stream: bool
) -> Reply:
    try:
        return await reply(request, work, NativeWriter(records), stream=stream)
    except _GENERATION_ERRORS as error:
        if not stream:
            raise
        # The stream was about to start: such answers have no charset.
        return error_response(error, content_type=BARE_JSON)


class NativeWriter:
    """Answers of generate and chat: one line an event, or one object."""

    content_type = NDJSON
    headers: Mapping[str, str] = {}

    def __init__(self, records: Records) -> None:
        self._records = records

    def streams(self, single: Event) -> bool:
        return False

    def whole(self, events: Sequence[Event]) -> Response:
        return json_response(self._records.whole(events))

    def chunk(self, events: Sequence[Event]) -> bytes:
        return b"".join(gojson.encode(record) + b"\n" for record in self._records.stream(events))

    def broken(self, error: CorralError) -> bytes:
        return gojson.encode({"error": error.message}) + b"\n"

"""The native API: generate, chat, embed. Source: http-api.md 5.2 to 5.5.

An endpoint decodes, asks the road, and writes what comes back.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from corral.api.records import Answer as Records
from corral.api.records import ChatAnswer, GenerateAnswer, metrics
from corral.api.replies import BARE_JSON, NDJSON, error_response, json_response
from corral.api.shapes import ChatIn, EmbeddingsIn, EmbedIn, GenerateIn
from corral.core import gojson
from corral.core.events import Event, Usage
from corral.errors import CorralError, InvalidInput, ModelNotFound, PromptTooLong, RunnerError
from corral.serving.answers import Answer
from corral.serving.service import Service
from corral.wire import Streaming, decode_json, read_body, watch_disconnect

log = logging.getLogger("corral.api")

_GENERATION_ERRORS = (RunnerError, PromptTooLong)


class InferenceRoutes:
    """The endpoints that run models."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def generate(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request), GenerateIn)
        core = body.to_core()
        work = self._service.generate(core)
        return await self._reply(request, work, GenerateAnswer(body.model), stream=body.stream)

    async def chat(self, request: Request) -> Response | Streaming:
        body = decode_json(await read_body(request), ChatIn)
        core = body.to_core()
        work = self._service.chat(core)
        return await self._reply(request, work, ChatAnswer(body.model), stream=body.stream)

    async def _reply(
        self, request: Request, work: Coroutine[Any, Any, Answer], records: Records, *, stream: bool
    ) -> Response | Streaming:
        return await watch_disconnect(request, _begin(work, records, stream=stream))

    async def embed(self, request: Request) -> Response:
        body = decode_json(await read_body(request), EmbedIn)
        try:
            found = await watch_disconnect(request, self._service.embed(body.to_core()))
        except ModelNotFound as error:
            raise not_pulled(error) from None
        usage = Usage(prompt_tokens=found.num_tokens, load_s=found.load_s, total_s=found.total_s)
        vectors = [[_single(value) for value in vector] for vector in found.vectors]
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


def not_pulled(error: ModelNotFound) -> ModelNotFound:
    """The same error in the words of the embedding endpoints; an empty name keeps the usual ones."""
    if not error.name:
        return error
    return ModelNotFound(error.name, f'model "{error.name}" not found, try pulling it first')


def _single(value: float) -> float:
    """A 32-bit number without the digits that only a 64-bit one would have."""
    return float(f"{value:.9g}")


async def _begin(
    work: Coroutine[Any, Any, Answer], records: Records, *, stream: bool
) -> Response | Streaming:
    """The response to an answer: one object, or a stream once its first events are there."""
    try:
        answer = await work
        try:
            if answer.single is not None:
                return json_response(records.record(answer.single))
            if not stream:
                return json_response(records.whole(await answer.collect()))
            first = await answer.first()
        except BaseException:
            await answer.aclose()
            raise
    except _GENERATION_ERRORS as error:
        if not stream:
            raise
        # The stream was about to start: such answers have no charset.
        return error_response(error, content_type=BARE_JSON)
    return Streaming(_lines(answer, first, records), content_type=NDJSON, on_end=answer.aclose)


async def _lines(answer: Answer, first: list[Event], records: Records) -> AsyncIterator[bytes]:
    """One line an event; all events that are there at once go into one write."""
    try:
        yield _encode(records, first)
        async with aclosing(answer.rest()) as batches:
            async for batch in batches:
                yield _encode(records, batch)
    except CorralError as error:
        # The status is long sent: the error is the last line.
        log.warning("answer broken off: %s", error.message)
        yield gojson.encode({"error": error.message}) + b"\n"


def _encode(records: Records, events: list[Event]) -> bytes:
    return b"".join(gojson.encode(record) + b"\n" for record in records.stream(events))

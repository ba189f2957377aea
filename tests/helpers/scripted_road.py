"""The road without models: it answers every request with the events it was given."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx

from corral.core.events import Event
from corral.core.requests import Embeddings, Ranking
from corral.server.routing import Route, Router
from corral.serving.answers import Answer

Batch = list[Event] | Exception


class ScriptedRoad:
    """`batches` of events, or errors in their place; `single` is an answer of one event.

    `requests` are the core requests so far, `num_closed` the answers whose lease has ended.
    """

    def __init__(
        self,
        *batches: Batch,
        single: Event | None = None,
        refusal: Exception | None = None,
        embeddings: Embeddings | None = None,
        ranking: Ranking | None = None,
        num_tokens: int = 0,
    ) -> None:
        self.requests: list[Any] = []
        self.num_closed = 0
        self._batches = batches
        self._single = single
        self._refusal = refusal
        self._embeddings = embeddings
        self._ranking = ranking
        self._num_tokens = num_tokens

    async def chat(self, request: object) -> Answer:
        self._take(request)
        events = None if self._single is not None else _played(self._batches)
        stack = AsyncExitStack()
        stack.callback(self._closed)
        return Answer(events, single=self._single).holding(stack, lambda: None)

    generate = chat

    async def embed(self, request: object) -> Embeddings:
        self._take(request)
        assert self._embeddings is not None
        return self._embeddings

    async def rerank(self, request: object) -> Ranking:
        self._take(request)
        assert self._ranking is not None
        return self._ranking

    async def count_tokens(self, request: object) -> int:
        self._take(request)
        return self._num_tokens

    def _take(self, request: object) -> None:
        self.requests.append(request)
        if self._refusal is not None:
            raise self._refusal

    def _closed(self) -> None:
        self.num_closed += 1


async def _played(batches: Sequence[Batch]) -> AsyncGenerator[list[Event], None]:
    for batch in batches:
        if isinstance(batch, Exception):
            raise batch
        yield batch


async def post(
    table: Iterable[tuple[str, str, Any]], path: str, body: object, headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer of a dialect's table of routes; a body that is bytes is sent as it is."""
    transport = httpx.ASGITransport(app=Router(Route(*row) for row in table))
    async with httpx.AsyncClient(transport=transport, base_url="http://corral.test") as client:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.post(path, content=data, headers=headers)


def sse_events(body: bytes) -> list[tuple[str, Any]]:
    """(name, data) of every event; the name is empty where there is none, `[DONE]` stays a text."""
    assert body.endswith(b"\n\n")
    return [_event(block) for block in body.decode().removesuffix("\n\n").split("\n\n")]


def _event(block: str) -> tuple[str, Any]:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    data = fields["data"]
    return fields.get("event", ""), data if data == "[DONE]" else json.loads(data)

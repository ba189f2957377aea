"""From an answer under way to a response: whole, or streamed once its first events are there."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from corral.errors import CorralError
from corral.wire.stream import Streaming, watch_disconnect

log = logging.getLogger("corral.wire")

# An event of an answer, or a numbered one of several answers.
E = TypeVar("E")
E_in = TypeVar("E_in", contravariant=True)
Settle = Callable[[], Awaitable[None]]


class Answer(Protocol[E]):
    """What the road returns: one event, or batches of events whose last one is a Done."""

    @property
    def single(self) -> E | None:
        """The event that is the whole answer."""

    async def first(self) -> list[E]:
        """The first events: errors that come before any event are raised here."""

    def rest(self) -> AsyncGenerator[list[E], None]:
        """What has not been read yet."""

    async def collect(self) -> list[E]:
        """All events."""

    async def aclose(self) -> None:
        """Free what the answer holds; may be called again."""


class Writer(Protocol[E_in]):
    """How a dialect writes one answer; it lives as long as that answer."""

    @property
    def content_type(self) -> str:
        """Of a stream."""

    @property
    def headers(self) -> Mapping[str, str]:
        """More headers of a stream."""

    def streams(self, single: E_in) -> bool:
        """Whether an answer of this one event may be a stream."""

    def whole(self, events: Sequence[E_in]) -> Response:
        """All events as one response."""

    def chunk(self, events: Sequence[E_in]) -> bytes:
        """The next events of a stream; the Done closes it."""

    def broken(self, error: CorralError) -> bytes:
        """The end of a stream that cannot go on: its status is long sent."""


async def reply(
    request: Request,
    work: Coroutine[Any, Any, Answer[E]],
    writer: Writer[E],
    *,
    stream: bool,
    settle: Settle | None = None,
) -> Response | Streaming:
    """The response to the answer that `work` brings. Raises Cancelled when the client leaves before it.

    `settle` is awaited whenever something has been written, before it is sent.
    """
    return await watch_disconnect(request, _begin(work, writer, settle or _nothing, stream=stream))


async def _nothing() -> None:
    """Nobody waits for anything."""


async def _begin(
    work: Coroutine[Any, Any, Answer[E]], writer: Writer[E], settle: Settle, *, stream: bool
) -> Response | Streaming:
    answer = await work
    single = answer.single
    try:
        if not stream or (single is not None and not writer.streams(single)):
            response = writer.whole([single] if single is not None else await answer.collect())
            await answer.aclose()
            await settle()
            return response
        first = [single] if single is not None else await answer.first()
    except BaseException:
        await answer.aclose()
        raise
    chunks = _chunks(answer, first, writer, settle)
    return Streaming(
        chunks, content_type=writer.content_type, headers=dict(writer.headers), on_end=answer.aclose
    )


async def _chunks(
    answer: Answer[E], first: list[E], writer: Writer[E], settle: Settle
) -> AsyncGenerator[bytes, None]:
    """All events that are there at once go into one write."""
    try:
        chunk = writer.chunk(first)
        await settle()
        yield chunk
        async with aclosing(answer.rest()) as batches:
            async for batch in batches:
                chunk = writer.chunk(batch)
                await settle()
                yield chunk
    except CorralError as error:
        log.warning("answer broken off: %s", error.message)
        yield writer.broken(error)

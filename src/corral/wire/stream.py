"""Answers that are written while they are made, and clients that leave before the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from corral.errors import Cancelled

T = TypeVar("T")

# The least time between two writes of a long stream. A write costs more than all else that we do for a token,
# so what a quick model makes meanwhile goes into the next one; below 200 tokens a second nothing ever waits,
# nor does the beginning of an answer.
_PACE_S = 0.005
_UNPACED_WRITES = 16


async def watch_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client leaves first. Raises Cancelled then.

    The body of the request must have been read: what comes next can only be the end of the connection.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request.receive))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Cancelled
    finally:
        await _end(task)
        await _end(leaving)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))


class Streaming:
    """A response whose body comes from an iterator of byte chunks, each sent as it comes.

    `chunks` is closed when the body is complete and also when the client leaves; `on_end` runs last.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        content_type: str,
        headers: dict[str, str] | None = None,
        on_end: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._chunks = chunks
        self._on_end = on_end
        self.status_code = 200
        self.headers = {"content-type": content_type, **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await _end(sending)
            await _end(leaving)
            await self._chunks.aclose()
            if self._on_end is not None:
                await self._on_end()

    async def _send(self, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        now = asyncio.get_running_loop().time
        next_at, written = 0.0, 0
        async for chunk in self._chunks:
            if not chunk:
                continue
            if written >= _UNPACED_WRITES and (early_s := next_at - now()) > 0:
                await asyncio.sleep(early_s)
            next_at, written = now() + _PACE_S, written + 1
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

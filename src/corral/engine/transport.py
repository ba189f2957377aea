"""One HTTP exchange with the child, read as it comes: an `asyncio.Protocol`, about 30 µs a token.

General clients cost five times that per streamed token. HTTP/1.1 as the engine speaks it: a status line,
headers, then a body that is chunked, of a known length, or ends with the connection.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from corral.errors import RunnerCrashed

# The child's answer is not read further while this much of it waits for a slow client.
_HIGH_WATER = 1 << 20
_MAX_HEAD = 1 << 16


class Exchange(asyncio.Protocol):
    """Sends one request; `head` waits for the status, `read` for more of the body."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._raw = bytearray()
        self._body = bytearray()
        self._paused = False
        self._chunked = False
        self._left: int | None = None  # bytes of the chunk or body still to come; None: until the end
        self.status = 0
        self.complete = False
        self._closed = False

    async def __aenter__(self) -> Exchange:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the engine takes that as the end of interest and frees the slot."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transport has its own base
        self._transport.write(self._request)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if not self.status and not self._read_head():
            return
        self._take_body()
        if len(self._body) > _HIGH_WATER and not self._paused and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        if self.status and not self._chunked and self._left is None:
            self.complete = True
        self._closed = True
        self._wake()

    async def head(self) -> int:
        """The status. Raises RunnerCrashed when the connection ends before it."""
        while not self.status:
            if self._closed:
                raise RunnerCrashed
            await self._wait()
        return self.status

    async def read(self) -> bytes:
        """What has come since the last call, at least one byte; empty at the end of the body.

        Raises RunnerCrashed when the connection ends before the body does.
        """
        while not self._body:
            if self.complete:
                return b""
            if self._closed:
                raise RunnerCrashed
            await self._wait()
        data = bytes(self._body)
        self._body.clear()
        if self._paused and self._transport is not None and not self._closed:
            self._transport.resume_reading()
            self._paused = False
        return data

    async def read_all(self) -> bytes:
        chunks = []
        while data := await self.read():
            chunks.append(data)
        return b"".join(chunks)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _read_head(self) -> bool:
        end = self._raw.find(b"\r\n\r\n")
        if end < 0:
            if len(self._raw) > _MAX_HEAD:
                self.close()
            return False
        lines = bytes(self._raw[:end]).split(b"\r\n")
        del self._raw[: end + 4]
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines[1:])
        }
        self.status = int(lines[0].split(b" ", 2)[1])
        self._chunked = b"chunked" in headers.get(b"transfer-encoding", b"").lower()
        if self._chunked:
            self._left = 0
        elif b"content-length" in headers:
            self._left = int(headers[b"content-length"])
            self.complete = self._left == 0
        return True

    def _take_body(self) -> None:
        if self._chunked:
            self._take_chunks()
        elif self._left is None:
            self._body += self._raw
            self._raw.clear()
        else:
            self._left -= self._move(self._left)
            self.complete = self._left == 0

    def _move(self, most: int) -> int:
        count = min(most, len(self._raw))
        self._body += self._raw[:count]
        del self._raw[:count]
        return count

    def _take_chunks(self) -> None:
        raw = self._raw
        while not self.complete:
            if self._left:
                self._left -= self._move(self._left)
                if self._left:
                    return
            if raw.startswith(b"\r\n"):  # the end of the chunk before
                del raw[:2]
            end = raw.find(b"\r\n")
            if end <= 0:
                return
            size = int(bytes(raw[:end]).partition(b";")[0], 16)
            del raw[: end + 2]
            self._left = size
            self.complete = size == 0

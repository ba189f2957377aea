"""HTTP/1.1 as uvicorn speaks it, deaf to offers of HTTP/2, and with an end to its patience.

Java's HttpClient asks with each request on a new connection whether we would rather go on in HTTP/2
(`Upgrade: h2c`). A server may ignore that, but the parser takes all that follows such a head for the other
protocol, and the body is lost. So the offer is taken out before the parser sees it.

A client that reads nothing would hold the slot of its model, and one that never completes the head of a
request its connection, for as long as they like: both are left after a while.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger("corral.server")

# A head may take this long from the opening of the connection, or from its own first byte.
HEAD_S = 75.0
# So long a client may leave untouched what is written for it, when that is more than the system holds for it.
STALL_S = 20.0
_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n|\Z)", re.IGNORECASE)


class _Patience:
    """At most one thing that happens unless it is called off."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        return self._timer is not None

    def begin(self, seconds: float, then: Callable[[], object]) -> None:
        self.end()
        self._timer = self._loop.call_later(seconds, then)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Http1(HttpToolsProtocol):
    """The protocol of one connection."""

    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._head, self._reader = _Patience(self.loop), _Patience(self.loop)
        self._head.begin(HEAD_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.end()
        self._reader.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head and not self._head.runs:
            self._head.begin(HEAD_S, self.transport.abort)
        super().data_received(without_offer(data) if self._in_head and b"h2c" in data else data)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head.end()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._reader.end()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """An idle connection is closed; one whose last answer was not taken would never come to its end."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _watch_reader(self) -> None:
        """Whoever has taken something since the last look gets more time."""
        unread = self.transport.get_write_buffer_size()

        def judge() -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._watch_reader()
                return
            log.warning("connection closed: its client has read nothing for %.0f s", STALL_S)
            self.transport.abort()

        self._reader.begin(STALL_S, judge)


def without_offer(data: bytes) -> bytes:
    """The bytes of a request whose head no longer offers HTTP/2; what comes after the head is not touched."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head) + end + rest

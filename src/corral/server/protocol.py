"""HTTP/1.1 as uvicorn speaks it, deaf to offers of HTTP/2.

Java's HttpClient asks with each request on a new connection whether we would rather go on in HTTP/2
(`Upgrade: h2c`). A server may ignore that, but the parser takes all that follows such a head for the other
protocol, and the body is lost. So the offer is taken out before the parser sees it.
"""

from __future__ import annotations

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n|\Z)", re.IGNORECASE)


class Http1(HttpToolsProtocol):
    """The protocol of one connection."""

    _in_head = True

    def data_received(self, data: bytes) -> None:
        super().data_received(without_offer(data) if self._in_head and b"h2c" in data else data)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()


def without_offer(data: bytes) -> bytes:
    """The bytes of a request whose head no longer offers HTTP/2; what comes after the head is not touched."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head) + end + rest

"""Server-sent events: how the dialects other than the native one stream."""

from __future__ import annotations

CONTENT_TYPE = "text/event-stream"
NO_CACHE = {"cache-control": "no-cache"}


def event(data: bytes, name: str = "") -> bytes:
    """One event; `data` holds no line break."""
    if name:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
    return b"data: %b\n\n" % data

"""Bodies that come compressed by zstd. Source: http-api.md 6.1."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from corral.errors import InvalidInput, PackedBodyBroken
from corral.wire.decode import read_body

# Bytes that a small body may grow to, and bytes that a frame may ask to be kept while it is read.
MAX_UNPACKED = 20 << 20
_MAX_WINDOW = 32 << 20


async def plain_body(request: Request) -> bytes:
    """The body as its client had it before it was compressed. Raises InvalidInput, PackedBodyBroken."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "zstd":
        return await asyncio.to_thread(unpacked, await read_body(request))
    if encoding not in ("", "identity"):
        raise InvalidInput(f'content encoding "{encoding}" is not supported: use zstd or none')
    return await read_body(request)


def unpacked(data: bytes) -> bytes:
    """What a zstd stream holds, as far as it goes. Raises PackedBodyBroken, InvalidInput for too much."""
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(
        data, read_across_frames=True
    )
    try:
        plain = reader.read(MAX_UNPACKED + 1)
    except zstandard.ZstdError:
        raise PackedBodyBroken from None
    if len(plain) > MAX_UNPACKED:
        raise InvalidInput("http: request body too large")
    return plain

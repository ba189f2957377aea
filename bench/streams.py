"""One streamed request, read as raw bytes: the reader's own cost must not be the measure."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

# The first text of an answer, in the dialects of the engine and of the API.
_FIRST_TEXT = re.compile(rb'"(?:content|reasoning_content|response|thinking)":"[^"]')
_COUNT = re.compile(rb'"(?:tokens_predicted|predicted_n|completion_tokens|eval_count)":(\d+)')
_LONGEST_MARK = 64
_TAIL = 1 << 14


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket, or a TCP port where `socket` is empty."""

    socket: str = ""
    host: str = "127.0.0.1"
    port: int = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.socket:
            return await asyncio.open_unix_connection(self.socket)
        return await asyncio.open_connection(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the request to the first text and to the end; tokens as the far side counted them."""

    first_s: float
    total_s: float
    tokens: int


class StreamFailed(RuntimeError):
    """The answer was not a stream of text; the message holds its end."""


def request_bytes(method: str, path: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def stream(address: Address, path: str, body: bytes) -> Timing:
    """Ask on a fresh connection and read to the end. Raises StreamFailed."""
    began = time.perf_counter()
    reader, writer = await address.connect()
    try:
        writer.write(request_bytes("POST", path, body))
        first, tail = await _read(reader)
    finally:
        writer.close()
    ended = time.perf_counter()
    counts = _COUNT.findall(tail)
    if first is None or not counts:
        raise StreamFailed(tail[-500:].decode("utf-8", "replace"))
    return Timing(first - began, ended - began, int(counts[-1]))


async def _read(reader: asyncio.StreamReader) -> tuple[float | None, bytes]:
    """When the first text came, and the last bytes of the answer."""
    first: float | None = None
    tail = b""
    while data := await reader.read(1 << 16):
        if first is None and _FIRST_TEXT.search(tail[-_LONGEST_MARK:] + data):
            first = time.perf_counter()
        tail = (tail + data)[-_TAIL:] if len(tail) > 2 * _TAIL else tail + data
    return first, tail


async def answered(address: Address, path: str, body: bytes) -> bytes:
    """The whole body of the answer to a POST. Raises StreamFailed unless its status is 200."""
    reader, writer = await address.connect()
    try:
        writer.write(request_bytes("POST", path, body))
        head = await reader.readuntil(b"\r\n\r\n")
        content = await reader.read(-1)
    finally:
        writer.close()
    if b" 200 " not in head[:16]:
        raise StreamFailed(content[:500].decode("utf-8", "replace"))
    return content


async def call(address: Address, path: str) -> float:
    """Seconds that a whole GET takes. Raises StreamFailed unless it is answered with 200."""
    began = time.perf_counter()
    reader, writer = await address.connect()
    try:
        writer.write(request_bytes("GET", path, b""))
        answer = await reader.read(-1)
    finally:
        writer.close()
    if b" 200 " not in answer[:16]:
        raise StreamFailed(answer[:500].decode("utf-8", "replace"))
    return time.perf_counter() - began

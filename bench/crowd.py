"""`python -m bench.crowd`: a crowd of clients at once on a server that runs, good ones and bad ones.

Idle connections, clients that read streams, clients that never read theirs, and clients that send their
request byte after byte. The server's own metrics say what that costs it, and whether all of it is given back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field

_QUESTION = {"role": "user", "content": "What is the capital city of Peru?"}
_ANSWER = "Lima"
_ASK_S, _PROBE_S, _BYTE_S = 300.0, 0.25, 1.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many clients of each kind. `num_predict` is how many tokens the unread answers have."""

    idle: int = 1000
    streams: int = 100
    deaf: int = 10
    slow: int = 10
    num_predict: int = 2000


@dataclass(slots=True, kw_only=True)
class Report:
    """Sizes are bytes, durations seconds. `probe_s` are the times of `GET /api/version` meanwhile."""

    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    first_s: list[float] = field(default_factory=list)
    probe_s: list[float] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    waiting_after: int = 0
    in_progress_after: int = 0

    def summary(self) -> dict[str, object]:
        """With a median and a maximum in place of the lists."""
        out = asdict(self)
        for name in ("first_s", "probe_s"):
            values = out.pop(name) or [0.0]
            out[name] = {"median": round(statistics.median(values), 4), "max": round(max(values), 4)}
        return out


async def meet(port: int, crowd: Crowd, *, model: str = "pocket") -> Report:
    """Let the crowd loose on the server at `port` of this machine."""
    report = Report()
    await _ask(port, model, report)  # loads the model
    report = Report()
    await _note(port, report, "before")
    async with AsyncExitStack() as stack:
        for _ in range(crowd.idle):
            await stack.enter_async_context(_idle(port))
        for _ in range(crowd.deaf):
            await stack.enter_async_context(_deaf(port, model, crowd.num_predict))
        for _ in range(crowd.slow):
            await stack.enter_async_context(_slow(port))
        probing = asyncio.ensure_future(_probe(port, report))
        stack.callback(probing.cancel)
        began = time.perf_counter()
        await asyncio.gather(*(_ask(port, model, report) for _ in range(crowd.streams)))
        report.seconds = time.perf_counter() - began
        await _note(port, report, "during")
    await _settle(port, report)
    return report


async def _settle(port: int, report: Report) -> None:
    """Wait until the server has noticed that all have gone."""
    for _ in range(40):
        await _note(port, report, "after")
        if report.files["after"] <= report.files["before"] and not report.waiting_after:
            return
        await asyncio.sleep(_PROBE_S)


async def _note(port: int, report: Report, moment: str) -> None:
    found: dict[str, float] = {}
    for line in (await _get(port, "/metrics")).decode().splitlines():
        name, _, value = line.rpartition(" ")
        if name and not name.startswith("#"):
            found[name.partition("{")[0]] = found.get(name.partition("{")[0], 0.0) + float(value)
    report.memory[moment] = int(found["process_resident_memory_bytes"])
    report.files[moment] = int(found["process_open_fds"])
    report.waiting_after = int(found["corral_queue_depth"])
    report.in_progress_after = int(found["corral_http_requests_in_progress"]) - 1  # this one


async def _probe(port: int, report: Report) -> None:
    while True:
        began = time.perf_counter()
        await _get(port, "/api/version")
        report.probe_s.append(time.perf_counter() - began)
        await asyncio.sleep(_PROBE_S)


async def _ask(port: int, model: str, report: Report) -> None:
    """One client that reads its stream to the end."""
    body = {"model": model, "messages": [_QUESTION], "think": False, "options": {"temperature": 0}}
    began = time.perf_counter()
    text = b""
    async with asyncio.timeout(_ASK_S), _connected(port) as (reader, writer):
        writer.write(_post("/api/chat", body))
        head = await reader.readuntil(b"\r\n\r\n")
        while line := await reader.readline():
            if not text:
                report.first_s.append(time.perf_counter() - began)
            text += line
            if b'"done":true' in line:
                break
    report.answered += 1
    said = "".join(_content(line) for line in text.splitlines() if line.startswith(b"{"))
    if b" 200 " not in head.partition(b"\r\n")[0] or _ANSWER not in said:
        report.wrong.append(said)


def _content(line: bytes) -> str:
    return str(json.loads(line).get("message", {}).get("content", ""))


@asynccontextmanager
async def _connected(port: int, *, buffer: int = 0) -> AsyncIterator[Streams]:
    """A connection that is gone at the end of the block; `buffer` is how much the system takes for us."""
    plain = socket.socket()
    plain.setblocking(False)
    if buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=2**20)
    except BaseException:
        plain.close()
        raise
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@asynccontextmanager
async def _idle(port: int) -> AsyncIterator[None]:
    """A connection on which a request was answered, and which then stays open."""
    async with _connected(port) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        yield


@asynccontextmanager
async def _deaf(port: int, model: str, num_predict: int) -> AsyncIterator[None]:
    """A client that asks for a long answer and reads nothing of it."""
    schema = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 100}
    options = {"temperature": 0, "num_predict": num_predict}
    body = {"model": model, "messages": [_QUESTION], "format": schema, "options": options}
    async with _connected(port, buffer=4096) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # the transport of a connection reads, too
        writer.write(_post("/api/chat", body | {"think": False, "logprobs": True, "top_logprobs": 20}))
        await writer.drain()
        yield


@asynccontextmanager
async def _slow(port: int) -> AsyncIterator[None]:
    """A client that sends its request byte after byte."""
    async with _connected(port) as (_, writer):
        sending = asyncio.ensure_future(_trickle(writer))
        try:
            yield
        finally:
            sending.cancel()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    for byte in _post("/api/chat", {"model": "pocket", "messages": [_QUESTION] * 100}):
        writer.write(bytes([byte]))
        await asyncio.sleep(_BYTE_S)


async def _get(port: int, path: str) -> bytes:
    async with asyncio.timeout(_ASK_S), _connected(port) as (reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return (await reader.read()).partition(b"\r\n\r\n")[2]


def _post(path: str, body: object) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description=__doc__)
    usual = Crowd()
    parser.add_argument("--port", type=int, default=11434, help="of a server on this machine (default 11434)")
    for name in ("idle", "streams", "deaf", "slow", "num_predict"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    asked = vars(parser.parse_args())
    report = asyncio.run(meet(asked.pop("port"), Crowd(**asked)))
    print(json.dumps(report.summary(), indent=2))


if __name__ == "__main__":
    main()

"""Pulling a model of 1 GB from loopback: beside curl, beside a chat, and in memory.

The base is what a script would do: curl to a file, the file flushed to the disk, then its digest.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import measure
from bench.measure import Ask, Sample, Samples
from bench.servers import Target
from corral.store import file_digest

# The budget: 80 % of the speed of the base; bytes of memory; the part of a chat's speed that may go.
SPEED_SHARE, MEMORY, CHAT_SHARE = 0.8, 150e6, 0.10
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Source:
    """Where the model can be pulled from, and its digest."""

    port: int
    digest: str

    def name(self, repository: str) -> str:
        return f"127.0.0.1:{self.port}/bench/{repository}:latest"

    @property
    def blob_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2/bench/quick/blobs/{self.digest}"


@contextmanager
def served_model(folder: Path, size: int) -> Iterator[Source]:
    """A file of random bytes, whose pages are in memory, behind a registry in a process of its own."""
    path = folder / "weights"
    block = os.urandom(10_000_000)
    with path.open("wb") as file:
        for number in range(size // len(block)):
            file.write(number.to_bytes(8, "little") + block[8:])
        file.flush()
        os.fsync(file.fileno())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-m", "bench.file_registry", str(path), str(port)])
    try:
        _wait_for(port)
        yield Source(port, str(file_digest(path)))
    finally:
        child.terminate()
        child.wait()


def _wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/v2/bench/quick/manifests/latest")
            return
        time.sleep(_LOOK_EVERY_S)
    raise RuntimeError("the registry of the bench did not start")


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds of the transfers; bytes of memory that a pull adds; tokens a second of a chat."""

    transfer_s: Samples
    memory: Sample
    chat: Sample
    chat_paced: Sample
    chat_quick: Sample


async def take(server: Target, source: Source, folder: Path, model: str, rounds: int) -> Figures:
    """All figures; `model` is loaded and answers without end."""
    found: dict[str, list[float]] = {"engine": [], "corral": []}
    grown: list[float] = []
    for side in measure.in_turn(list(found), rounds):
        if side == "engine":
            found[side].append(await asyncio.to_thread(_by_curl, source, folder / "by-curl"))
        else:
            seconds, memory = await _by_corral(server, source.name("quick"))
            found[side].append(seconds)
            grown.append(memory)
    transfers = {side: Sample(tuple(values)) for side, values in found.items()}
    alone, paced, quick = await _chats(server, source, model, rounds)
    return Figures(transfers, Sample(tuple(grown)), alone, paced, quick)


def _by_curl(source: Source, path: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["curl", "-sS", "-o", str(path), source.blob_url], check=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    assert str(file_digest(path)) == source.digest
    took = time.perf_counter() - began
    path.unlink()
    return took


async def _by_corral(server: Target, name: str) -> tuple[float, float]:
    """Seconds of a pull, and the most bytes of memory that it added to the server process."""
    before = measure.memory_bytes(server.pid)[1]
    most = before
    began = time.perf_counter()
    async with _pulling(server, name) as pull:
        while not pull.done():
            most = max(most, measure.memory_bytes(server.pid)[1])
            await asyncio.wait({pull}, timeout=_LOOK_EVERY_S)
        took = time.perf_counter() - began
    return took, most - before


async def _chats(server: Target, source: Source, model: str, rounds: int) -> tuple[Sample, Sample, Sample]:
    """Tokens a second of one stream: alone, beside a pull at the pace of a network, at full speed.

    Streams follow one another as long as a pull runs, and after each pull as many run alone.
    """
    found: dict[str, list[float]] = {"alone": [], "paced": [], "quick": []}
    request = Ask(model=model, num_predict=800)
    await measure.ask(server, request)
    for kind in measure.in_turn(["paced", "quick"], rounds):
        values: list[float] = []
        async with _pulling(server, source.name(kind)) as pull:
            while not pull.done() or not values:
                values.append(await _speed(server, request))
        found[kind] += values
        found["alone"] += [await _speed(server, request) for _ in values]
    alone, paced, quick = (Sample(tuple(values)) for values in found.values())
    return alone, paced, quick


async def _speed(server: Target, request: Ask) -> float:
    timing = await measure.ask(server, request)
    return timing.tokens / timing.total_s


@asynccontextmanager
async def _pulling(server: Target, name: str) -> AsyncIterator[asyncio.Task[None]]:
    """A pull that runs during the block, is waited for at its end, and whose model is then removed."""
    base_url = f"http://{server.address.host}:{server.address.port}"
    async with httpx.AsyncClient(base_url=base_url, timeout=None) as client:
        pull = asyncio.create_task(_pull(client, name))
        try:
            await asyncio.sleep(0)
            yield pull
        finally:
            await pull
            await client.request("DELETE", "/api/delete", json={"model": name})


async def _pull(client: httpx.AsyncClient, name: str) -> None:
    body = {"model": name, "insecure": True, "stream": False}
    answer = await client.post("/api/pull", content=json.dumps(body))
    if answer.json() != {"status": "success"}:
        raise RuntimeError(f"the pull failed: {answer.text}")

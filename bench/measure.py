"""The figures: each is taken several times, the sides in turn, so that a change of the machine meets all."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

from bench.models import BenchModel
from bench.servers import NUM_CTX, Target
from bench.streams import Address, Timing, answered, call, stream

# The same each time, so that a warm request finds it already read.
_PROMPT = "once upon a time there was a small herd of horses that lived in a wide green corral "
_CHAT_ROUTES = {True: "/v1/chat/completions", False: "/api/chat"}
_TEXT_ROUTES = {True: "/completion", False: "/api/generate"}


@dataclass(frozen=True, slots=True)
class Sample:
    """All values of one figure on one side."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles; half of the range where the values are few."""
        if len(self.values) < 4:
            return (max(self.values) - min(self.values)) / 2
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return (high - low) / 2


Samples = dict[str, Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that every dialect can carry. `model` is not needed by a bare engine."""

    model: str
    num_predict: int
    temperature: float = 0.0
    seed: int = 1
    chat: bool = False
    prompt: str = _PROMPT

    def encode(self, *, native: bool) -> tuple[str, bytes]:
        """Path and body in the engine's dialect, or in that of the API."""
        values = self._native() if native else self._api()
        routes = _CHAT_ROUTES if self.chat else _TEXT_ROUTES
        return routes[native], json.dumps(values).encode()

    def _sampling(self) -> dict[str, float]:
        return {
            "temperature": self.temperature,
            "seed": self.seed,
            "top_k": 40,
            "top_p": 1.0,
            "min_p": 0.0,
            "repeat_penalty": 1.0,
        }

    def _content(self) -> dict[str, object]:
        if self.chat:
            return {"messages": [{"role": "user", "content": self.prompt}]}
        return {"prompt": self.prompt}

    def _native(self) -> dict[str, object]:
        limit = "max_tokens" if self.chat else "n_predict"
        return {**self._content(), **self._sampling(), limit: self.num_predict, "stream": True}

    def _api(self) -> dict[str, object]:
        options = {**self._sampling(), "num_predict": self.num_predict, "num_ctx": NUM_CTX}
        extra = {} if self.chat else {"raw": True}
        return {"model": self.model, **self._content(), **extra, "options": options, "stream": True}


async def ask(target: Target, request: Ask) -> Timing:
    path, body = request.encode(native=target.native)
    return await stream(target.address, path, body)


def in_turn(names: Sequence[str], rounds: int) -> Iterable[str]:
    """Each name once a round; every second round backwards."""
    for number in range(rounds):
        yield from names if number % 2 == 0 else reversed(names)


async def collect(
    targets: Sequence[Target], rounds: int, take: Callable[[Target], Awaitable[float]]
) -> Samples:
    """`rounds` values of each target."""
    by_name = {target.name: target for target in targets}
    found: dict[str, list[float]] = {name: [] for name in by_name}
    for name in in_turn(list(by_name), rounds):
        found[name].append(await take(by_name[name]))
    return {name: Sample(tuple(values)) for name, values in found.items()}


async def first_byte(targets: Sequence[Target], request: Ask, rounds: int) -> Samples:
    """Seconds to the first text of a request whose prompt is already read."""
    for target in targets:
        await ask(target, request)

    async def take(target: Target) -> float:
        return (await ask(target, request)).first_s

    return await collect(targets, rounds, take)


@dataclass(frozen=True, slots=True)
class Load:
    """So many streams at once, of so many tokens each; `repeats` of that in a row make one value."""

    streams: int
    num_predict: int
    rounds: int
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Flow:
    """Several streams at once: all tokens over the time from the first request to the last byte.

    CPU seconds a token: of the whole process tree, and of the server process alone; empty where unseen.
    """

    tokens_per_s: Samples
    tree_cpu: Samples
    server_cpu: Samples


async def flow(targets: Sequence[Target], model: str, source: BenchModel, load: Load) -> Flow:
    """Run `load` on each target in turn."""
    found: dict[str, list[tuple[float, float, float]]] = {target.name: [] for target in targets}
    by_name = {target.name: target for target in targets}
    for number, name in enumerate(in_turn(list(by_name), load.rounds)):
        seed = 100 * (number // len(targets))
        found[name].append(await _one_flow(by_name[name], model, source, load, seed))
    seen = {name for name, target in by_name.items() if target.pid}
    columns = {name: list(zip(*values, strict=True)) for name, values in found.items()}
    return Flow(
        {name: Sample(column[0]) for name, column in columns.items()},
        {name: Sample(column[1]) for name, column in columns.items() if name in seen},
        {name: Sample(column[2]) for name, column in columns.items() if name in seen},
    )


async def _one_flow(
    target: Target, model: str, source: BenchModel, load: Load, seed: int
) -> tuple[float, float, float]:
    tokens = 0
    before = cpu_seconds(target.pid)
    began = time.perf_counter()
    for repeat in range(load.repeats):
        asks = [
            Ask(
                model=model,
                num_predict=load.num_predict,
                temperature=source.temperature,
                seed=seed + 10 * repeat + number,
                prompt=f"{number} {_PROMPT}",
            )
            for number in range(load.streams)
        ]
        tokens += sum(timing.tokens for timing in await asyncio.gather(*(ask(target, a) for a in asks)))
    took = time.perf_counter() - began
    after = cpu_seconds(target.pid)
    return tokens / took, (after[0] - before[0]) / tokens, (after[1] - before[1]) / tokens


def cpu_seconds(pid: int) -> tuple[float, float]:
    """CPU seconds so far of a process with its children, and of the process alone; zeros without a pid."""
    if not pid:
        return 0.0, 0.0
    process = psutil.Process(pid)
    alone = _process_cpu(process)
    return alone + sum(_process_cpu(child) for child in process.children(recursive=True)), alone


def _process_cpu(process: psutil.Process) -> float:
    if sys.platform == "linux":
        # The clock that clock_getcpuclockid(3) names: nanoseconds, where /proc/PID/stat counts in 10 ms.
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_bytes(pid: int) -> tuple[float, float]:
    """Resident bytes of a process with its children, and of the process alone."""
    process = psutil.Process(pid)
    alone = float(process.memory_info().rss)
    return alone + sum(float(child.memory_info().rss) for child in process.children(recursive=True)), alone


async def post_s(target: Target, path: str, body: bytes) -> float:
    """Seconds of a POST on a fresh connection, to the end of its answer."""
    began = time.perf_counter()
    await answered(target.address, path, body)
    return time.perf_counter() - began


async def http_call(address: Address, path: str, times: int) -> Sample:
    """Seconds of a GET on a fresh connection."""
    return Sample(tuple([await call(address, path) for _ in range(times)]))


def command_s(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Wall seconds of a Python program, from its start to its end. Raises CalledProcessError."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began


def load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0

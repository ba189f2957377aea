"""`python -m bench.threads`: decoding on cores that others want too, by how the engine's threads wait.

Each setting is a pair of children. One decodes alone, then beside a process that keeps a core busy, then both
decode at once; what counts are tokens in a fixed time. Run it on two cores: `taskset -c 0,1`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bench import measure, models
from bench.measure import Ask
from bench.servers import Target, engine_target, started
from bench.streams import request_bytes
from corral import hardware
from corral.engine import LaunchParams

_NUM_CTX = 1024
_BUSY = [sys.executable, "-c", "while True: pass"]
_BOUND = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What OpenMP is told, and threads of each child; 0 for all cores."""

    openmp: Mapping[str, str]
    threads: int = 0


def spinning(count: int, *, bound: bool = False, threads: int = 0) -> Setting:
    return Setting({"GOMP_SPINCOUNT": str(count)} | (_BOUND if bound else {}), threads)


SETTINGS: Mapping[str, Setting] = {
    "spin 300000 (libgomp's own)": spinning(300_000),
    "spin 10000": spinning(10_000),
    "spin 3000": spinning(3_000),
    "spin 1000": spinning(1_000),
    "spin 300": spinning(300),
    "spin 100": spinning(100),
    "sleep at once": spinning(0),
    "spin 1000, bound": spinning(1_000, bound=True),
    "spin 100, bound": spinning(100, bound=True),
    "one thread": spinning(1_000, threads=1),
}


@dataclass(slots=True)
class Found:
    """Tokens a second, one value a round."""

    alone: list[float] = field(default_factory=list)
    beside_busy: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


async def main() -> int:
    options = read_arguments()
    found = {name: Found() for name in SETTINGS}
    for name in measure.in_turn(list(SETTINGS), options.rounds):
        await take(SETTINGS[name], found[name], options.seconds)
    Console(width=140).print(table(found))
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.threads", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    return parser.parse_args()


async def take(setting: Setting, found: Found, seconds: float) -> None:
    params = LaunchParams(
        model=str(models.half_billion().path),
        num_ctx=_NUM_CTX,
        num_threads=setting.threads or hardware.cores(),
    )
    async with started(params, setting.openmp) as one, started(params, setting.openmp) as other:
        first, second = engine_target(one), engine_target(other)
        await asyncio.gather(decoded(first, seconds / 4), decoded(second, seconds / 4))
        found.alone.append(await decoded(first, seconds))
        with busy_process():
            found.beside_busy.append(await decoded(first, seconds))
        found.both.append(sum(await asyncio.gather(decoded(first, seconds), decoded(second, seconds))))


@contextmanager
def busy_process() -> Iterator[None]:
    # In a session of its own, as another program would be: some kernels share the cores by sessions.
    neighbour = subprocess.Popen(_BUSY, start_new_session=True)
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


async def decoded(target: Target, seconds: float) -> float:
    """Tokens a second of an answer that is left after `seconds` of it."""
    path, body = Ask(model="", num_predict=100_000, temperature=1.0).encode(native=True)
    reader, writer = await target.address.connect()
    writer.write(request_bytes("POST", path, body))
    try:
        await reader.readuntil(b'"content":"')
        began, tokens = time.perf_counter(), 0
        while (left := began + seconds - time.perf_counter()) > 0:
            try:
                tokens += (await asyncio.wait_for(reader.read(1 << 16), left)).count(b"data: {")
            except TimeoutError:
                break
        return tokens / (time.perf_counter() - began)
    finally:
        writer.close()


def table(found: Mapping[str, Found]) -> Table:
    """Tokens a second alone, and what is left of that."""
    out = Table(box=None, pad_edge=False)
    for head in ("threads", "alone, tokens/s", "beside a busy process", "two models at once, sum"):
        out.add_column(head, justify="left" if head == "threads" else "right", no_wrap=True)
    for name, values in found.items():
        alone = statistics.median(values.alone)
        shares = [statistics.median(some) for some in (values.beside_busy, values.both)]
        out.add_row(name, f"{alone:.1f}", *(f"{share / alone:.2f}x" if alone else "-" for share in shares))
    return out


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

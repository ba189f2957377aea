"""`python -m bench.cache`: what is not read again, and what several slots bring.

The base of each row is the same server without what the row is about: without saved prompts after a restart,
with one slot for all clients. Only for conversations with the same beginning it is the engine alone.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
from rich.console import Console

from bench import models
from bench.__main__ import machine_facts
from bench.measure import Sample, in_turn
from bench.models import BenchModel
from bench.report import MEGABYTES, MILLI, PLAIN, Report
from bench.servers import Admin, Target, corral_server, engine_target, scratch_folder, started
from bench.streams import Timing, answered, stream
from corral import hardware
from corral.engine import LaunchParams

NAME = "bench-cache"
NUM_CTX, PREFIX = 2048, 1000
CLIENTS, CLIENT_PREFIX, ANSWER = 8, 32, 64
CONVERSATIONS, SLOTS, COMMON, OWN, TURNS = 6, 4, 320, 128, 3
# What is wanted: how many times sooner after a restart, how many times the tokens of one slot.
SOONER, QUICKER = 10.0, 1.6
_TEXT = Path(asyncio.__file__).with_name("base_events.py").read_text(encoding="utf-8")


class Server:
    """A server with the model loaded; it makes prompts of a given number of tokens."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._tokens: list[int] = []

    async def call(self, path: str, body: dict[str, Any]) -> Any:
        found = await answered(self.target.address, path, msgspec.json.encode({"model": NAME, **body}))
        return msgspec.json.decode(found)

    async def text(self, first: int, count: int) -> str:
        """`count` tokens of a long text, from `first` on."""
        if not self._tokens:
            self._tokens = (await self.call("/api/tokenize", {"text": _TEXT}))["tokens"]
        chosen = self._tokens[first : first + count]
        return str((await self.call("/api/detokenize", {"tokens": chosen}))["text"])

    async def ask(self, prompt: str, num_predict: int = 2) -> Timing:
        return await stream(
            self.target.address, "/api/generate", msgspec.json.encode(_body(prompt, num_predict))
        )

    async def cached(self, prompt: str) -> tuple[int, int]:
        """Tokens of the prompt that were not read again, and all of them."""
        found = await self.call("/api/generate", _body(prompt, ANSWER) | {"stream": False})
        return found.get("prompt_cached_count", 0), found["prompt_eval_count"]


def _body(prompt: str, num_predict: int) -> dict[str, Any]:
    options = {"temperature": 0, "num_predict": num_predict, "num_ctx": NUM_CTX}
    return {"model": NAME, "prompt": prompt, "raw": True, "options": options}


@asynccontextmanager
async def serving(folder: Path, model: BenchModel, **settings: str) -> AsyncIterator[Server]:
    """A server with its home in `folder`, ended with all its prompts saved."""
    folder.mkdir(exist_ok=True)
    with corral_server(folder, CORRAL_CONTEXT_LENGTH=str(NUM_CTX), **settings) as (target, _):
        admin = Admin(target)
        admin.create(NAME, model)
        admin.close()
        server = Server(target)
        await server.call("/api/generate", {"stream": False})
        yield server


async def restart_row(report: Report, model: BenchModel, folder: Path, rounds: int) -> None:
    """The first token of a long prompt, the model loaded anew by a server that has just started."""
    sides = {"engine": {"CORRAL_NO_PROMPT_CACHE": "1"}, "corral": {}}
    found: dict[str, list[float]] = {side: [] for side in sides}
    for side, settings in sides.items():
        async with serving(folder / side, model, **settings) as server:
            await server.ask(await server.text(0, PREFIX))
    for side in in_turn(list(sides), rounds):
        async with serving(folder / side, model, **sides[side]) as server:
            prompt = await server.text(0, PREFIX)
            found[side].append((await server.ask(prompt)).first_s)
    samples = {side: Sample(tuple(values)) for side, values in found.items()}
    report.add(
        f"first token of {PREFIX:,} tokens after a restart, {model.name}",
        "ms",
        MILLI,
        samples,
        base_is="nothing saved",
        added=samples["corral"],
        budget=_wanted(model, samples["engine"].median / SOONER),
    )


async def break_even_rows(report: Report, model: BenchModel, folder: Path, rounds: int) -> None:
    """Short prompts: from how many tokens on is a restored one there sooner?"""
    for count in (64, 128, 256, 512):
        sides: dict[str, list[float]] = {"engine": [], "corral": []}
        for number in range(rounds):
            home = folder / f"{count}"
            async with serving(home, model) as server:
                prompt = await server.text(count * number, count)
                sides["engine"].append((await server.ask(prompt)).first_s)
            async with serving(home, model) as server:
                sides["corral"].append((await server.ask(prompt)).first_s)
        samples = {side: Sample(tuple(values)) for side, values in sides.items()}
        report.add(
            f"first token of {count} tokens after a restart, {model.name}",
            "ms",
            MILLI,
            samples,
            base_is="read for the first time",
        )


async def conversation_row(report: Report, model: BenchModel, folder: Path, rounds: int) -> None:
    """More conversations than slots, one system prompt, turn by turn: which part is not read again."""
    shares: dict[str, list[float]] = {"engine": [], "corral": []}
    async with serving(folder / "server", model, CORRAL_NUM_PARALLEL=str(SLOTS)) as server:
        common = await server.text(0, COMMON)
        texts = [await server.text(COMMON + OWN * n, OWN) for n in range(rounds * CONVERSATIONS * TURNS)]
        params = LaunchParams(
            model=str(model.path),
            num_ctx=NUM_CTX,
            num_slots=SLOTS,
            num_threads=hardware.cores(),
            cache_mib=256,
        )
        async with started(params) as child:
            address = engine_target(child).address

            async def bare(prompt: str) -> tuple[int, int]:
                body = {"prompt": prompt, "n_predict": ANSWER, "temperature": 0}
                times = msgspec.json.decode(await answered(address, "/completion", msgspec.json.encode(body)))
                return times["timings"]["cache_n"], times["tokens_evaluated"]

            for number in range(rounds):
                part = texts[number * CONVERSATIONS * TURNS : (number + 1) * CONVERSATIONS * TURNS]
                for side, ask in (("engine", bare), ("corral", server.cached)):
                    shares[side].append(await _share(ask, f"{number} {common}", part))
    report.add(
        f"part of {CONVERSATIONS} conversations over {SLOTS} slots not read again, {model.name}",
        "",
        PLAIN,
        {side: Sample(tuple(values)) for side, values in shares.items()},
        more_is_better=True,
    )


async def _share(ask: Any, common: str, texts: list[str]) -> float:
    cached = total = 0
    prompts = [common] * CONVERSATIONS
    for turn in range(TURNS):
        for number in range(CONVERSATIONS):
            prompts[number] += texts[turn * CONVERSATIONS + number]
            counts = await ask(prompts[number])
            cached, total = cached + counts[0], total + counts[1]
    return cached / total


async def client_rows(report: Report, model: BenchModel, folder: Path, rounds: int) -> None:
    """Eight clients at once, on one slot and on eight."""
    speeds: dict[str, list[float]] = {"engine": [], "corral": []}
    slowest: list[float] = []
    limits: list[float] = []
    async with (
        serving(folder / "engine", model, CORRAL_NUM_PARALLEL="1") as one,
        serving(folder / "corral", model, CORRAL_NUM_PARALLEL=str(CLIENTS)) as many,
    ):
        servers = {"engine": one, "corral": many}
        for number, side in enumerate(in_turn(list(servers), rounds)):
            server = servers[side]
            first = CLIENT_PREFIX * (CLIENTS + 1) * number
            places = range(first, first + CLIENT_PREFIX * (CLIENTS + 1), CLIENT_PREFIX)
            *prompts, single = [await server.text(place, CLIENT_PREFIX) for place in places]
            alone = await server.ask(single, ANSWER)
            began = time.perf_counter()
            timings = await asyncio.gather(*(server.ask(prompt, ANSWER) for prompt in prompts))
            took = time.perf_counter() - began
            speeds[side].append(sum(timing.tokens for timing in timings) / took)
            if side == "corral":
                slowest.append(max(timing.first_s for timing in timings))
                # Twice what one client waits, and the time of reading the prompts of all.
                limits.append((2 + CLIENTS) * alone.first_s)
        planned = await many.call("/api/plan", {"options": {"num_ctx": NUM_CTX}})
        memory = max(child.memory_info().rss for child in psutil.Process(many.target.pid).children())
    samples = {side: Sample(tuple(values)) for side, values in speeds.items()}
    report.add(
        f"tokens/s of {CLIENTS} clients, {model.name}",
        "1/s",
        PLAIN,
        samples,
        base_is="one slot",
        more_is_better=True,
        added=Sample((samples["engine"].median / samples["corral"].median,)),
        budget=_wanted(model, 1 / QUICKER),
    )
    waited = Sample(tuple(slowest))
    report.add(
        f"slowest first token of {CLIENTS} clients, {model.name}",
        "ms",
        MILLI,
        {"corral": waited},
        base_is="none",
        added=waited,
        budget=_wanted(model, statistics.median(limits)),
    )
    report.add(
        f"memory after {CLIENTS} clients, {model.name}",
        "MB",
        MEGABYTES,
        {"engine": Sample((planned["memory"]["total"],)), "corral": Sample((memory,))},
        base_is="planned",
        added=Sample((memory,)),
        budget=planned["memory"]["total"],
    )


def _wanted(model: BenchModel, value: float) -> float | None:
    """Budgets are set for the larger model: a small one computes as quickly as it restores."""
    return value if model.name != models.tiny().name else None


ROWS = {
    "restart": restart_row,
    "break-even": break_even_rows,
    "conversations": conversation_row,
    "clients": client_rows,
}


async def main() -> int:
    options = read_arguments()
    report, console = Report(machine_facts()), Console(width=160)
    for make in (models.tiny,) if options.quick else (models.tiny, models.half_billion):
        model = make()
        for name in options.rows or ROWS:
            console.print(f"[dim]{model.name}: {name}[/dim]")
            with scratch_folder() as folder:
                await ROWS[name](report, model, folder, options.rounds)
    report.print(console)
    console.print(f"written to {report.write()}")
    return 1 if report.missed else 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cache", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], help="some of the rows; without one, all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="leave out the 0.5B model")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""`python -m bench`: measure, print a table, write bench/results/*.json. Exit status 1 over budget."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console

from bench import measure, models, prompts, transfers
from bench.imports import create_figure
from bench.measure import Ask, Load, Sample, Samples
from bench.models import BenchModel
from bench.report import MEGABYTES, MICRO, MILLI, PLAIN, Report
from bench.servers import Admin, Target, bare_engine, corral_server, scratch_folder, url_target
from corral import __version__, hardware

# The budget of docs/architecture.md, in seconds and bytes.
CPU_A_TOKEN, FIRST_BYTE, LIST, IDLE, LOAD, CREATE = 60e-6, 3e-3, 0.1, 80e6, 0.3, 0.5
RENDER, PIECE, PREPARE, READY = 5e-3, 10e-6, 10e-3, 0.5
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each figure is taken, and how long the streams are."""

    rounds: int = 5
    first_rounds: int = 30
    list_rounds: int = 11
    tiny_tokens: int = 800
    half_tokens: int = 64
    transfer_rounds: int = 3
    transfer_bytes: int = 1_000_000_000


SMOKE = Effort(
    rounds=2,
    first_rounds=5,
    list_rounds=3,
    tiny_tokens=100,
    half_tokens=16,
    transfer_rounds=1,
    transfer_bytes=100_000_000,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """The sides that are there for the whole run; a bare engine joins for each model."""

    corral: Target
    environment: Mapping[str, str]
    against: Target | None
    effort: Effort
    report: Report
    console: Console

    @property
    def servers(self) -> list[Target]:
        return [self.corral, *([self.against] if self.against else [])]

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/dim] {text}")


def main() -> int:
    options = read_arguments(sys.argv[1:])
    console = Console(stderr=True, width=160)
    effort = SMOKE if options.smoke else Effort()
    if options.prompts:
        report = Report(machine_facts())
        prompt_figures(report, effort)
    else:
        report = asyncio.run(run(options.against, quick=options.quick, effort=effort, console=console))
    report.print(Console(width=160))
    console.print(f"written to {report.write()}")
    if report.missed:
        console.print("over budget: " + "; ".join(report.missed))
    return 1 if report.missed else 0


def read_arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--against", metavar="URL", help="another server of the same API to measure beside")
    parser.add_argument("--quick", action="store_true", help="leave out the 0.5B model")
    parser.add_argument(
        "--prompts", action="store_true", help="only rendering and reading, without an engine"
    )
    parser.add_argument("--smoke", action="store_true", help="few and short runs: does it work at all")
    return parser.parse_args(words)


async def run(against: str | None, *, quick: bool, effort: Effort, console: Console) -> Report:
    report = Report(machine_facts())
    prompt_figures(report, effort)
    with scratch_folder() as folder, corral_server(folder) as (corral, environment):
        other = url_target(against) if against else None
        bench = Bench(corral, environment, other, effort, report, console)
        await idle_memory(bench)
        ready_figure(bench, folder)
        bench.say("create")
        import_figure(bench, folder)
        bench.say("pocket")
        await tiny_figures(bench, models.tiny())
        bench.say("transfers")
        await transfer_figures(bench, models.tiny(), folder)
        if not quick:
            bench.say("0.5B: the first run makes it")
            await half_figures(bench, models.half_billion())
        report.facts["load_average_after"] = measure.load_average()
    return report


def prompt_figures(report: Report, effort: Effort) -> None:
    """What is done in this process for a prompt and for a piece of an answer."""
    rounds = effort.first_rounds
    what = f"render {prompts.NUM_MESSAGES} messages, {prompts.NUM_TOOLS} tools"
    for name, sample in prompts.rendering(rounds).items():
        found = {"corral": sample}
        report.add(f"{what}, {name}", "ms", MILLI, found, base_is="none", added=sample, budget=RENDER)
    for name, sample in prompts.reading(rounds).items():
        found = {"corral": sample}
        report.add(f"read a piece, {name}", "µs", MICRO, found, base_is="none", added=sample, budget=PIECE)


def machine_facts() -> dict[str, object]:
    return {
        "moment": datetime.now(UTC).isoformat(timespec="seconds"),
        "corral": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": hardware.cores(),
        "logical_cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "load_average_before": measure.load_average(),
    }


async def idle_memory(bench: Bench) -> None:
    """A server without models, settled; the base is a bare engine with pocket, the least there can be."""
    await asyncio.sleep(_SETTLE_S)
    found: Samples = {}
    for server in bench.servers:
        if server.pid:
            found[server.name] = Sample((measure.memory_bytes(server.pid)[0],))
    async with bare_engine(models.tiny()) as engine:
        found["engine"] = Sample((measure.memory_bytes(engine.pid)[0],))
    bench.report.add(
        "idle memory",
        "MB",
        MEGABYTES,
        found,
        base_is="engine with pocket",
        added=found["corral"],
        budget=IDLE,
    )


def ready_figure(bench: Bench, folder: Path) -> None:
    """From the start of a second server to its first answer."""
    times = []
    for _ in range(bench.effort.list_rounds):
        began = time.perf_counter()
        with corral_server(folder):
            times.append(time.perf_counter() - began)
    found = {"corral": Sample(tuple(times))}
    add = bench.report.add
    add("server ready", "ms", MILLI, found, base_is="none", added=found["corral"], budget=READY)


def import_figure(bench: Bench, folder: Path) -> None:
    admin, effort = Admin(bench.corral), bench.effort
    size, rounds = effort.transfer_bytes, effort.transfer_rounds
    samples = create_figure(admin, folder, bench.environment, size=size, rounds=rounds)
    admin.close()
    bench.report.add(
        f"create from a GGUF of {size / 1e9:g} GB, wall",
        "ms",
        MILLI,
        samples,
        base_is="hashing it alone",
        budget=CREATE,
    )


async def tiny_figures(bench: Bench, model: BenchModel) -> None:
    name = "bench-pocket"
    with _installed(bench, name, model):
        list_figures(bench, name)
        await load_figure(bench, name, model)
        async with bare_engine(model) as engine:
            targets = [engine, *bench.servers]
            await first_figures(bench, targets, name, model)
            await prepare_figures(bench, model)
            tokens = bench.effort.tiny_tokens
            await flow_figures(bench, targets, name, model, Load(1, tokens, bench.effort.rounds, repeats=2))
            await flow_figures(bench, targets, name, model, Load(8, tokens // 2, bench.effort.rounds))
            loaded_memory(bench, targets, model)
        await http_list(bench, model)


async def half_figures(bench: Bench, model: BenchModel) -> None:
    name = "bench-half"
    with _installed(bench, name, model):
        few = replace(bench, effort=replace(bench.effort, rounds=max(2, bench.effort.rounds // 2)))
        await load_figure(few, name, model)
        async with bare_engine(model) as engine:
            targets = [engine, *bench.servers]
            await first_figures(bench, targets, name, model)
            tokens = bench.effort.half_tokens
            await flow_figures(few, targets, name, model, Load(1, 2 * tokens, few.effort.rounds))
            await flow_figures(few, targets, name, model, Load(8, tokens, few.effort.rounds))
            loaded_memory(bench, targets, model)


async def transfer_figures(bench: Bench, model: BenchModel, folder: Path) -> None:
    """Pulling from loopback: of Corral alone, since the other sides have nothing like it."""
    name, effort = "bench-pocket", bench.effort
    with _installed(bench, name, model), transfers.served_model(folder, effort.transfer_bytes) as source:
        found = await transfers.take(bench.corral, source, folder, name, effort.transfer_rounds)
    size, add = f"{effort.transfer_bytes / 1e9:g} GB", bench.report.add
    add(
        f"pull of {size}",
        "s",
        PLAIN,
        found.transfer_s,
        base_is="curl, flush, digest",
        added=found.transfer_s["corral"],
        budget=found.transfer_s["engine"].median / transfers.SPEED_SHARE,
    )
    memory = found.memory
    add(
        f"memory of a pull of {size}",
        "MB",
        MEGABYTES,
        {"corral": memory},
        added=memory,
        budget=transfers.MEMORY,
    )
    for pace, beside, budget in (
        ("at 1 Gbit/s", found.chat_paced, transfers.CHAT_SHARE),
        ("at full speed", found.chat_quick, None),
    ):
        add(
            f"tokens/s, pocket, beside a pull {pace}",
            "1/s",
            PLAIN,
            {"engine": found.chat, "corral": beside},
            base_is="no pull",
            added=Sample((1 - beside.median / found.chat.median,)),
            budget=budget,
            more_is_better=True,
        )


class _installed:
    """The model on every server, and gone afterwards from one that is not ours."""

    def __init__(self, bench: Bench, name: str, model: BenchModel, **more: str) -> None:
        self._admins = {server.name: Admin(server) for server in bench.servers}
        self._name, self._model, self._more = name, model, more

    def __enter__(self) -> None:
        for admin in self._admins.values():
            admin.create(self._name, self._model, **self._more)

    def __exit__(self, *_: object) -> None:
        for admin in self._admins.values():
            admin.delete(self._name)
            admin.close()


def list_figures(bench: Bench, name: str) -> None:
    """`corral list` beside Python's own start and end, and the answer that it shows, over HTTP."""
    commands = {"engine": ["-c", "pass"], "corral": ["-m", "corral.cli", "list"]}
    found: dict[str, list[float]] = {side: [] for side in commands}
    for side in measure.in_turn(list(commands), bench.effort.list_rounds):
        found[side].append(measure.command_s(commands[side], bench.environment))
    samples = {side: Sample(tuple(values)) for side, values in found.items()}
    bench.report.add(
        "corral list, wall",
        "ms",
        MILLI,
        samples,
        base_is="python -c pass",
        added=samples["corral"],
        budget=LIST,
    )


async def http_list(bench: Bench, model: BenchModel) -> None:
    async with bare_engine(model) as engine:
        paths = {"engine": "/v1/models", "corral": "/api/tags", "against": "/api/tags"}

        async def take(target: Target) -> float:
            return (await measure.http_call(target.address, paths[target.name], 1)).median

        found = await measure.collect([engine, *bench.servers], bench.effort.first_rounds, take)
    bench.report.add("list of models, HTTP", "ms", MILLI, found, base_is="/v1/models")


async def load_figure(bench: Bench, name: str, model: BenchModel) -> None:
    """From nothing loaded to the first text of an answer. The file is in the page cache on all sides."""
    request = Ask(model=name, num_predict=4)
    admins = {server.name: Admin(server) for server in bench.servers}

    async def take(target: Target) -> float:
        await admins[target.name].unload(name)
        await asyncio.sleep(_SETTLE_S)
        return (await measure.ask(target, request)).first_s

    async def bare(_: Target) -> float:
        began = asyncio.get_running_loop().time()
        async with bare_engine(model) as engine:
            started = asyncio.get_running_loop().time() - began
            return started + (await measure.ask(engine, request)).first_s

    nobody = Target("engine", bench.corral.address)

    async def either(target: Target) -> float:
        return await (bare if target is nobody else take)(target)

    for server in bench.servers:
        await measure.ask(server, request)
    found = await measure.collect([nobody, *bench.servers], bench.effort.rounds, either)
    bench.report.add(f"load to first token, {model.name}", "ms", MILLI, found, budget=LOAD)


async def first_figures(bench: Bench, targets: Sequence[Target], name: str, model: BenchModel) -> None:
    for label, chat in (("generate", False), ("chat", True)):
        request = Ask(model=name, num_predict=4, chat=chat)
        found = await measure.first_byte(targets, request, bench.effort.first_rounds)
        title = f"first byte, warm {label}, {model.name}"
        bench.report.add(title, "ms", MILLI, found, budget=FIRST_BYTE)


async def prepare_figures(bench: Bench, model: BenchModel) -> None:
    """A chat of 100 messages up to its prompt: rendered here, cut where it must be, counted."""
    name, add = "bench-rendered", bench.report.add
    with _installed(bench, name, model, renderer="qwen3-coder"):
        for label, words in (("that fits", 0), ("that is cut", 3)):
            body = prompts.long_chat(name, words)

            async def take(target: Target, body: bytes = body) -> float:
                return await measure.post_s(target, "/api/chat", body)

            found = await measure.collect(bench.servers, bench.effort.first_rounds, take)
            title = f"prepare 100 messages {label}"
            add(title, "ms", MILLI, found, base_is="none", added=found["corral"], budget=PREPARE)


async def flow_figures(
    bench: Bench, targets: Sequence[Target], name: str, model: BenchModel, load: Load
) -> None:
    found = await measure.flow(targets, name, model, load)
    where = f"{load.streams} stream{'s' if load.streams > 1 else ''}, {model.name}"
    bench.report.add(f"tokens/s, {where}", "1/s", PLAIN, found.tokens_per_s, more_is_better=True)
    bench.report.add(
        f"CPU a token, {where}",
        "µs",
        MICRO,
        found.tree_cpu,
        added=found.server_cpu["corral"],
        budget=CPU_A_TOKEN,
    )


def loaded_memory(bench: Bench, targets: Sequence[Target], model: BenchModel) -> None:
    found = {t.name: Sample((measure.memory_bytes(t.pid)[0],)) for t in targets if t.pid}
    bench.report.add(f"memory with {model.name} loaded", "MB", MEGABYTES, found)


if __name__ == "__main__":
    sys.exit(main())

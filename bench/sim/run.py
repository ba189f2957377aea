"""One simulation: every turn of a trace asks a node for its model, waits, is answered, and leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from unittest.mock import patch

from bench.sim.hardware import GB, SimLauncher, SimProcess, answer_s, prompt_s
from bench.sim.trace import Traffic, Turn, make_models, turns
from corral.core.model import Model
from corral.core.options import Options
from corral.errors import CorralError
from corral.scheduler import Scheduler
from corral.scheduler.evict import Candidate, choose
from corral.settings import Settings
from tests.helpers.virtual_time import run as run_virtual

_OPTIONS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """`nodes` servers with `devices` cards each; durations in seconds, sizes in bytes."""

    nodes: int = 1
    devices: int = 4
    device_memory: int = 24 * GB
    keep_alive_s: float = 300.0
    num_parallel: int = 4
    queue: int = 100_000  # none is refused, so that all wait and can be compared


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a turn: seconds until its slot and until its first token, and tokens not read again."""

    turn: Turn
    wait_s: float
    first_s: float
    cached: int


@dataclass(slots=True)
class Outcome:
    """All turns of a simulation, and what the loads and the cards did meanwhile."""

    seconds: float
    models: int
    served: list[Served] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    loads: int = 0
    load_s: float = 0.0
    first_loads: int = 0
    busy_s: float = 0.0  # of all slots
    ends: Counter[str] = field(default_factory=Counter)


class Node:
    """One server: a real scheduler over a machine that is made up."""

    def __init__(self, index: int, setup: Setup) -> None:
        self.index = index
        self.launcher = SimLauncher(setup.devices, setup.device_memory)
        settings = Settings(
            keep_alive_s=setup.keep_alive_s,
            num_parallel=setup.num_parallel,
            max_queue=setup.queue,
            context_length=8192,
        )
        loop = asyncio.get_running_loop()
        self.scheduler = Scheduler(settings, self.launcher, machine=self.launcher.machine, now=loop.time)
        self.in_flight: Counter[int] = Counter()  # requests by model
        self.uses: Counter[Path] = Counter()  # by weights, since the start
        self.sizes: dict[Path, int] = {}

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def load(self) -> int:
        return self.in_flight.total()

    def find(self, model: Model) -> SimProcess | None:
        return self.launcher.find(model.weights)

    def has(self, model: Model) -> bool:
        """Whether it is loaded or about to be."""
        return self.find(model) is not None or any(self._asked(model))

    def _asked(self, model: Model) -> Iterator[bool]:
        return (entry.model == model.name.short for entry in self.scheduler.queue())


Route = Callable[[Sequence[Node], Turn, Model], Node]
Rule = Callable[[Iterable[Candidate]], Path | None]


def only_node(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
    return nodes[0]


def simulate(
    traffic: Traffic, setup: Setup, *, route: Route = only_node, rule: Callable[[Node], Rule] | None = None
) -> Outcome:
    """Run a whole trace. The same arguments give the same outcome. A `rule` is for one node."""
    return run_virtual(_simulate(traffic, setup, route, rule))


async def _simulate(
    traffic: Traffic, setup: Setup, route: Route, rule: Callable[[Node], Rule] | None
) -> Outcome:
    nodes = [Node(index, setup) for index in range(setup.nodes)]
    chosen = choose if rule is None else rule(nodes[0])
    with patch("corral.scheduler.loading.choose", chosen):
        return await _play(traffic, nodes, route)


async def _play(traffic: Traffic, nodes: Sequence[Node], route: Route) -> Outcome:
    loop = asyncio.get_running_loop()
    models = make_models(traffic)
    outcome = Outcome(0.0, len(models))
    running: set[asyncio.Task[None]] = set()
    for turn in turns(traffic):
        await asyncio.sleep(max(0.0, turn.at - loop.time()))
        node = route(nodes, turn, models[turn.model])
        task = loop.create_task(_serve(node, turn, models[turn.model], outcome))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(set(running))
    outcome.seconds = loop.time()
    for node in nodes:
        outcome.loads += node.launcher.loads
        outcome.load_s += node.launcher.load_s
        journal = node.scheduler.journal
        outcome.first_loads += len({model for model, _ in journal.loads})
        for (_, kind), count in journal.ends.items():
            outcome.ends[kind] += count
        await node.scheduler.close()
    return outcome


async def _serve(node: Node, turn: Turn, model: Model, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    assert model.weights is not None
    node.in_flight[turn.model] += 1
    node.uses[model.weights] += 1
    node.sizes[model.weights] = model.size
    began = loop.time()
    try:
        async with node.scheduler.lease(model, _OPTIONS) as lease:
            wait_s = loop.time() - began
            process = cast(SimProcess, lease.runner.process)
            slot, cached = process.take_slot(turn.prompt(), prompt_s(model, 1))
            reading = prompt_s(model, turn.prefix + turn.new - cached) * process.streams
            writing = answer_s(model, turn.answer, process.streams)
            await asyncio.sleep(reading + writing)
            process.leave_slot(slot, turn.whole())
            outcome.busy_s += reading + writing
            outcome.served.append(Served(turn, wait_s, wait_s + reading, cached))
    except CorralError as error:
        outcome.failed[type(error).__name__] += 1
    finally:
        node.in_flight[turn.model] -= 1

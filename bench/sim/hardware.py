"""A machine that is made up: devices with memory, and the time that loading and answering take on them.

The rates are those of a card of the middle class; only their proportions matter for what is compared.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from corral.cache import Child, Prefix, Seats
from corral.cache.prefix import BLOCK_TOKENS, num_common
from corral.cache.slots import Content, choose
from corral.cache.worth import SAVE_S
from corral.core.model import Model
from corral.engine import Client
from corral.scheduler import Device, LaunchPlan, LoadedProcess, Machine

GB = 1_000_000_000
_START_S, _LOAD_RATE = 0.8, 2.0 * GB  # a load: the process, then the weights from the page cache
_END_S = 0.2
_MEMORY_RATE = 450.0 * GB  # bytes of weights read in a second; each token of an answer reads all of them
_COMPUTE_RATE = 25e12  # operations in a second, two for each weight and token of a prompt
_SHARED = 0.12  # what each further stream costs the others
_SYSTEM_MEMORY = 256 * GB


def load_s(size: int) -> float:
    """Seconds to load weights of `size` bytes."""
    return _START_S + size / _LOAD_RATE


def prompt_s(model: Model, tokens: int) -> float:
    return tokens * 2 * model.network.parameter_count / _COMPUTE_RATE


def answer_s(model: Model, tokens: int, streams: int) -> float:
    return tokens * model.size / _MEMORY_RATE * (1 + _SHARED * (streams - 1))


@dataclass(eq=False)
class SimProcess:
    """A child, as far as the scheduler looks at it; its slots remember conversations."""

    plan: LaunchPlan
    pid: int
    exited: asyncio.Future[None]
    free: dict[int, Content | None] = field(default_factory=dict)
    uses: int = 0
    ran_out_of_memory: bool = False

    @property
    def client(self) -> Client:
        """Never spoken to: what the requests find instead is this very process."""
        return cast(Client, self)

    @property
    def build(self) -> str:
        return "simulated"

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    @property
    def streams(self) -> int:
        return self.plan.num_slots - len(self.free)

    async def answers(self) -> bool:
        return self.alive

    async def kill(self) -> None:
        await asyncio.sleep(_END_S)
        if not self.exited.done():
            self.exited.set_result(None)

    def memory_bytes(self) -> int:
        return 0

    def device_bytes(self) -> int:
        return self.plan.device_bytes

    def take_slot(self, prefix: Prefix, token_s: float) -> tuple[int, int]:
        """The slot for a prompt, and how many of its tokens are there already."""
        choice = choose(self.free, prefix, token_s, SAVE_S)
        del self.free[choice.slot]
        return choice.slot, choice.num_common

    def leave_slot(self, slot: int, prefix: Prefix) -> None:
        self.uses += 1
        tokens = len(prefix.blocks) * BLOCK_TOKENS
        self.free[slot] = Content(
            realm=prefix.realm, blocks=prefix.blocks, num_tokens=tokens, is_exact=True, used_at=self.uses
        )

    def known(self, prefix: Prefix) -> int:
        """How many tokens of a prompt a free slot has, for whoever chooses between children."""
        held = (content for content in self.free.values() if content is not None)
        return max((num_common(c.blocks, prefix.blocks) for c in held), default=0) * BLOCK_TOKENS


class SimLauncher:
    """Starts processes on `num_devices` cards of `device_memory` bytes, and is the machine that they take."""

    def __init__(self, num_devices: int, device_memory: int) -> None:
        self.processes: list[SimProcess] = []
        self.loads = 0
        self.load_s = 0.0
        self._num_devices = num_devices
        self._device_memory = device_memory
        self._pids = itertools.count(1)

    async def launch(
        self, plan: LaunchPlan, timeout_s: float, on_progress: Callable[[float], None]
    ) -> LoadedProcess:
        took = load_s(plan.need.weights)
        await asyncio.sleep(took)
        self.loads += 1
        self.load_s += took
        exited: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        process = SimProcess(plan, next(self._pids), exited, dict.fromkeys(range(plan.num_slots)))
        self.processes = [other for other in self.processes if other.alive] + [process]
        return process

    def seats(self, plan: LaunchPlan, process: LoadedProcess) -> Seats:
        """Where nobody sits: prompts are not sent, so the simulation keeps the slots itself."""
        return Seats(process.client, Child(num_slots=plan.num_slots))

    def machine(self) -> Machine:
        """Cards with what the living processes leave of them."""
        free = [self._device_memory] * self._num_devices
        system = _SYSTEM_MEMORY
        for process in self.processes:
            if process.alive:
                plan = process.plan
                system -= plan.need.total - plan.device_bytes - plan.promised_bytes
                for index in plan.devices:
                    free[index] -= plan.device_bytes // len(plan.devices)
        devices = tuple(
            Device(index=index, name=f"card {index}", total=self._device_memory, free=max(0, left))
            for index, left in enumerate(free)
        )
        return Machine(memory_total=_SYSTEM_MEMORY, memory_free=system, cores=32, devices=devices)

    def find(self, weights: Path | None) -> SimProcess | None:
        return next((p for p in self.processes if p.alive and p.plan.weights == weights), None)

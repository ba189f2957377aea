"""A launcher without an engine: loads take no time, or last until the test says so, or fail as told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from corral.cache import Child, Seats
from corral.scheduler import Device, LaunchPlan, Machine

GIB = 1 << 30


class FakeProcess:
    """A child that lives until it is killed or crashed."""

    def __init__(self, plan: LaunchPlan, pid: int, kill_s: float) -> None:
        self.kill_s = kill_s
        self.plan = plan
        self.pid = pid
        self.build = "fake"
        self.client = f"client {pid}"
        self.ran_out_of_memory = False
        self.hangs = False
        self.measured_device_bytes = 0
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    async def answers(self) -> bool:
        if self.hangs:
            await asyncio.sleep(10)
        return self.alive and not self.hangs

    async def kill(self) -> None:
        await asyncio.sleep(self.kill_s)
        self.crash()

    def starve(self) -> None:
        """End as the kernel ends what takes too much memory."""
        self.ran_out_of_memory = True
        self.crash()

    def crash(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)

    def memory_bytes(self) -> int:
        return 0

    def device_bytes(self) -> int:
        return self.measured_device_bytes


class FakeLauncher:
    """`processes` are all children so far. `gate` None: loads end at once; else they wait for it.

    `failures` are raised by the next launches, one each; ending a child takes `kill_s`. `machine` sees the
    memory that children take.
    """

    def __init__(self, *, memory: int = 16 * GIB, cores: int = 4, devices: tuple[Device, ...] = ()) -> None:
        self.processes: list[FakeProcess] = []
        self.plans: list[LaunchPlan] = []
        self.failures: list[Exception] = []
        self.gate: asyncio.Event | None = None
        self.kill_s = 0.0
        self.cancelled = 0
        self._memory = memory
        self._cores = cores
        self._devices = devices
        self._pids = itertools.count(1000)

    async def launch(
        self, plan: LaunchPlan, timeout_s: float, on_progress: Callable[[float], None]
    ) -> FakeProcess:
        self.plans.append(plan)
        on_progress(0.5)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(self.kill_s)
            self.cancelled += 1
            raise
        if self.failures:
            raise self.failures.pop(0)
        process = FakeProcess(plan, next(self._pids), self.kill_s)
        self.processes.append(process)
        return process

    def seats(self, plan: LaunchPlan, process: FakeProcess) -> Seats:
        return Seats(process.client, Child(num_slots=plan.num_slots))

    @property
    def living(self) -> list[str]:
        """The weights of the children that live, in the order of their start."""
        return [process.plan.weights.name for process in self.processes if process.alive]

    def machine(self) -> Machine:
        taken = sum(
            process.plan.need.total - process.plan.device_bytes - process.plan.promised_bytes
            for process in self.processes
            if process.alive
        )
        return Machine(
            memory_total=self._memory,
            memory_free=self._memory - taken,
            cores=self._cores,
            devices=self._devices,
        )

"""The queue of requests that need a load: one load at a time, in the order in which they came."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from corral.core.units import human_binary_bytes
from corral.errors import Cancelled, NotEnoughMemory, ServerBusy
from corral.scheduler.demand import Demand
from corral.scheduler.evict import choose
from corral.scheduler.journal import End, LoadKind
from corral.scheduler.machine import Machine
from corral.scheduler.plan import (
    LaunchPlan,
    max_runners,
    not_enough_memory,
    plan_launch,
    plan_smallest,
)
from corral.scheduler.pool import Pool
from corral.scheduler.process import Launcher, LoadedProcess
from corral.scheduler.reuse import difference
from corral.scheduler.runner import Runner, Ticket
from corral.settings import Settings

log = logging.getLogger("corral.scheduler")

_DEVICE_RELEASE_S, _DEVICE_POLL_S = 5.0, 0.1


@dataclass(slots=True, eq=False)
class _Waiter:
    demand: Demand
    keep_alive_s: float | None
    ticket: Ticket
    runner: asyncio.Future[Runner] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class Loading:
    """The load that runs now; `fraction` is between 0 and 1."""

    demand: Demand
    plan: LaunchPlan
    fraction: float = 0.0

    def advance(self, fraction: float) -> None:
        self.fraction = fraction


class Loader:
    """Serves waiting requests by loading runners into `pool`."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        launcher: Launcher,
        machine: Callable[[], Machine],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._launcher = launcher
        self._machine = machine
        self._now = now
        self._waiting: list[_Waiter] = []
        self._worker: asyncio.Task[None] | None = None
        self._first: _Waiter | None = None
        self._placing: asyncio.Task[Runner] | None = None
        self._aborted = False
        self.loading: Loading | None = None
        self._closed = False

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def tickets(self) -> list[Ticket]:
        """Those who wait, the one being served first."""
        return [waiter.ticket for waiter in self._present()]

    async def wait(self, demand: Demand, keep_alive_s: float | None) -> Runner:
        """A runner that serves `demand`, held for the caller.

        Raises ServerBusy when the queue is full, NotEnoughMemory, LoadError, RunnerTimeout.
        """
        if self._closed:
            raise Cancelled
        # The first in the queue is being served; only those behind it count as waiting.
        if len(self._waiting) > self._settings.max_queue:
            raise ServerBusy
        ticket = Ticket(demand.name, asyncio.get_running_loop().time())
        waiter = _Waiter(demand, keep_alive_s, ticket)
        self._waiting.append(waiter)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        try:
            return await waiter.runner
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def has_room(self, demand: Demand) -> bool:
        """Whether `demand` can be loaded now without a wait and without an end to any other."""
        if self._waiting or self._is_full():
            return False
        return plan_launch(demand, self._pool.room(self._machine()), self._settings) is not None

    async def close(self) -> None:
        self._closed = True
        waiting, self._waiting = self._present(), []
        for waiter in waiting:
            waiter.runner.set_exception(Cancelled())
        self._abort()
        if self._worker is not None:
            await asyncio.wait({self._worker})

    def _withdraw(self, waiter: _Waiter) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            if not self._still_wanted():
                self._abort()
        elif not waiter.runner.cancelled() and waiter.runner.exception() is None:
            self._pool.release(waiter.runner.result())

    def _abort(self) -> None:
        # Once only: a second time would cut short the launcher's own cleaning up.
        if self._placing is not None and not self._aborted:
            self._aborted = True
            self._placing.cancel()

    def _still_wanted(self) -> bool:
        """Does anyone wait for what is being done? Until a load runs, that is for one request only."""
        return any(waiter is self._first or self._joins(waiter) for waiter in self._present())

    def _joins(self, waiter: _Waiter) -> bool:
        """Would the load that runs serve this request, too?"""
        plan = self.loading.plan if self.loading is not None else None
        return plan is not None and difference(plan, waiter.demand, self._pool.machine) is None

    async def _work(self) -> None:
        while self._waiting:
            self._first = first = self._waiting[0]
            self._placing = asyncio.get_running_loop().create_task(self._place(first.demand))
            await asyncio.wait({self._placing})
            self._deliver(first, self._placing)
            self._first = self._placing = self.loading = None
            self._aborted = False

    def _deliver(self, first: _Waiter, placing: asyncio.Task[Runner]) -> None:
        """Hand the runner, or the error, to all who waited for it."""
        if placing.cancelled():
            return
        error = placing.exception()
        if error is not None:
            self._pool.journal.failed(first.demand.name, error)
            for waiter in self._present():
                if waiter is first or self._joins(waiter):
                    self._waiting.remove(waiter)
                    waiter.runner.set_exception(error)
            return
        runner = placing.result()
        if first in self._present():  # whatever happens to the runner now, it is this request's
            self._pool.hold(runner, first.demand, first.keep_alive_s)
            self._give(first, runner)
        for waiter in self._present():
            loaded = self._pool.take(waiter.demand, waiter.keep_alive_s)
            if loaded is not None:
                self._give(waiter, loaded)
        self._pool.settle(runner)

    def _present(self) -> list[_Waiter]:
        """Those who still wait: one that was cancelled stays in the queue until its task runs again."""
        return [waiter for waiter in self._waiting if not waiter.runner.done()]

    def _give(self, waiter: _Waiter, runner: Runner) -> None:
        self._waiting.remove(waiter)
        waiter.runner.set_result(runner)

    async def _place(self, demand: Demand) -> Runner:
        """The runner for `demand`: the one there is, or a new one after making room."""
        await self._pool.ended()
        present = self._pool.find(demand.key)
        kind: LoadKind = "requested"
        reason = self._first_reason(demand)
        if present is not None:
            changed = self._pool.difference(present, demand)
            if changed is None:
                return present
            kind, reason = "reload", f"reload: {changed}"
            self._check_possible(demand)
            await self._retire(present, End(kind, reason))
        demand = replace(demand, crowd=max(self._pool.crowd(demand.key), self._num_waiting_for(demand.key)))
        plan = await self._make_room(demand)
        runner = await self._load(demand, plan, reason)
        self._pool.journal.loaded(runner.name, kind, runner.load_s)
        return runner

    def _num_waiting_for(self, key: Path) -> int:
        return sum(waiter.demand.key == key for waiter in self._present())

    def _first_reason(self, demand: Demand) -> str:
        before = self._pool.why_absent(demand.key)
        return f"requested, earlier unloaded: {before}" if before else "requested"

    async def _make_room(self, demand: Demand) -> LaunchPlan:
        """Unload others until a launch fits. Raises NotEnoughMemory before unloading any in vain."""
        while True:
            room = self._pool.room(self._machine())
            if not self._is_full():
                plan = plan_launch(demand, room, self._settings)
                if plan is not None:
                    return plan
            self._check_possible(demand)
            victim = choose(self._pool.candidates(demand.key))
            if victim is None:
                break
            runner = self._pool.find(victim)
            if runner is not None:
                await self._retire(runner, End("evicted", f"evicted to make room for {demand.name}"))
        plan = plan_launch(demand, room, self._settings, shrink=True)
        if plan is None:
            raise not_enough_memory(demand, room, self._settings)
        return plan

    def _is_full(self) -> bool:
        return len(self._pool) - self._num_uncounted() >= max_runners(self._settings, self._pool.machine)

    def _num_uncounted(self) -> int:
        # Only a limit that somebody set may refuse a model because others are pinned.
        return 0 if self._settings.max_loaded_models else self._pool.num_pinned

    def _check_possible(self, demand: Demand) -> None:
        """Raise NotEnoughMemory where unloading all that may go would not help."""
        leaving = self._pool.movable(demand.key)
        staying = [runner for runner in self._pool.others(demand.key) if runner not in leaving]
        limit = self._settings.max_loaded_models
        if limit and len(staying) >= limit:
            names = ", ".join(runner.name for runner in staying)
            raise NotEnoughMemory(
                f"{demand.name} cannot be loaded: at most {limit} may be, and these are pinned: {names}",
                hint="unload one of them, or raise OLLAMA_MAX_LOADED_MODELS",
            )
        room = self._pool.room_without(self._machine(), leaving)
        if plan_launch(demand, room, self._settings, shrink=True) is None:
            raise not_enough_memory(demand, room, self._settings)

    async def _retire(self, runner: Runner, why: End) -> None:
        free = self._device_free()
        await self._pool.retire(runner, why)
        # A driver reports memory as free a little after the process has ended.
        waited = 0.0
        while self._device_free() < free + runner.params.device_bytes // 2 and waited < _DEVICE_RELEASE_S:
            await asyncio.sleep(_DEVICE_POLL_S)
            waited += _DEVICE_POLL_S

    def _device_free(self) -> int:
        return sum(device.free for device in self._machine().devices)

    async def _load(self, demand: Demand, plan: LaunchPlan, reason: str) -> Runner:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            process = await self._launch(demand, plan, reason)
        except NotEnoughMemory:
            smaller = await self._second_plan(demand, plan)
            if smaller is None:
                raise
            plan, reason = smaller, f"{reason}; again, smaller, after memory ran out"
            process = await self._launch(demand, plan, reason)
        took = loop.time() - began
        log.info("loaded: model=%s pid=%d seconds=%.3f", demand.name, process.pid, took)
        seats = self._launcher.seats(plan, process)
        runner = Runner(demand.model, plan, process, seats, reason=reason, loaded_at=self._now(), load_s=took)
        self._pool.add(runner)
        return runner

    async def _launch(self, demand: Demand, plan: LaunchPlan, reason: str) -> LoadedProcess:
        log.info(
            "load: model=%s num_ctx=%d num_slots=%d num_threads=%d devices=%s memory=%s reason=%s",
            demand.name,
            plan.num_ctx,
            plan.num_slots,
            plan.num_threads,
            plan.devices or "cpu",
            human_binary_bytes(plan.need.total),
            reason,
        )
        self.loading = Loading(demand, plan)
        return await self._launcher.launch(plan, self._settings.load_timeout_s, self.loading.advance)

    async def _second_plan(self, demand: Demand, failed: LaunchPlan) -> LaunchPlan | None:
        """After a load that ran out of memory: all idle others go, and the smallest launch is tried."""
        log.warning("memory ran out while loading: model=%s", demand.name)
        idle = [runner for runner in self._pool.movable(demand.key) if runner.in_flight == 0]
        why = End("evicted", f"evicted: memory ran out while loading {demand.name}")
        for runner in idle:
            await self._retire(runner, why)
        plan = plan_smallest(demand, self._pool.room(self._machine()), self._settings)
        # The room for kept prompts is not filled while loading, so giving it up makes no difference.
        smaller = plan is not None and plan.need.total < failed.need.at_load
        return plan if idle or smaller else None

"""The loaded runners: who holds them, when they expire, how they end. One owner of all that state."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from corral.scheduler.demand import Demand
from corral.scheduler.evict import Candidate, Warmth
from corral.scheduler.journal import End, EndKind, Journal
from corral.scheduler.machine import Device, Machine
from corral.scheduler.placement import Room
from corral.scheduler.reuse import difference, effective_context
from corral.scheduler.runner import LoadedInfo, Runner, Ticket

log = logging.getLogger("corral.scheduler")

# How long saving its prompts may hold up the end of a runner: while somebody waits for its memory, not long.
_SAVE_SOON_S = 1.0
_SAVE_S: dict[EndKind, float] = {"idle": 2.0, "shutdown": 2.0}
# For so long after an answer a runner is taken to be well.
_TRUSTED_S = 5.0
_REQUESTED = End("requested", "unload requested")


class Pool:
    """Runners by the path of their weights.

    `machine` holds what does not change (cores, devices), `now` gives seconds since the epoch.
    """

    def __init__(self, machine: Machine, keep_alive_s: float, now: Callable[[], float]) -> None:
        self.machine = machine
        self._keep_alive_s = keep_alive_s
        self._now = now
        self._runners: dict[Path, Runner] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._last_end: dict[Path, End] = {}
        # Of the weights, not of the runner: a model that is loaded again is still much asked for.
        self._crowds: defaultdict[Path, int] = defaultdict(int)
        self._warmth: defaultdict[Path, Warmth] = defaultdict(Warmth)
        self.journal = Journal()

    def __len__(self) -> int:
        return len(self._runners)

    def find(self, key: Path) -> Runner | None:
        """The runner of these weights, where its child still lives."""
        runner = self._runners.get(key)
        if runner is not None and not runner.process.alive:
            self._crashed(runner)
            return None
        return runner

    def others(self, key: Path) -> list[Runner]:
        return [runner for runner in self._runners.values() if runner.params.weights != key]

    def movable(self, besides: Path) -> list[Runner]:
        """Those that may be unloaded for the model of weights `besides`."""
        return [runner for runner in self.others(besides) if not runner.pinned]

    @property
    def num_pinned(self) -> int:
        return sum(runner.pinned for runner in self._runners.values())

    def difference(self, runner: Runner, demand: Demand) -> str | None:
        return difference(runner.params, demand, self.machine)

    def take(self, demand: Demand, keep_alive_s: float | None) -> Runner | None:
        """Hold the loaded runner that can serve `demand`; None where there is none. `release` must follow."""
        runner = self.find(demand.key)
        if runner is None or runner.draining or self.difference(runner, demand):
            return None
        self.hold(runner, demand, keep_alive_s)
        return runner

    def crowd(self, key: Path) -> int:
        """How many requests at most held a runner of these weights at a time, those that waited included."""
        return self._crowds[key]

    def hold(self, runner: Runner, demand: Demand, keep_alive_s: float | None) -> None:
        runner.in_flight += 1
        self._crowds[demand.key] = max(self._crowds[demand.key], runner.in_flight)
        self._warmth[demand.key].add(asyncio.get_running_loop().time())
        runner.latest_ctx = effective_context(runner.params, demand)
        runner.quiet.clear()
        self._stop_clock(runner)
        if keep_alive_s is not None:
            runner.keep_alive_s = math.inf if keep_alive_s < 0 else keep_alive_s
            runner.pinned = math.isinf(runner.keep_alive_s)

    def release(self, runner: Runner) -> None:
        """End one hold. When it was the last, the keep-alive clock starts."""
        runner.in_flight -= 1
        runner.last_used = asyncio.get_running_loop().time()
        if runner.in_flight == 0:
            self._rest(runner)

    def add(self, runner: Runner) -> None:
        """Take over a runner that has just been loaded."""
        runner.keep_alive_s = self._keep_alive_s
        runner.last_used = asyncio.get_running_loop().time()
        self._runners[runner.params.weights] = runner
        runner.process.exited.add_done_callback(lambda _: self._crashed(runner))

    def keep(self, runner: Runner) -> None:
        """Nothing but the need for its place ends it, unless a request brings a keep-alive of its own."""
        runner.keep_alive_s = math.inf

    def was_dismissed(self, key: Path) -> bool:
        """Whether the last runner of these weights went because somebody wanted it so."""
        end = self._last_end.get(key)
        return end is not None and end.kind in ("requested", "keep_alive")

    def settle(self, runner: Runner) -> None:
        """Start the clock of a runner that was loaded for a request which has left meanwhile."""
        if runner.in_flight == 0 and not runner.draining:
            self._rest(runner)

    def expire(self, key: Path, why: End = _REQUESTED) -> bool:
        """Unload as soon as idle, unless a request with a keep-alive of its own revives it.

        False: it was not loaded.
        """
        runner = self._runners.get(key)
        if runner is None:
            return False
        runner.keep_alive_s, runner.pinned = 0.0, False
        if runner.in_flight == 0 and not runner.draining:
            self._end(runner, why)
        return True

    async def answers(self, runner: Runner) -> bool:
        """Whether `runner` can be used. One that nobody has heard of for a while is asked, and given up where
        it is silent: a child that hangs looks alive."""
        loop = asyncio.get_running_loop()
        if runner.gone or loop.time() - runner.last_used < _TRUSTED_S:
            return not runner.gone
        answered = await runner.process.answers()
        runner.last_used = loop.time()
        if not (answered or runner.gone):
            self._abandon(runner, "it does not answer")
            self._kill(runner)
        return not runner.gone

    def discard(self, runner: Runner) -> None:
        """Never use `runner` again, although its child may still live: that is ended, whoever uses it."""
        if not runner.gone:
            self._abandon(runner, "its connection broke")
            self._kill(runner)

    async def retire(self, runner: Runner, why: End) -> None:
        """Unload when its running requests have finished; new ones wait. Cancelling takes that back."""
        runner.draining = why
        try:
            await runner.quiet.wait()
        except asyncio.CancelledError:
            runner.draining = None
            self.settle(runner)
            raise
        if not runner.gone:
            self._end(runner, why)
        await self.ended()

    async def ended(self) -> None:
        """Wait until every child that was told to end is gone, and its memory free."""
        if self._ending:
            await asyncio.wait(set(self._ending))

    async def close(self) -> None:
        for runner in list(self._runners.values()):
            self._end(runner, End("shutdown", "the server shuts down"))
        await self.ended()

    def why_absent(self, key: Path) -> str:
        """How the last runner of these weights ended; empty where there was none."""
        end = self._last_end.get(key)
        return end.text if end is not None else ""

    def candidates(self, besides: Path) -> list[Candidate]:
        now = asyncio.get_running_loop().time()
        return [
            Candidate(
                key=runner.params.weights,
                in_flight=runner.in_flight,
                warmth=self._warmth[runner.params.weights].at(now),
                last_used=runner.last_used,
                endless=math.isinf(runner.keep_alive_s),
                pinned=runner.pinned,
            )
            for runner in self.others(besides)
        ]

    def room(self, machine: Machine) -> Room:
        """What `machine` has left, when all promises to the loaded runners are kept."""
        promised = sum(runner.params.promised_bytes for runner in self._runners.values())
        free = max(0, machine.memory_free - promised)
        return Room(machine=replace(machine, memory_free=free), alone=not self._runners)

    def room_without(self, machine: Machine, leaving: Iterable[Runner]) -> Room:
        """What there would be if `leaving` were unloaded; by prediction, so on the hopeful side."""
        gone = {runner.params.weights: runner.params for runner in leaving}
        staying = [runner.params for key, runner in self._runners.items() if key not in gone]
        free = machine.memory_free - sum(plan.promised_bytes for plan in staying)
        free += sum(plan.need.total - plan.device_bytes - plan.promised_bytes for plan in gone.values())
        devices = machine.devices
        for plan in gone.values():
            devices = tuple(_with_free(device, plan.devices, plan.device_bytes) for device in devices)
        machine = replace(machine, memory_free=max(0, min(free, machine.memory_total)), devices=devices)
        return Room(machine=machine, alone=not staying)

    def tickets(self) -> list[list[Ticket]]:
        """Who waits for the slots of each runner, in order."""
        return [list(runner.at_slots) for runner in self._runners.values()]

    def infos(self) -> list[LoadedInfo]:
        """All loaded models, the one that expires last first."""
        now = self._now()
        return sorted((runner.info(now) for runner in self._runners.values()), key=_expiry, reverse=True)

    def _rest(self, runner: Runner) -> None:
        runner.quiet.set()
        self._stop_clock(runner)
        if runner.gone or runner.draining:
            return
        duration = runner.keep_alive_s
        runner.expires_at = self._now() + duration
        if duration <= 0:
            self._end(runner, End("keep_alive", "its keep-alive is 0"))
        elif math.isfinite(duration):
            loop = asyncio.get_running_loop()
            end = End("idle", f"idle for {duration:g} s")
            runner.timer = loop.call_later(duration, self._end, runner, end)

    def _stop_clock(self, runner: Runner) -> None:
        if runner.timer is not None:
            runner.timer.cancel()
            runner.timer = None

    def _end(self, runner: Runner, why: End) -> None:
        log.info("unload: model=%s pid=%d reason=%s", runner.name, runner.process.pid, why.text)
        runner.stopping = True
        self._forget(runner, why)
        self._kill(runner, save_s=_SAVE_S.get(why.kind, _SAVE_SOON_S))

    def _kill(self, runner: Runner, *, save_s: float = 0.0) -> None:
        """End the child; with `save_s` its prompts are saved first, for at most so many seconds."""
        task = asyncio.get_running_loop().create_task(self._finish(runner, save_s))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _finish(self, runner: Runner, save_s: float) -> None:
        try:
            if save_s and runner.process.alive:
                await runner.seats.save(save_s)
        finally:
            runner.seats.close()
            await runner.process.kill()

    def _crashed(self, runner: Runner) -> None:
        if runner.stopping:
            return
        starved = runner.process.ran_out_of_memory
        if not runner.gone:  # else a request has noticed its end first
            self._abandon(runner, "memory ran out" if starved else "its process ended unexpectedly")
        if starved:  # the estimates did not hold, so all others make room. Source: http-api.md 14.5.
            for other in list(self._runners.values()):
                self.expire(other.params.weights, End("evicted", f"memory ran out in {runner.name}"))

    def _abandon(self, runner: Runner, why: str) -> None:
        log.error("runner lost: model=%s pid=%d reason=%s", runner.name, runner.process.pid, why)
        self._forget(runner, End("crashed", why))
        # Requests that still wait for a slot wake up, see that it is gone, and ask for a new runner.
        for _ in range(runner.in_flight - runner.in_slots):
            runner.slots.release()

    def _forget(self, runner: Runner, why: End) -> None:
        self._stop_clock(runner)
        self.journal.ended(runner.name, why)
        runner.gone = True
        runner.quiet.set()
        self._last_end[runner.params.weights] = why
        if self._runners.get(runner.params.weights) is runner:
            del self._runners[runner.params.weights]


def _expiry(info: LoadedInfo) -> float:
    return info.expires_at


def _with_free(device: Device, indices: tuple[int, ...], device_bytes: int) -> Device:
    if device.index not in indices:
        return device
    return replace(device, free=min(device.total, device.free + device_bytes // len(indices)))

"""Which models are loaded, and who may use them: leases, keep-alive, unloading.

Runners on a CPU share its cores, and nothing is done about that here: with the engine's barriers told to
spin briefly (`GOMP_SPINCOUNT=1000`, set by the engine room) two children decoding at once reach together what
one alone reaches, each with as many threads as there are cores. Taking turns would not reach more, and with
split cores a model alone would run at half of its speed. Figures: docs/performance.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

from corral.core.model import Model
from corral.core.options import Options
from corral.errors import RunnerCrashed, RunnerTimeout, UnknownArchitecture
from corral.scheduler.demand import Demand, make_demand
from corral.scheduler.guessing import Guesswork
from corral.scheduler.journal import Journal
from corral.scheduler.loading import Loader
from corral.scheduler.machine import Machine, read_machine
from corral.scheduler.plan import LaunchPlan
from corral.scheduler.pool import Pool
from corral.scheduler.preview import Preview, preview
from corral.scheduler.process import Launcher
from corral.scheduler.reuse import effective_context
from corral.scheduler.runner import LoadedInfo, Runner, Ticket
from corral.settings import Settings

log = logging.getLogger("corral.scheduler")

_MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """A request's hold on a slot of `runner`.

    `num_ctx` is the context window of this request: what it asked for, within the runner's. `load_s` is how
    long it waited until its model was loaded (queue and load), `wait_s` how long then for a slot.
    """

    runner: Runner
    num_ctx: int
    load_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class LoadingInfo:
    """The load that runs now: model name, what is being started, and its progress from 0 to 1."""

    name: str
    plan: LaunchPlan
    fraction: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request in a queue: for a load of its model, or for a slot of it. `position` counts from 1."""

    model: str
    stage: Literal["load", "slot"]
    position: int
    waited_s: float
    request_id: str


class Scheduler:
    """Serves leases from the models that are loaded, and loads the others one at a time.

    All methods belong to one event loop. `machine` must answer at once; `now` is seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        launcher: Launcher,
        *,
        machine: Callable[[], Machine] = read_machine,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._machine = machine
        self._pool = Pool(machine(), settings.keep_alive_s, now)
        self._guesswork = Guesswork()
        self._loader = Loader(settings, self._pool, launcher, machine, now)

    def lease(
        self,
        model: Model,
        options: Options,
        *,
        given: frozenset[str] | None = None,
        shift: bool | None = None,
        exact: bool = False,
        keep_alive_s: float | None = None,
        private: bool = False,
        apart: bool = False,
    ) -> AbstractAsyncContextManager[Lease]:
        """Hold a slot of a runner of `model`, loading it if needed, for the time of an `async with`.

        `given` names the options that the request or the model set (None: all that differ from automatic),
        `shift` None means the model's default, `keep_alive_s` None keeps what holds now. The prompt of a
        `private` request is of use to its owner alone; `exact` asks for a runner that guesses no tokens
        ahead, as log-probabilities need it, `apart` for one that guesses none from what others wrote. Raises
        ServerBusy, NotEnoughMemory, LoadError, RunnerTimeout, RunnerCrashed, Unsupported; a request that is
        cancelled while it waits leaves at once, and ends the load that only it waited for.
        """
        demand = make_demand(
            model,
            options,
            given=given,
            shift=shift,
            private=private,
            apart=apart,
            exact=exact,
            guessing_pays=model.weights is None or self._guesswork.pays(model.weights),
        )
        return self._hold(demand, keep_alive_s)

    def guessed(self, runner: Runner, guessed: int, right: int) -> None:
        """Note what became of an answer's guesses: where too many are wrong, the next load makes none."""
        self._guesswork.note(runner.params.weights, guessed, right)

    async def preload(self, model: Model, options: Options) -> bool:
        """Load `model` where nobody must make room for it, and keep it until its place is needed.

        False: it is loaded, or was unloaded because somebody asked for that, or there is no room now.
        Raises as `lease`.
        """
        demand = make_demand(model, options, given=None, shift=None)
        if self._pool.find(demand.key) or self._pool.was_dismissed(demand.key):
            return False
        if not self._loader.has_room(demand):
            return False
        async with self._hold(demand, None) as lease:
            self._pool.keep(lease.runner)
        return True

    def preview(self, model: Model, options: Options) -> Preview:
        """What loading `model` would do now. Raises LoadError, Unsupported."""
        demand = make_demand(model, options, given=None, shift=None)
        demand = replace(demand, crowd=self._pool.crowd(demand.key))
        machine = self._machine()
        emptied = self._pool.room_without(machine, self._pool.movable(demand.key))
        return preview(demand, self._pool.room(machine), emptied, self._settings)

    def unload(self, model: Model) -> bool:
        """Unload `model` once its requests have finished, without waiting. False: it was not loaded."""
        return model.weights is not None and self._pool.expire(model.weights)

    def discard(self, runner: Runner) -> None:
        """Give up a runner that failed a request by RunnerCrashed or RunnerTimeout; the next one loads anew.

        Its end is noticed anyway, but maybe only after the next request has been sent to it. Not needed where
        the error leaves the `async with` of the lease.
        """
        self._pool.discard(runner)

    def loaded(self) -> list[LoadedInfo]:
        """The loaded models, the one that expires last first."""
        return self._pool.infos()

    @property
    def loading(self) -> LoadingInfo | None:
        """The load that runs now, if any."""
        loading = self._loader.loading
        return LoadingInfo(loading.demand.name, loading.plan, loading.fraction) if loading else None

    def queue(self) -> list[Waiting]:
        """All that wait: for a load in the order of their turn, then for slots, model by model."""
        now = asyncio.get_running_loop().time()
        found = [_waiting(ticket, "load", now, place) for place, ticket in enumerate(self._loader.tickets, 1)]
        for tickets in self._pool.tickets():
            found += [_waiting(ticket, "slot", now, place) for place, ticket in enumerate(tickets, 1)]
        return found

    @property
    def journal(self) -> Journal:
        """Loads and unloads since the start."""
        return self._pool.journal

    @property
    def num_waiting(self) -> int:
        """Requests that wait for a load, the one being served included."""
        return self._loader.num_waiting

    async def close(self) -> None:
        """Refuse what waits and stop every child. Running requests see their child end."""
        await self._loader.close()
        await self._pool.close()

    @asynccontextmanager
    async def _hold(self, demand: Demand, keep_alive_s: float | None) -> AsyncIterator[Lease]:
        lease = await self._enter(demand, keep_alive_s)
        runner = lease.runner
        try:
            yield lease
        except (RunnerCrashed, RunnerTimeout):
            self._pool.discard(runner)
            raise
        finally:
            self._leave(runner)

    async def _load(self, demand: Demand, keep_alive_s: float | None) -> Runner:
        try:
            return await self._loader.wait(demand, keep_alive_s)
        except UnknownArchitecture as error:
            raise error.with_advice(demand.name) from None

    async def _enter(self, demand: Demand, keep_alive_s: float | None) -> Lease:
        """A slot of a living runner. One that ended while this request waited for its turn is replaced."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(_MAX_ATTEMPTS):
            runner = self._pool.take(demand, keep_alive_s)
            if runner is None:
                runner = await self._load(demand, keep_alive_s)
            loaded = loop.time()
            ticket = Ticket(demand.name, loaded)
            runner.at_slots.append(ticket)
            try:
                await runner.slots.acquire()
            except BaseException:
                self._pool.release(runner)
                raise
            finally:
                runner.at_slots.remove(ticket)
            runner.in_slots += 1
            try:
                if await self._pool.answers(runner):
                    limit = effective_context(runner.params, demand)
                    return Lease(runner, limit, loaded - began, loop.time() - loaded)
            except BaseException:
                self._leave(runner)
                raise
            self._leave(runner)
        raise RunnerCrashed

    def _leave(self, runner: Runner) -> None:
        """End a request's hold on its slot."""
        runner.in_slots -= 1
        runner.slots.release()
        self._pool.release(runner)


def _waiting(ticket: Ticket, stage: Literal["load", "slot"], now: float, position: int) -> Waiting:
    return Waiting(ticket.model, stage, position, now - ticket.since, ticket.request_id)

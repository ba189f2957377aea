"""The seam to the engine: what the scheduler asks of whoever starts child processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from corral.cache import Seats
from corral.engine import Client
from corral.scheduler.plan import LaunchPlan


class LoadedProcess(Protocol):
    """A child with its model loaded. `exited` is done once the child has ended, for whatever reason.

    The scheduler only hands `client` on; `build` tells its engine from others. `memory_bytes` is the system
    memory that the child takes now, and `device_bytes` its memory on devices; 0 where nobody knows.
    """

    @property
    def client(self) -> Client: ...

    @property
    def build(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def alive(self) -> bool: ...

    @property
    def exited(self) -> asyncio.Future[None]: ...

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the child has ended for lack of memory."""

    async def answers(self) -> bool:
        """Whether the child, alive or not, still says something when it is asked; slow where it does not."""

    async def kill(self) -> None:
        """End the child now and wait until it is gone; nothing happens if it is gone already."""

    def memory_bytes(self) -> int: ...

    def device_bytes(self) -> int: ...


class Launcher(Protocol):
    """Starts children."""

    async def launch(
        self, plan: LaunchPlan, timeout_s: float, on_progress: Callable[[float], None]
    ) -> LoadedProcess:
        """Start a child and wait until its model is loaded; `on_progress` hears fractions from 0 to 1.

        `timeout_s` bounds the time without progress. Cancelling ends the child before it returns.
        Raises LoadError, RunnerTimeout or RunnerCrashed; NotEnoughMemory where the load ran out of memory.
        """

    def seats(self, plan: LaunchPlan, process: LoadedProcess) -> Seats:
        """The slots of a child that it has started."""

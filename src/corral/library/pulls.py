"""Pulls that run, whoever began them: listed, kept going without a client, stopped from anywhere."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from corral.core.requests import ProgressRecord
from corral.errors import CorralError, NotFound, PullStopped

log = logging.getLogger("corral.library")

# What is over stays in the list so that a page opened later can tell how it went.
_MAX_OVER = 20
_OVER_S = 3600.0

Result = Literal["", "done", "failed", "stopped"]
Fetch = Callable[[], AsyncGenerator[ProgressRecord, None]]


@dataclass(frozen=True, slots=True)
class LayerProgress:
    """Bytes of one layer."""

    digest: str
    total: int
    completed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """One pull as it stands. `began_at` and `ended_at` are seconds since the epoch, 0 where not yet.

    `result` is empty while it runs. `kept`: it goes on when no client watches.
    """

    name: str
    began_at: float
    ended_at: float = 0.0
    status: str = ""
    layers: tuple[LayerProgress, ...] = ()
    result: Result = ""
    error: str = ""
    hint: str = ""
    kept: bool = False


@dataclass(slots=True)
class _Running:
    """A pull with those who run it: requests of clients, and `task` where the server keeps it going."""

    pull: Pull
    num_users: int = 0
    stopping: bool = False
    task: asyncio.Task[None] | None = None
    layers: dict[str, LayerProgress] = field(default_factory=dict)

    def note(self, record: ProgressRecord) -> None:
        if record.digest:
            layer = LayerProgress(record.digest, record.total, record.completed)
            self.layers[record.digest] = layer
        self.pull = replace(self.pull, status=record.status, layers=tuple(self.layers.values()))


class Pulls:
    """The pulls of one library, by the short name of the model. One event loop uses it."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._over: dict[str, Pull] = {}

    def list(self) -> list[Pull]:
        """Those that run, oldest first, then those that ended within the last hour."""
        since = time.time() - _OVER_S
        self._over = {name: pull for name, pull in self._over.items() if pull.ended_at > since}
        return [*(running.pull for running in self._running.values()), *self._over.values()]

    async def watched(self, name: str, fetch: Fetch) -> AsyncGenerator[ProgressRecord, None]:
        """The records of `fetch()`, noted on the way. Raises what it raises, PullStopped after `stop`."""
        running = self._join(name)
        try:
            async with aclosing(fetch()) as records:
                async for record in records:
                    running.note(record)
                    yield record
                    if running.stopping:
                        raise PullStopped(name)
        except CorralError as error:
            running.pull = replace(running.pull, error=error.message, hint=error.hint or "")
            raise
        finally:
            self._leave(name, running)

    def keep(self, name: str, fetch: Fetch) -> Pull:
        """Pull in the background, or keep that one going which runs already."""
        running = self._running.get(name)
        if running is None or running.task is None:
            running = self._join(name)
            running.task = asyncio.create_task(self._drained(name, fetch))
            running.task.add_done_callback(partial(self._leave, name, running))
        running.pull = replace(running.pull, kept=True)
        return running.pull

    def stop(self, name: str) -> None:
        """End a pull for all who wait for it, or forget one that is over. Raises NotFound."""
        if self._over.pop(name, None) is not None:
            return
        running = self._running.get(name)
        if running is None:
            raise NotFound(f"no pull of {name} is running")
        running.stopping = True
        if running.task is not None:
            running.task.cancel()

    async def close(self) -> None:
        """End those in the background; what has arrived is kept for the next pull."""
        tasks = [running.task for running in self._running.values() if running.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drained(self, name: str, fetch: Fetch) -> None:
        try:
            async with aclosing(self.watched(name, fetch)) as records:
                async for _ in records:
                    pass
        except CorralError as error:
            log.warning("pull of %s failed: %s", name, error.message)

    def _join(self, name: str) -> _Running:
        running = self._running.get(name)
        if running is None:
            self._over.pop(name, None)
            running = self._running[name] = _Running(Pull(name=name, began_at=time.time()))
        running.num_users += 1
        return running

    def _leave(self, name: str, running: _Running, _: object = None) -> None:
        running.num_users -= 1
        if running.num_users > 0:
            return
        self._running.pop(name, None)
        self._over[name] = replace(running.pull, ended_at=time.time(), result=_result(running))
        while len(self._over) > _MAX_OVER:
            self._over.pop(next(iter(self._over)))


def _result(running: _Running) -> Result:
    if running.pull.status == "success":
        return "done"
    if running.pull.error and not running.stopping:
        return "failed"
    return "stopped"

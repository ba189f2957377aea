"""Models that are loaded before anybody asks for them: those of a list, and the next one of a client.

A model of the list stays loaded until its place is needed, and comes back when there is room again. It never
takes the place of another one. The model that a request names as the next is loaded when the answer is there,
as if it had been asked for: what is idle makes room for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

from corral.core.model import Model
from corral.core.options import resolve_options
from corral.errors import CorralError
from corral.scheduler import Scheduler

log = logging.getLogger("corral.serving")

# How often is looked whether a model of the list lost its place, and how long one that fails is left alone.
_LOOK_S, _SULK_S = 5.0, 60.0


class Models(Protocol):
    """The part of the library that the road needs."""

    async def resolve(self, text: str) -> Model:
        """Raises ModelNotFound, InvalidName."""


class Preloads:
    """Loads in the background. `names` are those that should always be loaded, the most wanted first."""

    def __init__(self, models: Models, scheduler: Scheduler, names: Sequence[str] = ()) -> None:
        self._models = models
        self._scheduler = scheduler
        self._names = names
        self._sulking: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Load the list, and look after it from now on."""
        if self._names:
            self._start(self._look_after())

    def next(self, names: Iterable[str]) -> None:
        """A client says what it will ask for next. Failures are its own to meet: they are only logged."""
        for name in names:
            self._start(self._load(name, evict=True))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            for name in self._names:
                if self._sulking.get(name, 0.0) <= now():
                    await self._load(name, evict=False)
            await asyncio.sleep(_LOOK_S)

    async def _load(self, name: str, *, evict: bool) -> None:
        try:
            model = await self._models.resolve(name)
            options = resolve_options(model.parameters, {})
            if evict:
                async with self._scheduler.lease(model, options):
                    return
            await self._scheduler.preload(model, options)
        except CorralError as error:
            log.warning("not preloaded: model=%s reason=%s", name, error.message)
            self._sulking[name] = asyncio.get_running_loop().time() + _SULK_S

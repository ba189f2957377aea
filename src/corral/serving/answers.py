"""An answer under way: its events, and the lease that it holds until it is closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack

from corral.core.events import Event
from corral.errors import CorralError, RunnerCrashed, RunnerTimeout
from corral.serving.meter import Meter


class Answer:
    """Either one event that is the whole answer (`single`), or a stream of batches of events.

    Batches hold all events that were there at once; the last event of the last batch is a Done. Whoever gets
    an Answer closes it, read to the end or not: closing frees the runner's slot.
    """

    def __init__(
        self,
        batches: AsyncGenerator[list[Event], None] | None = None,
        *,
        single: Event | None = None,
    ) -> None:
        self.single = single
        self._batches = batches
        self._stack: AsyncExitStack | None = None
        self._on_crash: Callable[[], None] | None = None
        self._meter: Meter | None = None

    def holding(self, stack: AsyncExitStack, on_crash: Callable[[], None]) -> Answer:
        """The same answer, which closes `stack` at its end; `on_crash` hears of a runner's end first."""
        self._stack = stack
        self._on_crash = on_crash
        return self

    def metered(self, meter: Meter) -> Answer:
        """The same answer, which tells `meter` of its batches and its end."""
        self._meter = meter
        if self.single is not None:
            meter.loaded()
        return self

    async def first(self) -> list[Event]:
        """The first events: errors that come before any event are raised here."""
        async for batch in self.rest():
            if batch:
                return batch
        return []

    async def rest(self) -> AsyncGenerator[list[Event], None]:
        """What has not been read yet."""
        if self._batches is None:
            return
        while True:
            try:
                batch = await anext(self._batches)
            except StopAsyncIteration:
                return
            except CorralError as error:
                self._failed(error)
                raise
            if self._meter is not None and batch:
                self._meter.batch(batch)
            yield batch

    async def collect(self) -> list[Event]:
        """All events; the answer is closed afterwards."""
        try:
            return [event async for batch in self.rest() for event in batch]
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        if self._batches is not None:
            await self._batches.aclose()
        if self._stack is not None:
            await self._stack.aclose()
        if self._meter is not None:
            self._meter.end()

    def _failed(self, error: CorralError) -> None:
        if self._meter is not None:
            self._meter.failed(error)
        if self._on_crash is not None and isinstance(error, (RunnerCrashed, RunnerTimeout)):
            self._on_crash()

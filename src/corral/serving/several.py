"""Several answers to one request, as one: each gets a slot of its own as soon as one is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from corral.core.events import Event, Numbered
from corral.serving.answers import Answer

# Batches that wait for a slow reader, over all answers; then the answers themselves wait.
_MAX_WAITING = 64


class SeveralAnswers:
    """The events of all answers that `starts` begin, in the order in which they are made.

    The first answer that fails ends all. Whoever gets one closes it, read to the end or not.
    """

    single: None = None

    def __init__(self, starts: Sequence[Callable[[], Awaitable[Answer]]]) -> None:
        self._batches: asyncio.Queue[list[Numbered] | BaseException | None] = asyncio.Queue(_MAX_WAITING)
        self._tasks = [asyncio.ensure_future(self._run(index, start)) for index, start in enumerate(starts)]
        self._num_open = len(self._tasks)

    async def first(self) -> list[Numbered]:
        """The first events: errors that come before any event are raised here."""
        async for batch in self.rest():
            if batch:
                return batch
        return []

    async def rest(self) -> AsyncGenerator[list[Numbered], None]:
        """What has not been read yet."""
        while self._num_open:
            batch = await self._batches.get()
            if isinstance(batch, BaseException):
                raise batch
            if batch is None:
                self._num_open -= 1
            else:
                yield batch

    async def collect(self) -> list[Numbered]:
        """All events; the answers are closed afterwards."""
        try:
            return [event async for batch in self.rest() for event in batch]
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, index: int, start: Callable[[], Awaitable[Answer]]) -> None:
        try:
            answer = await start()
            try:
                if answer.single is not None:
                    await self._put(index, [answer.single])
                async for batch in answer.rest():
                    await self._put(index, batch)
            finally:
                await answer.aclose()
        except Exception as error:  # handed to whoever reads, who raises it again
            await self._batches.put(error)
        else:
            await self._batches.put(None)

    async def _put(self, index: int, batch: Sequence[Event]) -> None:
        await self._batches.put([Numbered(index, event) for event in batch])

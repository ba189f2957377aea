"""Transfers that several clients may wait for, watched at a steady pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from corral.core.digests import Digest
from corral.registry import Progress

# Seconds between two looks at the progress. Source: registry.md section 17.
PACE_S = 0.06

Transfer = Callable[[Progress], Awaitable[None]]


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[None]
    progress: Progress
    num_watchers: int = 0
    ending: bool = field(default=False)


class Transfers:
    """Running transfers by digest. The last watcher to leave stops a transfer."""

    def __init__(self) -> None:
        self._running: dict[Digest, _Running] = {}

    async def watch(self, digest: Digest, total: int, transfer: Transfer) -> AsyncGenerator[Progress, None]:
        """Start `transfer`, or join the one that runs for the same digest; its progress until it is done.

        Raises what the transfer raises.
        """
        running = await self._join(digest, total, transfer)
        try:
            while not running.task.done():
                yield running.progress
                await asyncio.wait({running.task}, timeout=PACE_S)
            running.task.result()
            yield running.progress
        finally:
            running.num_watchers -= 1
            if running.num_watchers == 0 and not running.task.done():
                running.ending = True
                running.task.cancel()

    async def _join(self, digest: Digest, total: int, transfer: Transfer) -> _Running:
        while (found := self._running.get(digest)) is not None and found.ending:
            # It still holds the file: wait until it has let go, then begin again where it stopped.
            await asyncio.wait({found.task})
            self._forget(digest, found)
        if found is None:
            progress = Progress(total=total)
            task = asyncio.ensure_future(_run(transfer, progress))
            found = self._running[digest] = _Running(task, progress)
            running = found
            task.add_done_callback(lambda _: self._forget(digest, running))
        found.num_watchers += 1
        return found

    def _forget(self, digest: Digest, running: _Running) -> None:
        if self._running.get(digest) is running:
            del self._running[digest]


async def _run(transfer: Transfer, progress: Progress) -> None:
    await transfer(progress)

"""The jobs as they are written down: rows of a table, and folders. Followers hear of changes."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from corral.database import Database
from corral.tune.events import Event
from corral.tune.jobs import table
from corral.tune.jobs.folder import JobFolder
from corral.tune.jobs.identity import is_alive, this_server
from corral.tune.jobs.job import Job
from corral.tune.jobs.summary import summed

_ABANDONED_S = 3600.0  # what is younger may be in the making by another server of this folder
_INTERRUPTED = "interrupted: the server ended while it ran"


class Ledger:
    """Of all owners. Each job is that of the server process that changed it last."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self._database = database
        self._server = this_server()
        self.changed = asyncio.Event()  # set at the next change; after it another stands here

    def folder(self, id: str) -> JobFolder:
        return JobFolder(self.path / id)

    async def find(self, id: str) -> Job:
        """Raises NotFound."""
        return await self._database.read(lambda connection: table.find(connection, id))

    async def of_owner(self, owner: int | None) -> list[Job]:
        """The newest first."""
        return await self._database.read(lambda connection: table.of_owner(connection, owner))

    async def next_queued(self) -> str:
        """The id of the job that waits longest; empty when none does."""
        return await self._database.read(lambda connection: table.next_queued(connection, self._server))

    async def insert(self, job: Job) -> None:
        await self._database.write(lambda connection: table.insert(connection, job, self._server))

    async def change(self, id: str, changed: Callable[[Job], Job]) -> Job:
        """The job as `changed` makes it of what it is now. Raises NotFound."""
        job = await self._database.write(
            lambda connection: table.change(connection, id, changed, self._server)
        )
        self.tell()
        return job

    async def delete(self, id: str) -> None:
        await asyncio.to_thread(self.folder(id).remove)  # first: the row may need the room
        await self._database.write(lambda connection: table.delete(connection, id))
        self.tell()

    def tell(self) -> None:
        """Something has happened to a job."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def recover(self) -> None:
        """Take over the jobs of servers that are gone, and remove folders that no row knows."""
        for id, server in await self._database.read(table.unfinished):
            if not is_alive(server):
                events = await asyncio.to_thread(list, self.folder(id).events())
                await self.change(id, partial(_left, events))
        known = await self._database.read(table.ids)
        oldest = time.time() - _ABANDONED_S
        with suppress(OSError):  # what cannot be looked at stays
            for path in self.path.iterdir():
                if path.name not in (*known, "matplotlib") and path.stat().st_mtime < oldest:
                    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def _left(events: list[Event], job: Job) -> Job:
    """A job as its server left it: one that waits goes on waiting, one that ran is stopped."""
    if job.state == "queued":
        return job
    stopped = {"state": "stopped", "reason": _INTERRUPTED, "finished_at": time.time()}
    return replace(job, summary=summed(events), **stopped)

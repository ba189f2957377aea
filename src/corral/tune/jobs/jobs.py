"""The jobs as clients see and steer them; each key its own."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from msgspec.structs import replace

from corral.core.names import ModelName
from corral.database import Database
from corral.errors import InvalidInput
from corral.library import Library
from corral.settings import Settings
from corral.tune.events import Event
from corral.tune.files import Files, StoredFile
from corral.tune.jobs import checks, reporting, results, table
from corral.tune.jobs.folder import JobFolder
from corral.tune.jobs.job import RESUMABLE, Job, Wanted
from corral.tune.jobs.ledger import Ledger
from corral.tune.jobs.planning import planned
from corral.tune.jobs.queue import Queue
from corral.tune.spec import Mode

# A follower of a job that another server runs looks this often.
_LOOK_S = 1.0

Line = tuple[int, bytes]


class Jobs:
    """`owner` gives the key of the request that is served: each key sees its own jobs only.

    Requests without a key share theirs. Call `recover` once when the server starts, `close` at its end.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        library: Library,
        files: Files,
        owner: Callable[[], int | None],
    ) -> None:
        self._settings = settings
        self._ledger = Ledger(settings.home / "tune", database)
        self._queue = Queue(settings, self._ledger, library, files)
        self._library = library
        self._files = files
        self._owner = owner
        self._planning = asyncio.Semaphore(1)

    # Asking

    async def all(self) -> list[Job]:
        """The newest first."""
        jobs = await self._ledger.of_owner(self._owner())
        return [self._current(job) for job in jobs]

    async def find(self, id: str) -> Job:
        """Raises NotFound, also for a job of another key."""
        job = await self._ledger.find(id)
        if job.owner != self._owner():
            raise table.unknown(id)
        return self._current(job)

    def folder(self, job: Job) -> JobFolder:
        return self._ledger.folder(job.id)

    async def report(self, id: str) -> bytes:
        """A page in HTML. Raises NotFound, Unsupported, StorageError."""
        job = await self.find(id)
        return await reporting.report(self.folder(job), job)

    async def follow(
        self, id: str, position: int = 0, *, follow: bool = True
    ) -> AsyncGenerator[Job | Line, None]:
        """The job whenever its state changes, and its events with their numbers, from 1, above `position`.

        Ends with the job's end; without `follow`, with what there is. Raises NotFound.
        """
        offset = number = 0
        told = ""
        while True:
            changed = self._ledger.changed
            job = await self.find(id)
            lines, offset = await asyncio.to_thread(self.folder(job).lines, offset)
            if job.state != told and not job.has_ended:
                told = job.state
                yield job
            for line in lines:
                number += 1
                if number > position:
                    yield number, line
            if job.has_ended or not follow:
                if job.state != told:
                    yield job
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()

    # Doing

    async def plan(self, wanted: Wanted, mode: Mode = "plan") -> AsyncGenerator[Event, None]:
        """What the child says of the data and of the work, without doing it. Nothing is kept.

        Raises InvalidInput, NotFound, Unsupported, StorageError.
        """
        job, manifest, files = await self._prepared(wanted)
        folder = self._ledger.folder(f"plan-{secrets.token_hex(4)}")
        async with self._planning:
            async for event in planned(self._settings, folder, job, manifest, files, mode):
                yield event

    async def create(self, wanted: Wanted, metadata: dict[str, str] | None = None) -> Job:
        """Put a job into the queue. Raises as `plan`."""
        job, manifest, files = await self._prepared(wanted)
        job = replace(job, metadata=metadata or {})
        folder = self.folder(job)
        inputs = await asyncio.to_thread(folder.make, manifest, files)
        job = replace(job, inputs=inputs)
        try:
            await self._ledger.insert(job)
        except BaseException:
            folder.remove()
            raise
        self._queue.begin()
        return job

    async def stop(self, id: str, reason: str = "stopped as asked", *, cancel: bool = False) -> Job:
        """End the job with a checkpoint, or take it out of the queue. Raises InvalidInput, NotFound."""
        job = await self.find(id)
        if job.has_ended:
            raise InvalidInput(f"the job {id} does not run: it is {job.state}")
        running = self._queue.running(id)
        if running is not None:
            job = await self._change(id, lambda now: replace(now, state="stopping", cancelled=cancel))
            running.stop(reason)
            return job
        stopped = {"state": "stopped", "reason": reason, "cancelled": cancel, "finished_at": time.time()}
        return await self._change(id, lambda now: replace(now, **stopped))

    async def resume(self, id: str) -> Job:
        """Put a job that was stopped, or has failed, into the queue again. Raises InvalidInput, NotFound."""
        job = await self.find(id)
        if job.state not in RESUMABLE:
            raise InvalidInput(f"the job {id} cannot go on: it is {job.state}")
        if not self.folder(job).path.joinpath("data").is_dir():
            raise InvalidInput(f"the job {id} cannot go on: it had not begun, and its files are gone")
        checks.check_installed()
        again = {"state": "queued", "reason": "", "error": None, "cancelled": False, "finished_at": 0.0}
        job = await self._change(id, lambda now: replace(now, **again))
        self._queue.begin()
        return job

    async def publish(self, id: str, name: str = "") -> Job:
        """Give what was trained a name, whatever the gate said.

        Raises InvalidInput, NotFound, CorralError.
        """
        job = await self.find(id)
        if job.state not in ("draft", "succeeded") or not job.card:
            raise InvalidInput(f"the job {id} has nothing to publish: it is {job.state}")
        name = ModelName.parse(name).short if name.strip() else job.wanted.name
        job = await results.publish(self._library, self.folder(job), job, name)
        return await self._change(id, lambda now: replace(now, state=job.state, reason="", model=name))

    async def delete(self, id: str) -> None:
        """Forget a job, ending it first; a model that was made of it stays. Raises NotFound."""
        await self.find(id)
        if running := self._queue.running(id):
            running.stop("deleted", within_s=0)
            await running.over.wait()
        await self._ledger.delete(id)

    # Living

    async def recover(self) -> None:
        """Take up what another run of the server left: its queue, and what it was in the middle of."""
        if not self._ledger.path.is_dir():
            return
        await self._ledger.recover()
        await self._files.sweep()
        if await self._ledger.next_queued():
            self._queue.begin()

    async def close(self) -> None:
        await self._queue.close()

    async def _prepared(self, wanted: Wanted) -> tuple[Job, bytes, dict[str, list[StoredFile]]]:
        checks.check_wanted(wanted)
        checks.check_installed()
        base = await checks.check_base(self._library, wanted)
        named = replace(
            wanted,
            base=base.name.short,
            name=checks.target_name(wanted, base),
            options=checks.settled_options(wanted, base),
        )
        ids = {
            "data": wanted.data,
            "validation": wanted.validation,
            "prompts": (wanted.prompts,) if wanted.prompts else (),
        }
        files = {role: [await self._files.find(id) for id in given] for role, given in ids.items()}
        job = Job(
            id=f"tune-{secrets.token_hex(4)}",
            owner=self._owner(),
            wanted=named,
            base_digest=checks.weights_digest(base),
            created_at=time.time(),
        )
        return job, base.manifest.encode(), files

    def _current(self, job: Job) -> Job:
        running = self._queue.running(job.id)
        if running is None:
            return job
        return running.ended or replace(job, summary=running.summary)

    async def _change(self, id: str, changed: Callable[[Job], Job]) -> Job:
        return self._current(await self._ledger.change(id, changed))

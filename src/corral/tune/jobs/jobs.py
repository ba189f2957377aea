"""The jobs of this server: one runs, the others wait. State is in the table and in the folder of each."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from corral.core.names import ModelName
from corral.database import Database
from corral.errors import CorralError, InvalidInput
from corral.library import Library
from corral.tune.events import Event
from corral.tune.files import Files, StoredFile
from corral.tune.jobs import checks, reporting, results, table
from corral.tune.jobs.curves import curves_csv
from corral.tune.jobs.folder import LOG, JobFolder
from corral.tune.jobs.identity import is_alive, this_server
from corral.tune.jobs.job import RESUMABLE, Job, Summary, Wanted
from corral.tune.jobs.planning import planned
from corral.tune.jobs.running import Running
from corral.tune.jobs.summary import summed
from corral.tune.spec import Mode

log = logging.getLogger("corral.tune")

# A follower of a job that another server runs looks this often.
_LOOK_S = 1.0
_SHUTDOWN_S = 15.0
_ABANDONED_S = 3600.0  # what is younger may be in the making by another server of this folder
_INTERRUPTED = "interrupted: the server ended while it ran"

Line = tuple[int, bytes]


class Jobs:
    """`owner` gives the key of the request that is served: each key sees its own jobs only.

    Requests without a key share theirs. Call `recover` once when the server starts, `close` at its end.
    """

    def __init__(
        self, home: Path, database: Database, library: Library, files: Files, owner: Callable[[], int | None]
    ) -> None:
        self._folder = home / "tune"
        self._database = database
        self._library = library
        self._files = files
        self._owner = owner
        self._server = this_server()
        self._running: Running | None = None
        self._queue: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._planning = asyncio.Semaphore(1)
        self._closing = False

    # Asking

    async def all(self) -> list[Job]:
        """The newest first."""
        owner = self._owner()
        jobs = await self._database.read(lambda connection: table.of_owner(connection, owner))
        return [self._current(job) for job in jobs]

    async def find(self, id: str) -> Job:
        """Raises NotFound, also for a job of another key."""
        job = await self._database.read(lambda connection: table.find(connection, id))
        if job.owner != self._owner():
            raise table.unknown(id)
        return self._current(job)

    def folder(self, job: Job) -> JobFolder:
        return JobFolder(self._folder / job.id)

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
            changed = self._changed
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
        folder = JobFolder(self._folder / f"plan-{secrets.token_hex(4)}")
        async with self._planning:
            async for event in planned(self._library.store.root, folder, job, manifest, files, mode):
                yield event

    async def create(self, wanted: Wanted, metadata: dict[str, str] | None = None) -> Job:
        """Put a job into the queue. Raises as `plan`."""
        job, manifest, files = await self._prepared(wanted)
        job = replace(job, metadata=metadata or {})
        folder = self.folder(job)
        inputs = await asyncio.to_thread(folder.make, manifest, files)
        job = replace(job, inputs=inputs)
        try:
            await self._database.write(lambda connection: table.insert(connection, job, self._server))
        except BaseException:
            folder.remove()
            raise
        self._start_queue()
        return job

    async def stop(self, id: str, reason: str = "stopped as asked", *, cancel: bool = False) -> Job:
        """End the job with a checkpoint, or take it out of the queue. Raises InvalidInput, NotFound."""
        job = await self.find(id)
        if job.has_ended:
            raise InvalidInput(f"the job {id} does not run: it is {job.state}")
        running = self._running
        if running is not None and running.id == id:
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
        self._start_queue()
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
        job = await self.find(id)
        running = self._running
        if running is not None and running.id == id:
            running.stop("deleted", within_s=0)
            await running.over.wait()
        await self._database.write(lambda connection: table.delete(connection, id))
        await asyncio.to_thread(self.folder(job).remove)
        self._tell()

    # Living

    async def recover(self) -> None:
        """Take up what another run of the server left: its queue, and what it was in the middle of."""
        if not self._folder.is_dir():
            return
        for id, server in await self._database.read(table.unfinished):
            if not is_alive(server):
                events = await asyncio.to_thread(list, JobFolder(self._folder / id).events())
                await self._change(id, partial(_left, events))
        await self._sweep()
        await self._files.sweep()
        if await self._database.read(lambda connection: table.next_queued(connection, self._server)):
            self._start_queue()

    async def close(self) -> None:
        """Stop the job that runs, with a checkpoint if it can write one soon."""
        self._closing = True
        if self._running is not None:
            self._running.stop("the server was stopped", within_s=_SHUTDOWN_S)
            await self._running.over.wait()
        if self._queue is not None:
            self._queue.cancel()
            await asyncio.wait((self._queue,))

    async def _sweep(self) -> None:
        """Remove folders that no row knows, as an end in the middle leaves them."""
        known = await self._database.read(table.ids)
        oldest = time.time() - _ABANDONED_S
        with suppress(OSError):  # what cannot be looked at stays
            for path in self._folder.iterdir():
                if path.name not in (*known, "matplotlib") and path.stat().st_mtime < oldest:
                    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

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
        running = self._running
        return replace(job, summary=running.summary) if running and running.id == job.id else job

    async def _change(self, id: str, changed: Callable[[Job], Job]) -> Job:
        job = await self._database.write(
            lambda connection: table.change(connection, id, changed, self._server)
        )
        self._tell()
        return self._current(job)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # The queue

    def _start_queue(self) -> None:
        self._wake.set()
        if self._queue is None:
            self._queue = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while not self._closing:
            self._wake.clear()
            id = await self._database.read(lambda connection: table.next_queued(connection, self._server))
            if not id:
                await self._wake.wait()
                continue
            try:
                await self._run(id)
            except CorralError as error:  # its row cannot be read or written: deleted, or a full disk
                log.warning("job %s: %s", id, error.message)
                await asyncio.sleep(_LOOK_S)

    async def _run(self, id: str) -> None:
        running = self._running = Running(id, Summary())
        try:
            running.summary = (await self._read(id)).summary
            job = await self._change(id, _begun)
            if job.state != "running":
                await self._change(id, partial(_not_begun, running))
                return
            try:
                job = await self._trained(job, running)
            except CorralError as error:
                job = results.failed(job, error, summary=running.summary)
            except Exception:  # the queue goes on with the next job
                log.exception("job %s failed", id)
                job = results.failed(job, CorralError("internal error: see the server's log"))
            log.info("job %s: %s", id, job.state)
            job = await self._with_results(job)
            await asyncio.to_thread(_tidy, self.folder(job), job)
            self._running = None
            await self._change(id, lambda now: replace(job, cancelled=now.cancelled))
        finally:
            self._running = None
            running.over.set()

    async def _with_results(self, job: Job) -> Job:
        """The job with the file of its curves, where its client wants one and there is something in it."""
        if not job.wanted.result_file or job.state not in ("succeeded", "draft"):
            return job
        data = await asyncio.to_thread(lambda: curves_csv(self.folder(job).events()))
        try:
            file = await self._files.add(job.owner, f"{job.id}.csv", "fine-tune-results", data)
        except CorralError as error:
            log.warning("job %s: no file of results: %s", job.id, error.message)
            return job
        return replace(job, result_file=file.id)

    async def _read(self, id: str) -> Job:
        return await self._database.read(lambda connection: table.find(connection, id))

    async def _trained(self, job: Job, running: Running) -> Job:
        """The job at its end. Raises CorralError."""
        folder = self.folder(job)
        base = await self._library.resolve(job.wanted.base)
        if checks.weights_digest(base) != job.base_digest:
            raise InvalidInput(f"the weights of '{job.wanted.base}' have changed since the job was made")
        with self._library.holding(base.manifest.digests):
            await asyncio.to_thread(folder.mend_events)
            spec = await asyncio.to_thread(folder.write_spec, job, self._library.store.root, "train")
            await running.train(spec, folder.path / LOG, self._tell)
            job = await asyncio.to_thread(results.ended, job, running, folder)
            if job.state == "draft" and results.is_worth_its_name(job):
                try:
                    job = await results.publish(self._library, folder, job, job.wanted.name)
                except CorralError as error:
                    job = replace(job, reason=f"trained, but no model could be made: {error.message}")
        return job


def _begun(job: Job) -> Job:
    """Unless it was stopped just before."""
    return replace(job, state="running", started_at=time.time()) if job.state == "queued" else job


def _not_begun(running: Running, job: Job) -> Job:
    if job.state != "stopping":
        return job
    return replace(job, state="stopped", reason=running.reason, finished_at=time.time())


def _left(events: list[Event], job: Job) -> Job:
    """A job as its server left it: one that waits goes on waiting, one that ran is stopped."""
    if job.state == "queued":
        return job
    stopped = {"state": "stopped", "reason": _INTERRUPTED, "finished_at": time.time()}
    return replace(job, summary=summed(events), **stopped)


def _tidy(folder: JobFolder, job: Job) -> None:
    """What a job that failed before its first step would need to go on is not kept."""
    if job.state == "failed" and job.summary.step is None:
        folder.empty()

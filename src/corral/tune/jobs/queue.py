"""The queue of this server: one job runs, in a child, the others wait in the order in which they came."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from msgspec.structs import replace

from corral.errors import CorralError, InvalidInput, StorageError
from corral.library import Library
from corral.settings import Settings
from corral.tune.files import Files
from corral.tune.jobs import checks, results
from corral.tune.jobs.curves import curves_csv
from corral.tune.jobs.folder import LOG, JobFolder
from corral.tune.jobs.job import Job, Summary
from corral.tune.jobs.ledger import Ledger
from corral.tune.jobs.running import Running

log = logging.getLogger("corral.tune")

_AGAIN_S = 1.0
_SHUTDOWN_S = 15.0


class Queue:
    """`begin` when there is something to do, `close` at the end of the server."""

    def __init__(self, settings: Settings, ledger: Ledger, library: Library, files: Files) -> None:
        self._ledger = ledger
        self._library = library
        self._files = files
        self._settings = settings
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False

    def begin(self) -> None:
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    def running(self, id: str) -> Running | None:
        """The work on that job, if it is the one that runs."""
        running = self._running
        return running if running is not None and running.id == id else None

    async def close(self) -> None:
        """Stop the job that runs, with a checkpoint if it can write one soon."""
        self._closing = True
        if self._running is not None:
            self._running.stop("the server was stopped", within_s=_SHUTDOWN_S)
            await self._running.over.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _work(self) -> None:
        while not self._closing:
            self._wake.clear()
            id = await self._ledger.next_queued()
            if not id:
                await self._wake.wait()
                continue
            try:
                await self._run(id)
            except CorralError as error:  # its row cannot be read or written: deleted, or a full disk
                log.warning("job %s: %s", id, error.message)
                await asyncio.sleep(_AGAIN_S)

    async def _run(self, id: str) -> None:
        running = self._running = Running(id, Summary())
        try:
            running.summary = (await self._ledger.find(id)).summary
            job = await self._ledger.change(id, _begun)
            if job.state != "running":
                await self._ledger.change(id, partial(_not_begun, running))
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
            await asyncio.to_thread(_tidy, self._ledger.folder(id), job)
            running.ended = job
            self._ledger.tell()
            await self._write_down(job, running)
        finally:
            self._running = None
            running.over.set()

    async def _write_down(self, job: Job, running: Running) -> None:
        """Again and again while there is no room for it, until the job is deleted or the server stopped."""
        asked = running.reason
        while running.reason == asked:
            try:
                await self._ledger.change(job.id, partial(_over, job))
                return
            except StorageError as error:
                log.warning("job %s: its end cannot be written down: %s", job.id, error.message)
                await asyncio.sleep(_AGAIN_S)

    async def _trained(self, job: Job, running: Running) -> Job:
        """The job at its end. Raises CorralError."""
        folder = self._ledger.folder(job.id)
        base = await self._library.resolve(job.wanted.base)
        if checks.weights_digest(base) != job.base_digest:
            raise InvalidInput(f"the weights of '{job.wanted.base}' have changed since the job was made")
        with self._library.holding(base.manifest.digests):
            await asyncio.to_thread(folder.mend_events)
            spec = await asyncio.to_thread(folder.write_spec, job, self._settings, "train")
            await running.train(spec, folder.path / LOG, self._ledger.tell)
            job = await asyncio.to_thread(results.ended, job, running, folder)
            if job.state == "draft" and results.is_worth_its_name(job):
                try:
                    job = await results.publish(self._library, folder, job, job.wanted.name)
                except CorralError as error:
                    job = replace(job, reason=f"trained, but no model could be made: {error.message}")
        return job

    async def _with_results(self, job: Job) -> Job:
        """The job with the file of its curves, where its client wants one and there is something in it."""
        if not job.wanted.result_file or job.state not in ("succeeded", "draft"):
            return job
        data = await asyncio.to_thread(lambda: curves_csv(self._ledger.folder(job.id).events()))
        try:
            file = await self._files.add(job.owner, f"{job.id}.csv", "fine-tune-results", data)
        except CorralError as error:
            log.warning("job %s: no file of results: %s", job.id, error.message)
            return job
        return replace(job, result_file=file.id)


def _begun(job: Job) -> Job:
    """Unless it was stopped just before."""
    return replace(job, state="running", started_at=time.time()) if job.state == "queued" else job


def _over(job: Job, now: Job) -> Job:
    """`job` as it ended, unless it was put into the queue again meanwhile."""
    return replace(job, cancelled=now.cancelled) if now.state in ("running", "stopping") else now


def _not_begun(running: Running, job: Job) -> Job:
    if job.state != "stopping":
        return job
    return replace(job, state="stopped", reason=running.reason, finished_at=time.time())


def _tidy(folder: JobFolder, job: Job) -> None:
    """What a job that failed before its first step would need to go on is not kept."""
    if job.state == "failed" and job.summary.step is None:
        folder.empty()

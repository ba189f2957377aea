"""A blob from a registry into a file: parts in parallel, resumed where they stopped, hashed on the way.

Source: registry.md section 8. Connections live in threads of low priority, decisions in the event loop. Small
blobs come whole, in one request.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx

from corral.core.digests import Digest
from corral.errors import RegistryError, StorageError
from corral.registry.client import RegistryClient, Source
from corral.registry.failures import MAX_ATTEMPTS, Expired, Stalled, persistently, wait_for_next
from corral.registry.lane import Lane, NoRanges
from corral.registry.partial import Part, Partial
from corral.registry.progress import Progress
from corral.registry.tasks import end, task_group

log = logging.getLogger("corral.registry")

SMALL = 1024**2  # bytes; such a blob is not worth a journal
NUM_LANES = 8
RECORD_EVERY_S = 2.0
_NICENESS = 10


async def fetch_small(client: RegistryClient, url: httpx.URL, digest: Digest, progress: Progress) -> bytes:
    """A blob of at most SMALL bytes. Raises CorruptData, RegistryError, NotFound, AccessDenied."""
    data = await persistently(digest.short, lambda: client.read_blob(url, digest, progress.total))
    progress.completed = len(data)
    return data


async def download_blob(
    client: RegistryClient, url: httpx.URL, digest: Digest, target: Path, progress: Progress
) -> None:
    """Fetch what lies at `url` into `target`, which appears only when it is whole and right.

    `progress.total` is the size that the manifest gives; a blob of another size is refused. Raises
    CorruptData when the bytes have another digest (what was fetched is removed), RegistryError, NotFound,
    AccessDenied, StorageError. When cancelled or killed, what has arrived stays for the next attempt.
    """
    file = await asyncio.to_thread(Partial.open, target, progress.total)
    try:
        await _bring_all(_Download(client, url, digest, file, progress), file)
        await asyncio.to_thread(file.finish, digest)
    finally:
        await asyncio.to_thread(file.close)


async def _bring_all(download: _Download, file: Partial) -> None:
    """All bytes; from a far side without ranges in one piece, and from the start again when it breaks."""
    num_lanes = NUM_LANES
    for _ in range(MAX_ATTEMPTS):
        try:
            return await download.run(num_lanes)
        except NoRanges:
            num_lanes = 1
            await asyncio.to_thread(file.begin_whole)
    raise RegistryError("the connection keeps breaking, and the registry cannot go on where it broke")


class _Download:
    """The work on one blob."""

    def __init__(
        self, client: RegistryClient, url: httpx.URL, digest: Digest, file: Partial, progress: Progress
    ) -> None:
        self._client = client
        self._url = url
        self._digest = digest
        self._file = file
        self._progress = progress
        self._source: Source | None = None
        self._locating = asyncio.Lock()

    async def run(self, num_lanes: int) -> None:
        """Bring and hash all that is missing; the journal is up to date when this ends, in whatever way."""
        self._progress.completed = self._file.completed
        threads = ThreadPoolExecutor(num_lanes + 2, "download", _step_back)
        recording = asyncio.create_task(self._keep_journal(threads))
        try:
            async with task_group() as group:
                group.create_task(_in_thread(threads, self._file.follow, self._file.stop))
                for _ in range(num_lanes):
                    group.create_task(self._lane(threads))
        except BaseException:
            await end(recording)
            with suppress(StorageError):  # the disk is full: what the journal said before still holds
                await asyncio.to_thread(self._file.record)
            raise
        finally:
            await end(recording)
            threads.shutdown(wait=False)

    async def _keep_journal(self, threads: ThreadPoolExecutor) -> None:
        while True:
            await asyncio.sleep(RECORD_EVERY_S)
            await _in_thread(threads, self._file.record, _nothing)

    async def _lane(self, threads: ThreadPoolExecutor) -> None:
        """Fetch parts until none is left."""
        lane = Lane()
        try:
            while (part := self._file.take()) is not None:
                try:
                    await self._complete(part, lane, threads)
                finally:
                    self._file.release(part)
        finally:
            lane.close()

    async def _complete(self, part: Part, lane: Lane, threads: ThreadPoolExecutor) -> None:
        attempt = 0
        while not part.is_complete:
            before = part.completed
            try:
                source = await self._located()
                await _in_thread(threads, partial(self._bring, part, lane, source), lane.abort)
            except RegistryError as error:
                if isinstance(error, Expired):
                    self._source = None
                # An attempt that brought something is not counted: it goes on from there.
                attempt = 1 if part.completed > before else attempt + 1
                self._say_stalled(part, error)
                await wait_for_next(self._digest.short, error, attempt)

    def _bring(self, part: Part, lane: Lane, source: Source) -> None:
        for piece in lane.fetch(source, part.position, part.end, self._file.size):
            self._file.write(part, piece)
            self._progress.add(len(piece))

    async def _located(self) -> Source:
        async with self._locating:
            if self._source is None:
                self._source = await self._client.locate(self._url)
            return self._source

    def _say_stalled(self, part: Part, error: RegistryError) -> None:
        if isinstance(error, Stalled):
            log.info(
                "%s part at %d stalled; retrying. If this persists, press ctrl-c to exit, then 'corral pull' "
                "to find a faster connection.",
                self._digest.short,
                part.offset,
            )


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Run `work` in a thread. When cancelled, `stop` is called and the thread waited for."""
    running = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # nobody will ask for it any more
        raise


def _nothing() -> None:
    """The stop of work that is soon over by itself."""


def _step_back() -> None:
    """Let the engine and the event loop go first: on Linux each thread has a niceness of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

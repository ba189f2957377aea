"""A blob from a file to a registry, in parts, going on where it stopped.

A plain registry takes the parts one after another and says how far it is; the reference's own sends each
part to a storage host, several at a time. Source: registry.md section 10, and the OCI distribution
specification, "Pushing a blob in chunks".
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx

from corral.core.digests import Digest
from corral.errors import AccessDenied, NotFound, RegistryError
from corral.registry.client import RegistryClient, Request
from corral.registry.failures import Refused, persistently, wait_for_next
from corral.registry.guard import joined
from corral.registry.progress import Progress
from corral.registry.sessions import Sessions
from corral.registry.tasks import task_group

log = logging.getLogger("corral.registry")

MIN_PART, MAX_PART = 100_000_000, 1_000_000_000
MAX_AT_ONCE = 16
CHUNK = 1024**2
_BYTES = {"Content-Type": "application/octet-stream"}
_RECEIVED = re.compile(r"(?:bytes=)?0-(\d{1,19})")


async def upload_blob(
    client: RegistryClient,
    digest: Digest,
    path: Path,
    progress: Progress,
    *,
    sessions: Sessions,
    mount_from: Sequence[str] = (),
) -> None:
    """Send the file at `path` unless the registry has it.

    `mount_from` are repositories (`namespace/model`) that may hold it there. Raises AccessDenied,
    RegistryError.
    """
    progress.total = path.stat().st_size
    if not await _is_there(client, digest):
        await _Upload(client, digest, path, progress, sessions).run(mount_from)
    progress.completed = progress.total


async def _is_there(client: RegistryClient, digest: Digest) -> bool:
    try:
        async with client.send(Request(method="HEAD", url=client.url(f"blobs/{digest}"))):
            return True
    except NotFound:
        return False


@dataclass(slots=True)
class _Place:
    """How far an upload is: where the next part goes, and the first byte that is missing."""

    session: httpx.URL
    offset: int = 0
    # MD5 of the parts that were sent, in order; of a resumed upload they are not known.
    digests: list[bytes] | None = field(default_factory=list)
    is_mounted: bool = False  # nothing is to be sent


class _Upload:
    """The sending of one blob."""

    def __init__(
        self, client: RegistryClient, digest: Digest, path: Path, progress: Progress, sessions: Sessions
    ) -> None:
        self._client = client
        self._digest = digest
        self._path = path
        self._progress = progress
        self._sessions = sessions
        self._repository = client.url("")
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)

    async def run(self, mount_from: Sequence[str]) -> None:
        place = await self._resume() or await self._mount(mount_from) or await self._begin()
        if place.is_mounted:
            return
        async with task_group() as direct:
            await self._send_parts(place, direct)
        await persistently(self._digest.short, lambda: self._finish(place))
        self._sessions.forget(self._repository, self._digest)

    # Where to begin

    async def _resume(self) -> _Place | None:
        """Where an earlier push stopped; None when there was none, or the registry has forgotten it."""
        session = self._sessions.find(self._repository, self._digest)
        if session is None:
            return None
        place = _Place(session, digests=None)
        if not await self._ask_how_far(place):
            self._sessions.forget(self._repository, self._digest)
            return None
        log.info("%s: going on at byte %d", self._digest.short, place.offset)
        return place

    async def _mount(self, repositories: Sequence[str]) -> _Place | None:
        """Have the blob taken from another repository there; else the upload that the registry began instead.

        None where there is no repository to ask about, or each question was refused.
        """
        place = None
        for repository in repositories:
            query = urlencode({"mount": str(self._digest), "from": repository})
            try:
                place = await self._begin(f"?{query}")
                if place.is_mounted:
                    break
            except (NotFound, AccessDenied, RegistryError) as error:
                log.info("%s is not to be had from %s: %s", self._digest.short, repository, error.message)
        return place

    async def _begin(self, query: str = "") -> _Place:
        request = Request(method="POST", url=self._client.url(f"blobs/uploads/{query}"), follow=False)
        async with self._client.send(request) as answer:
            if query and answer.status_code == 201:
                return _Place(request.url, is_mounted=True)
            return _Place(self._next_session(answer))

    async def _ask_how_far(self, place: _Place) -> bool:
        """Set `place` to where the registry says it is; False when it does not know the upload.

        An answer of 0-0 can mean one byte or none: then it is not worth going on.
        """
        try:
            async with self._client.send(Request(method="GET", url=place.session, follow=False)) as answer:
                found = _RECEIVED.fullmatch(answer.headers.get("Range", ""))
                if answer.status_code != 204 or not found or found[1] == "0":
                    return False
                if answer.headers.get("Location"):
                    place.session = self._next_session(answer)
                place.offset, place.digests = int(found[1]) + 1, None
                return place.offset <= self._progress.total
        except (NotFound, AccessDenied, RegistryError):
            return False

    # Parts

    async def _send_parts(self, place: _Place, direct: asyncio.TaskGroup) -> None:
        size = self._progress.total
        step = min(max(size // 16, MIN_PART), MAX_PART)
        self._progress.completed = place.offset
        attempt = 1
        while place.offset < size:
            part = _Part(self._path, place.offset, min(step, size - place.offset))
            try:
                await self._send_part(part, place, direct)
                attempt = 1
            except RegistryError as error:
                self._progress.completed = place.offset
                await wait_for_next(self._digest.short, _retryable(error), attempt)
                attempt += 1
                await self._find_place(place, error)

    async def _find_place(self, place: _Place, error: RegistryError) -> None:
        """After a part that failed: where the registry is now, or a new beginning where it has lost track."""
        if await self._ask_how_far(place):
            return
        if (isinstance(error, Refused) and error.is_final) or (place.offset == 0):
            fresh = await self._begin()
            place.session, place.offset, place.digests = fresh.session, 0, []

    async def _send_part(self, part: _Part, place: _Place, direct: asyncio.TaskGroup) -> None:
        """Send one part and move `place` behind it. A part for a storage host goes on in the background."""
        request = Request(
            method="PATCH",
            url=place.session,
            headers={**_BYTES, "Content-Range": part.range, "X-Redirect-Uploads": "1"},
            body=lambda: part.stream(self._progress),
            length=part.length,
            follow=False,
        )
        async with self._client.send(request) as answer:
            following = self._next_session(answer)
            location = answer.headers.get("Location", "")
            target = joined(place.session, location) if answer.status_code == 307 else None
        if target is None:
            self._sessions.keep(self._repository, self._digest, following)
        else:
            self._progress.add(-part.sent)
            self._client.endpoint.border.check_redirect(place.session, target)
            await self._at_once.acquire()
            direct.create_task(self._send_directly(part, target))
        if place.digests is not None:
            place.digests.append(await asyncio.to_thread(part.md5))
        place.session, place.offset = following, part.start + part.length

    async def _send_directly(self, part: _Part, target: httpx.URL) -> None:
        request = Request(
            method="PUT",
            url=target,
            headers=_BYTES,
            body=lambda: part.stream(self._progress),
            length=part.length,
            follow=False,
            with_token=False,
        )

        async def send() -> None:
            try:
                async with self._client.send(request):
                    pass
            except BaseException:
                self._progress.add(-part.sent)
                raise

        try:
            await persistently(self._digest.short, send)
        finally:
            self._at_once.release()

    async def _finish(self, place: _Place) -> None:
        query = {"digest": str(self._digest)}
        if place.digests is not None:
            whole = hashlib.md5(b"".join(place.digests), usedforsecurity=False)
            query["etag"] = f"{whole.hexdigest()}-{len(place.digests)}"
        url = place.session.copy_merge_params(query)
        async with self._client.send(Request(method="PUT", url=url, headers=_BYTES, follow=False)):
            pass

    def _next_session(self, answer: httpx.Response) -> httpx.URL:
        name = next((key for key in ("Docker-Upload-Location", "Location") if answer.headers.get(key)), "")
        if not name:
            raise RegistryError("the registry does not say where to send the blob")
        target = joined(answer.url, answer.headers[name])
        self._client.endpoint.border.check_redirect(answer.url, target)
        return target


@dataclass(slots=True)
class _Part:
    """A range of a file; `sent` counts the bytes of the last attempt."""

    path: Path
    start: int
    length: int
    sent: int = 0

    @property
    def range(self) -> str:
        return f"{self.start}-{self.start + self.length - 1}"

    async def stream(self, progress: Progress) -> AsyncIterator[bytes]:
        """The bytes; each piece counts as sent when the next is asked for."""
        self.sent = 0
        with self.path.open("rb") as file:
            file.seek(self.start)
            while self.sent < self.length:
                piece = await asyncio.to_thread(file.read, min(CHUNK, self.length - self.sent))
                if not piece:
                    raise RegistryError(f"{self.path.name} is shorter than it was")
                yield piece
                self.sent += len(piece)
                progress.add(len(piece))

    def md5(self) -> bytes:
        found = hashlib.md5(usedforsecurity=False)
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (piece := file.read(min(CHUNK, left))):
                found.update(piece)
                left -= len(piece)
        return found.digest()


def _retryable(error: RegistryError) -> RegistryError:
    """A registry that has lost the thread refuses for good, but only this session: a new one may go well."""
    return RegistryError(error.message) if isinstance(error, Refused) else error

"""A blob from a file to a registry, in parts that follow one another.

Source: registry.md section 10.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from corral.core.digests import Digest
from corral.errors import AccessDenied, NotFound, RegistryError
from corral.registry import guard
from corral.registry.client import RegistryClient, Request
from corral.registry.progress import Progress

log = logging.getLogger("corral.registry")

MAX_ATTEMPTS = 6
MIN_PART, MAX_PART = 100_000_000, 1_000_000_000
CHUNK = 1024**2
_BYTES = {"Content-Type": "application/octet-stream"}


async def upload_blob(
    client: RegistryClient, digest: Digest, path: Path, progress: Progress, *, mount_from: str = ""
) -> None:
    """Send the file at `path` unless the registry has it. `mount_from` (`namespace/model`) may hold it there.

    Raises AccessDenied, RegistryError.
    """
    progress.total = path.stat().st_size
    if not await _is_there(client, digest):
        session = await _begin(client, digest, mount_from)
        if session is not None:
            await _send_parts(client, digest, path, progress, session)
    progress.completed = progress.total


async def _is_there(client: RegistryClient, digest: Digest) -> bool:
    try:
        async with client.send(Request(method="HEAD", url=client.url(f"blobs/{digest}"))):
            return True
    except NotFound:
        return False


async def _begin(client: RegistryClient, digest: Digest, mount_from: str) -> httpx.URL | None:
    """The address for the first part; None when the registry took the blob from another repository."""
    query = f"?{urlencode({'mount': str(digest), 'from': mount_from})}" if mount_from else ""
    request = Request(method="POST", url=client.url(f"blobs/uploads/{query}"), follow=False)
    async with client.send(request) as answer:
        return None if answer.status_code == 201 and mount_from else _next_session(answer)


async def _send_parts(
    client: RegistryClient, digest: Digest, path: Path, progress: Progress, session: httpx.URL
) -> None:
    size = progress.total
    step = min(max(size // 16, MIN_PART), MAX_PART)
    digests = hashlib.md5(usedforsecurity=False)
    parts = [_Part(path, start, min(step, size - start)) for start in range(0, size, step)]
    for part in parts:
        session = await _send_part(client, part, progress, session)
        digests.update(await asyncio.to_thread(part.md5))
    query = {"digest": str(digest), "etag": f"{digests.hexdigest()}-{len(parts)}"}
    request = Request(method="PUT", url=session.copy_merge_params(query), headers=_BYTES, follow=False)
    async with client.send(request):
        pass


@dataclass(frozen=True, slots=True)
class _Part:
    """A range of a file."""

    path: Path
    start: int
    length: int

    @property
    def range(self) -> str:
        return f"{self.start}-{self.start + self.length - 1}"

    async def stream(self, progress: Progress) -> AsyncIterator[bytes]:
        """The bytes; each piece counts as sent when the next is asked for."""
        progress.completed = self.start
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left:
                piece = await asyncio.to_thread(file.read, min(CHUNK, left))
                if not piece:
                    raise RegistryError(f"{self.path.name} is shorter than it was")
                yield piece
                left -= len(piece)
                progress.completed += len(piece)

    def md5(self) -> bytes:
        found = hashlib.md5(usedforsecurity=False)
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left and (piece := file.read(min(CHUNK, left))):
                found.update(piece)
                left -= len(piece)
        return found.digest()


async def _send_part(
    client: RegistryClient, part: _Part, progress: Progress, session: httpx.URL
) -> httpx.URL:
    """The address for what follows the part. An attempt that fails is made again from the part's start."""
    for attempt in range(MAX_ATTEMPTS):
        try:
            return await _try_part(client, part, progress, session)
        except (AccessDenied, NotFound):
            raise
        except RegistryError as error:
            last = error
            log.info("upload of part %s failed; retrying: %s", part.range, error.message)
            await asyncio.sleep(2**attempt)
    raise RegistryError(f"max retries exceeded: {last.message}")


async def _try_part(client: RegistryClient, part: _Part, progress: Progress, session: httpx.URL) -> httpx.URL:
    request = Request(
        method="PATCH",
        url=session,
        headers={**_BYTES, "Content-Range": part.range, "X-Redirect-Uploads": "1"},
        body=lambda: part.stream(progress),
        length=part.length,
        follow=False,
    )
    async with client.send(request) as answer:
        following = _next_session(answer)
        if answer.status_code != 307:
            return following
        target = answer.url.join(answer.headers.get("Location", ""))
    guard.check_redirect(session, target)
    direct = Request(
        method="PUT",
        url=target,
        headers=_BYTES,
        body=lambda: part.stream(progress),
        length=part.length,
        follow=False,
        with_token=False,
    )
    async with client.send(direct):
        return following


def _next_session(answer: httpx.Response) -> httpx.URL:
    location = answer.headers.get("Docker-Upload-Location") or answer.headers.get("Location")
    if not location:
        raise RegistryError("the registry does not say where to send the blob")
    target = answer.url.join(location)
    guard.check_redirect(answer.url, target)
    return target

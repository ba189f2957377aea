"""A blob from a registry into a file: resumed where it stopped, hashed while it is written.

Source: registry.md section 8. One stream a blob. A `-partial` file of ours holds the first bytes of the blob
and nothing else; one with part files beside it was left by a program that fills it in several places at
once, and is begun anew.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import httpx

from corral.core.digests import Digest
from corral.errors import AccessDenied, CorruptData, NotFound, RegistryError, StorageError
from corral.registry.client import RegistryClient, Request
from corral.registry.progress import Progress

log = logging.getLogger("corral.registry")

MAX_ATTEMPTS = 6
CHUNK = 1024**2
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


async def download_blob(client: RegistryClient, digest: Digest, target: Path, progress: Progress) -> None:
    """Fetch the blob of `digest` into `target`, which appears only when it is whole and right.

    `progress.total` is the size that the manifest gives; more bytes than that are refused. Raises CorruptData
    when the bytes have another digest (what was fetched is removed), RegistryError, NotFound, AccessDenied,
    StorageError. When cancelled, what has arrived stays for the next attempt.
    """
    partial = await asyncio.to_thread(_Partial.open, target)
    try:
        await _fetch(client, digest, partial, progress)
        await asyncio.to_thread(partial.finish, digest)
    finally:
        await asyncio.to_thread(partial.close)


async def _fetch(client: RegistryClient, digest: Digest, partial: _Partial, progress: Progress) -> None:
    attempt = 0
    while True:
        before = progress.completed = partial.size
        try:
            return await _stream(client, digest, partial, progress)
        except (NotFound, AccessDenied, CorruptData):
            raise
        except RegistryError as error:
            # An attempt that brought something is not counted: it goes on from there.
            attempt = 0 if partial.size > before else attempt + 1
            if attempt >= MAX_ATTEMPTS:
                raise RegistryError(f"max retries exceeded: {error.message}") from error
            log.info("%s stalled; retrying: %s", digest.short, error.message)
            if attempt:
                await asyncio.sleep(2 ** (attempt - 1))


async def _stream(client: RegistryClient, digest: Digest, partial: _Partial, progress: Progress) -> None:
    if partial.size >= progress.total > 0:
        return
    headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
    request = Request(method="GET", url=client.url(f"blobs/{digest}"), headers=headers)
    async with client.send(request) as answer:
        if _first_byte(answer) != partial.size:
            await asyncio.to_thread(partial.restart)
            progress.completed = 0
            if _first_byte(answer):
                raise RegistryError("the registry sent another range than asked for")
        async for piece in _pieces(answer):
            if progress.completed + len(piece) > progress.total:
                await asyncio.to_thread(partial.discard)
                raise CorruptData(f"{digest} is larger than the {progress.total} bytes that were announced")
            await asyncio.to_thread(partial.write, piece)
            progress.completed += len(piece)
    if progress.completed < progress.total:
        raise RegistryError("unexpected EOF")


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The body in pieces worth a write; what came before a failure is handed out before it is raised."""
    waiting = bytearray()
    try:
        async for piece in answer.aiter_bytes():
            waiting += piece
            if len(waiting) >= CHUNK:
                yield bytes(waiting)
                waiting.clear()
    except httpx.HTTPError:
        if waiting:
            yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)


def _first_byte(answer: httpx.Response) -> int:
    """Where in the blob the answer begins."""
    if answer.status_code != 206:
        return 0
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else 0


class _Partial:
    """The file that a download grows in, and the digest of what is in it so far."""

    def __init__(self, target: Path, file: BinaryIO) -> None:
        self._target = target
        self._path = _partial_path(target)
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @classmethod
    def open(cls, target: Path) -> _Partial:
        """Continue the file that an earlier attempt left, or begin one. Raises StorageError."""
        path = _partial_path(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            states = list(target.parent.glob(f"{path.name}-*"))
            for state in states:
                state.unlink(missing_ok=True)
            if states:
                path.unlink(missing_ok=True)
            partial = cls(target, path.open("a+b"))
            partial._file.seek(0)
            while piece := partial._file.read(CHUNK):
                partial._hash.update(piece)
                partial.size += len(piece)
        except OSError as error:
            raise _refused(error) from error
        return partial

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _refused(error) from error
        self._hash.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget all that is there."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.size = 0

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)

    def finish(self, digest: Digest) -> None:
        """Give the file its name. Raises CorruptData, and removes it, when it has another digest."""
        actual = Digest(self._hash.hexdigest())
        if actual != digest:
            self.discard()
            raise CorruptData(f"digest mismatch, file must be downloaded again: want {digest}, got {actual}")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._path.chmod(0o644)
            self._path.replace(self._target)
        except OSError as error:
            raise _refused(error) from error

    def close(self) -> None:
        self._file.close()


def _partial_path(target: Path) -> Path:
    return target.with_name(f"{target.name}-partial")


def _refused(error: OSError) -> StorageError:
    hint = "free some space and pull again: what has arrived is kept" if error.errno == errno.ENOSPC else None
    return StorageError(f"{error.strerror or error}", hint=hint)

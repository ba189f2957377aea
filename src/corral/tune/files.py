"""Files that clients send to be trained on: rows of the table `files`, their bytes in `CORRAL_HOME/files`."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corral.core.units import human_bytes
from corral.database import Database
from corral.errors import InvalidInput, NotFound, StorageError

# Bytes of one file, and of all files of one key.
MAX_FILE = 1 << 30
MAX_TOTAL = 8 << 30
_MAX_NAME = 255
# What is younger may still be on its way from another server of this folder.
_ABANDONED_S = 3600.0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was sent. `size` in bytes; `path` is where its bytes lie."""

    id: str
    name: str
    purpose: str
    size: int
    created_at: float
    path: Path


class Files:
    """`owner` gives the key of the request that is served: each key sees its own files only.

    Requests without a key share theirs.
    """

    def __init__(self, folder: Path, database: Database, owner: Callable[[], int | None]) -> None:
        self._folder = folder
        self._database = database
        self._owner = owner

    async def receive(
        self, pieces: AsyncIterator[bytes], described: Callable[[], tuple[str, str]]
    ) -> StoredFile:
        """Store what comes; `described` is asked for name and purpose at its end, and may refuse it.

        Nothing is left of a file that does not come to its end. Raises InvalidInput for an empty file, one
        over MAX_FILE, or more than MAX_TOTAL of one key; StorageError.
        """
        return await self._receive(self._owner(), pieces, described)

    async def add(self, owner: int | None, name: str, purpose: str, data: bytes) -> StoredFile:
        """Store what was made here for `owner`. Raises InvalidInput, StorageError."""

        async def pieces() -> AsyncIterator[bytes]:
            yield data

        return await self._receive(owner, pieces(), lambda: (name, purpose))

    async def _receive(
        self, owner: int | None, pieces: AsyncIterator[bytes], described: Callable[[], tuple[str, str]]
    ) -> StoredFile:
        taken = sum(row["size"] for row in await self._rows(owner))
        id = f"file-{secrets.token_hex(12)}"
        path = self._folder / id
        partial = path.with_suffix(".part")
        try:
            size = await self._write(partial, pieces, min(MAX_FILE, MAX_TOTAL - taken))
            name, purpose = described()
            await asyncio.to_thread(partial.replace, path)
        except OSError as error:
            raise StorageError(f"cannot store the file: {(error.strerror or str(error)).lower()}") from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        row = (id, owner, name[:_MAX_NAME], purpose, size, time.time())
        try:
            await self._database.write(lambda connection: connection.execute(_INSERT, row) and None)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return StoredFile(id, row[2], purpose, size, row[5], path)

    async def all(self) -> list[StoredFile]:
        """The newest first."""
        return [self._stored(row) for row in await self._rows(self._owner())]

    async def find(self, id: str) -> StoredFile:
        """Raises NotFound."""
        found = next((row for row in await self._rows(self._owner()) if row["id"] == id), None)
        if found is None:
            raise NotFound(f"No such File object: {id}")
        return self._stored(found)

    async def delete(self, id: str) -> None:
        """What jobs need of it they have kept. Raises NotFound, StorageError."""
        file = await self.find(id)
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM files WHERE id = ?", (id,)) and None
        )
        with suppress(OSError):  # swept at the next start
            file.path.unlink(missing_ok=True)

    async def sweep(self) -> None:
        """Remove bytes that no row knows, as an end in the middle leaves them."""
        if not self._folder.is_dir():
            return
        known = await self._database.read(
            lambda connection: {row["id"] for row in connection.execute("SELECT id FROM files")}
        )
        await asyncio.to_thread(_remove_unknown, self._folder, known)

    async def _rows(self, owner: int | None) -> list[sqlite3.Row]:
        return await self._database.read(
            lambda connection: connection.execute(_SELECT, (owner,)).fetchall(),
        )

    def _stored(self, row: sqlite3.Row) -> StoredFile:
        id = row["id"]
        return StoredFile(id, row["name"], row["purpose"], row["size"], row["created_at"], self._folder / id)

    async def _write(self, path: Path, pieces: AsyncIterator[bytes], limit: int) -> int:
        """The number of bytes written."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = 0
        with path.open("wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
                await asyncio.to_thread(file.write, piece)
        if not size:
            raise InvalidInput("the file is empty")
        return size


def _too_large(limit: int) -> InvalidInput:
    if limit == MAX_FILE:
        return InvalidInput(f"the file is too large: at most {human_bytes(MAX_FILE)} are taken")
    return InvalidInput(
        f"no room for the file: all files together may have {human_bytes(MAX_TOTAL)}",
        hint="delete files that are not needed any more: DELETE /v1/files/ID",
    )


def _remove_unknown(folder: Path, known: Iterable[str]) -> None:
    oldest = time.time() - _ABANDONED_S
    for path in folder.iterdir():
        with suppress(OSError):
            if path.name not in known and path.stat().st_mtime < oldest:
                path.unlink()


_INSERT = "INSERT INTO files (id, owner, name, purpose, size, created_at) VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT * FROM files WHERE owner IS ? ORDER BY created_at DESC, rowid DESC"

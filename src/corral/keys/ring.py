"""The keys of a running server: found by their secrets, kept in step with the file."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from corral.database import Database
from corral.errors import StorageError
from corral.keys.holder import Holder
from corral.keys.key import NewKey, digest_of
from corral.keys.table import KeyRow, add_usage, create_key, list_keys, revoke_key

log = logging.getLogger("corral.keys")

# How soon a key that was revoked by another process stops to work, in seconds.
_FRESH_S = 1.0
# How often what keys have used is stored.
_STORE_S = 2.0


class KeyRing:
    """All holders. While there is no file, there are no keys, and none is made by looking.

    All methods belong to one event loop; `now` is seconds since the epoch.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        self._holders: dict[str, Holder] = {}
        # Of the file when the keys were read; None: this process itself has changed them since.
        self._version: int | None = None
        self._checked_at = float("-inf")
        self._storing: asyncio.Task[None] | None = None

    async def find(self, secret: str) -> Holder | None:
        """Who holds this key. None: it is unknown, revoked or expired."""
        digest = digest_of(secret)
        if digest not in self._holders or time.monotonic() - self._checked_at > _FRESH_S:
            await self.refresh()
        holder = self._holders.get(digest)
        return holder if holder is not None and holder.key.holds(self._now()) else None

    async def any(self) -> bool:
        """Whether there is a key at all that opens something."""
        await self.refresh()
        return any(holder.key.holds(self._now()) for holder in self._holders.values())

    async def rows(self) -> list[KeyRow]:
        """All keys and what they have used up to now, revoked ones too."""
        await self.store()
        return await self._database.read(list_keys) if self._database.exists() else []

    async def create(self, new: NewKey) -> None:
        """Raises InvalidInput where the name is in use."""
        await self._database.write(lambda connection: create_key(connection, new))
        self._version = None

    async def revoke(self, name: str) -> None:
        """Holds from this moment on. Raises NotFound."""
        await self._database.write(lambda connection: revoke_key(connection, name, self._now()))
        self._version = None
        await self.refresh()

    def admit(self, holder: Holder) -> None:
        """Begin a request of this holder. Raises LimitExceeded."""
        holder.admit(self._now())
        self._store_soon()

    def spend(self, holder: Holder, prompt_tokens: int, completion_tokens: int) -> None:
        holder.spend(prompt_tokens, completion_tokens, self._now())
        self._store_soon()

    async def refresh(self) -> None:
        """Read the keys again where another process, or the administration API, has changed them."""
        if not self._database.exists():
            self._holders.clear()
            return
        version = await self._database.version()
        if version != self._version:
            self._take(await self._database.read(list_keys))
            self._version = version
        self._checked_at = time.monotonic()

    async def store(self) -> None:
        """Write down what keys have used since the last time."""
        used = [used for holder in self._holders.values() if (used := holder.take_used()) is not None]
        if not used:
            return
        try:
            await self._database.write(lambda connection: add_usage(connection, used))
        except StorageError as error:
            log.warning("what keys have used could not be stored: %s", error.message)

    async def close(self) -> None:
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait({self._storing})
        await self.store()

    def _take(self, rows: list[KeyRow]) -> None:
        """Holders that are known keep their budgets and their running requests."""
        present = {holder.key.id: holder for holder in self._holders.values()}
        self._holders = {}
        for row in rows:
            holder = present.get(row.key.id) or Holder(row)
            holder.key = row.key
            self._holders[row.digest] = holder

    def _store_soon(self) -> None:
        if self._storing is None or self._storing.done():
            self._storing = asyncio.get_running_loop().create_task(self._store_later())

    async def _store_later(self) -> None:
        await asyncio.sleep(_STORE_S)
        await self.store()

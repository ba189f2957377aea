"""The chats of whoever asks, off the event loop."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable

import msgspec

from corral.chats.chat import Change, Chat, Summary
from corral.chats.limits import check_change
from corral.chats.listing import MAX_PAGE, Page, list_chats, list_folders, list_ids
from corral.chats.search import search_chats
from corral.chats.table import change_chat, create_chat, delete_chat, find_chat
from corral.database import Database
from corral.errors import Conflict, InvalidInput, KeyRejected, NotFound


class Imported(msgspec.Struct, kw_only=True):
    """What became of the chats of a file: those whose ids are here already are left as they are."""

    imported: int = 0
    skipped: int = 0
    ids: list[str] = []


class Chats:
    """`owner` gives the key of the request that is served. Calls raise StorageError, and KeyRejected where
    requests without a key would share a shelf with strangers: `shared` allows that on one's own machine.
    """

    def __init__(self, database: Database, owner: Callable[[], int | None], *, shared: bool) -> None:
        self._database = database
        self._owner = owner
        self._shared = shared

    async def list(self, *, folder: str | None = None, cursor: str = "", limit: int = 50) -> Page:
        """Raises InvalidInput for a cursor or a limit that cannot be."""
        owner = self._who()
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit is a number from 1 to {MAX_PAGE}")
        return await self._database.read(
            lambda tables: list_chats(tables, owner, folder=folder, cursor=cursor, limit=limit)
        )

    async def search(self, query: str, *, limit: int = 50) -> Page:
        owner = self._who()
        return await self._database.read(
            lambda tables: Page(
                chats=search_chats(tables, owner, query, min(limit, MAX_PAGE)),
                folders=list_folders(tables, owner),
            )
        )

    async def create(self, change: Change) -> Summary:
        """Raises InvalidInput, Conflict where the id is taken. Without an id it is given one."""
        owner = self._who()
        change.id = change.id or secrets.token_hex(12)
        check_change(change)
        return await self._database.write(lambda tables: create_chat(tables, owner, change, time.time()))

    async def find(self, id: str) -> Chat:
        """Raises NotFound."""
        return await self._find(self._who(), id)

    async def change(self, id: str, change: Change) -> Summary:
        """Raises NotFound, Conflict, InvalidInput."""
        owner = self._who()
        check_change(change)
        return await self._database.write(lambda tables: change_chat(tables, owner, id, change, time.time()))

    async def delete(self, id: str) -> None:
        """Raises NotFound."""
        owner = self._who()
        await self._database.write(lambda tables: delete_chat(tables, owner, id))

    def every(self) -> AsyncGenerator[Chat, None]:
        """All chats, the oldest first, one at a time."""
        return self._every(self._who())

    async def add(self, changes: Iterable[Change]) -> Imported:
        """Chats of a file, each whole or not at all. Raises InvalidInput at the first that cannot be kept."""
        owner, result = self._who(), Imported(ids=[])
        held = set(await self._database.read(lambda tables: list_ids(tables, owner)))
        for change in changes:
            if change.id and change.id in held:
                result.skipped += 1
                continue
            added = await self._new(change)
            result.imported += 1
            result.ids.append(added.id)
        return result

    async def _every(self, owner: int | None) -> AsyncGenerator[Chat, None]:
        for id in await self._database.read(lambda tables: list_ids(tables, owner)):
            with contextlib.suppress(NotFound):  # deleted meanwhile
                yield await self._find(owner, id)

    async def _find(self, owner: int | None, id: str) -> Chat:
        return await self._database.read(lambda tables: find_chat(tables, owner, id))

    async def _new(self, change: Change) -> Summary:
        """Under its own id, or under another one where somebody else has a chat of that id."""
        try:
            return await self.create(change)
        except Conflict:
            change.id = ""
            return await self.create(change)

    def _who(self) -> int | None:
        owner = self._owner()
        if owner is None and not self._shared:
            raise KeyRejected("chats are kept for each API key: send one, or keep them in the browser")
        return owner

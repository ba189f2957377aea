"""Responses that a later request may go on from, in the table `responses`."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from corral.database import Database
from corral.errors import NotFound, PreviousNotFound, StorageError
from corral.openai.responses.record import Record

log = logging.getLogger("corral.openai")

Item = Mapping[str, Any]

# What is older than a month, or beyond these bounds, is forgotten.
KEEP_S = 30 * 86400
MOST_RESPONSES = 5000
MOST_BYTES = 1 << 30


class Archive:
    """`owner` gives the key of the request that is served: each key sees its own responses only.

    Requests without a key share theirs.
    """

    def __init__(self, database: Database, owner: Callable[[], int | None]) -> None:
        self._database = database
        self._owner = owner

    async def keep(self, response: Record, items: Sequence[Item]) -> None:
        """Store a finished response and the `items` of its request, without those that came before."""
        texts = [msgspec.json.encode(value).decode() for value in (list(items), response)]
        row = {
            "id": response["id"],
            "owner": self._owner(),
            "previous": response["previous_response_id"] or "",
            "now": time.time(),
            "input": texts[0],
            "response": texts[1],
            "size": sum(map(len, texts)),
        }
        try:
            await self._database.write(lambda connection: _insert(connection, row))
        except StorageError as error:
            # The answer itself is good: it can only not be gone on from.
            log.warning("response not kept: %s", error.message)

    async def conversation(self, id: str) -> list[Item]:
        """All items up to and with the output of response `id`. Raises PreviousNotFound, StorageError."""
        owner = self._owner()
        rows = await self._database.read(lambda connection: _chain(connection, id, owner))
        if not rows or rows[0]["previous"]:
            raise PreviousNotFound(rows[0]["previous"] if rows else id)
        items: list[Item] = []
        for row in rows:
            items += msgspec.json.decode(row["input"])
            items += msgspec.json.decode(row["response"])["output"]
        return items

    async def find(self, id: str) -> Record:
        """The response as it was answered. Raises NotFound, StorageError."""
        owner = self._owner()
        row = await self._database.read(lambda connection: _select(connection, id, owner))
        if row is None:
            raise _unknown(id)
        response: Record = msgspec.json.decode(row["response"])
        return response

    async def delete(self, id: str) -> None:
        """Raises NotFound, StorageError."""
        owner = self._owner()
        if not await self._database.write(lambda connection: _delete(connection, id, owner)):
            raise _unknown(id)


def _unknown(id: str) -> NotFound:
    return NotFound(f"Response with id '{id}' not found.")


_INSERT = """
    INSERT INTO responses (id, owner, previous, created_at, input, response, size)
    VALUES (:id, :owner, :previous, :now, :input, :response, :size)
"""
_FORGET = """
    DELETE FROM responses WHERE created_at < :oldest OR id IN (
        SELECT id FROM (
            SELECT id, SUM(size) OVER newest AS bytes, COUNT(*) OVER newest AS number FROM responses
            WINDOW newest AS (ORDER BY created_at DESC, rowid DESC)
        ) WHERE bytes > :bytes OR number > :number
    )
"""
_CHAIN = """
    WITH RECURSIVE chain (id, previous, input, response, age) AS (
        SELECT id, previous, input, response, 0 FROM responses WHERE id = :id AND owner IS :owner
        UNION ALL
        SELECT found.id, found.previous, found.input, found.response, age + 1
        FROM responses AS found JOIN chain ON found.id = chain.previous AND found.owner IS :owner
    )
    SELECT previous, input, response FROM chain ORDER BY age DESC
"""


def _insert(connection: sqlite3.Connection, row: Mapping[str, object]) -> None:
    connection.execute(_INSERT, row)
    bounds = {"oldest": time.time() - KEEP_S, "bytes": MOST_BYTES, "number": MOST_RESPONSES}
    connection.execute(_FORGET, bounds)


def _chain(connection: sqlite3.Connection, id: str, owner: int | None) -> list[sqlite3.Row]:
    """The oldest first."""
    return connection.execute(_CHAIN, {"id": id, "owner": owner}).fetchall()


def _select(connection: sqlite3.Connection, id: str, owner: int | None) -> sqlite3.Row | None:
    found = connection.execute("SELECT * FROM responses WHERE id = ? AND owner IS ?", (id, owner))
    row: sqlite3.Row | None = found.fetchone()
    return row


def _delete(connection: sqlite3.Connection, id: str, owner: int | None) -> bool:
    deleted = connection.execute("DELETE FROM responses WHERE id = ? AND owner IS ?", (id, owner))
    return deleted.rowcount > 0

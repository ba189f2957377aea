"""Which chats there are: pinned ones first, then the latest, page by page."""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Sequence
from typing import Annotated

import msgspec

from corral.chats.chat import Summary
from corral.chats.table import summary
from corral.errors import InvalidInput

MAX_PAGE = 200
# What SQLite takes for a whole number.
Whole = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_ORDER = "ORDER BY pinned DESC, updated_at DESC, number DESC LIMIT :limit"


class Folder(msgspec.Struct):
    name: str
    chats: int


class Page(msgspec.Struct, kw_only=True):
    """`cursor` leads to the next page, empty on the last; `folders` are those of the whole shelf."""

    chats: Sequence[Summary]
    cursor: str = ""
    folders: Sequence[Folder] = ()


def list_chats(
    connection: sqlite3.Connection, owner: int | None, *, folder: str | None, cursor: str, limit: int
) -> Page:
    """The chats after `cursor`, of one folder where it is named. Raises InvalidInput for a broken cursor."""
    values: dict[str, object] = {"owner": owner, "limit": limit + 1, "folder": folder}
    where = "owner IS :owner" + (" AND folder = :folder" if folder is not None else "")
    if cursor:
        where += " AND (pinned, updated_at, number) < (:pinned, :updated_at, :number)"
        values |= dict(zip(("pinned", "updated_at", "number"), _read_cursor(cursor), strict=True))
    rows = connection.execute(f"SELECT * FROM chats WHERE {where} {_ORDER}", values).fetchall()
    more = _cursor(rows[limit - 1]) if len(rows) > limit else ""
    chats = [summary(row) for row in rows[:limit]]
    return Page(chats=chats, cursor=more, folders=list_folders(connection, owner))


def list_folders(connection: sqlite3.Connection, owner: int | None) -> list[Folder]:
    query = """
        SELECT folder, COUNT(*) FROM chats WHERE owner IS ? AND folder != ''
        GROUP BY folder ORDER BY folder COLLATE NOCASE
    """
    return [Folder(*row) for row in connection.execute(query, (owner,))]


def list_ids(connection: sqlite3.Connection, owner: int | None) -> list[str]:
    """Of all chats, the oldest first."""
    query = "SELECT id FROM chats WHERE owner IS ? ORDER BY number"
    return [row["id"] for row in connection.execute(query, (owner,))]


def _cursor(row: sqlite3.Row) -> str:
    place = [row["pinned"], row["updated_at"], row["number"]]
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, float, int]:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(data, type=tuple[Whole, float, Whole])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise InvalidInput("the cursor is none that this server gave") from None

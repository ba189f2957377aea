"""The rows of chats and messages. Each function is work for `database`'s read or write.

`owner` is the number of a key, or None; nobody sees or changes what belongs to another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from corral.chats.chat import Change, Chat, Message, Summary
from corral.chats.limits import MAX_CHATS, check_total, message_size
from corral.errors import Conflict, InvalidInput, NotFound

_INSERT = """
    INSERT INTO chats (id, owner, title, folder, pinned, settings, head, revision, created_at, updated_at)
    VALUES (:id, :owner, '', '', 0, '{}', '', 0, :now, :now)
"""
_PUT_MESSAGE = """
    INSERT INTO chat_messages (chat, id, parent, role, created_at, size, content, data)
    VALUES (:chat, :id, :parent, :role, :created_at, :size, :content, :data)
    ON CONFLICT (chat, id) DO UPDATE SET
        parent = excluded.parent, role = excluded.role, size = excluded.size,
        content = excluded.content, data = excluded.data
"""
# Its children stay in the tree: they become those of its parent.
_ADOPT = """
    UPDATE chat_messages SET parent = (SELECT parent FROM chat_messages WHERE chat = :chat AND id = :id)
    WHERE chat = :chat AND parent = :id
"""
# Each needs its parent, and no two may be each other's: from the beginning every message must be reached.
_REACHED = """
    WITH RECURSIVE reached (id) AS (
        SELECT id FROM chat_messages WHERE chat = :chat AND parent = ''
        UNION
        SELECT child.id FROM chat_messages AS child JOIN reached ON child.parent = reached.id
        WHERE child.chat = :chat
    )
    SELECT COUNT(*) FROM reached
"""


def create_chat(connection: sqlite3.Connection, owner: int | None, change: Change, now: float) -> Summary:
    """Raises Conflict where the id is taken, InvalidInput where the shelf is full."""
    if connection.execute("SELECT 1 FROM chats WHERE id = ?", (change.id,)).fetchone():
        raise Conflict(f'there is a chat "{change.id}" already')
    held = connection.execute("SELECT COUNT(*) FROM chats WHERE owner IS ?", (owner,)).fetchone()[0]
    if held >= MAX_CHATS:
        raise InvalidInput(f"{MAX_CHATS} chats are kept at most: delete some first")
    connection.execute(_INSERT, {"id": change.id, "owner": owner, "now": now})
    return _apply(connection, find_row(connection, owner, change.id), change, now)


def change_chat(
    connection: sqlite3.Connection, owner: int | None, id: str, change: Change, now: float
) -> Summary:
    """Raises NotFound, Conflict where the chat has been changed meanwhile, InvalidInput."""
    row = find_row(connection, owner, id)
    if change.revision is None:
        raise InvalidInput("a change needs the revision of the chat that it changes")
    if change.revision != row["revision"]:
        raise Conflict(f"the chat has been changed elsewhere: it is at revision {row['revision']}")
    return _apply(connection, row, change, now)


def find_row(connection: sqlite3.Connection, owner: int | None, id: str) -> sqlite3.Row:
    """Raises NotFound."""
    found = connection.execute("SELECT * FROM chats WHERE id = ? AND owner IS ?", (id, owner)).fetchone()
    if found is None:
        raise NotFound(f'there is no chat "{id}"')
    row: sqlite3.Row = found
    return row


def find_chat(connection: sqlite3.Connection, owner: int | None, id: str) -> Chat:
    """With its messages in the order in which they were made. Raises NotFound."""
    row = find_row(connection, owner, id)
    query = "SELECT * FROM chat_messages WHERE chat = ? ORDER BY number"
    messages = [_message_json(message) for message in connection.execute(query, (row["number"],))]
    return Chat(**_fields(row), messages=messages)


def delete_chat(connection: sqlite3.Connection, owner: int | None, id: str) -> None:
    """Raises NotFound."""
    connection.execute("DELETE FROM chats WHERE number = ?", (find_row(connection, owner, id)["number"],))


def summary(row: sqlite3.Row) -> Summary:
    return Summary(**_fields(row))


def _fields(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "folder": row["folder"],
        "pinned": bool(row["pinned"]),
        "settings": msgspec.Raw(row["settings"].encode()),
        "head": row["head"],
        "revision": row["revision"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


class _Stored(msgspec.Struct):
    """A message on its way out: its data is JSON already."""

    id: str
    parent: str
    role: str
    content: str
    data: msgspec.Raw
    created_at: float


def _message_json(row: sqlite3.Row) -> msgspec.Raw:
    data = msgspec.Raw(row["data"].encode())
    stored = _Stored(row["id"], row["parent"], row["role"], row["content"], data, row["created_at"])
    return msgspec.Raw(msgspec.json.encode(stored))


def _apply(connection: sqlite3.Connection, row: sqlite3.Row, change: Change, now: float) -> Summary:
    number = row["number"]
    for id in change.remove:
        connection.execute(_ADOPT, {"chat": number, "id": id})
        connection.execute("DELETE FROM chat_messages WHERE chat = ? AND id = ?", (number, id))
    _put(connection, number, change.messages, now)
    if change.messages or change.remove:
        _check_tree(connection, number)
    head = row["head"] if change.head is None else change.head
    values = {
        "title": row["title"] if change.title is None else change.title,
        "folder": row["folder"] if change.folder is None else change.folder,
        "pinned": row["pinned"] if change.pinned is None else int(change.pinned),
        "settings": row["settings"] if change.settings is None else _json(change.settings),
        "head": head if _has_message(connection, number, head) else "",
        "updated_at": now if change.messages or change.remove else row["updated_at"],
        "number": number,
    }
    columns = ", ".join(f"{name} = :{name}" for name in values if name != "number")
    connection.execute(f"UPDATE chats SET {columns}, revision = revision + 1 WHERE number = :number", values)
    return summary(connection.execute("SELECT * FROM chats WHERE number = ?", (number,)).fetchone())


def _put(connection: sqlite3.Connection, chat: int, messages: Iterable[Message], now: float) -> None:
    for message in messages:
        data = _json(message.data)
        values = {
            "chat": chat,
            "id": message.id,
            "parent": message.parent,
            "role": message.role,
            "created_at": message.created_at or now,
            "size": message_size(message, data),
            "content": message.content,
            "data": data,
        }
        connection.execute(_PUT_MESSAGE, values)


def _check_tree(connection: sqlite3.Connection, chat: int) -> None:
    query = "SELECT COUNT(*), TOTAL(size) FROM chat_messages WHERE chat = ?"
    messages, size = connection.execute(query, (chat,)).fetchone()
    check_total(messages, int(size))
    if connection.execute(_REACHED, {"chat": chat}).fetchone()[0] != messages:
        raise InvalidInput("the parent of a message is not in the chat, or comes after it")


def _has_message(connection: sqlite3.Connection, chat: int, id: str) -> bool:
    found = connection.execute("SELECT 1 FROM chat_messages WHERE chat = ? AND id = ?", (chat, id))
    return found.fetchone() is not None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

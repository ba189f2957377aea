"""Words in the texts of chats: an index of all runs of three signs, which knows no language.

A word of three signs or more is looked up as it stands. A shorter one (many Chinese words have two) is the
beginning of runs: where few texts have it, they are taken from the index; where many have it, reading the
latest texts finds enough of them soon.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from corral.chats.chat import Summary
from corral.chats.table import summary

_MAX_WORDS = 8
_RUN = 3
# Of so many texts with a short word the latest are found sooner by reading.
_COMMON = 3000
_AROUND = 60
_LAST = "\U0010ffff"
# The joins are crossed to be made in this order: row after row, each search ends when it has found enough.
_COLUMNS = "SELECT message.id, message.content, message.chat FROM"
_OWNED = """
    CROSS JOIN chats ON chats.number = message.chat WHERE chats.owner IS :owner
    ORDER BY message.number DESC
"""
_BY_PHRASES = f"""
    {_COLUMNS} chat_search CROSS JOIN chat_messages AS message ON message.number = chat_search.rowid
    CROSS JOIN chats ON chats.number = message.chat
    WHERE chat_search MATCH :phrases AND chats.owner IS :owner ORDER BY chat_search.rowid DESC
"""
_BY_BEGINNING = f"""
    {_COLUMNS} (SELECT DISTINCT doc FROM chat_places WHERE term >= :low AND term < :high)
    CROSS JOIN chat_messages AS message ON message.number = doc {_OWNED}
"""
_BY_READING = f"{_COLUMNS} chat_messages AS message {_OWNED}"


def search_chats(connection: sqlite3.Connection, owner: int | None, query: str, limit: int) -> list[Summary]:
    """The chats with all words of `query` in their title or in one message: the latest messages first."""
    # The index takes the sign of the number 0 for the end of what is asked.
    words = [word.lower() for word in query.replace("\0", " ").split()[:_MAX_WORDS]]
    if not words:
        return []
    found: dict[int, dict[str, str] | None] = dict.fromkeys(_titled(connection, owner, words, limit))
    for row in _messages(connection, owner, words):
        if len(found) >= limit and row["chat"] not in found:
            break
        if found.get(row["chat"]) is None:
            found[row["chat"]] = {"message": row["id"], "text": _around(row["content"], words)}
    return [_summary(connection, number, match) for number, match in found.items()]


def _summary(connection: sqlite3.Connection, number: int, match: dict[str, str] | None) -> Summary:
    result = summary(connection.execute("SELECT * FROM chats WHERE number = ?", (number,)).fetchone())
    if match is not None:
        result.match = match
    return result


def _titled(connection: sqlite3.Connection, owner: int | None, words: list[str], limit: int) -> list[int]:
    # SQLite knows upper and lower case of ASCII alone; it sorts out what it can.
    plain = [word for word in words if word.isascii() or word == word.upper()]
    where = " AND ".join(["owner IS ?", *("instr(lower(title), ?)" for _ in plain)])
    query = f"SELECT number, title FROM chats WHERE {where} ORDER BY updated_at DESC"
    rows = connection.execute(query, (owner, *plain))
    titled = (row["number"] for row in rows if _has_all(row["title"], words))
    return [number for number, _ in zip(titled, range(limit), strict=False)]


def _messages(connection: sqlite3.Connection, owner: int | None, words: list[str]) -> Iterator[sqlite3.Row]:
    """The latest first, one by one: who reads them stops when there are enough."""
    long = [word for word in words if len(word) >= _RUN]
    if long:
        phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
        rows = connection.execute(_BY_PHRASES, {"owner": owner, "phrases": phrases})
    elif word := _rare(connection, [word for word in words if len(word) == _RUN - 1]):
        rows = connection.execute(_BY_BEGINNING, {"owner": owner, "low": word, "high": word + _LAST})
    else:
        rows = connection.execute(_BY_READING, {"owner": owner})
    return (row for row in rows if _has_all(row["content"], words))


def _rare(connection: sqlite3.Connection, words: list[str]) -> str:
    """The rarest of these words of two signs, empty where there is none or all are common."""
    query = "SELECT TOTAL(doc) FROM chat_terms WHERE term >= ? AND term < ?"
    counts = {word: connection.execute(query, (word, word + _LAST)).fetchone()[0] for word in words}
    return min((word for word in words if counts[word] < _COMMON), key=counts.__getitem__, default="")


def _has_all(text: str, words: list[str]) -> bool:
    folded = text.lower()
    return all(word in folded for word in words)


def _around(text: str, words: list[str]) -> str:
    """One line of the text around its first word that was searched for."""
    place = max(0, min(text.lower().find(word) for word in words))
    start, end = max(0, place - _AROUND), place + 2 * _AROUND
    line = " ".join(text[start:end].split())
    return ("…" if start else "") + line + ("…" if end < len(text) else "")

"""The rows of keys and of what they have used. Each function is work for `database`'s read or write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from corral.errors import InvalidInput, NotFound
from corral.keys.key import Key, NewKey, digest_of
from corral.keys.limits import Limit
from corral.keys.scopes import read_scopes, scopes_text

_SELECT = "SELECT * FROM keys LEFT JOIN key_usage ON key_id = id ORDER BY name"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A stored key and what it has used so far; its token budget stood at `token_level` at `level_at`."""

    key: Key
    digest: str
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    last_used_at: float | None = None
    token_level: float = 0.0
    level_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a key has used since the last time this was stored."""

    key_id: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    last_used_at: float
    token_level: float


def create_key(connection: sqlite3.Connection, new: NewKey) -> None:
    """Raises InvalidInput where a key of that name is in use; one that was revoked gives its name away.

    Its row stays, under a name that no key can have: what belongs to an id must never fall to another key.
    """
    key = new.key
    rename = "UPDATE keys SET name = name || '~' || id WHERE name = ? AND revoked_at IS NOT NULL"
    connection.execute(rename, (key.name,))
    values = {
        "name": key.name,
        "digest": digest_of(new.secret),
        "hint": key.hint,
        "scopes": scopes_text(key.scopes),
        "rate": key.rate.text if key.rate else "",
        "tokens": key.tokens.text if key.tokens else "",
        "concurrency": key.concurrency,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    insert = f"INSERT INTO keys ({columns}) VALUES ({marks}) ON CONFLICT (name) DO NOTHING"
    if connection.execute(insert, values).rowcount == 0:
        raise InvalidInput(f'there is a key "{key.name}" already', hint=f"corral keys revoke {key.name}")


def list_keys(connection: sqlite3.Connection) -> list[KeyRow]:
    """All keys by name, revoked ones too."""
    return [_row(row) for row in connection.execute(_SELECT)]


def revoke_key(connection: sqlite3.Connection, name: str, now: float) -> None:
    """Raises NotFound where no key of that name is in use."""
    update = "UPDATE keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL"
    if connection.execute(update, (now, name)).rowcount == 0:
        raise NotFound(f'there is no key "{name}" in use', hint="corral keys list")


def add_usage(connection: sqlite3.Connection, used: Iterable[Used]) -> None:
    """Counts are added, for another server may use the same file; keys that are gone are passed over."""
    insert = """
        INSERT INTO key_usage SELECT :key_id, :requests, :prompt, :completion, :last, :level, :last
        WHERE EXISTS (SELECT 1 FROM keys WHERE id = :key_id)
        ON CONFLICT (key_id) DO UPDATE SET
            requests = requests + excluded.requests,
            prompt_tokens = prompt_tokens + excluded.prompt_tokens,
            completion_tokens = completion_tokens + excluded.completion_tokens,
            last_used_at = excluded.last_used_at,
            tokens_level = excluded.tokens_level,
            level_at = excluded.level_at
    """
    connection.executemany(insert, [_values(each) for each in used])


def _values(used: Used) -> dict[str, float]:
    return {
        "key_id": used.key_id,
        "requests": used.requests,
        "prompt": used.prompt_tokens,
        "completion": used.completion_tokens,
        "last": used.last_used_at,
        "level": used.token_level,
    }


def _row(row: sqlite3.Row) -> KeyRow:
    key = Key(
        id=row["id"],
        name=row["name"],
        hint=row["hint"],
        scopes=read_scopes(row["scopes"].split(",")),
        rate=Limit.parse(row["rate"]) if row["rate"] else None,
        tokens=Limit.parse(row["tokens"]) if row["tokens"] else None,
        concurrency=row["concurrency"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
    return KeyRow(
        key=key,
        digest=row["digest"],
        requests=row["requests"] or 0,
        prompt_tokens=row["prompt_tokens"] or 0,
        completion_tokens=row["completion_tokens"] or 0,
        last_used_at=row["last_used_at"],
        token_level=row["tokens_level"] or 0.0,
        level_at=row["level_at"] or 0.0,
    )

"""A state in a file, and its row: what it holds, and what must be the same where it is restored."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from corral.cache.prefix import DIGEST_SIZE, Blocks, Realm


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """The state of a slot. `id` names its file, `stamp` the child that can read it.

    `weights` is the path of the model's file. The state holds `num_tokens`, of which `blocks` are known by
    their digests; one token took `token_s` to compute. `size` and `digest` are those of the file.
    """

    id: str
    stamp: str
    weights: str
    realm: Realm
    blocks: Blocks
    num_tokens: int
    token_s: float
    size: int
    digest: str
    used_at: float


def list_states(connection: sqlite3.Connection) -> list[SavedState]:
    return [_state(row) for row in connection.execute("SELECT * FROM saved_states")]


def add_state(connection: sqlite3.Connection, state: SavedState) -> None:
    connection.execute(
        "INSERT INTO saved_states VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.id,
            state.stamp,
            state.weights,
            state.realm.owner,
            json.dumps(state.realm.scales),
            b"".join(state.blocks),
            state.num_tokens,
            state.token_s,
            state.size,
            state.digest,
            state.used_at,
        ),
    )


def delete_states(connection: sqlite3.Connection, ids: list[str]) -> None:
    connection.executemany("DELETE FROM saved_states WHERE id = ?", [(id_,) for id_ in ids])


def touch_state(connection: sqlite3.Connection, id_: str, used_at: float) -> None:
    connection.execute("UPDATE saved_states SET used_at = ? WHERE id = ?", (used_at, id_))


def _state(row: sqlite3.Row) -> SavedState:
    raw = row["blocks"]
    return SavedState(
        id=row["id"],
        stamp=row["stamp"],
        weights=row["weights"],
        realm=Realm(row["owner"], tuple(json.loads(row["scales"]))),
        blocks=tuple(raw[at : at + DIGEST_SIZE] for at in range(0, len(raw), DIGEST_SIZE)),
        num_tokens=row["num_tokens"],
        token_s=row["token_s"],
        size=row["size"],
        digest=row["digest"],
        used_at=row["used_at"],
    )

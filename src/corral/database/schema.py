"""The tables, as steps: a file is brought from the number of steps it has seen to the number there are.

A step that has been released is never changed; a change of a table is a new step at the end. Times are
seconds since the epoch.
"""

from __future__ import annotations

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE keys (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        digest TEXT NOT NULL UNIQUE,  -- SHA-256 of the secret, hex
        hint TEXT NOT NULL,  -- the secret's beginning, to tell keys apart
        scopes TEXT NOT NULL,  -- with commas between them
        rate TEXT NOT NULL,  -- such as 60/min; empty: no limit, as for tokens
        tokens TEXT NOT NULL,
        concurrency INTEGER NOT NULL,  -- 0: no limit
        created_at REAL NOT NULL,
        expires_at REAL,
        revoked_at REAL
    ) STRICT;
    CREATE TABLE key_usage (
        key_id INTEGER PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
        requests INTEGER NOT NULL DEFAULT 0,
        prompt_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0,
        last_used_at REAL,
        tokens_level REAL NOT NULL DEFAULT 0,  -- of the token budget: what is used up, at `level_at`
        level_at REAL NOT NULL DEFAULT 0
    ) STRICT;
    """,
    """
    CREATE TABLE responses (
        id TEXT PRIMARY KEY,
        owner INTEGER REFERENCES keys (id) ON DELETE CASCADE,  -- NULL: made without a key
        previous TEXT NOT NULL,  -- the response it goes on from, or empty
        created_at REAL NOT NULL,
        input TEXT NOT NULL,  -- a JSON list of items, those of this request alone
        response TEXT NOT NULL,  -- the answer as JSON, its output among it
        size INTEGER NOT NULL  -- characters of the two texts
    ) STRICT;
    """,
)

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
    """
    CREATE TABLE chats (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        owner INTEGER REFERENCES keys (id) ON DELETE CASCADE,  -- NULL: made without a key
        title TEXT NOT NULL,
        folder TEXT NOT NULL,  -- empty: in none
        pinned INTEGER NOT NULL,
        settings TEXT NOT NULL,  -- a JSON object of the client: model, options and so on
        head TEXT NOT NULL,  -- the message that the shown branch ends with, or empty
        revision INTEGER NOT NULL,  -- counts the changes
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL  -- of the messages
    ) STRICT;
    CREATE INDEX chats_in_order ON chats (owner, pinned, updated_at, number);
    CREATE TABLE chat_messages (
        number INTEGER PRIMARY KEY,
        chat INTEGER NOT NULL REFERENCES chats (number) ON DELETE CASCADE,
        id TEXT NOT NULL,
        parent TEXT NOT NULL,  -- the message that it answers, or empty
        role TEXT NOT NULL,
        created_at REAL NOT NULL,
        size INTEGER NOT NULL,  -- characters of the two texts
        content TEXT NOT NULL,
        data TEXT NOT NULL,  -- a JSON object of the client: images, thinking, counts and so on
        UNIQUE (chat, id)
    ) STRICT;
    CREATE INDEX chat_messages_by_parent ON chat_messages (chat, parent);
    -- Two more signs at the end make the last two of a text the beginning of a trigram, too.
    CREATE VIEW chat_texts AS SELECT number, content || char(10, 10) AS content FROM chat_messages;
    CREATE VIRTUAL TABLE chat_search USING fts5 (
        content, content = 'chat_texts', content_rowid = 'number', tokenize = 'trigram'
    );
    CREATE VIRTUAL TABLE chat_terms USING fts5vocab (chat_search, row);
    CREATE VIRTUAL TABLE chat_places USING fts5vocab (chat_search, instance);
    CREATE TRIGGER chat_message_added AFTER INSERT ON chat_messages BEGIN
        INSERT INTO chat_search (rowid, content) VALUES (new.number, new.content || char(10, 10));
    END;
    CREATE TRIGGER chat_message_removed AFTER DELETE ON chat_messages BEGIN
        INSERT INTO chat_search (chat_search, rowid, content)
        VALUES ('delete', old.number, old.content || char(10, 10));
    END;
    CREATE TRIGGER chat_message_changed AFTER UPDATE OF content ON chat_messages BEGIN
        INSERT INTO chat_search (chat_search, rowid, content)
        VALUES ('delete', old.number, old.content || char(10, 10));
        INSERT INTO chat_search (rowid, content) VALUES (new.number, new.content || char(10, 10));
    END;
    """,
    """
    CREATE TABLE saved_states (
        id TEXT PRIMARY KEY,  -- the name of its file
        stamp TEXT NOT NULL,  -- what the child that reads it must be like
        weights TEXT NOT NULL,  -- path of the model's file
        owner INTEGER REFERENCES keys (id) ON DELETE CASCADE,  -- NULL: made without a key
        scales TEXT NOT NULL,  -- of the adapters, a JSON list
        blocks BLOB NOT NULL,  -- digests of blocks of its tokens, eight bytes each
        num_tokens INTEGER NOT NULL,
        token_s REAL NOT NULL,  -- seconds that computing one took
        size INTEGER NOT NULL,
        digest TEXT NOT NULL,  -- SHA-256 of the file, hex
        used_at REAL NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE files (
        id TEXT PRIMARY KEY,
        owner INTEGER REFERENCES keys (id) ON DELETE CASCADE,  -- NULL: sent without a key
        name TEXT NOT NULL,
        purpose TEXT NOT NULL,
        size INTEGER NOT NULL,  -- bytes
        created_at REAL NOT NULL
    ) STRICT;
    CREATE TABLE tune_jobs (
        id TEXT PRIMARY KEY,
        owner INTEGER REFERENCES keys (id) ON DELETE CASCADE,  -- NULL: made without a key
        state TEXT NOT NULL,
        server TEXT NOT NULL,  -- the process that keeps the job in its queue
        created_at REAL NOT NULL,
        job TEXT NOT NULL  -- all of it as JSON
    ) STRICT;
    """,
)

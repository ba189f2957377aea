"""Jobs as rows of the table `tune_jobs`. Functions on an open connection, as `Database` takes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import msgspec

from corral.errors import NotFound
from corral.tune.jobs.job import Job

_DECODE = msgspec.json.Decoder(Job)
_NEWEST = "ORDER BY created_at DESC, rowid DESC"


def insert(connection: sqlite3.Connection, job: Job, server: str) -> None:
    connection.execute(
        "INSERT INTO tune_jobs (id, owner, state, server, created_at, job) VALUES (?, ?, ?, ?, ?, ?)",
        (job.id, job.owner, job.state, server, job.created_at, _text(job)),
    )


def find(connection: sqlite3.Connection, id: str) -> Job:
    """Whoever owns it. Raises NotFound."""
    row = connection.execute("SELECT job FROM tune_jobs WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise unknown(id)
    return _DECODE.decode(row["job"])


def of_owner(connection: sqlite3.Connection, owner: int | None) -> list[Job]:
    """The newest first."""
    rows = connection.execute(f"SELECT job FROM tune_jobs WHERE owner IS ? {_NEWEST}", (owner,))
    return [_DECODE.decode(row["job"]) for row in rows]


def change(connection: sqlite3.Connection, id: str, changed: Callable[[Job], Job], server: str) -> Job:
    """The job as `changed` makes it of the one that is there; its state may be any. Raises NotFound."""
    job = changed(find(connection, id))
    connection.execute(
        "UPDATE tune_jobs SET state = ?, server = ?, job = ? WHERE id = ?",
        (job.state, server, _text(job), id),
    )
    return job


def delete(connection: sqlite3.Connection, id: str) -> None:
    connection.execute("DELETE FROM tune_jobs WHERE id = ?", (id,))


def next_queued(connection: sqlite3.Connection, server: str) -> str:
    """The id of the job that waits longest in the queue of `server`; empty when none does."""
    row = connection.execute(
        "SELECT id FROM tune_jobs WHERE state = 'queued' AND server = ? ORDER BY created_at, rowid LIMIT 1",
        (server,),
    ).fetchone()
    return row["id"] if row else ""


def unfinished(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Id and server of the jobs that wait or run, the oldest first."""
    rows = connection.execute(
        "SELECT id, server FROM tune_jobs WHERE state IN ('queued', 'running', 'stopping') "
        "ORDER BY created_at, rowid"
    )
    return [(row["id"], row["server"]) for row in rows]


def ids(connection: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in connection.execute("SELECT id FROM tune_jobs")}


def unknown(id: str) -> NotFound:
    return NotFound(f'no fine-tuning job "{id}"', hint="the jobs there are: corral tune ls")


def _text(job: Job) -> str:
    return msgspec.json.encode(job).decode()

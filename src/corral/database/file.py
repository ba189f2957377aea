"""The file itself, opened by one thread: transactions, and the steps that bring it up to date."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from corral.database.schema import STEPS
from corral.errors import StorageError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

# How long a write waits for the one of another process.
_BUSY_S = 10.0
_PRAGMAS = (
    "journal_mode = WAL",  # readers and a writer, in any process, do not wait for each other
    "synchronous = NORMAL",  # a power cut may cost the last moments, never the file
    "foreign_keys = ON",
    "journal_size_limit = 4194304",
)


def database_path(home: Path) -> Path:
    """Where the file is; `home` is CORRAL_HOME."""
    return home / "corral.db"


class DatabaseFile:
    """An SQLite file that only its owner may read; made, and brought up to date, at the first use.

    All calls come from one thread. They raise StorageError. Several processes may have the file open.
    """

    def __init__(self, path: Path, steps: Sequence[str] = STEPS) -> None:
        self.path = path
        self._steps = steps
        self._connection: sqlite3.Connection | None = None

    def exists(self) -> bool:
        """Whether there is a file yet."""
        return self.path.exists()

    def read(self, work: Work[T]) -> T:
        """The result of `work`, which sees one state of the tables and changes nothing."""
        with self._errors(), _transaction(self._open(), "DEFERRED") as connection:
            return work(connection)

    def write(self, work: Work[T]) -> T:
        """The result of `work`; its changes are kept together, or none is where it raises."""
        with self._errors(), _transaction(self._open(), "IMMEDIATE") as connection:
            return work(connection)

    def version(self) -> int:
        """A number that changes when another process, or another DatabaseFile, has written."""
        with self._errors():
            return int(self._open().execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """May be called again; a later use opens the file anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = self._connect()
            try:
                self._update(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files that it puts beside this one the same rights.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _update(self, connection: sqlite3.Connection) -> None:
        with _transaction(connection, "IMMEDIATE"):
            seen = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if seen > len(self._steps):
                raise StorageError(
                    f"{self.path} was written by a newer version of Corral",
                    hint="update this one, or set CORRAL_HOME to another folder",
                )
            for step in self._steps[seen:]:
                for statement in _statements(step):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(self._steps)}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StorageError(f"cannot open {self.path}: {reason}") from error
        except sqlite3.Error as error:
            raise StorageError(f"cannot use {self.path}: {error}", hint=_hint(error)) from error


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[sqlite3.Connection]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(step: str) -> Iterator[str]:
    """One by one: `executescript` would end the transaction that keeps a step whole."""
    statement = ""
    for part in step.strip().rstrip(";").split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _hint(error: sqlite3.Error) -> str | None:
    if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return "it is damaged, or no file of Corral: move it away, and a new one is made"
    return None

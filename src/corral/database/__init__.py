"""Corral's own tables: one SQLite file in CORRAL_HOME for keys, stored responses, and what else is a table.

Comes in: functions that work on an open connection. Goes out: what they return. The server's rooms call
`Database`, whose calls never hold up the event loop; the command line calls `DatabaseFile` directly. The
tables of all rooms stand in `schema`, one step after the other; their rows belong to the room that asks.
"""

from corral.database.database import Database
from corral.database.file import DatabaseFile, database_path

__all__ = ["Database", "DatabaseFile", "database_path"]

"""Logins that `corral login` keeps: one file that only its owner can read, by host.

A login is shown to the host it was given for and to nobody else.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from corral.core import checked_json
from corral.errors import CorruptData, StorageError
from corral.registry.hosts import Login

FILE = "credentials.json"


class Credentials:
    """The file in the folder `home`. Read anew each time: another process may have changed it."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def read(self) -> dict[str, Login]:
        """Logins by host, in lower case. Raises StorageError when the file cannot be read."""
        try:
            return checked_json.decode(self._path.read_bytes(), dict[str, Login], "JSON")
        except FileNotFoundError:
            return {}
        except (OSError, CorruptData) as error:
            raise StorageError(f"cannot read {self._path}: {error}") from error

    def keep(self, host: str, login: Login) -> None:
        """Remember a login. Raises StorageError."""
        self._write(self.read() | {host.lower(): login})

    def forget(self, host: str) -> bool:
        """Remove a login; whether there was one. Raises StorageError."""
        logins = self.read()
        found = logins.pop(host.lower(), None)
        if found is not None:
            self._write(logins)
        return found is not None

    def _write(self, logins: dict[str, Login]) -> None:
        temporary = self._path.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(logins)) + b"\n")
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StorageError(f"cannot write {self._path}: {error.strerror or error}") from error

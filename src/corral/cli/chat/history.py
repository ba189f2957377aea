"""The messages that were typed, kept in a file for the next time.

One entry a line, the oldest first; a line break inside an entry is written as a backslash and an n.
"""

from __future__ import annotations

import os
from pathlib import Path

_MOST = 100


class History:
    """The last entries. `saving` off keeps new ones in memory alone."""

    def __init__(self, path: Path, *, saving: bool = True) -> None:
        self.saving = saving
        self._path = path
        self.entries = _read(path)[-_MOST:]

    def add(self, entry: str) -> None:
        """Remember an entry, unless it is blank or repeats the last. Failing to save is no error."""
        if not entry.strip() or self.entries[-1:] == [entry]:
            return
        self.entries = [*self.entries, entry][-_MOST:]
        if self.saving:
            try:
                self._write()
            except OSError:  # a full or read-only disk must not end the chat
                self.saving = False

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        temporary = self._path.with_name(self._path.name + ".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(_escape(entry) + "\n" for entry in self.entries)
        temporary.replace(self._path)


def _read(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [_unescape(line) for line in text.split("\n") if line.strip()]


def _escape(entry: str) -> str:
    return entry.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "")


def _unescape(line: str) -> str:
    parts = line.split("\\\\")
    return "\\".join(part.replace("\\n", "\n") for part in parts)

"""Small things that commands remember from one run to the next, each in a JSON file in Corral's folder.

Losing one is no error: a file that cannot be read is empty, one that cannot be written is warned about.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class State:
    """The entries of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)

    def get(self, key: str) -> Any:
        """The value kept under `key`, None where there is none."""
        return self._entries.get(key)

    def keep(self, key: str, value: object) -> None:
        self._entries[key] = value
        temporary = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._entries, indent=2), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            print(f"warning: {self._path} cannot be written: {error.strerror}", file=sys.stderr)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

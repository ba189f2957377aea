"""How the child says its events: to whoever started it, and into the job's folder, where they stay."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from corral.errors import StorageError
from corral.tune.events import Event

EVENTS = "events.jsonl"


class Say:
    """Each event gets its time. One line to descriptor `out`, and the same at the end of the file."""

    def __init__(self, folder: Path, out: int) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / EVENTS).open("ab", buffering=0)
        except OSError as error:
            raise StorageError(f"{folder / EVENTS} cannot be written: {error.strerror}") from error
        self._out = out

    def __call__(self, event: Event) -> None:
        line = msgspec.json.encode(msgspec.structs.replace(event, t=time.time())) + b"\n"
        self._file.write(line)
        with suppress(BrokenPipeError):  # whoever listened is gone; the end of stdin says so
            os.write(self._out, line)

"""How far a transfer has come: written by the transfer, read by whoever shows it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Bytes of one blob; `completed` may fall back when a part has to be sent again."""

    total: int = 0
    completed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, num_bytes: int) -> None:
        """Count bytes; from any thread."""
        with self._lock:
            self.completed += num_bytes

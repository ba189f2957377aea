"""How far a transfer has come: written by the transfer, read by whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """Bytes of one blob; `completed` may fall back when a part has to be sent again."""

    total: int = 0
    completed: int = 0

"""The newest lines of the log, kept in memory for those who watch the server over HTTP."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

from corral.errors import InvalidInput
from corral.monitor.logs import ACCESS, TRACE, log_entry

MAX_LINES = 2000
_LEVELS = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1 over the life of the server; `entry` is the line as JSON has it."""

    number: int
    level: int
    entry: dict[str, Any]


def read_level(text: str) -> int:
    """The number of the lowest level to show; all for an empty text. Raises InvalidInput."""
    if not text:
        return TRACE
    if text.lower() not in _LEVELS:
        raise InvalidInput(f'level must be one of {", ".join(_LEVELS)}, not "{text}"')
    return _LEVELS[text.lower()]


class RecentLog(logging.Handler):
    """A handler that keeps the last lines. Any thread may write, any may read.

    Those about requests have a place of their own, so that they do not push out all others.
    """

    def __init__(self) -> None:
        super().__init__()
        self._requests: deque[Line] = deque(maxlen=MAX_LINES // 2)
        self._others: deque[Line] = deque(maxlen=MAX_LINES // 2)
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        # The caller holds the handler's lock.
        self._count += 1
        lines = self._requests if record.name == ACCESS else self._others
        lines.append(Line(self._count, record.levelno, log_entry(record)))

    def lines(self, *, level: int = TRACE, after: int = 0, limit: int = MAX_LINES) -> list[Line]:
        """The last `limit` lines of this level and above with numbers greater than `after`, in order."""
        self.acquire()
        try:
            kept = [*self._requests, *self._others]
        finally:
            self.release()
        found = [line for line in kept if line.number > after and line.level >= level]
        found.sort(key=lambda line: line.number)
        return found[max(len(found) - limit, 0) :]

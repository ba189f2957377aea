"""The server's log: one line an event, `time=... level=... msg="..."`, to stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

TRACE = 5


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        text = json.dumps(record.getMessage(), ensure_ascii=False)
        line = f"time={moment} level={record.levelname} source={record.name} msg={text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(debug: int) -> None:
    """Level INFO; 1 makes it DEBUG, 2 and more TRACE."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.addLevelName(TRACE, "TRACE")
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    level = {0: logging.INFO, 1: logging.DEBUG}.get(debug, TRACE)
    logging.getLogger("corral").setLevel(level)

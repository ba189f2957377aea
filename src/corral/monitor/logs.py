"""The server's log: one line an event, as text or as JSON, to stderr and to a file of bounded size."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from corral.core.request_id import request_id
from corral.errors import InvalidInput
from corral.monitor.secrets import without_secrets

TRACE = 5
ACCESS = "corral.access"  # the logger of one line a request
_MAX_FILE, _OLD_FILES = 10 << 20, 3

log = logging.getLogger("corral.server")


def configure_logs(
    debug: int, *, format: str = "text", file: Path | None = None, more: Sequence[logging.Handler] = ()
) -> None:
    """Level INFO; 1 makes it DEBUG, 2 and more TRACE. `format` is text or json. Raises InvalidInput.

    `more` are handlers that get every line too.

    Older parts of `file` stand beside it, with `.1` and so on at the end of their names. Where stderr is that
    file already, as in a server started in the background, nothing is written twice.
    """
    formatters: dict[str, type[logging.Formatter]] = {"text": _Text, "json": _Json}
    if format not in formatters:
        raise InvalidInput(f'CORRAL_LOG_FORMAT must be "text" or "json", not "{format}"')
    logging.addLevelName(TRACE, "TRACE")
    handlers: list[logging.Handler] = []
    trouble = ""
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(
                RotatingFileHandler(file, maxBytes=_MAX_FILE, backupCount=_OLD_FILES, encoding="utf-8")
            )
        except OSError as error:
            trouble = (error.strerror or str(error)).lower()
    if not handlers or not _is_stderr(file):
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatters[format]())
    root = logging.getLogger()
    root.handlers = [*handlers, *more]
    root.setLevel(logging.WARNING)
    logging.getLogger("corral").setLevel({0: logging.INFO, 1: logging.DEBUG}.get(debug, TRACE))
    if trouble:
        log.warning("the log is not kept in %s: %s", file, trouble)


def _is_stderr(file: Path | None) -> bool:
    try:
        return file is not None and os.path.samestat(os.fstat(sys.stderr.fileno()), file.stat())
    except (OSError, ValueError):  # ValueError: stderr is closed, or no file at all
        return False


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = json.dumps(without_secrets(record.getMessage()), ensure_ascii=False)
        line = f"time={_moment(record)} level={record.levelname} source={record.name} msg={text}"
        if request_id.get():
            line += f" request={request_id.get()}"
        if key := _fields(record).get("key"):
            line += f" key={key}"
        return f"{line}\n{_trace(record)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(log_entry(record), ensure_ascii=False)


def log_entry(record: logging.LogRecord) -> dict[str, Any]:
    """A line of the log; what its message was made of stands beside it, where the record has `fields`."""
    entry: dict[str, Any] = {
        "time": _moment(record),
        "level": record.levelname,
        "source": record.name,
        "msg": without_secrets(record.getMessage()),
    }
    if request_id.get():
        entry["request_id"] = request_id.get()
    entry |= _fields(record)
    if record.exc_info:
        entry["trace"] = _trace(record)
    return entry


def _trace(record: logging.LogRecord) -> str:
    assert record.exc_info is not None
    return without_secrets(logging.Formatter().formatException(record.exc_info))


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields

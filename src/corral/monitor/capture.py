"""Requests written down where that is asked for: a line of JSON each, without secrets. Page: docs/logs.md."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections import deque
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from corral.core.units import local_time_text
from corral.errors import InvalidInput
from corral.monitor.exchange import Exchange
from corral.monitor.secrets import REMOVED, without_secrets

Mode = Literal["redacted", "full"]

MAX_BODY = 4 << 20  # bytes of a body that are kept
_MAX_FILE, _OLD_FILES = 16 << 20, 3
_MAX_RECENT, _MAX_LINE = 100, 16 << 10  # records in memory, and characters of one with its body
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})
# A text of this length without a space is an image or a sound.
_MIN_DATA = 1000
# In redacted mode texts are kept under these names alone; all others may be what somebody said.
_PLAIN = frozenset({"model", "role", "type", "keep_alive", "encoding_format", "reasoning_effort", "effort"})


def read_mode(text: str) -> Mode | None:
    """None: nothing is captured. Raises InvalidInput."""
    match text.lower():
        case "":
            return None
        case "redacted" | "full" as mode:
            return mode
    raise InvalidInput(f'CORRAL_CAPTURE must be "redacted" or "full", not "{text}"')


class Capture:
    """Writes to `requests.jsonl`, which is the owner's alone and never grows beyond a few files.

    Secrets and media are never written. `redacted` also leaves out all texts but for those of `_PLAIN`.
    """

    def __init__(self, folder: Path, mode: Mode) -> None:
        self.mode = mode
        self.path = folder / "requests.jsonl"
        self.recent: deque[dict[str, Any]] = deque(
            maxlen=_MAX_RECENT
        )  # the newest last, long bodies left out
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = _OwnersFile(self.path, maxBytes=_MAX_FILE, backupCount=_OLD_FILES)

    def write(self, exchange: Exchange) -> None:
        record = self._record(exchange)
        line = json.dumps(record, ensure_ascii=False)
        self._file.emit(logging.makeLogRecord({"msg": line}))
        if len(line) > _MAX_LINE:
            record |= {"body": f"[{len(line)} characters: see {self.path}]"}
        self.recent.append(record)

    def close(self) -> None:
        self._file.close()

    def _record(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "time": local_time_text(time.time()),
            "request_id": exchange.request_id,
            "method": exchange.method,
            "path": exchange.path,
            "key": exchange.key or None,
            "status": exchange.status,
            "seconds": round(exchange.seconds, 6),
            "prompt_tokens": exchange.prompt_tokens,
            "completion_tokens": exchange.completion_tokens,
            "headers": {name: _header(name, value) for name, value in exchange.headers},
            "body": self._body(bytes(exchange.body or b"")),
        }

    def _body(self, data: bytes) -> Any:
        if len(data) > MAX_BODY:
            return f"[more than {MAX_BODY} bytes]"
        try:
            return self._value(json.loads(data))
        except (ValueError, RecursionError):
            return f"[{len(data)} bytes that are no JSON]"

    def _value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, Mapping):
            return {without_secrets(key): self._value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, name) for item in value]
        return self._text(value, name) if isinstance(value, str) else value

    def _text(self, text: str, name: str) -> str:
        if len(text) >= _MIN_DATA and not re.search(r"\s", text[:_MIN_DATA]):
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            return f"[{len(text)} characters of data, sha256 {digest}]"
        if self.mode == "redacted" and name not in _PLAIN:
            return f"[{len(text)} characters]"
        return without_secrets(text)


class _OwnersFile(RotatingFileHandler):
    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding="utf-8", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _header(name: str, value: str) -> str:
    return REMOVED if name.lower() in _SECRET_HEADERS else without_secrets(value)

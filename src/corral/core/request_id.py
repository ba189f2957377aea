"""The id of the request that a task serves: in the log, in the answer's header, in the queue.

The server sets it before anything else is done for a request; empty: the task serves none.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")

_SENT = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def new_request_id(sent: str = "") -> str:
    """What the client sent, where it is a plain word: its log and ours can then be joined. Else a new one."""
    return sent if _SENT.fullmatch(sent) else f"req_{secrets.token_hex(12)}"

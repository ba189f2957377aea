"""One HTTP request and what became of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Exchange:
    """`route` is the path as its route is written, `key` the name of the key; empty where there is none.

    `status` is 0 until the answer begins. `body` is kept only where the request is captured.
    """

    request_id: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    route: str = ""
    key: str = ""
    status: int = 0
    refusal: str = ""
    body: bytearray | None = None
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

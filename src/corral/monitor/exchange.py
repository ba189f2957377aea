"""One HTTP request and what became of it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from corral.serving.meter import Meter


@dataclass(slots=True)
class Exchange:
    """`route` is the path as its route is written, `key` the name of the key; empty where there is none.

    `status` is 0 until the answer begins. `model` and the tokens are those of a request that reached a model.
    `body` is kept only where the request is captured.
    """

    request_id: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    route: str = ""
    key: str = ""
    model: str = ""
    status: int = 0
    refusal: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_s: float | None = None
    body: bytearray | None = None
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

    def reached(self, meter: Meter) -> None:
        """Note what the request took of a model; one that asks for several answers does so several times."""
        self.model = meter.model
        self.prompt_tokens += meter.prompt_tokens
        self.completion_tokens += meter.completion_tokens
        if self.first_s is None:
            self.first_s = meter.first_s


# The exchange that this task serves.
current_exchange: ContextVar[Exchange | None] = ContextVar("current_exchange", default=None)

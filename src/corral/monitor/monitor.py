"""Every exchange, told to the metrics, the log and the capture when it is over."""

from __future__ import annotations

import logging
import time

from corral.monitor.capture import Capture
from corral.monitor.exchange import Exchange
from corral.monitor.logs import ACCESS
from corral.monitor.metrics import Metrics

access_log = logging.getLogger(ACCESS)


class Monitor:
    """Hears of every exchange, at its beginning and at its end."""

    def __init__(self, metrics: Metrics, capture: Capture | None = None) -> None:
        self.metrics = metrics
        self.capture = capture

    def began(self, exchange: Exchange) -> None:
        self.metrics.began()

    def ended(self, exchange: Exchange) -> None:
        exchange.seconds = time.perf_counter() - exchange.began
        self.metrics.requested(exchange.route, exchange.method, exchange.status, exchange.seconds)
        if exchange.refusal:
            self.metrics.refused(exchange.refusal)
        if exchange.key and exchange.model:
            self.metrics.used(exchange.key)
        self._log(exchange)
        if self.capture is not None and exchange.body is not None:
            self.capture.write(exchange)

    def _log(self, exchange: Exchange) -> None:
        milliseconds = exchange.seconds * 1000
        parts = (exchange.status, milliseconds, exchange.method, exchange.path)
        access_log.info("%d %9.3fms %-6s %s", *parts, extra={"fields": _fields(exchange)})


def _fields(exchange: Exchange) -> dict[str, object]:
    """The parts of the line, and what the line has no room for."""
    fields: dict[str, object] = {
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "duration_ms": _milliseconds(exchange.seconds),
    }
    if exchange.key:
        fields["key"] = exchange.key
    if exchange.model:
        fields |= {
            "model": exchange.model,
            "prompt_tokens": exchange.prompt_tokens,
            "completion_tokens": exchange.completion_tokens,
        }
    if exchange.first_s is not None:
        fields["first_token_ms"] = _milliseconds(exchange.first_s)
    return fields


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)

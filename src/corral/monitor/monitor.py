"""Every exchange, told to the metrics, the log and the capture when it is over."""

from __future__ import annotations

import logging
import time

from corral.monitor.capture import Capture
from corral.monitor.exchange import Exchange
from corral.monitor.metrics import Metrics

access_log = logging.getLogger("corral.access")


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
        self._log(exchange)
        if self.capture is not None and exchange.body is not None:
            self.capture.write(exchange)

    def _log(self, exchange: Exchange) -> None:
        milliseconds = exchange.seconds * 1000
        fields = {
            "method": exchange.method,
            "path": exchange.path,
            "status": exchange.status,
            "duration_ms": round(milliseconds, 3),
        }
        if exchange.key:
            fields["key"] = exchange.key
        access_log.info(
            "%d %9.3fms %-6s %s",
            exchange.status,
            milliseconds,
            exchange.method,
            exchange.path,
            extra={"fields": fields},
        )

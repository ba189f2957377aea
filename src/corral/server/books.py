"""Who keeps the books of what requests take: the road's observer."""

from __future__ import annotations

from corral.keys import KeyRing
from corral.monitor import Metrics, current_exchange
from corral.server.access import current_holder
from corral.serving.meter import Meter, Pace


class Books:
    """Counts for the metrics and the log, and books tokens on the key of the request that used them."""

    def __init__(self, ring: KeyRing, metrics: Metrics) -> None:
        self._ring = ring
        self._metrics = metrics

    def pace(self, model: str) -> Pace:
        return self._metrics.pace(model)

    def ended(self, meter: Meter) -> None:
        exchange, holder = current_exchange.get(), current_holder.get()
        if exchange is not None:
            exchange.reached(meter)
        self._metrics.answered(meter, holder.name if holder is not None else "")
        if holder is not None:
            self._ring.spend(holder, meter.prompt_tokens, meter.completion_tokens)

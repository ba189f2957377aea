"""Who keeps the books of what requests take: the road's observer."""

from __future__ import annotations

from collections.abc import Callable

from corral.keys import KeyRing
from corral.server.access import current_holder
from corral.serving.meter import Meter


class Books:
    """Books tokens on the key of the request that used them."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def pace(self, model: str) -> Callable[[float], None]:
        return _unbooked

    def ended(self, meter: Meter) -> None:
        holder = current_holder.get()
        if holder is not None:
            self._ring.spend(holder, meter.prompt_tokens, meter.completion_tokens)


def _unbooked(seconds: float) -> None:
    """Nobody asks for it."""

"""How fast something grows, over the last ten seconds or so."""

from __future__ import annotations

import time
from collections import deque

from corral.core.units import go_duration

_SAMPLES = 10
_EVERY_S = 1.0


class Rate:
    """Samples of a growing value, at most one a second. `now_s` arguments are for tests."""

    def __init__(self, value: int, now_s: float | None = None) -> None:
        self._start = (_now(now_s), value)
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)

    def add(self, value: int, now_s: float | None = None) -> None:
        now = _now(now_s)
        if not self._samples or now - self._samples[-1][0] >= _EVERY_S:
            self._samples.append((now, value))

    def per_second(self) -> float:
        """0 while it is not known."""
        if not self._samples:
            return 0.0
        first = self._samples[0] if len(self._samples) > 1 else self._start
        last = self._samples[-1]
        seconds = round(last[0] - first[0])
        return (last[1] - first[1]) / seconds if seconds else 0.0


def remaining_text(seconds: float) -> str:
    """`45s`, `59m59s`, `2h10m`, `99h+`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    if hours >= 100:
        return "99h+"
    return f"{hours}h{rest // 60}m" if hours else go_duration(float(whole))


def _now(given: float | None) -> float:
    return time.monotonic() if given is None else given

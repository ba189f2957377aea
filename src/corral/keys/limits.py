"""Budgets as people write them, `60/min` or `1M/day`, and buckets that keep them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corral.errors import InvalidInput

_MULTIPLES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_PERIODS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}
_FORM = re.compile(r"(\d{1,15})\s*([kmg]?)\s*/\s*([a-z]+)", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,6})\s*([a-z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` in `period_s` seconds; `text` is how it was written."""

    amount: int
    period_s: float
    text: str

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Raises InvalidInput."""
        form = _FORM.fullmatch(text.strip())
        period = _PERIODS.get(form[3].lower()) if form else None
        if form is None or period is None or int(form[1]) == 0:
            raise InvalidInput(
                f'"{text}" is no limit: write an amount and a period, such as 60/min or 1M/day '
                "(k, M, G; sec, min, hour, day)"
            )
        return cls(int(form[1]) * _MULTIPLES[form[2].lower()], period, text.strip())


def read_duration(text: str) -> float:
    """Seconds of `30d`, `12h` or the like. Raises InvalidInput."""
    form = _DURATION.fullmatch(text.strip())
    period = _PERIODS.get(form[2].lower()) if form else None
    if form is None or period is None or int(form[1]) == 0:
        raise InvalidInput(f'"{text}" is no duration: write a number and a unit, such as 30d or 12h')
    return int(form[1]) * period


class Bucket:
    """What has been used of a limit; it empties steadily, a whole `amount` in one period.

    So a full budget may be used at once, and comes back bit by bit. `now` is seconds since the epoch.
    """

    def __init__(self, limit: Limit, level: float = 0.0, at: float = 0.0) -> None:
        self.limit = limit
        self._level = level
        self._at = at

    def level(self, now: float) -> float:
        """What is used up. A clock that was set back empties nothing."""
        passed = max(0.0, now - self._at)
        return max(0.0, self._level - passed * self._per_s)

    def add(self, cost: float, now: float) -> None:
        self._level, self._at = self.level(now) + cost, now

    def wait_s(self, cost: float, now: float) -> float:
        """How long until there is room for `cost`; 0: now."""
        missing = self.level(now) + cost - self.limit.amount
        return max(0.0, missing / self._per_s)

    @property
    def _per_s(self) -> float:
        return self.limit.amount / self.limit.period_s

"""Durations as users write them, in seconds."""

from __future__ import annotations

import re

FOREVER = float("inf")

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]*\.?[0-9]*)([^.0-9]*)")
# The reference counts nanoseconds in 64 bits.
_LONGEST_S = 2**63 / 1e9


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `1h30m`, `1.5h`, `-1m` or `0`.

    Raises ValueError with the words of the reference: a missing or unknown unit, or an invalid duration.
    """
    body = text[1:] if text.startswith(("+", "-")) else text
    if body == "0":
        return 0.0
    total = 0.0
    for number, unit in _PART.findall(body)[:-1]:  # the last one is the empty end
        if not number.strip("."):
            break
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        total += float(number) * _UNITS[unit]
    else:
        if body and total <= _LONGEST_S:
            return -total if text.startswith("-") else total
    raise ValueError(f'time: invalid duration "{text}"')

"""Durations as users write them, in seconds."""

from __future__ import annotations

import re

FOREVER = float("inf")

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `1h30m`, `1.5h`, `-1m` or `0`.

    Raises ValueError with the words of the reference: a missing unit, or an invalid duration.
    """
    body = text.lstrip("+-") if len(text) - len(text.lstrip("+-")) <= 1 else text
    if body == "0":
        return 0.0
    parts = _DURATION_PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        if re.fullmatch(r"(\d+\.?\d*|\.\d+)((ns|us|µs|μs|ms|s|m|h)(\d+\.?\d*|\.\d+))*", body):
            raise ValueError(f'time: missing unit in duration "{text}"')
        raise ValueError(f'time: invalid duration "{text}"')
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -total if text.startswith("-") else total

"""Sizes, counts, times and durations as people and clients read them. Source: cli.md section 6."""

from __future__ import annotations

import time
from datetime import UTC, datetime

NEVER_S = float("inf")
# "Never" on the wire: the largest 64-bit number of nanoseconds, about 292 years ahead.
MAX_DURATION_S = 9223372036.854776


def human_bytes(size: int) -> str:
    """Decimal units: `999 B`, `1.5 GB`, `815 MB`."""
    for unit, factor in (("TB", 1000**4), ("GB", 1000**3), ("MB", 1000**2), ("KB", 1000)):
        if size >= factor:
            value = size / factor
            if value >= 10:
                return f"{int(value)} {unit}"
            return f"{value:.1f} {unit}" if value != int(value) else f"{int(value)} {unit}"
    return f"{size} B"


def human_binary_bytes(size: int) -> str:
    """Binary units with one decimal, for logs: `1.5 GiB`."""
    for unit, factor in (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def human_number(count: int) -> str:
    """Parameter counts: `8.0B`, `494.03M`, `1K`, `999`."""
    if count >= 1_000_000_000:
        value = count / 1_000_000_000
        return f"{value:.0f}B" if value == int(value) else f"{value:.1f}B"
    if count >= 1_000_000:
        value = count / 1_000_000
        return f"{value:.0f}M" if value == int(value) else f"{value:.2f}M"
    if count >= 1000:
        return f"{count / 1000:.0f}K"
    return str(count)


def human_time(moment_s: float | None, now_s: float, *, zero: str = "Never") -> str:
    """`2 hours ago`, `4 minutes from now`, `Forever`; `zero` when there is no moment."""
    if moment_s is None:
        return zero
    ahead = moment_s - now_s
    if ahead > 20 * 365 * 86400:
        return "Forever"
    return f"{_span(abs(ahead))} {'from now' if ahead > 0 else 'ago'}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return {0: "Less than a second", 1: "1 second"}.get(whole, f"{whole} seconds")
    minutes = whole // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
    if hours == 1:
        return "About an hour"
    for limit, size, unit in (
        (48, 1, "hours"),
        (336, 24, "days"),
        (1440, 168, "weeks"),
        (17520, 720, "months"),
    ):
        if hours < limit:
            return f"{hours // size} {unit}"
    return f"{hours // 8760} years"


def go_duration(seconds: float) -> str:
    """A duration as `1h2m3.5s`, `25.13ms`, `383.809µs`; nothing is rounded beyond nanoseconds."""
    nanoseconds = round(seconds * 1e9)
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
        if left < size * 1000:
            return f"{sign}{_decimal(left, size)}{unit}"
    minutes, rest = divmod(left, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000_000)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(count: int, size: int) -> str:
    whole, part = divmod(count, size)
    digits = f"{part:0{len(str(size)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{digits}" if digits else str(whole)


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def utc_now_text() -> str:
    """This moment as RFC 3339 in UTC with up to nine digits, trailing zeros dropped."""
    whole, part = divmod(time.time_ns(), 1_000_000_000)
    return _second_text(whole) + _fraction(part) + "Z"


_second_cache: tuple[int, str] = (0, "1970-01-01T00:00:00")


def _second_text(whole: int) -> str:
    # One stamp per token: the text of the running second is computed once.
    global _second_cache
    if _second_cache[0] != whole:
        _second_cache = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return _second_cache[1]


def _fraction(nanoseconds_part: int) -> str:
    return "." + f"{nanoseconds_part:09d}".rstrip("0") if nanoseconds_part else ""


def local_time_text(moment_s: float) -> str:
    """A moment as RFC 3339 with this machine's offset."""
    whole = int(moment_s // 1)
    part = round((moment_s - whole) * 1e9) % 1_000_000_000
    try:
        stamp = datetime.fromtimestamp(whole, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        stamp = datetime.max.replace(tzinfo=UTC)
    offset = stamp.strftime("%z")
    zone = "Z" if offset in ("+0000", "") else f"{offset[:3]}:{offset[3:5]}"
    return stamp.strftime("%Y-%m-%dT%H:%M:%S") + _fraction(part) + zone

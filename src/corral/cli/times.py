"""Moments as the server writes them."""

from __future__ import annotations

from datetime import datetime

from corral.errors import CorralError


def parse_moment(text: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 time; None for the zero time. Raises CorralError."""
    if not text or text.startswith("0001-01-01"):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise CorralError(f"the server sent a time that cannot be read: {text}") from error

"""Metadata values as `show` gives them. Source: http-api.md 5.7.3."""

from __future__ import annotations

import base64
import math
import struct


def plain_value(value: object) -> object:
    """A value in JSON's terms: whole floats as integers, 32-bit floats short, bytes as base64."""
    if isinstance(value, float):
        return short_float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    return value


def short_float(value: float) -> float | int | None:
    """The shortest decimal of a 32-bit float where the value is one; None for what JSON has no word for."""
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 1e21:
        return int(value)
    if not _is_single(value, value):
        return value
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((short for short in shorter if _is_single(short, value)), value)


def _is_single(short: float, value: float) -> bool:
    """Whether `short`, stored in 32 bits, is `value`."""
    try:
        return bool(struct.unpack("<f", struct.pack("<f", short))[0] == value)
    except OverflowError:
        return False

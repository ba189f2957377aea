"""Values as `show` prints them. Source: http-api.md 5.7.2 and 5.7.3."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from decimal import Decimal

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def parameter_lines(parameters: Mapping[str, object]) -> str:
    """One line for each value, the name in 30 columns; texts are quoted."""
    lines = []
    for name, value in parameters.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            text = quote(item) if isinstance(item, str) else number_text(item)
            lines.append(f"{name:<30} {text}")
    return "\n".join(lines)


def number_text(value: object) -> str:
    """A number in its shortest general form: `4096`, `0.7`, `1.048576e+06`; also `true`, `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (int, float)):
        return str(value)
    number = float(value)
    if not math.isfinite(number) or number == 0:
        return "0" if number == 0 else str(number)
    # repr gives the shortest digits; they stand after the point, as in 0.digits x 10 ** (exponent + 1).
    sign, digit_tuple, shift = Decimal(repr(number)).normalize().as_tuple()
    digits, exponent = "".join(map(str, digit_tuple)), len(digit_tuple) + int(shift) - 1
    if -4 <= exponent < 6:
        text = _plain(digits, exponent)
    else:
        fraction = f".{digits[1:]}" if digits[1:] else ""
        text = f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return f"-{text}" if sign else text


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole, part = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{part}" if part else whole


def quote(text: str) -> str:
    """A text in double quotes; what cannot be printed is escaped."""
    return '"' + "".join(_ESCAPES.get(char) or _printable(char) for char in text) + '"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain_value(value: object) -> object:
    """A metadata value in JSON's terms: whole floats as integers, bytes as base64."""
    if isinstance(value, float):
        return short_float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    return value


def short_float(value: float) -> float | int | None:
    """The shortest decimal of a 32-bit float where the value is one; None for infinities, which JSON lacks."""
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 1e21:
        return int(value)
    try:
        if struct.unpack("<f", struct.pack("<f", value))[0] != value:
            return value
    except OverflowError:
        return value
    for precision in range(1, 10):
        short = float(f"{value:.{precision}g}")
        if struct.unpack("<f", struct.pack("<f", short))[0] == value:
            return short
    return value

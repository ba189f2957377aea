"""Compact JSON as Go writes it: sorted map keys, `<`, `>` and `&` escaped, floats in their shortest form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from corral.errors import TemplateError
from corral.template.literals import repair

MAX_DEPTH: Final = 200  # of nested data; JSON from requests is not deeper
MAX_CHARACTERS: Final = 16 * 1024 * 1024

_quote: Callable[[str], str] = json.encoder.encode_basestring
_ESCAPED = re.compile("[<>&\u2028\u2029]")
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class Sink:
    """Collects pieces of text up to a number of characters. `write` raises TemplateError beyond it."""

    __slots__ = ("_limit", "parts", "room")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.room = limit
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        self.room -= len(text)
        if self.room < 0:
            raise TemplateError(f"template: output is larger than {self._limit} characters")
        self.parts.append(text)

    def text(self) -> str:
        return "".join(self.parts)


def encode(value: object, limit: int = MAX_CHARACTERS) -> str:
    """Encode any template value. Raises TemplateError when it is too deep or too large.

    What JSON cannot say (NaN, infinity) gives an empty text, as in the reference, which drops the error.
    """
    sink = Sink(limit)
    try:
        _write(value, sink, 0)
    except _Unencodable:
        return ""
    return sink.text()


class _Unencodable(Exception):
    """A value that has no JSON form."""


def _write(value: object, sink: Sink, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TemplateError(f"template: data is nested deeper than {MAX_DEPTH} levels")
    convert = getattr(value, "__go_json__", None)
    if convert is not None:
        replaced = convert()
        _write(replaced, sink, depth + 1)
    elif isinstance(value, str):
        sink.write(_string(value))
    elif value is None or isinstance(value, bool):
        sink.write({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int | float):
        sink.write(_number(value))
    elif isinstance(value, bytes):
        sink.write(f'"{base64.b64encode(value).decode()}"')
    elif isinstance(value, dict):
        _write_map(value, sink, depth)
    elif isinstance(value, list | tuple):
        _write_list(value, sink, depth)
    else:
        raise _Unencodable


def _write_map(value: dict[object, object], sink: Sink, depth: int) -> None:
    entries = [(str(key), item) for key, item in value.items()]
    if not getattr(value, "__go_ordered__", False):
        entries.sort(key=lambda entry: entry[0])
    sink.write("{")
    for index, (key, item) in enumerate(entries):
        sink.write(("," if index else "") + _string(key) + ":")
        _write(item, sink, depth + 1)
    sink.write("}")


def _write_list(value: list[object] | tuple[object, ...], sink: Sink, depth: int) -> None:
    sink.write("[")
    for index, item in enumerate(value):
        if index:
            sink.write(",")
        _write(item, sink, depth + 1)
    sink.write("]")


def _string(text: str) -> str:
    quoted = _quote(repair(text))
    # Most texts hold none of them, and looking costs a tenth of translating.
    return quoted.translate(_ESCAPES) if _ESCAPED.search(quoted) else quoted


def _number(value: float) -> str:
    if isinstance(value, int):
        return integer_text(value)
    if value != value or value in (float("inf"), float("-inf")):
        raise _Unencodable
    if value and not 1e-6 <= abs(value) < 1e21:
        # One digit of an exponent where one suffices: 1e-07 becomes 1e-7.
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"
    return float_digits(value)


def integer_text(value: int) -> str:
    """Decimal digits; beyond any Go integer, where Python may refuse, those of the nearest float."""
    if -(2**64) < value < 2**64:
        return str(int(value))
    try:
        return repr(float(value))
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"


def float_digits(value: float) -> str:
    """Shortest decimal digits that read back as this float, without exponent: `1`, `0.5`, `100000`."""
    text = repr(value)
    return f"{Decimal(text):f}" if "e" in text else text.removesuffix(".0")

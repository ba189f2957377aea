"""PARAMETER lines: their types, and how values are read and printed.

Names and types are those of `corral.core.options`. Source: modelfile.md sections 3 and 8,
http-api.md 5.7.2.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from corral.core.options import DEPRECATED_OPTIONS, OPTIONS
from corral.errors import InvalidOption

Parameter = bool | int | float | list[str]

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_INT64 = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name (a list for `stop`), and one line for each deprecated name that was ignored."""

    values: Mapping[str, Parameter] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_parameters(lines: Iterable[tuple[str, str]]) -> Parameters:
    """Merge name and text of each line: `stop` accumulates, of the others the last wins.

    Raises InvalidOption.
    """
    values: dict[str, Parameter] = {}
    warnings = []
    for name, text in lines:
        if name in DEPRECATED_OPTIONS:
            warnings.append(f"warning: parameter {name} is deprecated")
            continue
        value = parse_parameter(name, [text])
        before = values.get(name)
        values[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return Parameters(values, tuple(warnings))


def parse_parameter(name: str, texts: Sequence[str]) -> Parameter:
    """The value of one parameter from its words; only `stop` takes more than the first.

    Raises InvalidOption for an unknown or deprecated name, or a text that does not fit.
    """
    spec = OPTIONS.get(name)
    if spec is None:
        raise InvalidOption(f"unknown parameter '{name}'")
    if spec.kind == "array":
        return list(texts)
    word = texts[0] if texts else ""
    if spec.kind == "integer":
        value: Parameter | None = _integer(word)
    elif spec.kind == "boolean":
        value = True if word in _TRUE else False if word in _FALSE else None
    else:
        value = _single_precision(word)
    if value is None:
        kind = {"integer": "int", "boolean": "bool", "float32": "float"}[spec.kind]
        raise InvalidOption(f"invalid {kind} value [{' '.join(texts)}]")
    return value


def format_parameter_value(value: object) -> str:
    """A value as `show --modelfile` prints it: `0.7`, `4096`, `true`, `1e+06`.

    Whole numbers turn to exponents where fractions do: stored parameters do not tell them apart.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _shortest(float(value))
    return str(value)


def parameter_lines(parameters: Mapping[str, object]) -> list[tuple[str, object]]:
    """Name and value, lists spread to one entry for each item; in order of name."""
    lines: list[tuple[str, object]] = []
    for name in sorted(parameters):
        value = parameters[name]
        lines += [(name, item) for item in value] if isinstance(value, list | tuple) else [(name, value)]
    return lines


def parameters_text(parameters: Mapping[str, object]) -> str:
    """`parameters` of the show response: names padded to 30 columns, texts in quotes."""
    return "\n".join(
        f"{name:<30} {quoted(value) if isinstance(value, str) else format_parameter_value(value)}"
        for name, value in parameter_lines(parameters)
    )


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def quoted(text: str) -> str:
    """`text` in double quotes, on one line; what cannot be seen is escaped."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return _ESCAPES.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _integer(word: str) -> int | None:
    if _INTEGER.fullmatch(word) and len(word) <= 32:
        number = int(word)
    elif _DECIMAL.fullmatch(word) and math.isfinite(float(word)) and float(word).is_integer():
        number = int(float(word))  # 1.048576e+06: large numbers are printed so, and must be readable again
    else:
        return None
    return number if -_MAX_INT64 - 1 <= number <= _MAX_INT64 else None


def _single_precision(word: str) -> float | None:
    """The shortest decimal that means the same number in 32 bits."""
    if not _DECIMAL.fullmatch(word):
        return None
    try:
        exact = _to_float32(float(word))
    except OverflowError:
        return None
    if not math.isfinite(exact):
        return None
    candidates = (float(f"{exact:.{digits}g}") for digits in range(1, 10))
    return next((number for number in candidates if _same_float32(number, exact)), exact)


def _to_float32(number: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def _same_float32(number: float, exact: float) -> bool:
    try:
        return _to_float32(number) == exact
    except OverflowError:  # rounded up beyond the largest one
        return False


def _shortest(number: float) -> str:
    """The fewest digits that mean `number`, with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(number):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(number, "NaN")
    shortest = Decimal(repr(number)).normalize()
    num_digits, power = len(shortest.as_tuple().digits), shortest.adjusted()
    if number and (power < -4 or power >= 6):
        return f"{number:.{num_digits - 1}e}"
    return f"{number:.{max(num_digits - 1 - power, 0)}f}"

"""Grammar text for numbers between two bounds, digit by digit.

Shapes: whole numbers have at most 16 digits and no leading zeros; a bounded number has no exponent, and at
most 16 digits after the point. Bounds are exact decimals, so 0.1 means what the schema's author wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

MOST_DIGITS = 16
_ANY_DIGITS = f"[0-9]{{0,{MOST_DIGITS - 1}}}"
_NOT_ZERO = f'"0"{{0,{MOST_DIGITS - 1}}} [1-9] {_ANY_DIGITS}'


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range; `open` leaves the value itself out."""

    value: Decimal
    open: bool = False


def integers(low: Bound | None, high: Bound | None) -> str | None:
    """Whole numbers in the range, or None when there is none."""
    least = None if low is None else _first_integer(low)
    most = None if high is None else -_first_integer(_mirrored(high))
    parts = []
    if least is None or least < 0:
        parts += _negative_integers(least, most)
    if most is None or most >= 0:
        parts += _naturals(max(least or 0, 0), most)
    return _either(parts)


def numbers(low: Bound | None, high: Bound | None) -> str | None:
    """Numbers in the range, or None when there is none."""
    zero = Bound(Decimal(0))
    parts = []
    if low is None or low.value < 0:
        nearest = _mirrored(high) if high is not None and high.value <= 0 else zero
        found = _magnitudes(nearest, None if low is None else _mirrored(low))
        parts += [f'"-" {found}'] if found else []
    if high is None or high.value >= 0:
        found = _magnitudes(low if low is not None and low.value >= 0 else zero, high)
        parts += [found] if found else []
    return _either(parts)


def _mirrored(bound: Bound) -> Bound:
    return Bound(-bound.value, bound.open)


def _first_integer(low: Bound) -> int:
    found = int(low.value.to_integral_value(ROUND_CEILING))
    return found + 1 if low.open and found == low.value else found


def _negative_integers(least: int | None, most: int | None) -> list[str]:
    nearest = max(1, -most) if most is not None else 1
    found = _either(_naturals(nearest, None if least is None else -least))
    return [f'"-" {found}'] if found else []


def _either(parts: list[str]) -> str | None:
    return f"({' | '.join(parts)})" if parts else None


def _naturals(low: int, high: int | None) -> list[str]:
    """Alternatives for the whole numbers from `low` >= 0 to `high`, both included, shortest first."""
    top = 10**MOST_DIGITS - 1 if high is None else min(high, 10**MOST_DIGITS - 1)
    parts = []
    start = low
    while start <= top:
        end = min(top, 10 ** len(str(start)) - 1)
        parts.append(_same_length(str(start), str(end)))
        start = end + 1
    return parts


def _same_length(low: str, high: str) -> str:
    """Texts of digits between two of the same length."""
    if not low:
        return ""
    rest = len(low) - 1
    if low[0] == high[0]:
        return f'"{low[0]}" {_same_length(low[1:], high[1:])}'.rstrip()
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:].strip("0"):
        parts.append(f'"{low[0]}" {_same_length(low[1:], "9" * rest)}')
        first += 1
    upper = ""
    if high[1:].strip("9"):
        upper = f'"{high[0]}" {_same_length("0" * rest, high[1:])}'
        last -= 1
    if first <= last:
        parts.append(_digit(first, last) + (f" [0-9]{{{rest}}}" if rest else ""))
    if upper:
        parts.append(upper)
    return parts[0] if len(parts) == 1 else f"({' | '.join(parts)})"


def _digit(first: int, last: int) -> str:
    return f'"{first}"' if first == last else f"[{first}-{last}]"


def _magnitudes(low: Bound, high: Bound | None) -> str | None:
    """Numbers that are not negative, without a sign."""
    if high is not None and (high.value < low.value or (high.value == low.value and (low.open or high.open))):
        return None
    bottom, low_fraction = _split(low.value)
    if high is None:
        above = [f"({' | '.join(_naturals(bottom + 1, None))}) {_FREE_FRACTION}"]
        return _either(
            [f"{_same_length(str(bottom), str(bottom))} {_at_least(low_fraction, low.open)}", *above]
        )
    top, high_fraction = _split(high.value)
    if bottom == top:
        between = _between(low_fraction, high_fraction, low_open=low.open, high_open=high.open)
        return f"{_same_length(str(bottom), str(bottom))} {between}"
    parts = [f"{_same_length(str(bottom), str(bottom))} {_at_least(low_fraction, low.open)}"]
    if bottom + 1 < top:
        parts.append(f"({' | '.join(_naturals(bottom + 1, top - 1))}) {_FREE_FRACTION}")
    if high_fraction or not high.open:
        parts.append(f"{_same_length(str(top), str(top))} {_at_most(high_fraction, high.open)}")
    return _either(parts)


_FREE_FRACTION = f'("." [0-9]{{1,{MOST_DIGITS}}})?'


def _split(value: Decimal) -> tuple[int, str]:
    """The whole part, and the digits after the point without trailing zeros."""
    whole = int(value.to_integral_value(ROUND_FLOOR))
    return whole, format(value - whole, "f").partition(".")[2].rstrip("0")


def _at_least(fraction: str, is_open: bool) -> str:
    if not fraction:
        return f'"." {_NOT_ZERO}' if is_open else _FREE_FRACTION
    return f'"." {_digits_from(fraction, is_open)}'


def _at_most(fraction: str, is_open: bool) -> str:
    if not fraction:
        return f'("." "0"{{1,{MOST_DIGITS}}})?'
    return f'("." {_digits_to(fraction, is_open)})?'


def _between(low: str, high: str, *, low_open: bool, high_open: bool) -> str:
    if not low and not low_open:
        return _at_most(high, high_open)
    return f'"." ({_digits_between(low, high, low_open=low_open, high_open=high_open)})'


def _digits_from(low: str, is_open: bool) -> str:
    """Digits after the point that mean at least `low`."""
    if not low:
        return f"({_NOT_ZERO})" if is_open else _ANY_DIGITS
    same = f'"{low[0]}" {_digits_from(low[1:], is_open)}'
    if low[0] == "9":
        return same
    return f"({same} | {_digit(int(low[0]) + 1, 9)} {_ANY_DIGITS})"


def _digits_to(high: str, is_open: bool) -> str:
    """Digits after the point, at least one, that mean at most `high`, which is not empty."""
    parts = []
    if high[0] != "0":
        parts.append(f"{_digit(0, int(high[0]) - 1)} {_ANY_DIGITS}")
    if len(high) > 1:
        parts.append(f'"{high[0]}" {_digits_to(high[1:], is_open)}')
        parts.append(f'"{high[0]}"')
    elif not is_open:
        parts.append(f'"{high[0]}" "0"{{0,{MOST_DIGITS - 1}}}')
    return f"({' | '.join(parts)})"


def _digits_between(low: str, high: str, *, low_open: bool, high_open: bool) -> str:
    """Digits after the point from `low` to `high`, of which the first is the smaller."""
    first_low, first_high = int(low[:1] or "0"), int(high[:1] or "0")
    if first_low == first_high and high:
        if not low[1:] and not low_open:
            rest = f"{_digits_to(high[1:], high_open)}" if high[1:] else ""
            if not rest:
                return f'"{first_low}" "0"{{0,{MOST_DIGITS - 1}}}'
            return f'"{first_low}" ({rest})?'
        rest = _digits_between(low[1:], high[1:], low_open=low_open, high_open=high_open)
        return f'"{first_low}" ({rest})'
    parts = [f'"{first_low}" {_digits_from(low[1:], low_open)}']
    if first_low + 1 < first_high:
        parts.append(f"{_digit(first_low + 1, first_high - 1)} {_ANY_DIGITS}")
    if len(high) > 1:
        parts.append(f'"{first_high}" ({_digits_to(high[1:], high_open)})?')
    elif not high_open:
        parts.append(f'"{first_high}" "0"{{0,{MOST_DIGITS - 1}}}')
    return " | ".join(parts)

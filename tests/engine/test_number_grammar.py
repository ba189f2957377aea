"""Every grammar is turned into a regular expression and tried on many texts."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from corral.engine.number_grammar import Bound, integers, numbers


def matches(grammar: str | None, text: str) -> bool:
    """The grammars here have only terminals, classes, groups and repetitions."""
    parts = re.findall(r'"[^"]*"|\[[^]]*\]|[^\s"\[]', grammar or "[]")
    return re.fullmatch("".join(re.escape(p[1:-1]) if p[0] == '"' else p for p in parts), text) is not None


def bound(value: str | None, is_open: bool) -> Bound | None:
    return None if value is None else Bound(Decimal(value), is_open)


def allowed(value: Decimal, low: Bound | None, high: Bound | None) -> bool:
    above = low is None or value > low.value or (value == low.value and not low.open)
    below = high is None or value < high.value or (value == high.value and not high.open)
    return above and below


LIMITS = [None, "-123", "-20", "-1", "0", "1", "9", "10", "37", "100", "399", "1001", "-0.5", "2.5"]


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("low", LIMITS)
@pytest.mark.parametrize("high", LIMITS)
def test_whole_numbers_match_exactly_when_they_are_in_range(low: str | None, high: str | None, is_open: bool):
    least, most = bound(low, is_open), bound(high, is_open)
    grammar = integers(least, most)
    expected = [n for n in range(-1100, 1100) if allowed(Decimal(n), least, most)]
    found = [n for n in range(-1100, 1100) if grammar is not None and matches(grammar, str(n))]
    assert found == expected


FRACTIONS = [None, "-1.25", "-0.5", "0", "0.1", "0.25", "0.255", "0.9", "1", "1.05", "3", "12.5"]
TEXTS = [f"{n / 1000:.3f}".rstrip("0").rstrip(".") for n in range(-1400, 1400, 5)]
TEXTS += [
    "0.0",
    "0.10",
    "1.00",
    "3.000",
    "-1",
    "2",
    "2.5",
    "12.4",
    "12.5",
    "12.50",
    "12.51",
    "12",
    "13",
    "99.9",
]


@pytest.mark.parametrize(
    ("low_open", "high_open"), [(False, False), (True, True), (False, True), (True, False)]
)
@pytest.mark.parametrize("low", FRACTIONS)
@pytest.mark.parametrize("high", FRACTIONS)
def test_numbers_match_exactly_when_they_are_in_range(
    low: str | None, high: str | None, low_open: bool, high_open: bool
):
    least, most = bound(low, low_open), bound(high, high_open)
    grammar = numbers(least, most)
    for text in TEXTS:
        if text != "-0":
            assert (grammar is not None and matches(grammar, text)) == allowed(Decimal(text), least, most), (
                text
            )

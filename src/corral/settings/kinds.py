"""Kinds of settings: how the text of each is read, and what the file may hold for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from corral.settings.address import parse_address, strict_address
from corral.settings.duration import FOREVER, parse_duration

T = TypeVar("T")

_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _flag(text: str) -> bool:
    return text not in _FALSE


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"no whole number: {text}")
    return int(text)


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"no size: {text}")
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** " KMGT".index(found[2].upper() or " "))


def _seconds(text: str) -> float:
    value = float(int(text)) if re.fullmatch(r"[+-]?\d+", text) else parse_duration(text)
    return FOREVER if value < 0 else value


def _limit(text: str) -> float:
    return _seconds(text) or FOREVER


def _level(text: str) -> int:
    return int(text) if text.isdecimal() else int(_flag(text))


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value: its name in messages, its types in the file, and how its text is read.

    `read` raises ValueError; `lenient` is what a variable then means, where that is not the default.
    """

    wanted: str
    types: tuple[type, ...]
    read: Callable[[str], T]
    lenient: Callable[[str], T] | None = None


TEXT = Kind("text in quotes", (str,), str)
PATH = Kind("a path in quotes", (str,), Path)
ADDRESS = Kind("an address in quotes", (str,), strict_address, parse_address)
WORDS = Kind("a list of texts", (str, list), _words)
FLAG = Kind("true or false", (bool,), _flag)
NUMBER = Kind("a whole number from 0", (int,), _number)
SIZE = Kind('a size such as "10 GB", or bytes', (str, int), _size)
SECONDS = Kind('a duration such as "5m", or seconds', (str, int), _seconds)
LIMIT = Kind(SECONDS.wanted, (str, int), _limit)
LEVEL = Kind("a whole number from 0, or true or false", (int, bool), _level)

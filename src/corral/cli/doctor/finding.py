"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` says what to do; it is empty only where all is in order."""

    level: Level
    topic: str
    text: str
    fix: str = ""


def ok(topic: str, text: str) -> Finding:
    return Finding("ok", topic, text)


def warning(topic: str, text: str, fix: str) -> Finding:
    return Finding("warning", topic, text, fix)


def problem(topic: str, text: str, fix: str) -> Finding:
    return Finding("problem", topic, text, fix)

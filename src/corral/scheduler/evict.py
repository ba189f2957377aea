"""Whom to unload to make room for another model. Pure. Why so: docs/scheduling.md."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HALF_LIFE_S = 60.0
# Few enough that a model nobody asks for any longer is, within minutes, the first to go.
_MOST_WARMTH = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A loaded runner; `warmth` is how much it was used lately.

    `pinned`: a request asked to keep it for ever. `endless`: it is kept for ever, maybe by the default only.
    """

    key: Path
    in_flight: int = 0
    warmth: float = 0.0
    last_used: float = 0.0
    endless: bool = False
    pinned: bool = False


def choose(candidates: Iterable[Candidate]) -> Path | None:
    """The runner to unload: idle before busy, endless last, then the one used least lately; no pinned one.

    A busy one is unloaded when its requests have finished; the one with the fewest goes first, because all
    that wait for room wait for these. None: nothing may be unloaded.
    """
    movable = [candidate for candidate in candidates if not candidate.pinned]
    if not movable:
        return None
    return min(movable, key=_rank).key


def _rank(candidate: Candidate) -> tuple[int, bool, float, float, str]:
    c = candidate
    return (c.in_flight, c.endless, c.warmth, c.last_used, str(c.key))


class Warmth:
    """How much something was used lately: each use adds 1, to at most 4, and half is gone after a minute."""

    __slots__ = ("_at", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._at = 0.0

    def at(self, now: float) -> float:
        """`now` in seconds of any clock that runs forward."""
        return self._value * math.exp2((self._at - now) / _HALF_LIFE_S)

    def add(self, now: float) -> None:
        self._value, self._at = min(self.at(now) + 1.0, _MOST_WARMTH), now

"""Whom to unload to make room for another model. Pure. Source: design of the scheduler, http-api.md 14.4."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A loaded runner.

    `pinned`: a request asked to keep it for ever. `endless`: it is kept for ever, maybe by the default only.
    """

    key: Path
    in_flight: int = 0
    last_used: float = 0.0
    endless: bool = False
    pinned: bool = False


def choose(candidates: Iterable[Candidate]) -> Path | None:
    """The runner to unload: idle before busy, endless last, then least recently used; never a pinned one.

    A busy one is unloaded when its requests have finished. None: nothing may be unloaded.
    """
    movable = [candidate for candidate in candidates if not candidate.pinned]
    if not movable:
        return None
    return min(movable, key=_rank).key


def _rank(candidate: Candidate) -> tuple[bool, bool, float, str]:
    return (candidate.in_flight > 0, candidate.endless, candidate.last_used, str(candidate.key))

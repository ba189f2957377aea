"""Blobs that an unfinished create or pull counts on, and the removal of blobs that nothing needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from corral.store import Store


class Pins:
    """Digests in use before their manifest is written: a delete at the same time must leave them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        held = Hold(self._counts)
        try:
            yield held
        finally:
            self._counts.subtract(held.digests)

    def __contains__(self, digest: str) -> bool:
        return self._counts[digest] > 0


class Hold:
    """The pins of one operation; they fall off when it ends."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.digests: list[str] = []

    def add(self, digests: Iterable[str]) -> None:
        new = list(digests)
        self.digests += new
        self._counts.update(new)


def remove_unused(store: Store, candidates: Iterable[str], pins: Pins) -> None:
    """Delete those of the blobs that no manifest mentions and no operation counts on. Raises StorageError."""
    store.remove_unused(digest for digest in candidates if digest not in pins)

"""Counts and distributions, by labels. One event loop writes and reads them, so nothing is locked.

They are our own because they stand in the path of every token: a look at the client library's histogram costs
several times as much, and its import would slow down every start, also where nobody ever asks for metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

Labels = tuple[str, ...]

# Seconds: from a token of a quick model to a load of a large one.
_BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0
)  # fmt: skip


class Tally:
    """A count for each combination of labels."""

    def __init__(self, name: str, help: str, *labels: str) -> None:
        self.name = name
        self.help = help
        self.labels = labels
        self.counts: Counter[Labels] = Counter()

    def add(self, *labels: str, count: int = 1) -> None:
        self.counts[labels] += count


class Spread:
    """How many observations lie below each bound, for one combination of labels."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        """(upper bound, observations up to it), as Prometheus counts them."""
        below = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self.counts, strict=True):
            below += count
            yield bound, below


class Timing:
    """A distribution of seconds for each combination of labels."""

    def __init__(self, name: str, help: str, *labels: str) -> None:
        self.name = name
        self.help = help
        self.labels = labels
        self.spreads: dict[Labels, Spread] = {}

    def of(self, *labels: str) -> Spread:
        """Where to observe; whoever observes often keeps it."""
        spread = self.spreads.get(labels)
        if spread is None:
            spread = self.spreads[labels] = Spread()
        return spread


Measure = Tally | Timing

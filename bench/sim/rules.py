"""Other ways to choose whom to unload, to compare the product's with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.sim.hardware import GB, load_s
from bench.sim.run import Node, Rule
from corral.scheduler.evict import Candidate, choose

Value = Callable[[Node, Candidate], float]


def ours(node: Node) -> Rule:
    return choose


def lowest(value: Value) -> Callable[[Node], Rule]:
    """An idle one before a busy one, then the one of the lowest value."""

    def make(node: Node) -> Rule:
        def rule(candidates: Iterable[Candidate]) -> Path | None:
            ranked = [
                (c.in_flight > 0, value(node, c), str(c.key), c.key) for c in candidates if not c.pinned
            ]
            return min(ranked)[-1] if ranked else None

        return rule

    return make


def recency(node: Node, c: Candidate) -> float:
    return c.last_used


def frequency(node: Node, c: Candidate) -> float:
    """Uses since the start of the server."""
    return node.uses[c.key]


def reload_cost(node: Node, c: Candidate) -> float:
    """Seconds to load it again for each second that it has been idle."""
    return load_s(node.sizes[c.key]) / max(node.now - c.last_used, 0.1)


def nothing(node: Node, c: Candidate) -> float:
    """As the reference server where all have one keep-alive: the path of the weights decides."""
    return 0.0


class GreedyDual:
    """GreedyDual-Size, with frequency (GDSF). Source: Cherkasova, HP Laboratories, 1998.

    A use gives a model the credit of its uses times its reload a byte, above the level of the last victim.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._level = 0.0
        self._credits: dict[Path, tuple[int, float]] = {}  # uses when it was given, credit

    def __call__(self, candidates: Iterable[Candidate]) -> Path | None:
        ranked = [
            (c.in_flight > 0, self._credit(c.key), str(c.key), c.key) for c in candidates if not c.pinned
        ]
        if not ranked:
            return None
        _, self._level, _, victim = min(ranked)
        return victim

    def _credit(self, key: Path) -> float:
        uses = self._node.uses[key]
        if self._credits.get(key, (-1, 0.0))[0] != uses:
            size = self._node.sizes[key]
            self._credits[key] = (uses, self._level + uses * load_s(size) / (size / GB))
        return self._credits[key][1]


RULES: dict[str, Callable[[Node], Rule]] = {
    "least recently used": lowest(recency),
    "as the reference": lowest(nothing),
    "least often used": lowest(frequency),
    "reload cost by idleness": lowest(reload_cost),
    "GreedyDual-Size, frequency": GreedyDual,
    "ours: used least lately": ours,
}

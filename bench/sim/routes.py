"""Ways to send a request to one of several servers, to compare: what a router can know, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from bench.sim.hardware import load_s, prompt_s
from bench.sim.run import Node, Route
from bench.sim.trace import Turn
from corral.core.model import Model

_ANSWER_S = 8.0  # what a request ahead in the queue of a slot is taken to need


def at_random(seed: int = 1) -> Route:
    chance = random.Random(seed)
    return lambda nodes, turn, model: chance.choice(nodes)


def least_loaded(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
    return min(nodes, key=lambda node: (node.load, node.index))


def by_model(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
    """Each model has one home."""
    return nodes[turn.model % len(nodes)]


def where_loaded(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
    """The least loaded of those that have the model, else of all."""
    return least_loaded([node for node in nodes if node.has(model)] or nodes, turn, model)


def sticky() -> Route:
    """Where the conversation was last, while the model is loaded there; else where it is loaded."""
    last: dict[int, Node] = {}

    def route(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
        before = last.get(turn.session)
        node = before if before is not None and before.has(model) else where_loaded(nodes, turn, model)
        last[turn.session] = node
        return node

    return route


def soonest(nodes: Sequence[Node], turn: Turn, model: Model) -> Node:
    """Where the first token can be expected first: queue, load, and what must be read of the prompt."""
    return min(nodes, key=lambda node: (expected_s(node, turn, model), node.load, node.index))


def expected_s(node: Node, turn: Turn, model: Model) -> float:
    """Seconds to the first token of `turn`, estimated from what the node's own reports tell."""
    process = node.find(model)
    ahead = node.in_flight[turn.model]
    if process is None:
        loads = node.scheduler.num_waiting + (0 if ahead else 1)
        return loads * load_s(model.size) + prompt_s(model, turn.prefix + turn.new)
    queued = max(0, ahead - process.plan.num_slots + 1) / process.plan.num_slots
    unread = turn.prefix + turn.new - process.known(turn.prompt())
    return queued * _ANSWER_S + prompt_s(model, unread) * (process.streams + 1)


ROUTES: dict[str, Callable[[], Route]] = {
    "at random": at_random,
    "least loaded": lambda: least_loaded,
    "a home for each model": lambda: by_model,
    "where it is loaded": lambda: where_loaded,
    "where the conversation was": sticky,
    "where the first token comes soonest": lambda: soonest,
}

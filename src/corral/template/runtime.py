"""Syntax tree -> closures, and the state they run on.

`compile_tree` turns every block into one function once; rendering then only calls functions. A step is
called with the state and dot, and returns None or the signal of a `break` or `continue` on its way up.
Errors have the reference's form: `template: :LINE:BYTE: executing "NAME" at <NODE>: what`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from corral.errors import TemplateError
from corral.template import nodes
from corral.template.encode import MAX_CHARACTERS, Sink
from corral.template.expressions import Expressions
from corral.template.format import show
from corral.template.literals import quote, repair
from corral.template.values import NIL_ELEMENT, kind, map_items, truth


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one execution; beyond any of them it ends with a TemplateError.

    `num_characters` bounds the output and every intermediate text. A step is about one node executed; large
    texts that pass through functions count as more. `depth` is how many `{{ template }}` calls may be open.
    """

    num_characters: int = MAX_CHARACTERS
    num_steps: int = 10_000_000
    depth: int = 50


DEFAULT_LIMITS: Final = Limits()

Signal = Literal["break", "continue"]
Step = Callable[["State", object], Signal | None]


class State(Sink):
    """What one execution changes: its output, its variables, how much it may still do."""

    __slots__ = ("depth", "limits", "steps", "trail", "variables")

    def __init__(self, limits: Limits, root: object) -> None:
        super().__init__(limits.num_characters)
        self.limits = limits
        self.steps = limits.num_steps
        self.depth = 0
        # Every name has a stack of values; the trail holds the names in order of declaration, so that
        # leaving a block takes back what was declared in it.
        self.variables: dict[str, list[object]] = {"$": [root]}
        self.trail: list[str] = []

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise TemplateError(f"template: took more than {self.limits.num_steps} steps")

    def declare(self, name: str, value: object) -> None:
        self.variables.setdefault(name, []).append(value)
        self.trail.append(name)

    def leave(self, mark: int) -> None:
        """Take back all declarations after the first `mark` ones."""
        while len(self.trail) > mark:
            self.variables[self.trail.pop()].pop()


class Program:
    """A compiled template."""

    def __init__(self, tree: nodes.Tree) -> None:
        self._steps: dict[str, Step] = {}
        for name, block in tree.blocks.items():
            self._steps[name] = _Compiler(tree.text, name, self._steps).block(block)

    def run(self, data: Mapping[str, object], limits: Limits) -> str:
        """Execute on a map as root. Raises TemplateError."""
        root = dict(data)
        state = State(limits, root)
        try:
            self._steps[""](state, root)
        except RecursionError:
            raise TemplateError("template: exceeded maximum template depth") from None
        return repair(state.text())


class _Compiler(Expressions):
    """Compiles the blocks of one defined template."""

    def __init__(self, text: str, name: str, steps: Mapping[str, Step]) -> None:
        super().__init__(text, name)
        self._steps = steps

    def block(self, block: nodes.Block) -> Step:
        steps = tuple(self._step(node) for node in block.nodes)
        weight = 1 + sum(map(_weight, block.nodes))

        def run(state: State, dot: object) -> Signal | None:
            state.spend(weight)
            for step in steps:
                signal = step(state, dot)
                if signal is not None:
                    return signal
            return None

        return run

    def _step(self, node: nodes.Node) -> Step:
        match node:
            case nodes.Text():
                return _text(node.text)
            case nodes.Action():
                return self._action(node)
            case nodes.If() | nodes.With():
                return self._condition(node)
            case nodes.Range():
                return self._range(node)
            case nodes.Invoke():
                return self._invoke(node)
            case nodes.Break():
                return lambda _state, _dot: "break"
            case nodes.Continue():
                return lambda _state, _dot: "continue"

    def _action(self, node: nodes.Action) -> Step:
        evaluate = self.pipeline(node.pipeline)

        def run_silently(state: State, dot: object) -> None:
            evaluate(state, dot)

        def run(state: State, dot: object) -> None:
            value = evaluate(state, dot)
            if type(value) is str:
                state.write(value)
            elif value is None:
                state.write("<no value>")
            elif kind(value) == "other":
                raise self.error(node.pipeline, f"can't print a value of type {type(value).__name__}")
            else:
                state.write(show(value))

        return run_silently if node.pipeline.variables else run

    def _condition(self, node: nodes.If | nodes.With) -> Step:
        evaluate = self.pipeline(node.pipeline)
        body = self.block(node.body)
        otherwise = self.block(node.otherwise) if node.otherwise else None
        rebinds = isinstance(node, nodes.With)

        def run(state: State, dot: object) -> Signal | None:
            mark = len(state.trail)
            value = evaluate(state, dot)
            signal = None
            if truth(value):
                signal = body(state, value if rebinds else dot)
            elif otherwise is not None:
                signal = otherwise(state, dot)
            state.leave(mark)
            return signal

        return run

    def _invoke(self, node: nodes.Invoke) -> Step:
        evaluate = self.pipeline(node.pipeline) if node.pipeline else None
        steps = self._steps

        def run(state: State, dot: object) -> None:
            called = steps.get(node.name)
            if called is None:
                raise self.error(node, f"template {quote(node.name)} not defined")
            if state.depth == state.limits.depth:
                raise self.error(node, f"exceeded maximum template depth ({state.limits.depth})")
            value = evaluate(state, dot) if evaluate else None
            saved = state.variables, state.trail
            state.variables, state.trail = {"$": [value]}, []
            state.depth += 1
            called(state, value)
            state.depth -= 1
            state.variables, state.trail = saved

        return run

    def _range(self, node: nodes.Range) -> Step:
        evaluate = self.pipeline(node.pipeline)
        body = self.block(node.body)
        otherwise = self.block(node.otherwise) if node.otherwise else None
        bind = _binder(self, node.pipeline)

        def run(state: State, dot: object) -> Signal | None:
            outer = len(state.trail)
            pairs = self._pairs(node, evaluate(state, dot))
            mark = len(state.trail)
            signal: Signal | None = None
            if not pairs and otherwise is not None:
                signal = otherwise(state, dot)
            for key, element in pairs:
                bind(state, key, element)
                stop = body(state, element)
                state.leave(mark)
                if stop == "break":
                    break
            state.leave(outer)
            return signal

        return run

    def _pairs(self, node: nodes.Range, value: object) -> _Pairs:
        """What a range visits, with keys."""
        if isinstance(value, list | tuple | bytes):
            return _Pairs(len(value), enumerate(map(_element, value)))
        if isinstance(value, dict):
            return _Pairs(len(value), ((key, _element(item)) for key, item in map_items(value)))
        if value is None:
            return _Pairs(0, ())
        if kind(value) != "int" or not isinstance(value, int):
            raise self.error(_last_operand(node.pipeline), f"range can't iterate over {show(value)}")
        if len(node.pipeline.variables) > 1:
            message = f"can't use {show(value)} to iterate over more than one variable"
            raise self.error(_last_operand(node.pipeline), message)
        return _Pairs(max(value, 0), ((number, number) for number in range(value)))


def _text(text: str) -> Step:
    return lambda state, _dot: state.write(text)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Keys and elements of a range; false if there are none."""

    size: int
    items: Iterable[tuple[object, object]]

    def __bool__(self) -> bool:
        return self.size > 0

    def __iter__(self) -> Iterator[tuple[object, object]]:
        return iter(self.items)


def _element(value: object) -> object:
    return NIL_ELEMENT if value is None else value

"""Syntax tree -> closures.

Every block becomes one function once; rendering then only calls functions. A step is called with the state
and dot, and returns None or the signal of a `break` or `continue` on its way up. Errors have the reference's
form: `template: :LINE:BYTE: executing "NAME" at <NODE>: what`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from corral.errors import TemplateError
from corral.template import nodes
from corral.template.expressions import Expressions
from corral.template.format import show
from corral.template.literals import quote, repair
from corral.template.state import Limits, State
from corral.template.values import NIL_ELEMENT, kind, map_items, truth

Signal = Literal["break", "continue"]
Step = Callable[[State, object], Signal | None]


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
    """Compiles the blocks of one defined template; `steps` holds all of them, by name, once all are done."""

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
                return self._invocation(node)
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
                raise self.error(node.pipeline, f"can't print {node.pipeline} of type {type(value).__name__}")
            else:
                state.write(show(value, state.limits.num_characters))

        return run_silently if node.pipeline.variables else run

    def _condition(self, node: nodes.If | nodes.With) -> Step:
        evaluate = self.pipeline(node.pipeline)
        body = self.block(node.body)
        otherwise = self.block(node.otherwise) if node.otherwise else None
        rebinds = isinstance(node, nodes.With)

        def run(state: State, dot: object) -> Signal | None:
            mark = len(state.trail)
            value = evaluate(state, dot)
            signal: Signal | None = None
            if truth(value):
                signal = body(state, value if rebinds else dot)
            elif otherwise is not None:
                signal = otherwise(state, dot)
            state.leave(mark)
            return signal

        return run

    def _invocation(self, node: nodes.Invoke) -> Step:
        evaluate = self.pipeline(node.pipeline) if node.pipeline else None
        steps = self._steps

        def run(state: State, dot: object) -> None:
            called = steps.get(node.name)
            if called is None:
                raise self.error(node, f"template {quote(node.name)} not defined")
            if state.depth == state.limits.depth:
                raise self.error(node, f"exceeded maximum template depth ({state.limits.depth})")
            value = evaluate(state, dot) if evaluate else None
            # A called template sees none of the caller's variables.
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
        bind = self._binder(node.pipeline)

        def run(state: State, dot: object) -> Signal | None:
            outer = len(state.trail)
            pairs = self._pairs(node, evaluate(state, dot))
            state.spend(pairs.num_sorted)
            signal: Signal | None = None
            if pairs.size == 0 and otherwise is not None:
                signal = otherwise(state, dot)
            mark = len(state.trail)
            for key, element in pairs:
                bind(state, key, element)
                stopped = body(state, element)
                state.leave(mark)
                if stopped == "break":
                    break
            state.leave(outer)
            return signal

        return run

    def _binder(self, pipeline: nodes.Pipeline) -> Callable[[State, object, object], None]:
        """What gives key and element of an iteration to the range's variables."""
        names = pipeline.variables
        if not names:
            return lambda _state, _key, _element: None
        key_name = names[0] if len(names) > 1 else None
        element_name = names[-1]
        # In `$x, $x :=` the first one lies below the second on the stack of that name.
        key_place = -2 if key_name == element_name and not pipeline.assigns else -1

        def bind(state: State, key: object, element: object) -> None:
            if key_name is not None:
                state.variables[key_name][key_place] = key
            state.variables[element_name][-1] = element

        return bind

    def _pairs(self, node: nodes.Range, value: object) -> _Pairs:
        if isinstance(value, list | tuple | bytes):
            return _Pairs(len(value), enumerate(map(_element, value)))
        if isinstance(value, dict):
            entries = ((key, _element(item)) for key, item in map_items(value))
            return _Pairs(len(value), entries, num_sorted=len(value))
        if value is None:
            return _Pairs(0, ())
        where = _last_operand(node.pipeline)
        if kind(value) == "other":
            raise self.error(where, f"range can't iterate over a value of type {type(value).__name__}")
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(where, f"range can't iterate over {show(value)}")
        if len(node.pipeline.variables) > 1:
            raise self.error(where, f"can't use {show(value)} to iterate over more than one variable")
        return _Pairs(max(value, 0), ((number, number) for number in range(value)))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Keys and elements that a range visits; `num_sorted` of them had to be sorted first."""

    size: int
    items: Iterable[tuple[object, object]]
    num_sorted: int = 0

    def __iter__(self) -> Iterator[tuple[object, object]]:
        return iter(self.items)


def _element(value: object) -> object:
    return NIL_ELEMENT if value is None else value


def _text(text: str) -> Step:
    return lambda state, _dot: state.write(text)


def _weight(node: nodes.Node) -> int:
    """How many steps a node takes, its inner blocks not counted."""
    match node:
        case nodes.Action() | nodes.If() | nodes.With() | nodes.Range():
            return 1 + _size(node.pipeline)
        case nodes.Invoke() if node.pipeline:
            return 2 + _size(node.pipeline)
    return 1


def _size(operand: nodes.Operand) -> int:
    match operand:
        case nodes.Pipeline():
            return sum(_size(part) for command in operand.commands for part in command.operands)
        case nodes.Chain():
            return 1 + len(operand.names) + _size(operand.operand)
        case nodes.Field() | nodes.Variable():
            return 1 + len(operand.names)
    return 1


def _last_operand(pipeline: nodes.Pipeline) -> nodes.Operand | nodes.Command:
    """What an error about the value of a pipeline points at."""
    last = pipeline.commands[-1]
    return last.operands[0] if len(last.operands) == 1 else last

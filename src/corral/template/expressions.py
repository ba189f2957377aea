"""Pipelines, commands and operands -> closures that give their value.

An expression is called with the state and dot. The second and later commands of a pipeline also get the
value piped into them, as the last operand of their function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corral.errors import TemplateError
from corral.template import nodes
from corral.template.compare import CallError
from corral.template.functions import FUNCTIONS, Function
from corral.template.literals import quote
from corral.template.parser import location
from corral.template.state import State
from corral.template.values import NIL_ELEMENT, Struct, truth, type_name

Expression = Callable[[State, object], object]
Piped = Callable[[State, object, object], object]
_MISSING = object()


class Expressions:
    """Compiles the expressions of one defined template; `name` is its name, '' for the root."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def error(self, node: nodes.Operand | nodes.Command | nodes.Invoke, message: str) -> TemplateError:
        """The error of executing this node; `column` counts characters from 1, the text bytes from 0."""
        line, column = location(self._text, node.position)
        before = self._text[node.position - column + 1 : node.position]
        num_bytes = len(before.encode("utf-8", "replace"))
        where = f"template: :{line}:{num_bytes}: executing {quote(self._name)} at <{node}>"
        return TemplateError(f"{where}: {message}", line=line, column=column)

    # pipelines

    def pipeline(self, node: nodes.Pipeline) -> Expression:
        first = self._command(node.commands[0])
        others = tuple(self._piped(command) for command in node.commands[1:])
        if not others and not node.variables:
            return first
        bind = self._bind(node)

        def run(state: State, dot: object) -> object:
            value = first(state, dot)
            for command in others:
                value = command(state, dot, value)
            bind(state, value)
            return value

        return run

    def _bind(self, node: nodes.Pipeline) -> Callable[[State, object], None]:
        """What gives the value to the pipeline's variables."""
        names = node.variables

        def declare(state: State, value: object) -> None:
            for name in names:
                state.declare(name, value)

        def assign(state: State, value: object) -> None:
            for name in names:
                self.assign(node, state, name, value)

        return assign if node.assigns else declare

    def assign(self, node: nodes.Pipeline, state: State, name: str, value: object) -> None:
        values = state.variables.get(name)
        if not values:
            raise self.error(node, f"undefined variable: {name}")
        values[-1] = value

    # commands

    def _command(self, command: nodes.Command) -> Expression:
        first = command.operands[0]
        has_arguments = len(command.operands) > 1
        match first:
            case nodes.Function():
                return self._call(command, first)
            case nodes.Field() if has_arguments:
                return self._field(first, called=True)
            case nodes.Variable() if has_arguments and first.names:
                return self._variable(first, called=True)
            case nodes.Chain() if has_arguments:
                return self._chain(first, called=True)
            case nodes.Nil():
                return self._failing(first, "nil is not a command")
        if has_arguments:
            return self._failing(first, f"can't give argument to non-function {_operand_text(first)}")
        return self.operand(first)

    def _piped(self, command: nodes.Command) -> Piped:
        first = command.operands[0]
        match first:
            case nodes.Function():
                return self._call_piped(command, first)
            case nodes.Field():
                run = self._field(first, called=True)
            case nodes.Variable() if first.names:
                run = self._variable(first, called=True)
            case nodes.Chain():
                run = self._chain(first, called=True)
            case _:
                run = self._failing(first, f"can't give argument to non-function {_operand_text(first)}")
        return lambda state, dot, _value: run(state, dot)

    def _failing(self, node: nodes.Operand | nodes.Command, message: str) -> Expression:
        """An expression that is wrong, but only if it is ever evaluated."""

        def fail(_state: State, _dot: object) -> object:
            raise self.error(node, message)

        return fail

    # functions

    def _call(self, command: nodes.Command | nodes.Function, name: nodes.Function) -> Expression:
        operands = command.operands[1:] if isinstance(command, nodes.Command) else ()
        function = FUNCTIONS[name.name]
        problem = _count_problem(name.name, function, len(operands))
        if problem:
            return self._failing(name, problem)
        arguments = self._arguments(function, operands)
        if name.name in ("and", "or"):
            return self._shortcut(arguments, stops_at=name.name == "or")

        def run(state: State, dot: object) -> object:
            return self._invoke(command, name, function, state, [read(state, dot) for read in arguments])

        return run

    def _call_piped(self, command: nodes.Command, name: nodes.Function) -> Piped:
        operands = command.operands[1:]
        function = FUNCTIONS[name.name]
        problem = _count_problem(name.name, function, len(operands) + 1)
        if problem:
            fail = self._failing(name, problem)
            return lambda state, dot, _value: fail(state, dot)
        arguments = self._arguments(function, operands)
        if name.name in ("and", "or"):
            stops_at = name.name == "or"
            shortcut = self._shortcut(arguments, stops_at=stops_at)

            def choose(state: State, dot: object, value: object) -> object:
                found = shortcut(state, dot) if arguments else _MISSING
                return value if found is _MISSING or truth(found) is not stops_at else found

            return choose
        must_be_text = _wants_text(function, len(operands))

        def run(state: State, dot: object, value: object) -> object:
            if must_be_text and not isinstance(value, str):
                raise self.error(command, _not_text(value))
            values = [read(state, dot) for read in arguments]
            values.append(value)
            return self._invoke(command, name, function, state, values)

        return run

    def _invoke(
        self,
        command: nodes.Command | nodes.Function,
        name: nodes.Function,
        function: Function,
        state: State,
        arguments: Sequence[object],
    ) -> object:
        try:
            result = function.call(arguments, state.limits.num_characters)
        except CallError as error:
            raise self.error(command, f"error calling {name.name}: {error}") from None
        size = _size(result)
        for argument in arguments:
            if type(argument) is str:
                size += len(argument)
        if size > 256:
            # Work on large texts counts: a loop over them ends like a long loop over small ones.
            state.spend(size >> 4)
            if type(result) is str and len(result) > state.limits.num_characters:
                raise self.error(command, f"text is larger than {state.limits.num_characters} characters")
        return result

    def _shortcut(self, arguments: Sequence[Expression], *, stops_at: bool) -> Expression:
        """`and` and `or`: the first operand that decides, else the last one."""

        def run(state: State, dot: object) -> object:
            value: object = None
            for read in arguments:
                value = read(state, dot)
                if truth(value) is stops_at:
                    break
            return value

        return run

    def _arguments(self, function: Function, operands: Sequence[nodes.Operand]) -> list[Expression]:
        return [
            self._text_operand(operand) if _wants_text(function, index) else self.operand(operand)
            for index, operand in enumerate(operands)
        ]

    def _text_operand(self, operand: nodes.Operand) -> Expression:
        """An operand that has to be a string."""
        if isinstance(operand, nodes.Nil):
            return self._failing(operand, "cannot assign nil to string")
        if isinstance(operand, nodes.Constant) and not isinstance(operand.value, str):
            return self._failing(operand, f"expected string; found {operand}")
        read = self.operand(operand)

        def run(state: State, dot: object) -> object:
            value = read(state, dot)
            if not isinstance(value, str):
                raise self.error(operand, _not_text(value))
            return value

        return run

    # operands

    def operand(self, operand: nodes.Operand) -> Expression:
        match operand:
            case nodes.Dot():
                return lambda _state, dot: None if dot is NIL_ELEMENT else dot
            case nodes.Nil():
                return lambda _state, _dot: None
            case nodes.Constant():
                constant = operand.value
                return lambda _state, _dot: constant
            case nodes.Field():
                return self._field(operand)
            case nodes.Variable():
                return self._variable(operand)
            case nodes.Function():
                return self._call(operand, operand)
            case nodes.Chain():
                return self._chain(operand)
            case nodes.Pipeline():
                return self.pipeline(operand)

    def _field(self, node: nodes.Field, *, called: bool = False) -> Expression:
        if len(node.names) > 1 or called:
            return lambda _state, dot: self._look_up(node, dot, node.names, called=called)
        (name,) = node.names

        def read(_state: State, dot: object) -> object:
            if type(dot) is Struct:
                value = dot.fields.get(name, _MISSING)
                if value is not _MISSING:
                    return value
            return self._look_up(node, dot, node.names)

        return read

    def _variable(self, node: nodes.Variable, *, called: bool = False) -> Expression:
        name = node.name

        def read(state: State, _dot: object) -> object:
            values = state.variables.get(name)
            if not values:
                raise self.error(node, f"undefined variable: {name}")
            value = values[-1]
            return None if value is NIL_ELEMENT else value

        def read_field(state: State, _dot: object) -> object:
            values = state.variables.get(name)
            if not values:
                raise self.error(node, f"undefined variable: {name}")
            return self._look_up(node, values[-1], node.names, called=called)

        return read_field if node.names else read

    def _chain(self, node: nodes.Chain, *, called: bool = False) -> Expression:
        if isinstance(node.operand, nodes.Nil):
            return self._failing(node, f"indirection through explicit nil in {node}")
        read = self.operand(node.operand)
        return lambda state, dot: self._look_up(node, read(state, dot), node.names, called=called)

    def _look_up(
        self,
        node: nodes.Field | nodes.Variable | nodes.Chain,
        value: object,
        names: Sequence[str],
        *,
        called: bool = False,
    ) -> object:
        """Follow field names; `called` says that the last one was given arguments, which none takes."""
        if value is None:
            # Go's zero Value: what is missing from the start stays missing.
            return None
        static_type = type_name(value)
        for index, name in enumerate(names):
            last_is_called = called and index == len(names) - 1
            if isinstance(value, dict):
                if last_is_called:
                    raise self.error(node, f"{name} is not a method but has arguments")
                value = value.get(name)
            elif isinstance(value, Struct) and name in value.fields:
                if last_is_called:
                    raise self.error(node, f"{name} has arguments but cannot be invoked as function")
                value = value.fields[name]
            elif value is None or value is NIL_ELEMENT:
                raise self.error(node, f"nil pointer evaluating interface {{}}.{name}")
            else:
                raise self.error(node, f"can't evaluate field {name} in type {static_type}")
            static_type = type_name(value) if isinstance(value, Struct) else "interface {}"
        return value


def _operand_text(operand: nodes.Operand) -> str:
    return f"({operand})" if isinstance(operand, nodes.Pipeline) else str(operand)


def _not_text(value: object) -> str:
    if value is None:
        return "invalid value; expected string"
    return f"wrong type for value; expected string; got {type_name(value)}"


def _wants_text(function: Function, index: int) -> bool:
    return function.strings == "all" or (function.strings == "first" and index == 0)


def _count_problem(name: str, function: Function, num_arguments: int) -> str | None:
    if function.variadic:
        if num_arguments >= function.num_fixed:
            return None
        return f"wrong number of args for {name}: want at least {function.num_fixed} got {num_arguments}"
    if num_arguments == function.num_fixed:
        return None
    return f"wrong number of args for {name}: want {function.num_fixed} got {num_arguments}"


def _size(value: object) -> int:
    """How much of a function's result had to be made: characters of a text, elements of a list."""
    return len(value) if isinstance(value, str | list | tuple) else 0
